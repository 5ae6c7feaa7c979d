//===- DeviceHazards.cpp - Accesses that nothing orders -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceHazards.h"
#include <algorithm>

using namespace moe_simt;

void VectorClock::set(size_t stream, uint64_t count) {
  if (counts.size() <= stream)
    counts.resize(stream + 1);
  counts[stream] = count;
}

void VectorClock::join(const VectorClock &other) {
  if (counts.size() < other.counts.size())
    counts.resize(other.counts.size());
  for (size_t s = 0; s < other.counts.size(); ++s)
    counts[s] = std::max(counts[s], other.counts[s]);
}

void VectorClock::meet(const VectorClock &other) {
  for (size_t s = 0; s < counts.size(); ++s)
    counts[s] = std::min(counts[s], other[s]);
}

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

void moe_simt::normalize(Intervals &intervals) {
  std::sort(
      intervals.begin(), intervals.end(),
      [](const Interval &a, const Interval &b) { return a.begin < b.begin; });
  size_t kept = 0;
  for (const Interval &interval : intervals) {
    if (interval.begin == interval.end)
      continue;
    if (kept && interval.begin <= intervals[kept - 1].end)
      intervals[kept - 1].end = std::max(intervals[kept - 1].end, interval.end);
    else
      intervals[kept++] = interval;
  }
  intervals.resize(kept);
}

Interval moe_simt::intersect(const Intervals &a, const Intervals &b) {
  if (a.empty() || b.empty() || a.back().end <= b.front().begin ||
      b.back().end <= a.front().begin)
    return {};
  auto i = a.begin(), j = b.begin();
  while (i != a.end() && j != b.end()) {
    uintptr_t begin = std::max(i->begin, j->begin);
    uintptr_t end = std::min(i->end, j->end);
    if (begin < end)
      return {begin, end};
    if (i->end < j->end)
      ++i;
    else
      ++j;
  }
  return {};
}

uint64_t moe_simt::countBytes(const Intervals &intervals) {
  uint64_t bytes = 0;
  for (const Interval &interval : intervals)
    bytes += interval.end - interval.begin;
  return bytes;
}

//===----------------------------------------------------------------------===//
// AccessRecorder
//===----------------------------------------------------------------------===//

AccessRecorder::Page &AccessRecorder::getPage(uintptr_t number) {
  Recent &entry = recent[number % recent.size()];
  if (!entry.page || entry.number != number)
    entry = {number, &pages[number]}; // nodes of the map do not move
  return *entry.page;
}

const char *AccessRecorder::check(const void *address, uint64_t bytes,
                                  bool write) {
  uintptr_t at = reinterpret_cast<uintptr_t>(address);
  while (bytes) {
    Page &page = getPage(at / kPage);
    uint64_t first = at % 64;
    uint64_t count = std::min<uint64_t>(bytes, 64 - first);
    uint64_t mask = (count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1)
                    << first;
    (write ? page.writes : page.reads)[at % kPage / 64] |= mask;
    at += count;
    bytes -= count;
  }
  return nullptr;
}

/// Appends the set bits of `words` as intervals that begin at `base`.
static void appendIntervals(const std::array<uint64_t, 64> &words,
                            uintptr_t base, Intervals &intervals) {
  for (uint64_t word : words) {
    for (unsigned bit = 0; word && bit < 64;) {
      bit += __builtin_ctzll(word >> bit);
      uint64_t rest = ~(word >> bit);
      unsigned run = rest ? __builtin_ctzll(rest) : 64;
      run = std::min(run, 64 - bit);
      if (!intervals.empty() && intervals.back().end == base + bit)
        intervals.back().end += run;
      else
        intervals.push_back({base + bit, base + bit + run});
      bit += run;
      if (bit < 64 && word >> bit == 0)
        break;
    }
    base += 64;
  }
}

Accesses AccessRecorder::take() {
  std::vector<uintptr_t> numbers;
  numbers.reserve(pages.size());
  for (const auto &entry : pages)
    numbers.push_back(entry.first);
  std::sort(numbers.begin(), numbers.end());

  Accesses accesses;
  for (uintptr_t number : numbers) {
    const Page &page = pages[number];
    appendIntervals(page.reads, number * kPage, accesses.reads);
    appendIntervals(page.writes, number * kPage, accesses.writes);
  }
  pages.clear();
  recent.fill({});
  return accesses;
}

//===----------------------------------------------------------------------===//
// HazardLog
//===----------------------------------------------------------------------===//

/// The bytes that both touch and `a` or `b` writes.
static Hazard conflict(const Accesses &a, const Accesses &b) {
  if (Interval bytes = intersect(a.writes, b.writes); bytes.end)
    return {nullptr, bytes, true, true};
  if (Interval bytes = intersect(a.writes, b.reads); bytes.end)
    return {nullptr, bytes, true, false};
  return {nullptr, intersect(a.reads, b.writes), false, true};
}

Hazard HazardLog::add(Ran ran) {
  Hazard found;
  for (const Ran &other : log) {
    bool ordered = ran.clock[other.stream] >= other.position ||
                   other.clock[ran.stream] >= ran.position;
    if (ordered)
      continue;
    Hazard hazard = conflict(ran.accesses, other.accesses);
    if (!hazard.bytes.end)
      continue;
    found = hazard;
    found.other = &other;
    break;
  }
  if (!ran.accesses.reads.empty() || !ran.accesses.writes.empty())
    log.push_back(std::move(ran)); // references stay valid
  return found;
}

void HazardLog::forgetBehind(const VectorClock &clock) {
  log.erase(std::remove_if(log.begin(), log.end(),
                           [&](const Ran &ran) {
                             return clock[ran.stream] >= ran.position;
                           }),
            log.end());
}
