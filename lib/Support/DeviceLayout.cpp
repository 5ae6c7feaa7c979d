//===- DeviceLayout.cpp - Bytes of packed weights for GPUs ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Support/DeviceLayout.h"

using namespace mlir::moe;
using namespace mlir::moe::device;

static int64_t alignTo(int64_t value, int64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

int64_t ExpertLayout::getRows(int64_t part) const {
  if (part == 1)
    return shape.hidden;
  return shape.gated ? 2 * alignTo(shape.intermediate, kInterleave)
                     : shape.intermediate;
}

int64_t ExpertLayout::getColumns(int64_t part) const {
  return getRowStride(part == 0 ? shape.hidden : shape.intermediate);
}

int64_t ExpertLayout::getBiasOffset(int64_t part) const {
  return alignTo(getRows(part) * getColumns(part) * elementBytes, 128);
}

int64_t ExpertLayout::getPartBytes(int64_t part) const {
  int64_t bytes = getRows(part) * getColumns(part) * elementBytes;
  if (hasBias(part))
    bytes = getBiasOffset(part) + 4 * getRows(part);
  return alignTo(bytes, packed::kPartAlignment);
}
