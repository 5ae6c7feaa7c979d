//===- Block.cpp - A thread block at work ---------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <cstdlib>

using namespace moe_simt;

static constexpr size_t kWindowAlignment = 1024;

static uint32_t alignTo(uint32_t value, uint32_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

Block::Block(Grid &grid)
    : grid(grid), shadow(*this), windowMemory(nullptr, free) {
  const moe_rt_launch &launch = grid.launch;
  unsigned count = launch.block[0] * launch.block[1] * launch.block[2];
  threads = std::vector<Thread>(count);
  warps.resize((count + kWarpSize - 1) / kWarpSize);
  windowBegin = grid.kernel.shared_alignment;
  windowEnd =
      windowBegin + grid.kernel.static_shared_bytes + launch.shared_bytes;
  windowMemory.reset(static_cast<char *>(
      aligned_alloc(kWindowAlignment, alignTo(windowEnd, kWindowAlignment))));
  window = windowMemory.get();
}

void Block::start(uint64_t number) {
  const moe_rt_launch &launch = grid.launch;
  id = static_cast<uint32_t>(number);
  now = 2;
  live = threads.size();
  randomState = (grid.options.seed + number + 1) * 0x9e3779b97f4a7c15u | 1;
  ready.fill(0);
  events.clear();
  barriers.fill(Barrier());
  mbarriers.clear();
  warpgroups.assign((threads.size() + kWarpgroup - 1) / kWarpgroup,
                    Warpgroup());
  memset(window, 0xff, windowEnd); // NaN in every float type
  shadow.reset(windowEnd, grid.options.check);
  for (Warp &warp : warps)
    warp = Warp();

  const uint32_t *grids = launch.grid, *sizes = launch.block;
  StackPool &stacks = StackPool::ofThisThread();
  for (unsigned i = 0; i < threads.size(); ++i) {
    Thread &thread = threads[i];
    thread = Thread();
    thread.api = &kApi;
    thread.shared = window;
    uint64_t indices[2] = {i, number};
    for (unsigned d = 0; d < 3; ++d) {
      thread.registers[MOE_SIMT_NTID + d] = sizes[d];
      thread.registers[MOE_SIMT_NCTAID + d] = grids[d];
      thread.registers[MOE_SIMT_TID + d] = indices[0] % sizes[d];
      thread.registers[MOE_SIMT_CTAID + d] = indices[1] % grids[d];
      indices[0] /= sizes[d];
      indices[1] /= grids[d];
    }
    thread.block = this;
    thread.index = i;
    thread.warp = i / kWarpSize;
    thread.lane = i % kWarpSize;
    thread.registers[MOE_SIMT_LANEID] = thread.lane;
    thread.registers[MOE_SIMT_WARPID] = thread.warp;
    thread.registers[MOE_SIMT_NWARPID] = warps.size();
    thread.registers[MOE_SIMT_SHARED_BYTES] = launch.shared_bytes;
    thread.warpTime = 1;
    warps[thread.warp].alive |= 1u << thread.lane;
    thread.fiber.start(stacks.get(i), enter, &thread);
    wake(thread);
  }
}

void Block::finish() {
  ++grid.counters.blocks;
  grid.counters.threads += threads.size();
}

void Block::release(Thread &thread, Clock &clock) {
  if (!findsRaces())
    return;
  thread.clock.times[thread.warp] = now;
  thread.releaseTime = now++;
  clock.join(thread.clock);
}

void Block::acquire(Thread &thread, const Clock &clock) {
  if (findsRaces())
    thread.clock.join(clock);
}

bool Block::isOrdered(const Thread &thread, const Thread &other,
                      uint32_t time) const {
  if (&thread == &other)
    return true;
  if (thread.warp == other.warp)
    return time < thread.warpTime;
  // A warp's time is that of any of its lanes: this one must have taken part.
  return time <= other.releaseTime && time <= thread.clock.times[other.warp];
}

bool Block::checkShared(Thread &thread, const void *address, uint64_t bytes,
                        uint32_t alignment, const char *what,
                        uint32_t location) {
  auto offset =
      static_cast<int64_t>(static_cast<const char *>(address) - window);
  if (offset < windowBegin || offset + bytes > windowEnd)
    return fail(thread, location,
                "%s of %llu bytes at byte %lld of the block's %u bytes of "
                "shared memory",
                what, static_cast<unsigned long long>(bytes),
                static_cast<long long>(offset - windowBegin),
                windowEnd - windowBegin);
  if (offset % alignment)
    return fail(thread, location,
                "%s at the shared address 0x%llx, which must be a multiple of "
                "%u",
                what, static_cast<unsigned long long>(offset), alignment);
  return true;
}

bool Block::checkGlobal(Thread &thread, const void *address, uint64_t bytes,
                        bool isWrite, bool isAtomic, uint32_t location) {
  const char *what = isAtomic ? "atomic operation" : isWrite ? "write" : "read";
  if (!grid.memory.find(address, bytes)) {
    const Memory::Range *near = grid.memory.findNear(address);
    auto distance =
        near ? reinterpret_cast<uintptr_t>(address) - near->begin : 0;
    if (near && distance < (near->end - near->begin) + (1 << 20))
      return fail(thread, location,
                  "%s of %llu bytes at byte %llu of a buffer of %llu bytes%s%s",
                  what, static_cast<unsigned long long>(bytes),
                  static_cast<unsigned long long>(distance),
                  static_cast<unsigned long long>(near->end - near->begin),
                  near->name.empty() ? "" : ": ", near->name.c_str());
    return fail(thread, location, "%s of %llu bytes at %p, which is no buffer",
                what, static_cast<unsigned long long>(bytes), address);
  }
  if (Watch *watch = grid.memory.getWatch())
    if (const char *reason = watch->check(address, bytes, isWrite))
      return fail(thread, location, "%s of %llu bytes at %p: %s", what,
                  static_cast<unsigned long long>(bytes), address, reason);
  Counters &counters = grid.counters;
  (isWrite ? counters.globalBytesWritten : counters.globalBytesRead) += bytes;
  if (!findsRaces())
    return true;
  int64_t other = grid.shadow.touch(id, address, bytes, isWrite, isAtomic);
  if (other >= 0)
    return fail(thread, location,
                "race: %s of %llu bytes at %p, which block %lld of the launch "
                "touched too, not all by atomic operations",
                what, static_cast<unsigned long long>(bytes), address,
                static_cast<long long>(other));
  return true;
}
