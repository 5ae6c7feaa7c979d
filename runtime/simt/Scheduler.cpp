//===- Scheduler.cpp - Which thread of a block goes on --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <cstdlib>

using namespace moe_simt;

uint64_t Block::random() {
  randomState ^= randomState << 13;
  randomState ^= randomState >> 7;
  return randomState ^= randomState << 17;
}

void Block::wait(const char *what, uint64_t detail, uint32_t location,
                 bool polls) {
  Thread &thread = *current;
  thread.waitsFor = what;
  thread.waitDetail = detail;
  thread.waitLocation = location;
  thread.polls = polls;
  ready[thread.index / 64] &= ~(uint64_t(1) << thread.index % 64);
  thread.fiber.suspend();
  thread.waitsFor = nullptr;
  thread.polls = false;
}

void Block::wake(Thread &thread) {
  ready[thread.index / 64] |= uint64_t(1) << thread.index % 64;
}

void Block::post(std::function<void()> event) {
  events.push_back(std::move(event));
}

Thread *Block::pick() {
  unsigned words = (threads.size() + 63) / 64;
  // The first that is ready from `from` on, cyclically.
  auto first = [&](unsigned from) -> Thread * {
    uint64_t mask = ~uint64_t(0) << from % 64;
    for (unsigned i = 0; i <= words; ++i) {
      unsigned word = (from / 64 + i) % words;
      if (uint64_t bits = ready[word] & mask)
        return &threads[word * 64 + __builtin_ctzll(bits)];
      mask = ~uint64_t(0);
    }
    return nullptr;
  };
  switch (grid.options.order) {
  case Order::Ascending:
    return first(0);
  case Order::Descending:
    for (unsigned word = words; word-- > 0;)
      if (ready[word])
        return &threads[word * 64 + 63 - __builtin_clzll(ready[word])];
    return nullptr;
  case Order::RoundRobin: {
    Thread *thread = first((lastPicked + 1) % threads.size());
    lastPicked = thread ? thread->index : lastPicked;
    return thread;
  }
  case Order::Random:
    return first(random() % threads.size());
  }
  return nullptr;
}

/// Runs the oldest event, or any of them.
bool Block::runEvent(bool any) {
  if (events.empty())
    return false;
  size_t index = any ? random() % events.size() : 0;
  std::function<void()> event = std::move(events[index]);
  events.erase(events.begin() + index);
  current = nullptr;
  event();
  noteProgress();
  return true;
}

/// Lets polls fail, unless they did so again and again.
bool Block::wakePolling() {
  if (++fruitless > 64)
    return false;
  bool woken = false;
  for (Thread &thread : threads)
    if (!thread.exited && thread.polls)
      wake(thread), woken = true;
  return woken;
}

void Block::enter(void *argument) {
  auto *thread = static_cast<Thread *>(argument);
  Block &block = *thread->block;
  block.grid.kernel.run(thread, block.grid.arguments);
  block.exit(*thread);
  thread->fiber.suspend();
}

void Block::exit(Thread &thread) {
  uint32_t unknown = ~0u;
  if (!thread.copies.empty() || !thread.copyGroups.empty())
    fail(thread, unknown, "ends with a cp.async in flight");
  if (!thread.stores.empty() || !thread.storeGroups.empty())
    fail(thread, unknown, "ends with a tensor store in flight");
  thread.exited = true;
  --live;
  noteProgress();
  ready[thread.index / 64] &= ~(uint64_t(1) << thread.index % 64);
  Warp &warp = warps[thread.warp];
  warp.alive &= ~(1u << thread.lane);
  // Who waits for this lane must look again; one of them is enough.
  for (Collective &pending : warp.pending)
    wake(threads[thread.warp * kWarpSize + __builtin_ctz(pending.arrived)]);
  recheckBarriers(*this);
}

bool Block::run(uint64_t number) {
  start(number);
  while (live && problem.empty()) {
    if (grid.options.async == Async::Random && random() % 4 == 0 &&
        runEvent(/*any=*/true))
      continue;
    current = pick();
    if (current) {
      ++grid.counters.switches;
      current->fiber.resume();
    } else if (!runEvent(/*any=*/false) && !wakePolling()) {
      reportDeadlock();
    }
  }
  while (problem.empty() && runEvent(/*any=*/false))
    ;
  current = nullptr;
  finish();
  return problem.empty();
}
