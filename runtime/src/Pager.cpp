//===- Pager.cpp - Experts in slots under a budget ------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pager.h"
#include <algorithm>
#include <chrono>
#include <cstring>

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

/// Uses lose half of their weight in about this many streams of a bank.
constexpr double kDecay = 0.99;

} // namespace

std::unique_ptr<Policy> Policy::create(const std::string &name) {
  if (name == "lru")
    return std::make_unique<LRU>();
  if (name == "lfu")
    return std::make_unique<LFU>();
  return nullptr;
}

Pager::~Pager() { drain(); }

bool Pager::reserve() {
  const std::vector<BankInfo> &infos = model.signature.banks;
  banks.resize(infos.size());
  size_t most = 0;
  for (size_t b = 0; b < infos.size(); ++b) {
    Bank &bank = banks[b];
    char *memory = device->reserve(infos[b].slotBytes * slotCounts[b]);
    if (!memory)
      return false;
    bank.slots.resize(slotCounts[b]);
    for (int32_t i = 0; i < slotCounts[b]; ++i)
      bank.slots[i].address = memory + i * infos[b].slotBytes;
    bank.slotOf.assign(infos[b].experts, -1);
    bank.frequency.assign(infos[b].experts, 0);
    most = std::max<size_t>(most, infos[b].experts);
  }
  // A run allocates nothing.
  for (auto *list : {&demanded, &ready, &misses, &inFlight})
    list->reserve(most);
  candidates.reserve(most);
  return true;
}

uint64_t Pager::slotBytes() const {
  uint64_t bytes = 0;
  for (size_t b = 0; b < slotCounts.size(); ++b)
    bytes += slotCounts[b] * model.signature.banks[b].slotBytes;
  return bytes;
}

void Pager::fail(moe_rt_status code, const std::string &text) {
  if (status != MOE_RT_OK)
    return;
  status = code;
  errorText = text;
}

void Pager::use(int32_t expert) {
  Bank &bank = banks[current];
  bank.slots[bank.slotOf[expert]].lastUse = ++clock;
  bank.frequency[expert] += 1;
}

/// Finds hits and misses and starts reading.
void Pager::prepare(int32_t number, const int32_t *counts, bool isAhead) {
  current = number;
  ahead = isAhead;
  demanded.clear();
  ready.clear();
  misses.clear();
  inFlight.clear();
  nextReady = nextMiss = 0;
  Bank &bank = banks[number];
  const BankInfo &info = model.signature.banks[number];
  ++streams;
  for (double &frequency : bank.frequency)
    frequency *= kDecay;
  for (int32_t e = 0; e < info.experts; ++e) {
    if (counts[e] <= 0)
      continue;
    demanded.push_back(e);
    bool hit = bank.slotOf[e] >= 0;
    (hit ? ready : misses).push_back(e);
    if (trace)
      std::fprintf(trace,
                   "{\"stream\":%llu,\"bank\":%d,\"expert\":%d,\"hit\":%d,"
                   "\"bytes\":%llu}\n",
                   (unsigned long long)streams, number, e, int(hit),
                   (unsigned long long)(hit ? 0 : info.slotBytes));
  }
  stats.hits += ready.size();
  stats.misses += misses.size();
  for (int32_t e : ready) {
    bank.slots[bank.slotOf[e]].wanted = true;
    use(e);
  }
  issue();
}

/// Starts the misses in order, as far as there are slots for them.
void Pager::issue() {
  Bank &bank = banks[current];
  while (nextMiss < misses.size() && status == MOE_RT_OK) {
    Slot *slot = nullptr;
    candidates.clear();
    for (Slot &candidate : bank.slots) {
      if (candidate.expert < 0) {
        slot = &candidate;
        break;
      }
      candidates.push_back({candidate.expert, candidate.lastUse,
                            bank.frequency[candidate.expert]});
    }
    if (!slot) {
      int32_t victim = candidates[policy->victim(candidates)].expert;
      slot = &bank.slots[bank.slotOf[victim]];
      if (slot->wanted || slot->state == SlotState::Loading)
        return; // after its release
      bank.slotOf[victim] = -1;
      stats.resident -= model.signature.banks[current].slotBytes;
    }
    int32_t expert = misses[nextMiss++];
    load(*slot, expert);
    use(expert);
  }
}

/// A read's number tells slot and part.
void Pager::load(Slot &slot, int32_t expert) {
  Bank &bank = banks[current];
  const BankInfo &info = model.signature.banks[current];
  uint64_t index = &slot - bank.slots.data();
  slot.expert = expert;
  slot.state = SlotState::Loading;
  slot.partsReady = 0;
  slot.wanted = true;
  bank.slotOf[expert] = int32_t(index);
  inFlight.push_back(expert);
  stats.resident += info.slotBytes;
  stats.residentPeak = std::max(stats.residentPeak, stats.resident);
  uint64_t pageNumber = info.firstPage + uint64_t(expert) * info.parts.size();
  char *at = slot.address;
  for (uint64_t part = 0; part < info.parts.size(); ++part) {
    const moe_format_page &page = model.pages[pageNumber + part];
    ++reads;
    if (!reader->submit(index * 8 + part, page.offset, page.bytes,
                        device->readTarget(at, page.bytes)))
      fail(MOE_RT_IO, model.weightsPath + ": a read could not be started");
    at += page.bytes;
    ++stats.pagesRead;
    stats.bytesRead += page.bytes;
    if (ahead)
      stats.bytesPrefetched += page.bytes;
  }
}

/// Waits for one read and checks what it brought.
void Pager::complete() {
  Completion done = reader->wait();
  --reads;
  Bank &bank = banks[current];
  const BankInfo &info = model.signature.banks[current];
  Slot &slot = bank.slots[done.id / 8];
  uint32_t part = done.id % 8;
  const moe_format_page &page =
      model.pages[info.firstPage + uint64_t(slot.expert) * info.parts.size() +
                  part];
  std::string name = "part " + std::to_string(part) + " of expert " +
                     std::to_string(slot.expert) + " of '" + info.name + "'";
  if (done.error) {
    fail(MOE_RT_IO, model.weightsPath + ": reading " + name + ": " +
                        std::strerror(done.error));
    return;
  }
  char *at = slot.address;
  for (uint32_t i = 0; i < part; ++i)
    at += info.parts[i];
  const char *target = device->readTarget(at, page.bytes);
  if (hashBytes(target, page.bytes) != page.hash) {
    fail(MOE_RT_DAMAGED, model.weightsPath + ": " + name +
                             " does not match its hash; the file is damaged");
    return;
  }
  device->arrived(at, target, page.bytes);
  slot.partsReady |= 1u << part;
  if (part == 0)
    ready.push_back(slot.expert);
  if (slot.partsReady == (1u << info.parts.size()) - 1) {
    slot.state = SlotState::Ready;
    inFlight.erase(std::find(inFlight.begin(), inFlight.end(), slot.expert));
  }
}

void Pager::prefetch(int32_t bank, const int32_t *counts) {
  if (bank < 0 || size_t(bank) >= banks.size() || isOpen || status != MOE_RT_OK)
    return;
  if (current >= 0)
    drain();
  prepare(bank, counts, true);
}

int32_t Pager::open(int32_t bank, const int32_t *counts) {
  if (bank < 0 || size_t(bank) >= banks.size() || isOpen)
    fail(MOE_RT_INTERNAL, "compiled code opened a stream it must not");
  if (status != MOE_RT_OK)
    return status;
  // What the hint began goes on, when it was for just this.
  bool same = ahead && current == bank;
  if (same) {
    size_t i = 0;
    for (int32_t e = 0; e < model.signature.banks[bank].experts; ++e)
      if (counts[e] > 0 && (i >= demanded.size() || demanded[i++] != e))
        same = false;
    same &= i == demanded.size();
  }
  if (!same) {
    drain();
    prepare(bank, counts, false);
  }
  ahead = false;
  isOpen = true;
  return status;
}

int32_t Pager::next() {
  if (cancelled.exchange(false))
    fail(MOE_RT_CANCELLED, "the run was cancelled");
  for (;;) {
    if (status != MOE_RT_OK)
      return -2;
    issue();
    if (nextReady < ready.size())
      return ready[nextReady++];
    if (reads == 0) {
      if (nextMiss < misses.size())
        fail(MOE_RT_INTERNAL, "an expert has no slot to go to");
      return status == MOE_RT_OK ? -1 : -2;
    }
    auto begin = std::chrono::steady_clock::now();
    complete();
    stats.stallSeconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
            .count();
  }
}

const void *Pager::part(int32_t expert, int32_t part) {
  const BankInfo &info = model.signature.banks[current];
  Bank &bank = banks[current];
  if (expert < 0 || expert >= info.experts || part < 0 ||
      size_t(part) >= info.parts.size() || bank.slotOf[expert] < 0) {
    fail(MOE_RT_INTERNAL, "compiled code asked for a part that does not exist");
    return nullptr;
  }
  Slot &slot = bank.slots[bank.slotOf[expert]];
  while (status == MOE_RT_OK && !(slot.partsReady & (1u << part)) &&
         reads > 0) {
    auto begin = std::chrono::steady_clock::now();
    complete();
    stats.stallSeconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
            .count();
  }
  if (status != MOE_RT_OK || !(slot.partsReady & (1u << part)))
    return nullptr;
  const char *at = slot.address;
  for (int32_t i = 0; i < part; ++i)
    at += info.parts[i];
  return at;
}

void Pager::release(int32_t expert) {
  Bank &bank = banks[current];
  if (expert >= 0 && size_t(expert) < bank.slotOf.size() &&
      bank.slotOf[expert] >= 0)
    bank.slots[bank.slotOf[expert]].wanted = false;
}

int32_t Pager::close() {
  isOpen = false;
  drain();
  return status;
}

/// Ends all reads; after a failure forgets what did not become ready.
void Pager::drain() {
  if (current < 0)
    return;
  while (reads > 0)
    complete();
  Bank &bank = banks[current];
  for (Slot &slot : bank.slots) {
    slot.wanted = false;
    if (slot.expert >= 0 && slot.state != SlotState::Ready) {
      bank.slotOf[slot.expert] = -1;
      slot.expert = -1;
      slot.state = SlotState::Empty;
      stats.resident -= model.signature.banks[current].slotBytes;
    }
  }
  inFlight.clear();
  current = -1;
}
