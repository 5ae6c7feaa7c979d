//===- GraphCache.h - Runs recorded as graphs -------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_GRAPHCACHE_H
#define MOE_RT_SRC_GRAPHCACHE_H

#include "KernelDevice.h"
#include "Routes.h"

namespace moe_rt {

/// A run as recorded: what it depends on, what it does.
struct RecordedRun {
  std::vector<uint64_t> key;      ///< sizes and addresses: equal ones, same run
  std::vector<int32_t> sequence;  ///< kernels and copies in order
  std::vector<uint64_t> launches; ///< of each kernel
  std::vector<Route> routes;
  moe_rt_graph *graph = nullptr;
  uint64_t lastUse = 0;
};

/// The last few graphs, one for each sequence of kernels: prefill and decode
/// differ in theirs, the steps of a decode do not.
class GraphCache {
public:
  explicit GraphCache(KernelDevice &device) : device(device) {}
  ~GraphCache();
  /// The run of this key; null: it was not recorded.
  RecordedRun *find(const std::vector<uint64_t> &key);
  /// Takes a run just recorded, into the graph of its sequence when there is
  /// one. `kept`: the run to launch; null when the device could not take the
  /// new arguments over, or on a failure.
  moe_rt_status keep(RecordedRun fresh, RecordedRun *&kept);

private:
  static constexpr size_t kMost = 4;
  KernelDevice &device;
  std::vector<RecordedRun> runs;
  uint64_t clock = 0;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_GRAPHCACHE_H
