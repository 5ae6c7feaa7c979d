//===- GraphCache.cpp - Runs recorded as graphs ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphCache.h"
#include <algorithm>

using namespace moe_rt;

GraphCache::~GraphCache() {
  for (RecordedRun &run : runs)
    device.api.graph_destroy(run.graph);
}

RecordedRun *GraphCache::find(const std::vector<uint64_t> &key) {
  for (RecordedRun &run : runs)
    if (run.key == key) {
      run.lastUse = ++clock;
      return &run;
    }
  return nullptr;
}

moe_rt_status GraphCache::keep(RecordedRun fresh, RecordedRun *&kept) {
  kept = nullptr;
  fresh.lastUse = ++clock;
  auto same = std::find_if(runs.begin(), runs.end(), [&](const auto &run) {
    return run.sequence == fresh.sequence;
  });
  if (same != runs.end()) {
    int32_t updated = 0;
    moe_rt_status status = device.check(
        device.api.graph_update(same->graph, fresh.graph, &updated));
    if (status != MOE_RT_OK || !updated) {
      device.api.graph_destroy(same->graph);
      runs.erase(same);
      return status;
    }
    fresh.graph = same->graph;
    *same = std::move(fresh);
    kept = &*same;
    return MOE_RT_OK;
  }
  if (runs.size() == kMost) {
    auto oldest = std::min_element(
        runs.begin(), runs.end(),
        [](const auto &a, const auto &b) { return a.lastUse < b.lastUse; });
    device.api.graph_destroy(oldest->graph);
    runs.erase(oldest);
  }
  runs.push_back(std::move(fresh));
  kept = &runs.back();
  return MOE_RT_OK;
}
