//===- Routes.h - Counts of the routes of a run -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_ROUTES_H
#define MOE_RT_SRC_ROUTES_H

#include "KernelDevice.h"
#include <deque>
#include <vector>

namespace moe_rt {

/// A place of a run where tokens were given to the experts of a bank.
struct Route {
  int32_t bank;
  const int32_t *onDevice; ///< tokens of each expert
  int32_t *counts;         ///< the same, copied to pinned memory
  Event *copied;           ///< null while a graph is recorded
  bool opened = false;     ///< a stream was opened for it
};

/// The routes of a run in order. The i-th one of the same sequence of banks
/// has the same pinned memory in every run, so that graphs can hold it.
class Routes {
public:
  explicit Routes(KernelDevice &device) : device(device) {}
  /// Forgets those of the last run, whose copies have ended.
  void clear();
  /// Starts to copy the counts; null on a failure.
  Route *start(int32_t bank, const int32_t *onDevice, int32_t experts,
               bool recording);
  /// The route that was started for these counts and not opened; null: none.
  Route *find(int32_t bank, const int32_t *onDevice);
  std::deque<Route> list;

private:
  char *memoryFor(uint64_t bytes);

  static constexpr uint64_t kBlock = 64u << 10;
  struct Block {
    PinnedBuffer memory;
    uint64_t bytes;
  };
  KernelDevice &device;
  std::vector<Block> blocks;
  size_t block = 0; // where the next one goes
  uint64_t used = 0;
  std::deque<Event> events;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_ROUTES_H
