//===- PinnedTier.cpp - Experts in pinned memory of the host --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PinnedTier.h"

using namespace moe_rt;

moe_rt_status PinnedTier::reserve(const std::vector<BankInfo> &banks,
                                  int32_t count, uint64_t bytes) {
  most = count;
  slotBytes = bytes;
  for (const BankInfo &bank : banks)
    slotOf.emplace_back(bank.experts, -1);
  slots.reserve(count);
  moe_rt_status status = MOE_RT_OK;
  while (status == MOE_RT_OK && slots.size() < size_t(kLeast))
    status = add();
  return status;
}

moe_rt_status PinnedTier::add() {
  Slot slot;
  moe_rt_status status = slot.copied.create(device);
  if (status == MOE_RT_OK)
    status = slot.memory.allocate(device, slotBytes);
  if (status == MOE_RT_OK)
    slots.push_back(std::move(slot));
  return status;
}

int32_t PinnedTier::find(int32_t bank, int32_t expert) {
  int32_t slot = slotOf[bank][expert];
  if (slot < 0 || slots[slot].state != State::Holding)
    return -1;
  slots[slot].lastUse = ++clock;
  return slot;
}

/// Neither being read nor sent.
moe_rt_status PinnedTier::isFree(Slot &slot, bool &free) {
  free = slot.state != State::Reading;
  if (!free || !slot.inTransit)
    return MOE_RT_OK;
  moe_rt_status status = slot.copied.query(free);
  slot.inTransit = !free;
  return status;
}

moe_rt_status PinnedTier::take(int32_t bank, int32_t expert, int32_t &slot) {
  slot = -1;
  if (slots.size() < most) {
    moe_rt_status status = add();
    if (status == MOE_RT_OK)
      slot = int32_t(slots.size()) - 1;
    else if (status == MOE_RT_OUT_OF_MEMORY)
      most = slots.size(); // no more can be pinned: go on with these
    else
      return status;
  }
  for (size_t i = 0; slot < 0 && i < slots.size(); ++i)
    if (slots[i].state == State::Empty && !slots[i].inTransit)
      slot = int32_t(i);
  if (slot < 0) {
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slot >= 0 && slots[i].lastUse >= slots[slot].lastUse)
        continue;
      bool free;
      moe_rt_status status = isFree(slots[i], free);
      if (status != MOE_RT_OK)
        return status;
      if (free)
        slot = int32_t(i);
    }
    if (slot < 0)
      return MOE_RT_OK;
    forget(slot);
  }
  Slot &taken = slots[slot];
  taken.state = State::Reading;
  taken.bank = bank;
  taken.expert = expert;
  taken.lastUse = ++clock;
  slotOf[bank][expert] = slot;
  return MOE_RT_OK;
}

void PinnedTier::forget(int32_t number) {
  Slot &slot = slots[number];
  if (slot.state != State::Empty)
    slotOf[slot.bank][slot.expert] = -1;
  slot.state = State::Empty;
}

moe_rt_status PinnedTier::sent(int32_t slot, moe_rt_stream *stream) {
  slots[slot].inTransit = true;
  return slots[slot].copied.record(stream);
}

moe_rt_status PinnedTier::settle(bool &any) {
  for (Slot &slot : slots)
    if (slot.inTransit) {
      any = true;
      slot.inTransit = false;
      return slot.copied.synchronize();
    }
  any = false;
  return MOE_RT_OK;
}
