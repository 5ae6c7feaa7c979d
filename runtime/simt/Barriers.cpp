//===- Barriers.cpp - The sixteen barriers of a block ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

using namespace moe_simt;

static void complete(Block &block, Barrier &barrier) {
  for (Thread *thread : barrier.waiting) {
    block.acquire(*thread, barrier.clock);
    thread->warpTime = block.now;
    thread->slots[0] = barrier.value;
    thread->served = true;
    block.wake(*thread);
  }
  barrier = Barrier();
  ++block.now;
  ++block.grid.counters.barriers;
  block.noteProgress();
}

static bool isComplete(const Block &block, const Barrier &barrier) {
  return barrier.arrived >= (barrier.threads ? barrier.threads : block.live);
}

/// Threads that end are not waited for.
void moe_simt::recheckBarriers(Block &block) {
  for (Barrier &barrier : block.barriers)
    if (barrier.arrived && isComplete(block, barrier))
      complete(block, barrier);
}

static Barrier &arrive(Thread &thread, uint32_t index, uint32_t threads,
                       int64_t reduction, uint32_t predicate,
                       uint32_t location) {
  Block &block = *thread.block;
  if (index >= block.barriers.size())
    block.fail(thread, location, "barrier %u, a block has 16", index);
  if (threads % kWarpSize)
    block.fail(thread, location,
               "barrier %u for %u threads, which are no whole warps", index,
               threads);
  Barrier &barrier = block.barriers[index];
  if (barrier.arrived &&
      (barrier.threads != threads || barrier.reduction != reduction))
    block.fail(thread, location,
               "barrier %u for %u threads, others wait there for %u or with "
               "another reduction",
               index, threads, barrier.threads);
  enum { None = -1, Count, And, Or };
  if (!barrier.arrived)
    barrier.value = reduction == And;
  bool isTrue = predicate != 0;
  if (reduction == Count)
    barrier.value += isTrue;
  else if (reduction == And)
    barrier.value &= isTrue;
  else if (reduction == Or)
    barrier.value |= isTrue;
  barrier.threads = threads;
  barrier.reduction = reduction;
  ++barrier.arrived;
  block.release(thread, barrier.clock);
  return barrier;
}

void models::barrier(moe_simt_thread *self, uint64_t *slots,
                     uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  uint32_t index = getWord(slots, 1);
  Barrier &barrier =
      arrive(thread, index, getWord(slots, 2), static_cast<int64_t>(slots[0]),
             getWord(slots, 3), location);
  thread.slots = slots;
  thread.served = false;
  barrier.waiting.push_back(&thread);
  if (isComplete(block, barrier))
    complete(block, barrier);
  while (!thread.served)
    block.wait("barrier", index, location);
}

void models::barrierArrive(moe_simt_thread *self, uint64_t *slots,
                           uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  Barrier &barrier = arrive(thread, getWord(slots, 0), getWord(slots, 1),
                            /*reduction=*/-1, 0, location);
  if (isComplete(block, barrier))
    complete(block, barrier);
}
