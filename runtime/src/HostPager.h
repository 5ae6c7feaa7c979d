//===- HostPager.h - Experts in slots in the host's memory ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_HOSTPAGER_H
#define MOE_RT_SRC_HOSTPAGER_H

#include "Device.h"
#include "Pager.h"

namespace moe_rt {

/// Slots are where compiled code reads, so reads go there directly.
class HostPager final : public Pager {
public:
  using Pager::Pager;
  ~HostPager() override;
  /// Reserves the slots. False: no memory.
  bool reserve(Device &host);

  // The functions of moe_rt_abi_host.
  void prefetch(int32_t bank, const int32_t *counts);
  int32_t open(int32_t bank, const int32_t *counts);
  int32_t next();
  const void *part(int32_t expert, int32_t part);
  void release(int32_t expert) { residency.release(expert); }
  int32_t close();

private:
  void prepare(int32_t bank, const int32_t *counts);
  void issue();
  void complete();
  void completeStalled();
  void drain();
  char *address(int32_t slot, uint32_t part) const;

  std::vector<Buffer> memory;                    // of each bank's slots
  std::vector<std::vector<uint32_t>> partsReady; // by slot, a bit for each part

  // The stream.
  bool isOpen = false, ahead = false;
  std::vector<int32_t> ready; // in the order in which they are handed out
  size_t nextReady = 0;
  uint64_t reads = 0;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_HOSTPAGER_H
