//===- Hopper.cpp - Tile kernels with TMA and wgmma -----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileKernels.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

bool mlir::moe::gpu::emitTileUp90(Emitter, const ExpertLayerSpec &,
                                  const SortedRows &, const Wave &, Value,
                                  Value, Value, int64_t) {
  return false;
}

bool mlir::moe::gpu::emitTileDown90(Emitter, const ExpertLayerSpec &,
                                    const SortedRows &, const Wave &, Value,
                                    Value, Value, int64_t) {
  return false;
}

bool mlir::moe::gpu::emitTileGemm90(Emitter, int64_t, int64_t, Type, Value,
                                    Value, Value, Value, int64_t) {
  return false;
}
