//===- ThreadPool.h - The session's threads ---------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_THREADPOOL_H
#define MOE_RT_SRC_THREADPOOL_H

#include "moe_rt/moe_rt_abi.h"
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace moe_rt {

/// Threads this process may use: its affinity, limited by the control group.
int availableThreads();

/// Runs parallel loops on the calling thread and `threads - 1` workers, or as
/// many as the system allows. Workers spin for some microseconds after a loop,
/// then sleep.
class ThreadPool {
public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  int size() const { return int(workers.size()) + 1; }

  /// As moe_rt_abi_host.parallel_for.
  void parallelFor(moe_rt_abi_body body, void *context, int64_t n,
                   int64_t grain);

private:
  void work();
  void takeChunks();
  bool join();

  // The current loop; written while no worker is inside.
  moe_rt_abi_body body = nullptr;
  void *context = nullptr;
  int64_t count = 0, grain = 1;
  std::atomic<int64_t> next{0};

  /// Low bits: workers inside; kOpen: a loop takes workers; above: loop number.
  std::atomic<uint64_t> state{0};
  std::atomic<int> sleepers{0};
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::thread> workers;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_THREADPOOL_H
