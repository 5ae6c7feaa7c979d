//===- DeviceClock.cpp - The virtual clock of host execution --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceClock.h"
#include <algorithm>

using namespace moe_simt;

double Engine::place(double ready, double duration) {
  if (duration <= 0)
    return ready;
  busy += duration;

  // Work runs late, so an operation may come to a gap in the past.
  double start = ready;
  auto next = intervals.upper_bound(ready);
  if (next != intervals.begin())
    start = std::max(start, std::prev(next)->second);
  while (next != intervals.end() && next->first < start + duration) {
    start = next->second;
    ++next;
  }

  // Merge with what it touches.
  double begin = start, end = start + duration;
  if (next != intervals.end() && next->first == end) {
    end = next->second;
    next = intervals.erase(next);
  }
  if (next != intervals.begin() && std::prev(next)->second == begin) {
    begin = std::prev(next)->first;
    intervals.erase(std::prev(next));
  }
  intervals[begin] = end;
  return start + duration;
}

void Engine::forgetBefore(double time) {
  while (!intervals.empty() && intervals.begin()->second < time)
    intervals.erase(intervals.begin());
}

void VirtualClock::hostWaits(double time) {
  host = std::max(host, time);
  makespan = std::max(makespan, host);
}

void VirtualClock::hostSpends(double seconds) { hostWaits(host + seconds); }
