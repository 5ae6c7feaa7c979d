//===- Matrix.cpp - ldmatrix, stmatrix and mma.sync -----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <cmath>

using namespace moe_simt;

namespace {
/// An 8x8 matrix of 16-bit elements.
struct Tile {
  uint16_t at[8][8];
};
} // namespace

/// The elements of a tile that a lane holds: two of one register.
static uint16_t &getElement(Tile &tile, unsigned lane, unsigned i,
                            bool transposed) {
  unsigned major = lane / 4, minor = 2 * (lane % 4) + i;
  return transposed ? tile.at[minor][major] : tile.at[major][minor];
}

void models::loadMatrix(moe_simt_thread *self, uint64_t *slots,
                        uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  unsigned count = getWord(slots, 0);
  bool transposed = getWord(slots, 1);
  Lanes lanes;
  if (!joinWholeWarp(thread, MOE_SIMT_LOAD_MATRIX, slots, location, lanes))
    return;
  Tile tiles[4];
  for (unsigned i = 0; i < 8 * count; ++i) {
    Thread &lane = *lanes[i];
    const char *row = getPointer(lane.slots, 2);
    block.checkShared(lane, row, 16, 16, "row of ldmatrix", location);
    block.shadow.read(lane, block.offsetOf(row), 16, Proxy::Generic, location);
    memcpy(tiles[i / 8].at[i % 8], row, 16);
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < count; ++i)
      lanes[lane]->slots[i] =
          getElement(tiles[i], lane, 0, transposed) |
          uint32_t(getElement(tiles[i], lane, 1, transposed)) << 16;
  leaveWarp(lanes);
}

void models::storeMatrix(moe_simt_thread *self, uint64_t *slots,
                         uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  unsigned count = getWord(slots, 0);
  bool transposed = getWord(slots, 1);
  Lanes lanes;
  if (!joinWholeWarp(thread, MOE_SIMT_STORE_MATRIX, slots, location, lanes))
    return;
  Tile tiles[4];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < count; ++i) {
      uint32_t bits = getWord(lanes[lane]->slots, 3 + i);
      getElement(tiles[i], lane, 0, transposed) = bits;
      getElement(tiles[i], lane, 1, transposed) = bits >> 16;
    }
  for (unsigned i = 0; i < 8 * count; ++i) {
    Thread &lane = *lanes[i];
    char *row = getPointer(lane.slots, 2);
    block.checkShared(lane, row, 16, 16, "row of stmatrix", location);
    block.shadow.write(lane, block.offsetOf(row), 16, Proxy::Generic, location);
    memcpy(row, tiles[i / 8].at[i % 8], 16);
  }
  leaveWarp(lanes);
}

float moe_simt::halfToFloat(uint16_t bits, bool isBF16) {
  if (isBF16)
    return toFloat(uint32_t(bits) << 16);
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
  if (exponent == 31)
    return toFloat(sign | 0x7f800000 | fraction << 13);
  if (exponent)
    return toFloat(sign | (exponent + 112) << 23 | fraction << 13);
  float value = std::ldexp(static_cast<float>(fraction), -24);
  return sign ? -value : value;
}

// Fragments, with g = lane / 4 and q = lane % 4: registers of A hold rows g and
// g + 8 by turns, columns 2q and 2q + 1, eight further from register 2 on;
// those of B rows 2q and 2q + 1 of column g; the accumulators rows g (two) and
// g + 8 (two), columns 2q and 2q + 1.
void models::mma(moe_simt_thread *self, uint64_t *slots, uint32_t location) {
  Thread &thread = getThread(self);
  constexpr unsigned kM = 16, kN = 8, kAttributes = 7, kBF16 = 9;
  unsigned depth = getWord(slots, 2);
  bool isBF16 = getWord(slots, 3) == kBF16;
  Lanes lanes;
  if (!joinWholeWarp(thread, MOE_SIMT_MMA, slots, location, lanes))
    return;
  float a[kM][16], b[16][kN], c[kM][kN];
  unsigned registersA = depth / 4, registersB = depth / 8;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    unsigned group = lane / 4, pair = 2 * (lane % 4);
    const uint64_t *values = lanes[lane]->slots + kAttributes;
    for (unsigned i = 0; i < registersA; ++i)
      for (unsigned half = 0; half < 2; ++half)
        a[group + 8 * (i % 2)][8 * (i / 2) + pair + half] =
            halfToFloat(getWord(values, i) >> 16 * half, isBF16);
    values += registersA;
    for (unsigned i = 0; i < registersB; ++i)
      for (unsigned half = 0; half < 2; ++half)
        b[8 * i + pair + half][group] =
            halfToFloat(getWord(values, i) >> 16 * half, isBF16);
    values += registersB;
    for (unsigned i = 0; i < 4; ++i)
      c[group + 8 * (i / 2)][pair + i % 2] = toFloat(getWord(values, i));
  }
  for (unsigned k = 0; k < depth; ++k)
    for (unsigned m = 0; m < kM; ++m)
      for (unsigned n = 0; n < kN; ++n)
        c[m][n] += a[m][k] * b[k][n];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < 4; ++i)
      lanes[lane]->slots[i] =
          toBits(c[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2]);
  Counters &counters = thread.block->grid.counters;
  ++counters.mma;
  counters.multiplyAdds += kM * kN * depth;
  leaveWarp(lanes);
}
