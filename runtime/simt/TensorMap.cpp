//===- TensorMap.cpp - Tensor maps as host execution encodes them ---------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMap.h"
#include "moe_rt/moe_rt.h"
#include <cstring>

using namespace moe_simt;

uint32_t TensorMap::getBoxRows() const {
  uint32_t rows = 1;
  for (unsigned d = 1; d < rank; ++d)
    rows *= box[d];
  return rows;
}

static unsigned getElementBytes(uint32_t type) {
  switch (type) {
  case MOE_RT_F64:
  case MOE_RT_I64:
    return 8;
  case MOE_RT_F32:
  case MOE_RT_I32:
    return 4;
  case MOE_RT_F16:
  case MOE_RT_BF16:
    return 2;
  case MOE_RT_U8:
    return 1;
  default:
    return 0;
  }
}

/// What the documentation of cuTensorMapEncodeTiled requires.
static std::string check(const moe_rt_tensor_map_spec &spec) {
  auto number = [](uint64_t value) { return std::to_string(value); };
  auto base = reinterpret_cast<uintptr_t>(spec.base);
  unsigned elementBytes = getElementBytes(spec.element);
  if (!elementBytes)
    return "elements of type " + number(spec.element) + " have no tensor maps";
  if (spec.rank < 1 || spec.rank > 5)
    return "rank " + number(spec.rank) + ", must be 1 to 5";
  if (base == 0 || base % 16)
    return "base address 0x" + number(base) + " is no multiple of 16";
  if (spec.swizzle != 0 && spec.swizzle != 32 && spec.swizzle != 64 &&
      spec.swizzle != 128)
    return "swizzle of " + number(spec.swizzle) + " bytes";
  for (uint32_t d = 0; d < spec.rank; ++d) {
    std::string where = " of dimension " + number(d);
    if (spec.sizes[d] < 1 || spec.sizes[d] > uint64_t(1) << 32)
      return "size " + number(spec.sizes[d]) + where + ", must be 1 to 2^32";
    if (spec.box[d] < 1 || spec.box[d] > 256)
      return "box " + number(spec.box[d]) + where + ", must be 1 to 256";
    if (d == 0)
      continue;
    if (spec.strides[d] % 16 || spec.strides[d] >= uint64_t(1) << 40)
      return "stride " + number(spec.strides[d]) + where +
             ", must be a multiple of 16 below 2^40";
  }
  uint64_t row = uint64_t(spec.box[0]) * elementBytes;
  if (row % 16)
    return "box rows of " + number(row) + " bytes, must be a multiple of 16";
  if (spec.swizzle && row > spec.swizzle)
    return "box rows of " + number(row) +
           " bytes are wider than the swizzle of " + number(spec.swizzle);
  return "";
}

std::string moe_simt::encodeTensorMap(const moe_rt_tensor_map_spec &spec,
                                      void *map) {
  std::string problem = check(spec);
  if (!problem.empty())
    return "tensor map: " + problem;
  TensorMap encoded{};
  encoded.magic = TensorMap::kMagic;
  encoded.base = reinterpret_cast<uintptr_t>(spec.base);
  encoded.rank = static_cast<uint8_t>(spec.rank);
  encoded.elementBytes = static_cast<uint8_t>(getElementBytes(spec.element));
  encoded.swizzle = static_cast<uint8_t>(spec.swizzle);
  for (uint32_t d = 0; d < spec.rank; ++d) {
    encoded.sizes[d] = spec.sizes[d];
    encoded.box[d] = static_cast<uint16_t>(spec.box[d]);
    if (d > 0)
      encoded.strides[d - 1] = spec.strides[d];
  }
  memcpy(map, &encoded, sizeof(encoded));
  return "";
}
