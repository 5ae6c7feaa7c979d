//===- MBarriers.cpp - Barriers in shared memory --------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

using namespace moe_simt;

MBarrier *moe_simt::findMBarrier(Thread &thread, const char *address,
                                 uint32_t location) {
  Block &block = *thread.block;
  block.checkShared(thread, address, 8, 8, "mbarrier", location);
  auto it = block.mbarriers.find(block.offsetOf(address));
  if (it == block.mbarriers.end()) {
    block.fail(thread, location,
               "no mbarrier was initialised at the shared address 0x%x",
               block.offsetOf(address));
    return nullptr;
  }
  MBarrier &barrier = it->second;
  const Thread &by = block.threads[barrier.initThread];
  if (block.findsRaces() && !block.isOrdered(thread, by, barrier.initTime))
    block.fail(thread, location,
               "race: nothing orders this use of the mbarrier at the shared "
               "address 0x%x behind its initialisation by thread %u",
               it->first, by.index);
  return &barrier;
}

static void completeIfDue(Block &block, MBarrier &barrier) {
  if (barrier.pending || barrier.bytes)
    return;
  ++barrier.phase;
  barrier.pending = barrier.count;
  barrier.complete = barrier.arrived;
  for (Thread *thread : barrier.waiting)
    block.wake(*thread);
  barrier.waiting.clear();
  block.noteProgress();
}

void moe_simt::arriveMBarrier(Block &block, MBarrier &barrier, Thread &thread,
                              uint32_t count, uint32_t location) {
  block.release(thread, barrier.arrived);
  if (barrier.pending < count) {
    block.fail(thread, location,
               "arrives at an mbarrier that waits for no more arrivals: its "
               "count is %u",
               barrier.count);
    return;
  }
  barrier.pending -= count;
  completeIfDue(block, barrier);
}

void moe_simt::addMBarrierBytes(Block &block, MBarrier &barrier,
                                int64_t bytes) {
  barrier.bytes += bytes;
  completeIfDue(block, barrier);
}

void models::mbarrierInit(moe_simt_thread *self, uint64_t *slots,
                          uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  const char *address = getPointer(slots, 0);
  uint32_t count = getWord(slots, 1), offset = block.offsetOf(address);
  block.checkShared(thread, address, 8, 8, "mbarrier", location);
  if (count == 0 || count >= 1u << 20)
    block.fail(thread, location, "mbarrier of %u arrivals, must be 1 to 2^20-1",
               count);
  if (block.mbarriers.count(offset))
    block.fail(thread, location,
               "the mbarrier at the shared address 0x%x is in use: invalidate "
               "it before it is initialised again",
               offset);
  block.shadow.write(thread, offset, 8, Proxy::Generic, location);
  block.shadow.setBarrier(offset, true);
  MBarrier &barrier = block.mbarriers[offset];
  barrier.count = barrier.pending = count;
  barrier.initThread = thread.index;
  barrier.initTime = block.now;
}

void models::mbarrierInvalidate(moe_simt_thread *self, uint64_t *slots,
                                uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  MBarrier *barrier = findMBarrier(thread, getPointer(slots, 0), location);
  if (!barrier->waiting.empty())
    block.fail(thread, location,
               "invalidates an mbarrier that thread %u waits for",
               barrier->waiting.front()->index);
  uint32_t offset = block.offsetOf(getPointer(slots, 0));
  block.mbarriers.erase(offset);
  block.shadow.setBarrier(offset, false);
}

void models::mbarrierExpect(moe_simt_thread *self, uint64_t *slots,
                            uint32_t location) {
  Thread &thread = getThread(self);
  MBarrier *barrier = findMBarrier(thread, getPointer(slots, 0), location);
  addMBarrierBytes(*thread.block, *barrier, getWord(slots, 1));
}

void models::mbarrierArrive(moe_simt_thread *self, uint64_t *slots,
                            uint32_t location) {
  Thread &thread = getThread(self);
  MBarrier *barrier = findMBarrier(thread, getPointer(slots, 0), location);
  uint32_t phase = barrier->phase;
  arriveMBarrier(*thread.block, *barrier, thread, getWord(slots, 1), location);
  slots[0] = phase;
}

void models::mbarrierArriveExpect(moe_simt_thread *self, uint64_t *slots,
                                  uint32_t location) {
  Thread &thread = getThread(self);
  MBarrier *barrier = findMBarrier(thread, getPointer(slots, 0), location);
  uint32_t phase = barrier->phase;
  barrier->bytes += getWord(slots, 1);
  arriveMBarrier(*thread.block, *barrier, thread, 1, location);
  slots[0] = phase;
}

void models::mbarrierWait(moe_simt_thread *self, uint64_t *slots,
                          uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  bool byParity = getWord(slots, 0), must = getWord(slots, 1);
  char *address = getPointer(slots, 2);
  auto phase = static_cast<uint32_t>(slots[3]);
  MBarrier *barrier = findMBarrier(thread, address, location);
  auto isComplete = [&] {
    return byParity ? (barrier->phase & 1) != (phase & 1)
                    : barrier->phase != phase;
  };
  while (!isComplete()) {
    barrier->waiting.push_back(&thread);
    block.wait("mbarrier", block.offsetOf(address), location, !must);
    auto &waiting = barrier->waiting;
    for (size_t i = waiting.size(); i-- > 0;)
      if (waiting[i] == &thread)
        waiting.erase(waiting.begin() + i);
    if (!must)
      break;
  }
  bool complete = isComplete();
  if (complete)
    block.acquire(thread, barrier->complete);
  slots[0] = complete;
}
