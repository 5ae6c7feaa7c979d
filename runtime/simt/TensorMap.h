//===- TensorMap.h - Tensor maps as host execution encodes them -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_TENSORMAP_H
#define MOE_SIMT_TENSORMAP_H

#include "Machine.h"

namespace moe_simt {

/// The 128 bytes of a tensor map.
struct TensorMap {
  uint64_t magic;
  uint64_t base;
  uint64_t sizes[5];   // elements, innermost first
  uint64_t strides[4]; // bytes, of dimensions 1 to 4
  uint16_t box[5];
  uint8_t rank, elementBytes, swizzle;
  uint8_t reserved[27];

  static constexpr uint64_t kMagic = 0x70614d544d495301;
  uint32_t getBoxRows() const;
  uint32_t getRowBytes() const { return uint32_t(box[0]) * elementBytes; }
  uint32_t getBoxBytes() const { return getBoxRows() * getRowBytes(); }
};
static_assert(sizeof(TensorMap) == MOE_RT_TENSOR_MAP_BYTES,
              "as large as the driver's");

/// Where the byte at this shared address is, in a pattern of rows of `swizzle`
/// bytes: 0, 32, 64 or 128.
inline uint32_t swizzle(uint32_t address, unsigned bytes) {
  return bytes ? address ^ ((address >> 7 & (bytes / 16 - 1)) << 4) : address;
}

} // namespace moe_simt

#endif // MOE_SIMT_TENSORMAP_H
