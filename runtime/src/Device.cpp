//===- Device.cpp - Where experts are computed ----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include <algorithm>
#include <cstdio>

using namespace moe_rt;

namespace {

/// The host: slots are where compiled code reads, so reads go there directly.
class HostDevice final : public Device {
public:
  const char *name() const override { return "cpu"; }

  /// What the machine, or this control group, can still hold.
  uint64_t available() const override {
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

  char *reserve(uint64_t bytes) override {
    Mapping memory;
    if (!memory.allocate(bytes))
      return nullptr;
    reserved.push_back(std::move(memory));
    return reserved.back().data();
  }
  char *readTarget(char *slot, uint64_t) override { return slot; }
  void arrived(char *, const char *, uint64_t) override {}

private:
  std::vector<Mapping> reserved;
};

} // namespace

std::unique_ptr<Device> Device::create(const std::string &name,
                                       std::string &problem) {
  if (name == "cpu")
    return std::make_unique<HostDevice>();
  problem = "the device '" + name + "' is not available; use cpu";
  return nullptr;
}
