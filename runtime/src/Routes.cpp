//===- Routes.cpp - Counts of the routes of a run -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Routes.h"
#include <algorithm>

using namespace moe_rt;

void Routes::clear() {
  list.clear();
  block = 0;
  used = 0;
}

/// The next piece of the blocks; null when none can be pinned.
char *Routes::memoryFor(uint64_t bytes) {
  bytes = (bytes + 63) / 64 * 64;
  while (block < blocks.size() && used + bytes > blocks[block].bytes) {
    ++block;
    used = 0;
  }
  if (block == blocks.size()) {
    Block fresh{{}, std::max(bytes, kBlock)};
    if (fresh.memory.allocate(device, fresh.bytes) != MOE_RT_OK)
      return nullptr;
    blocks.push_back(std::move(fresh));
  }
  char *at = blocks[block].memory.data() + used;
  used += bytes;
  return at;
}

Route *Routes::start(int32_t bank, const int32_t *onDevice, int32_t experts,
                     bool recording) {
  uint64_t bytes = uint64_t(experts) * sizeof(int32_t);
  auto *counts = reinterpret_cast<int32_t *>(memoryFor(bytes));
  if (!counts || device.check(device.api.copy_to_host(
                     device.compute, counts, onDevice, bytes)) != MOE_RT_OK)
    return nullptr;
  Route route{bank, onDevice, counts, nullptr};
  if (!recording) {
    size_t number = list.size();
    if (number == events.size()) {
      events.emplace_back();
      if (events.back().create(device) != MOE_RT_OK) {
        events.pop_back();
        return nullptr;
      }
    }
    route.copied = &events[number];
    if (route.copied->record(device.compute) != MOE_RT_OK)
      return nullptr;
  }
  list.push_back(route);
  return &list.back();
}

Route *Routes::find(int32_t bank, const int32_t *onDevice) {
  for (Route &route : list)
    if (!route.opened && route.bank == bank && route.onDevice == onDevice)
      return &route;
  return nullptr;
}
