//===- Residency.cpp - Which experts are in which slots -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Residency.h"
#include <algorithm>

using namespace moe_rt;

namespace {

class LRU final : public Policy {
public:
  const char *name() const override { return "lru"; }
  size_t victim(const std::vector<Candidate> &candidates) const override {
    size_t best = 0;
    for (size_t i = 1; i < candidates.size(); ++i)
      if (candidates[i].lastUse < candidates[best].lastUse)
        best = i;
    return best;
  }
};

/// Keeps what is used often: a scan over many experts does not flush it.
class LFU final : public Policy {
public:
  const char *name() const override { return "lfu"; }
  size_t victim(const std::vector<Candidate> &candidates) const override {
    size_t best = 0;
    for (size_t i = 1; i < candidates.size(); ++i) {
      const Candidate &a = candidates[i], &b = candidates[best];
      if (a.frequency < b.frequency ||
          (a.frequency == b.frequency && a.lastUse > b.lastUse))
        best = i;
    }
    return best;
  }
};

/// Uses lose half of their weight in about this many passes over a bank.
constexpr double kDecay = 0.99;

} // namespace

std::unique_ptr<Policy> Policy::create(const std::string &name) {
  if (name == "lru")
    return std::make_unique<LRU>();
  if (name == "lfu")
    return std::make_unique<LFU>();
  return nullptr;
}

Residency::Residency(const std::vector<BankInfo> &infos,
                     std::unique_ptr<Policy> policy,
                     std::vector<int32_t> slotCounts)
    : infos(infos), policy(std::move(policy)), banks(infos.size()) {
  size_t most = 0;
  for (size_t b = 0; b < infos.size(); ++b) {
    banks[b].slots.resize(slotCounts[b]);
    banks[b].slotOf.assign(infos[b].experts, -1);
    banks[b].frequency.assign(infos[b].experts, 0);
    most = std::max<size_t>(most, infos[b].experts);
  }
  // A run allocates nothing.
  for (auto *list : {&demanded, &hitList, &misses})
    list->reserve(most);
  candidates.reserve(most);
}

uint64_t Residency::slotBytes() const {
  uint64_t bytes = 0;
  for (size_t b = 0; b < banks.size(); ++b)
    bytes += banks[b].slots.size() * infos[b].slotBytes;
  return bytes;
}

bool Residency::holdsEverything() const {
  for (const Bank &bank : banks)
    if (std::find(bank.slotOf.begin(), bank.slotOf.end(), -1) !=
        bank.slotOf.end())
      return false;
  return true;
}

void Residency::use(int32_t expert) {
  Bank &bank = now();
  bank.slots[bank.slotOf[expert]].lastUse = ++clock;
  bank.frequency[expert] += 1;
}

void Residency::begin(int32_t number, const int32_t *counts) {
  current = number;
  demanded.clear();
  hitList.clear();
  misses.clear();
  nextMiss = 0;
  Bank &bank = now();
  const BankInfo &info = infos[number];
  ++passes;
  for (double &frequency : bank.frequency)
    frequency *= kDecay;
  for (int32_t e = 0; e < info.experts; ++e) {
    if (counts[e] <= 0)
      continue;
    demanded.push_back(e);
    bool hit = bank.slotOf[e] >= 0;
    (hit ? hitList : misses).push_back(e);
    if (trace)
      std::fprintf(trace,
                   "{\"stream\":%llu,\"bank\":%d,\"expert\":%d,\"hit\":%d,"
                   "\"bytes\":%llu}\n",
                   (unsigned long long)passes, number, e, int(hit),
                   (unsigned long long)(hit ? 0 : info.slotBytes));
  }
  hitCount += hitList.size();
  missCount += misses.size();
  for (int32_t e : hitList) {
    bank.slots[bank.slotOf[e]].wanted = true;
    use(e);
  }
}

bool Residency::demands(int32_t bank, const int32_t *counts) const {
  if (bank != current)
    return false;
  size_t i = 0;
  for (int32_t e = 0; e < infos[bank].experts; ++e)
    if (counts[e] > 0 && (i >= demanded.size() || demanded[i++] != e))
      return false;
  return i == demanded.size();
}

/// A slot for the next miss; null when its victim is not free yet.
Residency::Slot *Residency::freeSlot() {
  Bank &bank = now();
  candidates.clear();
  for (Slot &slot : bank.slots) {
    if (slot.expert < 0)
      return &slot;
    candidates.push_back(
        {slot.expert, slot.lastUse, bank.frequency[slot.expert]});
  }
  int32_t victim = candidates[policy->victim(candidates)].expert;
  Slot &slot = bank.slots[bank.slotOf[victim]];
  if (slot.wanted || slot.loading)
    return nullptr; // after its release
  bank.slotOf[victim] = -1;
  resident -= infos[current].slotBytes;
  return &slot;
}

int32_t Residency::place(int32_t &slot) {
  if (!hasMisses())
    return -1;
  Slot *place = freeSlot();
  if (!place)
    return -1;
  Bank &bank = now();
  slot = int32_t(place - bank.slots.data());
  place->expert = misses[nextMiss++];
  place->loading = place->wanted = true;
  bank.slotOf[place->expert] = slot;
  resident += infos[current].slotBytes;
  residentPeak = std::max(residentPeak, resident);
  use(place->expert);
  return place->expert;
}

void Residency::release(int32_t expert) {
  Bank &bank = now();
  if (expert >= 0 && size_t(expert) < bank.slotOf.size() &&
      bank.slotOf[expert] >= 0)
    bank.slots[bank.slotOf[expert]].wanted = false;
}

void Residency::end() {
  if (current < 0)
    return;
  Bank &bank = now();
  for (Slot &slot : bank.slots) {
    slot.wanted = false;
    if (slot.expert >= 0 && slot.loading) {
      bank.slotOf[slot.expert] = -1;
      slot.expert = -1;
      slot.loading = false;
      resident -= infos[current].slotBytes;
    }
  }
  current = -1;
}
