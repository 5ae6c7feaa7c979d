//===- Warps.cpp - What the lanes of a warp do together -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <algorithm>

using namespace moe_simt;

static const char *getName(moe_simt_op op) {
  switch (op) {
  case MOE_SIMT_SYNC_WARP:
    return "bar.warp.sync";
  case MOE_SIMT_SHUFFLE:
    return "shfl.sync";
  case MOE_SIMT_VOTE:
    return "vote.sync";
  case MOE_SIMT_REDUX:
    return "redux.sync";
  case MOE_SIMT_ELECT:
    return "elect.sync";
  case MOE_SIMT_LOAD_MATRIX:
    return "ldmatrix";
  case MOE_SIMT_STORE_MATRIX:
    return "stmatrix";
  case MOE_SIMT_MMA:
    return "mma.sync";
  default:
    return "wgmma";
  }
}

/// The lanes that wait at this collective, or a new one.
static Collective &findCollective(Thread &thread, moe_simt_op op, uint32_t mask,
                                  uint32_t location) {
  Block &block = *thread.block;
  Warp &warp = block.warps[thread.warp];
  for (Collective &pending : warp.pending) {
    if (pending.mask == mask && pending.location == location)
      return pending;
    if (pending.mask & mask) {
      unsigned other = __builtin_ctz(pending.arrived);
      block.fail(thread, location,
                 "%s with lanes 0x%x, while lane %u of the warp waits in %s "
                 "with lanes 0x%x: the warp diverged",
                 getName(op), mask, other, getName(pending.op), pending.mask);
    }
  }
  warp.pending.push_back({op, mask, 0, location});
  return warp.pending.back();
}

bool moe_simt::joinWarp(Thread &thread, moe_simt_op op, uint32_t mask,
                        uint64_t *slots, uint32_t location, Lanes &lanes) {
  Block &block = *thread.block;
  Warp &warp = block.warps[thread.warp];
  uint32_t self = 1u << thread.lane;
  thread.slots = slots;
  thread.served = false;
  if (!(mask & self))
    block.fail(thread, location, "%s with lanes 0x%x, which lane %u is not",
               getName(op), mask, thread.lane);
  findCollective(thread, op, mask, location).arrived |= self;
  // Lanes that end are not waited for.
  while (true) {
    Collective &collective = findCollective(thread, op, mask, location);
    if ((collective.arrived & warp.alive) == (mask & warp.alive))
      break;
    block.wait(getName(op), thread.warp, location);
    if (thread.served)
      return false;
  }
  Collective &collective = findCollective(thread, op, mask, location);
  uint32_t arrived = collective.arrived;
  warp.pending.erase(warp.pending.begin() +
                     (&collective - warp.pending.data()));
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    lanes[lane] = arrived >> lane & 1
                      ? &block.threads[thread.warp * kWarpSize + lane]
                      : nullptr;
  ++block.grid.counters.collectives;
  block.noteProgress();
  return true;
}

bool moe_simt::joinWholeWarp(Thread &thread, moe_simt_op op, uint64_t *slots,
                             uint32_t location, Lanes &lanes) {
  if (!joinWarp(thread, op, ~0u, slots, location, lanes))
    return false;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    if (!lanes[lane])
      thread.block->fail(thread, location,
                         "lane %u of the warp takes no part, all must", lane);
  return true;
}

void moe_simt::leaveWarp(const Lanes &lanes) {
  for (Thread *lane : lanes)
    if (lane && !lane->served) {
      lane->served = true;
      lane->block->wake(*lane);
    }
}

void models::syncWarp(moe_simt_thread *self, uint64_t *slots,
                      uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  Lanes lanes;
  if (!joinWarp(thread, MOE_SIMT_SYNC_WARP, getWord(slots, 0), slots, location,
                lanes))
    return;
  Clock clock;
  for (Thread *lane : lanes)
    if (lane)
      block.release(*lane, clock);
  for (Thread *lane : lanes)
    if (lane) {
      block.acquire(*lane, clock);
      lane->warpTime = block.now;
    }
  leaveWarp(lanes);
}

/// The lane that `lane` reads from (PTX ISA, shfl.sync); -1: none, it keeps its
/// own value.
static int getSource(unsigned kind, int lane, uint32_t offset,
                     uint32_t clampAndMask) {
  enum { Butterfly, Up, Down, Index };
  int clamp = clampAndMask & 31, segment = clampAndMask >> 8 & 31;
  int last = (lane & segment) | (clamp & ~segment);
  int first = lane & segment;
  int by = offset & 31;
  int source;
  switch (kind) {
  case Butterfly:
    source = lane ^ by;
    return source <= last ? source : -1;
  case Up:
    source = lane - by;
    return source >= last ? source : -1;
  case Down:
    source = lane + by;
    return source <= last ? source : -1;
  default:
    source = first | (by & ~segment);
    return source <= last ? source : -1;
  }
}

void models::shuffle(moe_simt_thread *self, uint64_t *slots,
                     uint32_t location) {
  Thread &thread = getThread(self);
  Lanes lanes;
  unsigned kind = getWord(slots, 0);
  if (!joinWarp(thread, MOE_SIMT_SHUFFLE, getWord(slots, 1), slots, location,
                lanes))
    return;
  uint32_t values[kWarpSize] = {};
  bool valid[kWarpSize] = {};
  for (unsigned i = 0; i < kWarpSize; ++i) {
    if (!lanes[i])
      continue;
    const uint64_t *from = lanes[i]->slots;
    int source = getSource(kind, i, getWord(from, 3), getWord(from, 4));
    valid[i] = source >= 0;
    unsigned lane = valid[i] ? source : i;
    if (!lanes[lane])
      thread.block->fail(*lanes[i], location,
                         "lane %u reads from lane %u, which takes no part", i,
                         lane);
    values[i] = getWord(lanes[lane]->slots, 2);
  }
  for (unsigned i = 0; i < kWarpSize; ++i)
    if (lanes[i]) {
      lanes[i]->slots[0] = values[i];
      lanes[i]->slots[1] = valid[i];
    }
  leaveWarp(lanes);
}

/// Gives every lane the same result.
static void answer(const Lanes &lanes, uint32_t result) {
  for (Thread *lane : lanes)
    if (lane)
      lane->slots[0] = result;
  leaveWarp(lanes);
}

void models::vote(moe_simt_thread *self, uint64_t *slots, uint32_t location) {
  enum { Any, All, Ballot, Uniform };
  unsigned kind = getWord(slots, 0);
  Lanes lanes;
  if (!joinWarp(getThread(self), MOE_SIMT_VOTE, getWord(slots, 1), slots,
                location, lanes))
    return;
  uint32_t ballot = 0, present = 0;
  for (unsigned i = 0; i < kWarpSize; ++i)
    if (lanes[i]) {
      present |= 1u << i;
      ballot |= (getWord(lanes[i]->slots, 2) & 1) << i;
    }
  bool all = ballot == present;
  answer(lanes, kind == Any      ? ballot != 0
                : kind == All    ? all
                : kind == Ballot ? ballot
                                 : all || ballot == 0);
}

static uint32_t reduce(unsigned kind, uint32_t a, uint32_t b) {
  enum { Add = 1, And, Max, Min, Or, UMax, UMin, Xor };
  auto x = static_cast<int32_t>(a), y = static_cast<int32_t>(b);
  switch (kind) {
  case Add:
    return a + b;
  case And:
    return a & b;
  case Max:
    return std::max(x, y);
  case Min:
    return std::min(x, y);
  case Or:
    return a | b;
  case UMax:
    return std::max(a, b);
  case UMin:
    return std::min(a, b);
  default:
    return a ^ b;
  }
}

void models::redux(moe_simt_thread *self, uint64_t *slots, uint32_t location) {
  unsigned kind = getWord(slots, 0);
  Lanes lanes;
  if (!joinWarp(getThread(self), MOE_SIMT_REDUX, getWord(slots, 2), slots,
                location, lanes))
    return;
  bool isFirst = true;
  uint32_t result = 0;
  for (Thread *lane : lanes)
    if (lane) {
      uint32_t value = getWord(lane->slots, 1);
      result = isFirst ? value : reduce(kind, result, value);
      isFirst = false;
    }
  answer(lanes, result);
}

void models::elect(moe_simt_thread *self, uint64_t *slots, uint32_t location) {
  Lanes lanes;
  if (!joinWarp(getThread(self), MOE_SIMT_ELECT, getWord(slots, 0), slots,
                location, lanes))
    return;
  bool isFirst = true;
  for (Thread *lane : lanes)
    if (lane) {
      lane->slots[0] = isFirst;
      isFirst = false;
    }
  leaveWarp(lanes);
}
