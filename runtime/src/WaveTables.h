//===- WaveTables.h - Tables of slots on a device ---------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_WAVETABLES_H
#define MOE_RT_SRC_WAVETABLES_H

#include "KernelDevice.h"
#include "Model.h"

namespace moe_rt {

/// `moe_rt_abi_wave.slot_of` of each bank, in device memory.
class WaveTables {
public:
  explicit WaveTables(KernelDevice &device) : device(device) {}
  moe_rt_status reserve(const std::vector<BankInfo> &banks);
  /// Work given to the compute stream from here on sees this table: one number
  /// for each expert of the bank.
  moe_rt_status write(int32_t bank, const std::vector<int32_t> &slotOf);
  int32_t *table(int32_t bank) const {
    return reinterpret_cast<int32_t *>(memory.data() + offsets[bank]);
  }
  /// Device memory of the tables of these banks.
  static uint64_t bytes(const std::vector<BankInfo> &banks);

private:
  /// Pinned copies on their way: one is written again after its copy ran.
  static constexpr int kRing = 8;
  struct Entry {
    PinnedBuffer memory;
    Event copied;
  };
  KernelDevice &device;
  Buffer memory;
  std::vector<uint64_t> offsets;             // in it, of each bank's table
  std::vector<std::vector<int32_t>> written; // what is there
  Entry ring[kRing];
  int next = 0;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_WAVETABLES_H
