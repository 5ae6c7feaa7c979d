//===- Layer.cpp - Buffers of an expert layer -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "HostCode.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;
using namespace moe_test;

/// What the host computes for these tokens.
static int64_t evaluateSize(
    const ExpertLayerSpec &spec, int64_t tokens,
    llvm::function_ref<Value(Emitter, const ExpertLayerSpec &, Value)> emit) {
  Harness harness(KernelSet::SM80);
  Value result = emit(harness.getEmitter(), spec, harness.add(tokens));
  return harness.evaluate(result);
}

Sorted::Sorted(Harness &harness, const ExpertLayerSpec &spec, int64_t tokens)
    : harness(harness), spec(spec), ids(Element::I32, {tokens, spec.k}),
      counts(Element::I32, {spec.experts}),
      offsets(Element::I32, {spec.experts + 1}),
      rowToken(Element::I32, {tokens * spec.k}),
      rowOf(Element::I32, {tokens, spec.k}),
      tiles(Element::I32, {evaluateSize(spec, tokens, getTilesSize)}),
      tileRowsNumber(evaluateSize(spec, tokens, chooseTileRows)) {
  idsValue = harness.add(ids);
  tokensValue = harness.add(tokens);
  rows = {harness.add(counts), harness.add(offsets), harness.add(rowToken),
          harness.add(rowOf),  harness.add(tiles),   Value()};
}

void Sorted::emit(const std::vector<std::pair<ExpertKind, int64_t>> &kinds) {
  SmallVector<ExpertsOfKindAttr> runs;
  for (auto [kind, count] : kinds)
    runs.push_back(
        ExpertsOfKindAttr::get(harness.getContext(), kind, count, 0));
  Emitter e = harness.getEmitter();
  rows.tileRows = chooseTileRows(e, spec, tokensValue);
  emitSort(e, spec, runs, idsValue, rows, tokensValue);
}
