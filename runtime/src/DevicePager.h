//===- DevicePager.h - Experts in slots of a device -------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_DEVICEPAGER_H
#define MOE_RT_SRC_DEVICEPAGER_H

#include "Pager.h"
#include "PinnedTier.h"
#include "WaveTables.h"
#include <deque>

namespace moe_rt {

/// Hands out the experts of a pass in waves. A miss goes from the file, or from
/// where it still is, through pinned memory to its slot on the stream of
/// copies. The compute stream waits for a copy's event, a copy for the event
/// behind the last wave that read the slot.
class DevicePager final : public Pager {
public:
  DevicePager(const moe_rt_model &model, KernelDevice &device,
              std::unique_ptr<Reader> reader, std::unique_ptr<Policy> policy,
              std::vector<int32_t> slots)
      : Pager(model, std::move(reader), std::move(policy), std::move(slots)),
        device(device), tier(device), tables(device) {}
  ~DevicePager() override { (void)close(); }
  /// Reserves slots, tables and `hostSlots` slots in pinned memory.
  moe_rt_status reserve(int32_t hostSlots);

  /// Begins a pass; `counts` is in the host's memory.
  int32_t open(int32_t bank, const int32_t *counts);
  /// As moe_rt_abi_host.wave_next and wave_done.
  int32_t next(moe_rt_abi_wave &wave);
  void done();
  int32_t close();

  /// When every expert has a slot and is there, one wave with a table that does
  /// not change serves any pass: makes the tables say so. False: there are
  /// experts missing, or the run has failed.
  bool makeConstant();
  moe_rt_abi_wave constantWave(int32_t bank) const;
  /// Counts a pass that such a wave served.
  void account(int32_t bank, const int32_t *counts);

  /// Notes a failure of the device; true: there was none.
  bool check(moe_rt_status status) {
    if (status != MOE_RT_OK)
      fail(status, device.problem);
    return status == MOE_RT_OK;
  }
  /// As checkCancelled, for passes that are not opened here.
  void checkCancelledNow() { checkCancelled(); }

private:
  /// A miss on its way to its slot.
  struct Load {
    int32_t expert, slot, pinned;
    uint32_t partsRead; // a bit for each
  };
  /// An event behind a wave, used again when no slot refers to it.
  struct WaveEvent {
    Event event;
    int32_t users = 0;
  };
  void advance();
  bool start(Load load);
  void completeRead(const Completion &done);
  void send(const Load &load);
  void takeArrived();
  bool collect();
  void wait();
  bool hand(moe_rt_abi_wave &wave);
  WaveEvent *findEvent();

  KernelDevice &device;
  PinnedTier tier;
  WaveTables tables;
  std::vector<Buffer> memory;                    // of each bank's slots
  std::vector<std::vector<Event>> arrivals;      // by slot: behind its copy
  std::vector<std::vector<WaveEvent *>> readers; // by slot: its last wave
  std::deque<WaveEvent> events;

  // The pass.
  bool isOpen = false, began = false;
  std::deque<Load> waiting; // for pinned memory
  std::vector<Load> reading;
  std::deque<Load> copying; // in the order of the stream
  std::vector<int32_t> inWave, table;
  uint64_t reads = 0;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_DEVICEPAGER_H
