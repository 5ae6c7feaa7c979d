//===- DevicePager.cpp - Experts in slots of a device ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DevicePager.h"
#include <algorithm>
#include <chrono>

using namespace moe_rt;

moe_rt_status DevicePager::reserve(int32_t hostSlots) {
  const std::vector<BankInfo> &infos = model.signature.banks;
  memory.resize(infos.size());
  arrivals.resize(infos.size());
  readers.resize(infos.size());
  uint64_t largest = 0;
  for (size_t b = 0; b < infos.size(); ++b) {
    int32_t slots = residency.slotCount(int32_t(b));
    largest = std::max(largest, infos[b].slotBytes);
    if (!memory[b].allocate(device, infos[b].slotBytes * slots))
      return device.lost() ? MOE_RT_DEVICE : MOE_RT_OUT_OF_MEMORY;
    arrivals[b].resize(slots);
    readers[b].resize(slots);
    for (Event &event : arrivals[b])
      if (moe_rt_status status = event.create(device); status != MOE_RT_OK)
        return status;
  }
  if (infos.empty())
    return MOE_RT_OK;
  moe_rt_status status = tables.reserve(infos);
  return status == MOE_RT_OK ? tier.reserve(infos, hostSlots, largest) : status;
}

int32_t DevicePager::open(int32_t bank, const int32_t *counts) {
  if (bank < 0 || size_t(bank) >= memory.size() || isOpen)
    fail(MOE_RT_INTERNAL, "compiled code opened a stream it must not");
  if (failed() != MOE_RT_OK)
    return failed();
  isOpen = true;
  began = false;
  residency.begin(bank, counts);
  advance();
  return failed();
}

/// Moves every miss as far as it goes without waiting, the first ones first.
void DevicePager::advance() {
  int32_t slot, expert;
  while ((expert = residency.place(slot)) >= 0)
    waiting.push_back({expert, slot, -1, 0});
  while (failed() == MOE_RT_OK && !waiting.empty() && start(waiting.front()))
    waiting.pop_front();
  Completion done;
  while (reads > 0 && reader->poll(done))
    completeRead(done);
}

/// Sends an expert that is still in pinned memory, else starts to read it. A
/// read's number tells pinned slot and part. False: no pinned slot is free.
bool DevicePager::start(Load load) {
  load.pinned = tier.find(residency.bank(), load.expert);
  if (load.pinned >= 0) {
    ++stats.hostHits;
    send(load);
    return true;
  }
  if (!check(tier.take(residency.bank(), load.expert, load.pinned)) ||
      load.pinned < 0)
    return false;
  char *to = tier.data(load.pinned);
  for (uint32_t part = 0; part < bankInfo().parts.size(); ++part) {
    if (startRead(uint64_t(load.pinned) * 8 + part, load.expert, part, to))
      ++reads;
    to += bankInfo().parts[part];
  }
  reading.push_back(load);
  return true;
}

void DevicePager::completeRead(const Completion &done) {
  --reads;
  int32_t pinned = int32_t(done.id / 8);
  uint32_t part = done.id % 8;
  auto load = std::find_if(reading.begin(), reading.end(),
                           [&](const Load &l) { return l.pinned == pinned; });
  const std::vector<uint64_t> &parts = bankInfo().parts;
  const char *data = tier.data(pinned);
  for (uint32_t i = 0; i < part; ++i)
    data += parts[i];
  if (!checkRead(done.error, load->expert, part, data))
    return;
  load->partsRead |= 1u << part;
  if (load->partsRead != (1u << parts.size()) - 1)
    return;
  tier.filled(pinned);
  send(*load);
  reading.erase(load);
}

/// One copy brings all parts, which lie in a slot as they do in the file.
void DevicePager::send(const Load &load) {
  int32_t bank = residency.bank();
  uint64_t bytes = bankInfo().slotBytes;
  WaveEvent *&wave = readers[bank][load.slot];
  if (wave) {
    check(wave->event.wait(device.copies));
    --wave->users;
    wave = nullptr;
  }
  if (failed() != MOE_RT_OK ||
      !check(device.check(device.api.copy_to_device(
          device.copies, memory[bank].data() + load.slot * bytes,
          tier.data(load.pinned), bytes))))
    return;
  stats.bytesToDevice += bytes;
  copying.push_back(load);
  if (check(arrivals[bank][load.slot].record(device.copies)))
    check(tier.sent(load.pinned, device.copies));
}

/// What has arrived since joins the wave. Copies run in order.
void DevicePager::takeArrived() {
  while (failed() == MOE_RT_OK && !copying.empty()) {
    Load load = copying.front();
    Event &arrival = arrivals[residency.bank()][load.slot];
    bool there = false;
    if (!check(arrival.query(there)) || !there ||
        !check(arrival.wait(device.compute)))
      return;
    copying.pop_front();
    residency.arrived(load.slot);
    inWave.push_back(load.expert);
  }
}

/// Waits for whatever brings a miss on.
void DevicePager::wait() {
  auto begin = std::chrono::steady_clock::now();
  bool read = false, any = false;
  if (!copying.empty()) {
    check(arrivals[residency.bank()][copying.front().slot].synchronize());
  } else if (reads > 0) {
    completeRead(reader->wait());
    read = true;
  } else if (check(tier.settle(any)) && !any) {
    fail(MOE_RT_INTERNAL, "an expert has no pinned slot to go to");
  }
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  stats.stallSeconds += seconds;
  if (read && device.api.host_time)
    device.api.host_time(device.handle, seconds);
}

/// Fills the wave with what arrived since, at least one; false: all were handed
/// out, or the run has failed.
bool DevicePager::collect() {
  for (;;) {
    advance();
    takeArrived();
    if (failed() != MOE_RT_OK)
      return false;
    if (!inWave.empty())
      return true;
    if (waiting.empty() && reading.empty() && copying.empty()) {
      if (residency.hasMisses())
        fail(MOE_RT_INTERNAL, "an expert has no slot to go to");
      return false;
    }
    wait();
  }
}

int32_t DevicePager::next(moe_rt_abi_wave &wave) {
  checkCancelled();
  if (!isOpen || !inWave.empty())
    fail(MOE_RT_INTERNAL, "compiled code asked for a wave it must not");
  if (failed() != MOE_RT_OK)
    return -1;
  bool hits = !began && !residency.hits().empty();
  began = true;
  if (hits)
    inWave = residency.hits();
  else if (!collect())
    return failed() == MOE_RT_OK ? 0 : -1;
  return hand(wave) ? 1 : -1;
}

bool DevicePager::hand(moe_rt_abi_wave &wave) {
  int32_t bank = residency.bank();
  table.assign(bankInfo().experts, -1);
  for (int32_t expert : inWave)
    table[expert] = residency.slotOf(expert);
  if (!check(tables.write(bank, table)))
    return false;
  wave = {memory[bank].data(), residency.slotCount(bank), tables.table(bank)};
  return true;
}

/// An event that no slot refers to; null on a failure.
DevicePager::WaveEvent *DevicePager::findEvent() {
  for (WaveEvent &event : events)
    if (event.users == 0)
      return &event;
  events.emplace_back();
  if (check(events.back().event.create(device)))
    return &events.back();
  events.pop_back();
  return nullptr;
}

void DevicePager::done() {
  int32_t bank = residency.bank();
  WaveEvent *behind = nullptr;
  // Slots of a bank that holds all of its experts are never written again.
  bool evicts = bank >= 0 && residency.slotCount(bank) < bankInfo().experts;
  if (failed() == MOE_RT_OK && evicts && (behind = findEvent()) &&
      !check(behind->event.record(device.compute)))
    behind = nullptr;
  for (int32_t expert : inWave) {
    if (behind) {
      WaveEvent *&wave = readers[bank][residency.slotOf(expert)];
      if (wave)
        --wave->users;
      wave = behind;
      ++behind->users;
    }
    residency.release(expert);
  }
  inWave.clear();
}

/// After a failure what did not arrive is forgotten, but nothing that is on its
/// way may be written again.
int32_t DevicePager::close() {
  for (; reads > 0; --reads)
    (void)reader->wait();
  for (const Load &load : reading)
    tier.forget(load.pinned);
  if (!copying.empty())
    (void)device.api.stream_synchronize(device.copies);
  waiting.clear();
  reading.clear();
  copying.clear();
  inWave.clear();
  residency.end();
  isOpen = false;
  return failed();
}

bool DevicePager::makeConstant() {
  if (failed() != MOE_RT_OK || !residency.holdsEverything())
    return false;
  for (size_t b = 0; b < memory.size(); ++b)
    if (!check(tables.write(int32_t(b), residency.slotsOf(int32_t(b)))))
      return false;
  return true;
}

moe_rt_abi_wave DevicePager::constantWave(int32_t bank) const {
  return {memory[bank].data(), residency.slotCount(bank), tables.table(bank)};
}

void DevicePager::account(int32_t bank, const int32_t *counts) {
  residency.begin(bank, counts);
  residency.end();
}
