//===- Residency.h - Which experts are in which slots -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_RESIDENCY_H
#define MOE_RT_SRC_RESIDENCY_H

#include "Model.h"
#include <cstdio>

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

/// The account of which experts are in which slots. It moves no bytes.
///
/// The order of accesses is defined, so that a trace can be replayed exactly. A
/// pass demands a set of experts. First, in ascending order, those that are
/// resident are hits and are used. Then, in ascending order, each of the others
/// is a miss: it takes a free slot, or the slot of the policy's victim among
/// all residents (with LRU the one used longest ago), and is used. A miss whose
/// victim is still being computed waits for it; misses behind it wait too.
class Residency {
public:
  Residency(const std::vector<BankInfo> &infos, std::unique_ptr<Policy> policy,
            std::vector<int32_t> slotCounts);

  /// Begins a pass over the experts with counts[e] > 0: notes its hits, which
  /// stay until they are released, and its misses.
  void begin(int32_t bank, const int32_t *counts);
  /// Whether the pass under way demands just these.
  bool demands(int32_t bank, const int32_t *counts) const;
  /// The next miss, now loading in `slot`; -1 when there is none, or its slot
  /// is not free yet.
  int32_t place(int32_t &slot);
  bool hasMisses() const { return nextMiss < misses.size(); }
  /// The expert of the slot is there.
  void arrived(int32_t slot) { now().slots[slot].loading = false; }
  /// The expert may be evicted.
  void release(int32_t expert);
  /// Ends the pass; what is still loading is forgotten.
  void end();

  /// The bank of the pass, or -1.
  int32_t bank() const { return current; }
  const std::vector<int32_t> &hits() const { return hitList; }
  /// In the bank of the pass; -1: not resident.
  int32_t slotOf(int32_t expert) const { return now().slotOf[expert]; }
  int32_t expertIn(int32_t slot) const { return now().slots[slot].expert; }
  /// By expert, of any bank.
  const std::vector<int32_t> &slotsOf(int32_t bank) const {
    return banks[bank].slotOf;
  }
  int32_t slotCount(int32_t bank) const {
    return int32_t(banks[bank].slots.size());
  }
  /// Whether every expert of every bank is in a slot.
  bool holdsEverything() const;
  uint64_t slotBytes() const;
  const char *policyName() const { return policy->name(); }
  void traceTo(FILE *file) { trace = file; }

  uint64_t hitCount = 0, missCount = 0;
  uint64_t resident = 0, residentPeak = 0; // bytes of experts in slots

private:
  struct Slot {
    int32_t expert = -1;
    bool loading = false;
    bool wanted = false; // demanded by the pass, not released yet
    uint64_t lastUse = 0;
  };
  struct Bank {
    std::vector<Slot> slots;
    std::vector<int32_t> slotOf; // by expert, -1 when not resident
    std::vector<double> frequency;
  };
  Bank &now() { return banks[current]; }
  const Bank &now() const { return banks[current]; }
  Slot *freeSlot();
  void use(int32_t expert);

  const std::vector<BankInfo> &infos;
  std::unique_ptr<Policy> policy;
  std::vector<Bank> banks;
  FILE *trace = nullptr;

  // The pass.
  int32_t current = -1;
  std::vector<int32_t> demanded, hitList, misses;
  std::vector<Candidate> candidates;
  size_t nextMiss = 0;
  uint64_t clock = 0, passes = 0;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_RESIDENCY_H
