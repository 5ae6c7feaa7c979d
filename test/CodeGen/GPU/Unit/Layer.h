//===- Layer.h - Buffers of an expert layer --------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_TEST_CODEGEN_GPU_UNIT_LAYER_H
#define MOE_TEST_CODEGEN_GPU_UNIT_LAYER_H

#include "Harness.h"
#include <utility>

namespace moe_test {

/// What emitSort reads and writes, with exactly the elements it may need.
struct Sorted {
  Sorted(Harness &harness, const mlir::moe::gpu::ExpertLayerSpec &spec,
         int64_t tokens);
  /// Emits the sort of `ids` by these runs of kinds.
  void
  emit(const std::vector<std::pair<mlir::moe::ExpertKind, int64_t>> &kinds);

  Harness &harness;
  mlir::moe::gpu::ExpertLayerSpec spec;
  Buffer ids, counts, offsets, rowToken, rowOf, tiles;
  int64_t tileRowsNumber;
  mlir::Value idsValue, tokensValue;
  mlir::moe::gpu::SortedRows rows;
};

} // namespace moe_test

#endif // MOE_TEST_CODEGEN_GPU_UNIT_LAYER_H
