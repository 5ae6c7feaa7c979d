//===- ThreadPool.cpp - The session's threads -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sched.h>
#include <system_error>

using namespace moe_rt;

namespace {
constexpr uint64_t kOpen = 1u << 16, kInside = kOpen - 1, kNumber = kOpen << 1;
/// Long enough to bridge the gaps between the loops of one run.
constexpr auto kSpin = std::chrono::microseconds(50);
} // namespace

int moe_rt::availableThreads() {
  cpu_set_t set;
  int threads = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    threads = CPU_COUNT(&set);
  long long quota = 0, period = 0;
  if (FILE *file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 &&
        period > 0)
      threads = std::min<long long>(
          threads, std::max(1ll, (quota + period - 1) / period));
    std::fclose(file);
  }
  return std::max(1, threads);
}

ThreadPool::ThreadPool(int threads) {
  workers.reserve(std::max(0, threads - 1));
  try {
    while (size() < threads)
      workers.emplace_back([this] { work(); });
  } catch (const std::system_error &) {
    // The system gives no more. Results do not depend on how many there are.
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::takeChunks() {
  for (;;) {
    int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
    if (begin >= count)
      return;
    body(context, begin, std::min(begin + grain, count));
  }
}

/// Enters the current loop if there is one.
bool ThreadPool::join() {
  uint64_t seen = state.load(std::memory_order_relaxed);
  while (seen & kOpen)
    if (state.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire))
      return true;
  return false;
}

void ThreadPool::work() {
  uint64_t done = ~uint64_t(0); // the loop this worker was in last
  auto idle = std::chrono::steady_clock::now();
  while (!stopping.load(std::memory_order_relaxed)) {
    uint64_t seen = state.load(std::memory_order_acquire);
    if ((seen & kOpen) && seen / kNumber != done && join()) {
      done = state.load(std::memory_order_relaxed) / kNumber;
      takeChunks();
      state.fetch_sub(1, std::memory_order_release);
      idle = std::chrono::steady_clock::now();
      continue;
    }
    if (std::chrono::steady_clock::now() - idle < kSpin) {
      __builtin_ia32_pause();
      continue;
    }
    std::unique_lock<std::mutex> lock(mutex);
    sleepers.fetch_add(1);
    wake.wait(lock, [&] {
      uint64_t now = state.load();
      return stopping.load() || ((now & kOpen) && now / kNumber != done);
    });
    sleepers.fetch_sub(1);
    idle = std::chrono::steady_clock::now();
  }
}

void ThreadPool::parallelFor(moe_rt_abi_body loop, void *data, int64_t n,
                             int64_t chunk) {
  chunk = std::max<int64_t>(1, chunk);
  if (n <= chunk || workers.empty()) {
    // The same chunks as with more threads.
    for (int64_t begin = 0; begin < n; begin += chunk)
      loop(data, begin, std::min(begin + chunk, n));
    return;
  }
  body = loop;
  context = data;
  count = n;
  grain = chunk;
  next.store(0, std::memory_order_relaxed);
  uint64_t number = state.load(std::memory_order_relaxed) / kNumber + 1;
  state.store(number * kNumber | kOpen);
  if (sleepers.load() > 0) {
    std::lock_guard<std::mutex> lock(mutex);
    wake.notify_all();
  }
  takeChunks();
  state.fetch_and(~kOpen, std::memory_order_relaxed);
  while (state.load(std::memory_order_acquire) & kInside)
    __builtin_ia32_pause();
}
