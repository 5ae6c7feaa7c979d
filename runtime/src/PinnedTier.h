//===- PinnedTier.h - Experts in pinned memory of the host ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_PINNEDTIER_H
#define MOE_RT_SRC_PINNEDTIER_H

#include "KernelDevice.h"
#include "Model.h"

namespace moe_rt {

/// Slots in pinned memory that experts pass on their way from the file to a
/// device. A slot keeps what it holds until another expert needs it; then the
/// one used longest ago goes. Slots are pinned when they are first needed.
class PinnedTier {
public:
  explicit PinnedTier(KernelDevice &device) : device(device) {}
  /// Pins the slots that paging cannot do without. `slots` is at least 2.
  moe_rt_status reserve(const std::vector<BankInfo> &banks, int32_t slots,
                        uint64_t slotBytes);

  /// The slot that holds this expert, which is thereby used; -1: none does.
  int32_t find(int32_t bank, int32_t expert);
  /// A slot to read the expert into; -1: all are being read or sent. What the
  /// slot held is forgotten.
  moe_rt_status take(int32_t bank, int32_t expert, int32_t &slot);
  char *data(int32_t slot) const { return slots[slot].memory.data(); }
  /// The slot holds the whole expert, checked.
  void filled(int32_t slot) { slots[slot].state = State::Holding; }
  /// The read failed, or was given up.
  void forget(int32_t slot);
  /// The copy out of the slot was given to this stream.
  moe_rt_status sent(int32_t slot, moe_rt_stream *stream);
  /// Waits until a copy out of some slot has run; `any`: there was one.
  moe_rt_status settle(bool &any);

  static constexpr int32_t kLeast = 2;

private:
  enum class State : uint8_t { Empty, Reading, Holding };
  struct Slot {
    PinnedBuffer memory;
    Event copied;
    State state = State::Empty;
    bool inTransit = false;
    int32_t bank = -1, expert = -1;
    uint64_t lastUse = 0;
  };
  moe_rt_status add();
  moe_rt_status isFree(Slot &slot, bool &free);

  KernelDevice &device;
  std::vector<Slot> slots;
  size_t most = 0;
  uint64_t slotBytes = 0, clock = 0;
  std::vector<std::vector<int32_t>> slotOf; // by bank and expert
};

} // namespace moe_rt

#endif // MOE_RT_SRC_PINNEDTIER_H
