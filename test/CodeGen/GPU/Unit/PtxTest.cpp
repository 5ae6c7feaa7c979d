//===- PtxTest.cpp - Kernels assemble -------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What host execution does not see: the NVPTX back end and ptxas.
//
//===----------------------------------------------------------------------===//

#include "Ptx.h"
#include "Layer.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;
using namespace moe_test;

namespace {

/// Every kernel of a layer and of a product, of all numbers of rows.
std::string emitLayer(KernelSet set, Element element) {
  Harness harness(set);
  ExpertLayerSpec spec;
  spec.layout = {{320, 328, true, true, true}, getBytes(element)};
  spec.element = harness.getType(element);
  spec.experts = 8;
  spec.k = 2;
  Sorted sorted(harness, spec, 4);
  sorted.emit({{ExpertKind::FFN, 8}});
  Emitter e = harness.getEmitter();
  Buffer x(element, {4, 320}), h(element, {8, 328}),
      out(Element::F32, {8, 320});
  Buffer slots(Element::I8, {spec.layout.getSlotBytes()});
  Buffer slotOf(Element::I32, {8});
  Wave wave = {harness.add(slots), harness.add(1), harness.add(slotOf)};
  Value xValue = harness.add(x), hValue = harness.add(h);
  Value outValue = harness.add(out);
  emitExpertUp(e, spec, sorted.rows, wave, xValue, hValue, sorted.tokensValue);
  emitExpertDown(e, spec, sorted.rows, wave, hValue, outValue,
                 sorted.tokensValue);
  return harness.compileToPtx();
}

int64_t countOf(llvm::StringRef text, llvm::StringRef what) {
  return text.count(what);
}

void expectAssembles(llvm::StringRef ptx, llvm::StringRef arch) {
  EXPECT_EQ(countOf(ptx, ".extern .func"), 0);
  if (!llvm::sys::fs::can_execute(MOE_TEST_PTXAS))
    GTEST_SKIP() << "there is no ptxas";
  std::string log = assemble(ptx, arch);
  EXPECT_GT(countOf(log, "0 bytes spill stores, 0 bytes spill loads"), 0);
  EXPECT_EQ(countOf(log, "bytes spill stores"),
            countOf(log, "0 bytes stack frame, 0 bytes spill stores"))
      << log;
}

TEST(Ptx, TensorCores) {
  for (Element element : {Element::BF16, Element::F16}) {
    std::string ptx = emitLayer(KernelSet::SM80, element);
    // Loops over k are not unrolled. Four steps of 16 in each; a warp of the
    // tiles of 16, 64 and 128 rows has 4, 8 and 16 blocks of 16 x 8 sums.
    EXPECT_EQ(countOf(ptx, "mma.sync.aligned.m16n8k16"), 2 * 4 * (4 + 8 + 16));
    expectAssembles(ptx, "sm_80");
  }
}

TEST(Ptx, ExactFloat32) {
  std::string ptx = emitLayer(KernelSet::SM80, Element::F32);
  EXPECT_EQ(countOf(ptx, "mma.sync"), 0);
  expectAssembles(ptx, "sm_80");
}

TEST(Ptx, Hopper) {
  std::string ptx = emitLayer(KernelSet::SM90a, Element::BF16);
  expectAssembles(ptx, "sm_90a");
}

TEST(Ptx, Routing) {
  for (auto [experts, k] : {std::pair{8, 2}, {128, 8}}) {
    Harness harness(KernelSet::SM80);
    Buffer logits(Element::F32, {1, experts}), ids(Element::I32, {1, k});
    Buffer weights(Element::F32, {1, k}), out(Element::F32, {1, 64});
    Buffer rows(Element::F32, {k, 64});
    Value logitsValue = harness.add(logits), idsValue = harness.add(ids);
    Value weightsValue = harness.add(weights), outValue = harness.add(out);
    Value rowsValue = harness.add(rows), tokens = harness.add(1);
    Emitter e = harness.getEmitter();
    emitRoute(e, {experts, k, Score::Softmax, Normalize::Sum, 1.0f},
              logitsValue, idsValue, weightsValue, tokens);
    emitCombine(e, 64, k, rowsValue, idsValue, weightsValue, outValue, tokens);
    expectAssembles(harness.compileToPtx(), "sm_80");
  }
}

} // namespace
