//===- WaveTables.cpp - Tables of slots on a device -----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WaveTables.h"
#include <algorithm>
#include <cstring>

using namespace moe_rt;

static uint64_t tableBytes(const BankInfo &bank) {
  return (uint64_t(bank.experts) * sizeof(int32_t) + 255) / 256 * 256;
}

uint64_t WaveTables::bytes(const std::vector<BankInfo> &banks) {
  uint64_t bytes = 0;
  for (const BankInfo &bank : banks)
    bytes += tableBytes(bank);
  return bytes;
}

moe_rt_status WaveTables::reserve(const std::vector<BankInfo> &banks) {
  uint64_t at = 0, longest = 1;
  for (const BankInfo &bank : banks) {
    offsets.push_back(at);
    at += tableBytes(bank);
    longest = std::max(longest, tableBytes(bank));
    written.emplace_back();
  }
  if (!memory.allocate(device, at))
    return device.lost() ? MOE_RT_DEVICE : MOE_RT_OUT_OF_MEMORY;
  for (Entry &entry : ring) {
    moe_rt_status status = entry.copied.create(device);
    if (status == MOE_RT_OK)
      status = entry.memory.allocate(device, longest);
    if (status != MOE_RT_OK)
      return status;
  }
  return MOE_RT_OK;
}

moe_rt_status WaveTables::write(int32_t bank,
                                const std::vector<int32_t> &slotOf) {
  if (written[bank] == slotOf)
    return MOE_RT_OK;
  Entry &entry = ring[next];
  next = (next + 1) % kRing;
  moe_rt_status status = entry.copied.synchronize();
  if (status != MOE_RT_OK)
    return status;
  uint64_t bytes = slotOf.size() * sizeof(int32_t);
  std::memcpy(entry.memory.data(), slotOf.data(), bytes);
  status = device.check(device.api.copy_to_device(device.compute, table(bank),
                                                  entry.memory.data(), bytes));
  if (status != MOE_RT_OK)
    return status;
  written[bank] = slotOf;
  return entry.copied.record(device.compute);
}
