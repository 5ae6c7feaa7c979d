//===- Device.cpp - The host's memory -------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>

using namespace moe_rt;

/// What the machine, or this control group, can still hold.
uint64_t HostDevice::available() {
  uint64_t available = ~uint64_t(0);
  if (FILE *file = std::fopen("/proc/meminfo", "r")) {
    char line[128];
    unsigned long long kib;
    while (std::fgets(line, sizeof(line), file))
      if (std::sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
        available = kib << 10;
    std::fclose(file);
  }
  unsigned long long limit = 0, used = 0;
  if (FILE *file = std::fopen("/sys/fs/cgroup/memory.max", "r")) {
    bool limited = std::fscanf(file, "%llu", &limit) == 1;
    std::fclose(file);
    FILE *current = std::fopen("/sys/fs/cgroup/memory.current", "r");
    if (limited && current && std::fscanf(current, "%llu", &used) == 1)
      available =
          std::min<uint64_t>(available, limit > used ? limit - used : 0);
    if (current)
      std::fclose(current);
  }
  return available;
}

/// What is never touched costs nothing.
char *HostDevice::allocate(uint64_t bytes) {
  bytes = std::max<uint64_t>(bytes, 1);
  void *result = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (result == MAP_FAILED)
    return nullptr;
  if (bytes >= (4u << 20))
    madvise(result, bytes, MADV_HUGEPAGE);
  return static_cast<char *>(result);
}

void HostDevice::release(char *address, uint64_t bytes) {
  munmap(address, std::max<uint64_t>(bytes, 1));
}

moe_rt_status HostDevice::copyWithin(char *to, const char *from,
                                     const Rows &rows) {
  if (rows.bytes > 0)
    for (uint64_t row = 0; row < rows.rows; ++row)
      std::memcpy(to + row * rows.toStride, from + row * rows.fromStride,
                  rows.bytes);
  return MOE_RT_OK;
}
