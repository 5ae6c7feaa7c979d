//===- Pager.h - Experts in slots under a budget ----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_PAGER_H
#define MOE_RT_SRC_PAGER_H

#include "Device.h"
#include "Reader.h"
#include <atomic>
#include <cstdio>
#include <memory>

namespace moe_rt {

/// What a policy knows of a resident expert.
struct Candidate {
  int32_t expert;
  uint64_t lastUse; // number of the touch, larger is later
  double frequency; // decayed number of uses
};

/// Chooses what to evict. `candidates` is never empty.
class Policy {
public:
  virtual ~Policy() = default;
  virtual const char *name() const = 0;
  virtual size_t victim(const std::vector<Candidate> &candidates) const = 0;
  /// "lru" or "lfu"; null for another name.
  static std::unique_ptr<Policy> create(const std::string &name);
};

struct PagerStatistics {
  uint64_t pagesRead = 0, bytesRead = 0, bytesPrefetched = 0;
  uint64_t hits = 0, misses = 0;
  uint64_t resident = 0, residentPeak = 0; // bytes of experts in slots
  double stallSeconds = 0;
};

/// Keeps the experts of each bank in a fixed number of slots at fixed
/// addresses.
///
/// The order of accesses is defined, so that a trace can be replayed exactly. A
/// stream demands a set of experts. First, in ascending order, those that are
/// resident are hits and are used. Then, in ascending order, each of the others
/// is a miss: it takes a free slot, or the slot of the policy's victim among
/// all residents (with LRU the one used longest ago), and is used. A miss whose
/// victim is still being computed waits for it; misses behind it wait too.
class Pager {
public:
  Pager(const moe_rt_model &model, std::unique_ptr<Device> device,
        std::unique_ptr<Reader> reader, std::unique_ptr<Policy> policy,
        std::vector<int32_t> slots)
      : model(model), device(std::move(device)), reader(std::move(reader)),
        policy(std::move(policy)), slotCounts(std::move(slots)) {}
  ~Pager();
  /// Reserves the slots. False: no memory.
  bool reserve();

  // The functions of moe_rt_abi_host.
  void prefetch(int32_t bank, const int32_t *counts);
  int32_t open(int32_t bank, const int32_t *counts);
  int32_t next();
  const void *part(int32_t expert, int32_t part);
  void release(int32_t expert);
  int32_t close();

  const PagerStatistics &statistics() const { return stats; }
  uint64_t slotBytes() const;
  /// Bytes the slots' device could still hold.
  uint64_t available() const { return device->available(); }
  const char *policyName() const { return policy->name(); }
  const char *readerName() const { return reader->name(); }
  const char *deviceName() const { return device->name(); }
  /// The first failure, until `clearError`.
  moe_rt_status error(std::string &text) const {
    text = errorText;
    return status;
  }
  void clearError() {
    status = MOE_RT_OK;
    errorText.clear();
  }
  void traceTo(FILE *file) { trace = file; }

  std::atomic<bool> cancelled{false};

private:
  enum class SlotState : uint8_t { Empty, Loading, Ready };
  struct Slot {
    char *address = nullptr;
    int32_t expert = -1;
    SlotState state = SlotState::Empty;
    uint32_t partsReady = 0; // a bit for each part
    bool wanted = false;     // demanded by the stream, not released yet
    uint64_t lastUse = 0;
  };
  struct Bank {
    std::vector<Slot> slots;
    std::vector<int32_t> slotOf; // by expert, -1 when not resident
    std::vector<double> frequency;
  };

  void prepare(int32_t bank, const int32_t *counts, bool ahead);
  void issue();
  void load(Slot &slot, int32_t expert);
  void complete();
  void use(int32_t expert);
  void fail(moe_rt_status code, const std::string &text);
  void drain();

  const moe_rt_model &model;
  std::unique_ptr<Device> device;
  std::unique_ptr<Reader> reader;
  std::unique_ptr<Policy> policy;
  std::vector<int32_t> slotCounts;
  std::vector<Bank> banks;
  PagerStatistics stats;
  moe_rt_status status = MOE_RT_OK;
  std::string errorText;
  FILE *trace = nullptr;

  // The stream.
  int32_t current = -1; // bank
  bool isOpen = false, ahead = false;
  std::vector<int32_t> demanded, ready, misses, inFlight;
  std::vector<Candidate> candidates;
  size_t nextReady = 0, nextMiss = 0;
  uint64_t clock = 0, streams = 0, reads = 0;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_PAGER_H
