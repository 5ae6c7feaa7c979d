//===- HostPager.cpp - Experts in slots in the host's memory --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostPager.h"
#include <algorithm>
#include <chrono>

using namespace moe_rt;

HostPager::~HostPager() { drain(); }

bool HostPager::reserve(Device &host) {
  const std::vector<BankInfo> &infos = model.signature.banks;
  memory.resize(infos.size());
  partsReady.resize(infos.size());
  size_t most = 0;
  for (size_t b = 0; b < infos.size(); ++b) {
    int32_t slots = residency.slotCount(int32_t(b));
    if (!memory[b].allocate(host, infos[b].slotBytes * slots))
      return false;
    partsReady[b].resize(slots);
    most = std::max<size_t>(most, infos[b].experts);
  }
  ready.reserve(most);
  return true;
}

char *HostPager::address(int32_t slot, uint32_t part) const {
  const BankInfo &info = bankInfo();
  char *at = memory[residency.bank()].data() + slot * info.slotBytes;
  for (uint32_t i = 0; i < part; ++i)
    at += info.parts[i];
  return at;
}

/// Finds hits and misses and starts reading.
void HostPager::prepare(int32_t bank, const int32_t *counts) {
  residency.begin(bank, counts);
  ready = residency.hits();
  nextReady = 0;
  issue();
}

/// Starts the misses in order, as far as there are slots for them. A read's
/// number tells slot and part.
void HostPager::issue() {
  int32_t slot, expert;
  while (failed() == MOE_RT_OK && (expert = residency.place(slot)) >= 0) {
    partsReady[residency.bank()][slot] = 0;
    for (uint32_t part = 0; part < bankInfo().parts.size(); ++part) {
      if (ahead)
        stats.bytesPrefetched += bankInfo().parts[part];
      if (startRead(uint64_t(slot) * 8 + part, expert, part,
                    address(slot, part)))
        ++reads;
    }
  }
}

/// Waits for one read and checks what it brought.
void HostPager::complete() {
  Completion done = reader->wait();
  --reads;
  int32_t slot = int32_t(done.id / 8), expert = residency.expertIn(slot);
  uint32_t part = done.id % 8;
  if (!checkRead(done.error, expert, part, address(slot, part)))
    return;
  uint32_t &parts = partsReady[residency.bank()][slot];
  parts |= 1u << part;
  if (part == 0)
    ready.push_back(expert);
  if (parts == (1u << bankInfo().parts.size()) - 1)
    residency.arrived(slot);
}

void HostPager::completeStalled() {
  auto begin = std::chrono::steady_clock::now();
  complete();
  stats.stallSeconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
}

void HostPager::prefetch(int32_t bank, const int32_t *counts) {
  if (bank < 0 || size_t(bank) >= memory.size() || isOpen ||
      failed() != MOE_RT_OK)
    return;
  drain();
  ahead = true;
  prepare(bank, counts);
}

int32_t HostPager::open(int32_t bank, const int32_t *counts) {
  if (bank < 0 || size_t(bank) >= memory.size() || isOpen)
    fail(MOE_RT_INTERNAL, "compiled code opened a stream it must not");
  if (failed() != MOE_RT_OK)
    return failed();
  // What the hint began goes on, when it was for just this.
  bool same = ahead && residency.demands(bank, counts);
  ahead = false;
  if (!same) {
    drain();
    prepare(bank, counts);
  }
  isOpen = true;
  return failed();
}

int32_t HostPager::next() {
  checkCancelled();
  for (;;) {
    if (failed() != MOE_RT_OK)
      return -2;
    issue();
    if (nextReady < ready.size())
      return ready[nextReady++];
    if (reads == 0) {
      if (residency.hasMisses())
        fail(MOE_RT_INTERNAL, "an expert has no slot to go to");
      return failed() == MOE_RT_OK ? -1 : -2;
    }
    completeStalled();
  }
}

const void *HostPager::part(int32_t expert, int32_t part) {
  const BankInfo &info = bankInfo();
  int32_t slot =
      expert >= 0 && expert < info.experts ? residency.slotOf(expert) : -1;
  if (part < 0 || size_t(part) >= info.parts.size() || slot < 0) {
    fail(MOE_RT_INTERNAL, "compiled code asked for a part that does not exist");
    return nullptr;
  }
  const uint32_t &parts = partsReady[residency.bank()][slot];
  while (failed() == MOE_RT_OK && !(parts & (1u << part)) && reads > 0)
    completeStalled();
  if (failed() != MOE_RT_OK || !(parts & (1u << part)))
    return nullptr;
  return address(slot, part);
}

int32_t HostPager::close() {
  isOpen = false;
  drain();
  return failed();
}

/// Ends all reads; after a failure what did not become ready is forgotten.
void HostPager::drain() {
  ahead = false;
  while (reads > 0)
    complete();
  residency.end();
}
