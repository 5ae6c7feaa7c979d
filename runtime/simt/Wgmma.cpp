//===- Wgmma.cpp - Products of matrices by warpgroups ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include "TensorMap.h"
#include <algorithm>

using namespace moe_simt;

namespace {

constexpr unsigned kM = 64, kK = 16; // of elements of 16 bits
constexpr unsigned kElementBytes = 2, kUnit = 16;
constexpr unsigned kUnitElements = kUnit / kElementBytes;
constexpr unsigned kAttributes = 11;

/// A matrix in shared memory (PTX ISA, "Matrix Descriptor Format").
struct Descriptor {
  uint32_t start, leading, stride; // bytes
  uint32_t swizzle;                // bytes: 0, 32, 64 or 128
  bool hasBaseOffset;

  explicit Descriptor(uint64_t bits)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4),
        stride((bits >> 32 & 0x3fff) << 4), hasBaseOffset(bits >> 49 & 7) {
    static constexpr uint32_t kSwizzles[] = {0, 128, 64, 32};
    swizzle = kSwizzles[bits >> 62];
  }

  /// The shared address of the element (mn, k), where mn is the row of A or the
  /// column of B. Transposed: consecutive elements differ in mn, else in k.
  uint32_t getAddress(uint32_t mn, uint32_t k, bool transposed) const {
    uint32_t width = swizzle ? swizzle : kUnit, at;
    if (transposed) {
      uint32_t bytes = mn * kElementBytes;
      at = k % 8 * width + bytes % width;
      at += swizzle ? bytes / width * leading + k / 8 * stride
                    : bytes / width * stride + k / 8 * leading;
    } else {
      uint32_t bytes = k * kElementBytes;
      at = mn / 8 * stride + mn % 8 * width;
      at += swizzle ? bytes : bytes / width * leading + bytes % width;
    }
    return moe_simt::swizzle(start + at, swizzle);
  }
};

/// An operand of one wgmma.
struct Operand {
  Descriptor matrix;
  unsigned size; // rows of A, columns of B
  bool transposed, isBF16;
  float scale;
};

} // namespace

/// What happened before the next action of all threads of the warpgroup.
static Clock getView(Block &block, unsigned firstThread) {
  Clock view;
  view.times.fill(~0u - 1);
  for (unsigned i = 0; i < kWarpgroup; ++i) {
    const Thread &thread = block.threads[firstThread + i];
    for (unsigned warp = 0; warp <= kMaxWarps; ++warp) {
      uint32_t time = thread.clock.times[warp];
      if (warp == thread.warp)
        time = std::max(time, thread.warpTime - 1);
      view.times[warp] = std::min(view.times[warp], time);
    }
  }
  return view;
}

/// Reads an operand as values[k][mn], and notes the units that were read.
static void fetch(Thread &thread, const Operand &operand, const Clock &view,
                  std::vector<float> &values, std::vector<uint32_t> &units,
                  uint32_t location) {
  Block &block = *thread.block;
  values.resize(kK * operand.size);
  unsigned outer = operand.transposed ? kK : operand.size;
  unsigned inner = operand.transposed ? operand.size : kK;
  for (unsigned i = 0; i < outer; ++i)
    for (unsigned j = 0; j < inner; j += kUnitElements) {
      unsigned mn = operand.transposed ? j : i, k = operand.transposed ? i : j;
      uint32_t at = operand.matrix.getAddress(mn, k, operand.transposed);
      block.checkShared(thread, block.window + at, kUnit, kUnit,
                        "operand of wgmma", location);
      block.shadow.readOperand(thread, view, at, kUnit, location);
      units.push_back(at);
      uint16_t bits[kUnitElements];
      memcpy(bits, block.window + at, kUnit);
      for (unsigned e = 0; e < kUnitElements; ++e) {
        unsigned row = operand.transposed ? k : k + e;
        unsigned column = operand.transposed ? mn + e : mn;
        values[row * operand.size + column] =
            operand.scale * halfToFloat(bits[e], operand.isBF16);
      }
    }
}

/// The element of the accumulator tile that register `i` of a thread holds.
static unsigned getElement(unsigned thread, unsigned i, unsigned columns) {
  unsigned row = thread / 32 * 16 + thread % 32 / 4 + 8 * (i / 2 % 2);
  unsigned column = i / 4 * 8 + 2 * (thread % 4) + i % 2;
  return row * columns + column;
}

/// D = A * B (+ D), for all threads of the warpgroup of `thread`, the last one
/// that came.
static void execute(Thread &thread, uint32_t location) {
  Block &block = *thread.block;
  const uint64_t *slots = thread.slots;
  unsigned columns = getWord(slots, 1), registers = columns / 2;
  unsigned first = thread.index / kWarpgroup * kWarpgroup;
  bool isBF16 = getWord(slots, 3) == 5, accumulates = getWord(slots, 6);
  const uint64_t *descriptors = slots + kAttributes + registers;
  for (unsigned i = 0; i < kWarpgroup; ++i)
    if (!std::equal(descriptors, descriptors + 2,
                    block.threads[first + i].slots + kAttributes + registers))
      block.fail(thread, location,
                 "descriptors of thread %u of the warpgroup differ", first + i);
  auto scale = [&](unsigned i) {
    return static_cast<float>(static_cast<int32_t>(slots[i]));
  };
  Operand operands[2] = {
      {Descriptor(descriptors[0]), kM, slots[9] != 0, isBF16, scale(7)},
      {Descriptor(descriptors[1]), columns, slots[10] != 0, isBF16, scale(8)}};
  Warpgroup &group = block.warpgroups[first / kWarpgroup];
  Clock view = block.findsRaces() ? getView(block, first) : Clock();
  std::vector<uint32_t> &units = group.warps[0].open;
  size_t begin = units.size();
  for (unsigned i = 0; i < 2; ++i) {
    if (operands[i].matrix.hasBaseOffset)
      block.fail(thread, location,
                 "descriptor with a base offset: swizzled "
                 "tiles must start at a multiple of 1024");
    fetch(thread, operands[i], view, block.operands[i], units, location);
  }
  for (size_t i = begin, end = units.size(); i < end; ++i)
    for (unsigned warp = 0; warp < 4; ++warp)
      block.shadow.hold(first / kWarpSize + warp, units[i], kUnit);
  for (unsigned warp = 1; warp < 4; ++warp)
    group.warps[warp].open.insert(group.warps[warp].open.end(),
                                  units.begin() + begin, units.end());

  std::vector<float> &d = block.operands[2];
  d.assign(kM * columns, 0.0f);
  for (unsigned i = 0; accumulates && i < kWarpgroup; ++i)
    for (unsigned j = 0; j < registers; ++j)
      d[getElement(i, j, columns)] =
          toFloat(getWord(block.threads[first + i].slots, kAttributes + j));
  const float *a = block.operands[0].data(), *b = block.operands[1].data();
  for (unsigned m = 0; m < kM; ++m)
    for (unsigned k = 0; k < kK; ++k)
      for (unsigned n = 0; n < columns; ++n)
        d[m * columns + n] += a[k * kM + m] * b[k * columns + n];
  for (unsigned i = 0; i < kWarpgroup; ++i)
    for (unsigned j = 0; j < registers; ++j)
      block.threads[first + i].slots[j] = toBits(d[getElement(i, j, columns)]);
  ++block.grid.counters.wgmma;
  block.grid.counters.multiplyAdds += kM * kK * columns;
}

void models::wgmma(moe_simt_thread *self, uint64_t *slots, uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  unsigned index = thread.index / kWarpgroup;
  Warpgroup &group = block.warpgroups[index];
  if (group.arrived && group.location != location)
    block.fail(thread, location,
               "the other threads of the warpgroup are at another wgmma: it "
               "diverged");
  auto &reads = group.warps[thread.warp % 4];
  if (!reads.fenced)
    block.fail(thread, location, "no wgmma.fence in front of the first wgmma");
  reads.isOpen = true;
  group.location = location;
  thread.slots = slots;
  thread.served = false;
  if (++group.arrived < kWarpgroup) {
    while (!thread.served)
      block.wait("wgmma of warpgroup", index, location);
    return;
  }
  group.arrived = 0;
  execute(thread, location);
  for (unsigned i = 0; i < kWarpgroup; ++i) {
    Thread &other = block.threads[index * kWarpgroup + i];
    other.served = true;
    block.wake(other);
  }
  block.noteProgress();
}

/// What the warp of `thread` has in flight.
static Warpgroup::Reads &getReads(Thread &thread) {
  Block &block = *thread.block;
  return block.warpgroups[thread.warp / 4].warps[thread.warp % 4];
}

void models::wgmmaFence(moe_simt_thread *self, uint64_t *slots,
                        uint32_t location) {
  Thread &thread = getThread(self);
  Lanes lanes;
  if (!joinWholeWarp(thread, MOE_SIMT_WGMMA_FENCE, slots, location, lanes))
    return;
  getReads(thread).fenced = true;
  leaveWarp(lanes);
}

void models::wgmmaCommit(moe_simt_thread *self, uint64_t *slots,
                         uint32_t location) {
  Thread &thread = getThread(self);
  Lanes lanes;
  if (!joinWholeWarp(thread, MOE_SIMT_WGMMA_COMMIT, slots, location, lanes))
    return;
  Warpgroup::Reads &reads = getReads(thread);
  reads.groups.push_back(std::move(reads.open));
  reads.open.clear();
  reads.isOpen = false;
  leaveWarp(lanes);
}

void models::wgmmaWait(moe_simt_thread *self, uint64_t *slots,
                       uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  unsigned remaining = getWord(slots, 0);
  Lanes lanes;
  if (!joinWholeWarp(thread, MOE_SIMT_WGMMA_WAIT, slots, location, lanes))
    return;
  Warpgroup::Reads &reads = getReads(thread);
  if (remaining == 0 && reads.isOpen)
    block.fail(thread, location,
               "wgmma.wait_group 0 behind a wgmma that was not committed");
  while (reads.groups.size() > remaining) {
    for (uint32_t unit : reads.groups.front())
      block.shadow.retire(thread.warp, unit, kUnit);
    reads.groups.pop_front();
  }
  leaveWarp(lanes);
}
