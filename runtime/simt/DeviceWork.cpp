//===- DeviceWork.cpp - Copies and launches -------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceWork.h"
#include <algorithm>
#include <cstring>

using namespace moe_simt;

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void Copy::run() const {
  for (uint64_t row = 0; row < rows; ++row)
    std::memcpy(to + row * toStride, from + row * fromStride, bytes);
}

static Intervals getRows(const char *base, uint64_t stride, uint64_t bytes,
                         uint64_t rows) {
  uintptr_t at = reinterpret_cast<uintptr_t>(base);
  Intervals intervals;
  for (uint64_t row = 0; row < rows; ++row, at += stride)
    intervals.push_back({at, at + bytes});
  normalize(intervals);
  return intervals;
}

Accesses Copy::getAccesses() const {
  return {getRows(from, fromStride, bytes, rows),
          getRows(to, toStride, bytes, rows)};
}

std::string Copy::describe() const {
  const char *where = direction == ToDevice ? " to the device"
                      : direction == ToHost ? " to the host"
                                            : " on the device";
  return "copy of " + std::to_string(getBytes()) + " bytes" + where;
}

static std::string checkPlace(const Copy &copy, const char *address,
                              uint64_t extent, bool onDevice,
                              const DeviceMemory &memory) {
  if (onDevice ? memory.findDevice(address, extent)
               : memory.findPinned(address, extent))
    return "";
  return copy.describe() + ": " + memory.describe(address, extent) + ", not " +
         (onDevice ? "device memory; take it from allocate"
                   : "pinned memory; take it from allocate_pinned");
}

std::string moe_simt::validate(const Copy &copy, const DeviceMemory &memory) {
  if (copy.rows > 1 && copy.toStride < copy.bytes)
    return copy.describe() + ": rows of " + std::to_string(copy.bytes) +
           " bytes overlap when they are " + std::to_string(copy.toStride) +
           " bytes apart";
  std::string problem =
      checkPlace(copy, copy.to, copy.getToExtent(),
                 /*onDevice=*/copy.direction != Copy::ToHost, memory);
  if (problem.empty())
    problem = checkPlace(copy, copy.from, copy.getFromExtent(),
                         /*onDevice=*/copy.direction != Copy::ToDevice, memory);
  if (!problem.empty())
    return problem;
  Accesses accesses = copy.getAccesses();
  if (intersect(accesses.reads, accesses.writes).end)
    return copy.describe() + ": source and destination overlap";
  return "";
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

Launch::Launch(const moe_rt_kernel *kernel, const moe_rt_launch &launch)
    : kernel(kernel), sharedBytes(launch.shared_bytes),
      arguments(kernel->kernel->argument_count) {
  std::copy_n(launch.grid, 3, grid);
  std::copy_n(launch.block, 3, block);
  for (uint32_t i = 0; i < arguments.size(); ++i)
    std::memcpy(arguments[i].bytes, launch.arguments[i],
                kernel->kernel->argument_bytes[i]);
}

std::string Launch::describe() const {
  return "kernel '" + std::string(getKernel().name) + "'";
}

std::string moe_simt::validate(const moe_simt_kernel &kernel,
                               const moe_rt_launch &launch,
                               uint64_t sharedBytesPerBlock) {
  auto explain = [&](uint64_t has, const char *what, uint64_t most) {
    return "kernel '" + std::string(kernel.name) + "': " + std::to_string(has) +
           " " + what + ", at most " + std::to_string(most) + " are possible";
  };
  const uint32_t most[] = {0x7fffffff, 65535, 65535};
  for (int i = 0; i < 3; ++i)
    if (launch.grid[i] > most[i])
      return explain(launch.grid[i], "blocks in a dimension", most[i]);
  uint64_t threads = 1;
  for (uint32_t size : launch.block) {
    if (size == 0 || size > 1024)
      return explain(size, "threads in a dimension, at least 1", 1024);
    threads *= size;
  }
  uint64_t mostThreads = kernel.max_threads ? kernel.max_threads : 1024;
  if (threads > mostThreads)
    return explain(threads, "threads in a block", mostThreads);
  uint64_t shared = uint64_t(launch.shared_bytes) + kernel.static_shared_bytes;
  if (shared > sharedBytesPerBlock)
    return explain(shared, "bytes of shared memory", sharedBytesPerBlock);
  return "";
}

//===----------------------------------------------------------------------===//
// Both
//===----------------------------------------------------------------------===//

std::string moe_simt::describe(const Work &work) {
  return std::visit([](const auto &work) { return work.describe(); }, work);
}

std::vector<const char *> moe_simt::findReachable(const Work &work,
                                                  const DeviceMemory &memory) {
  std::vector<const char *> begins;
  auto add = [&](const void *address) {
    const DeviceMemory::Allocation *found = memory.findDevice(address, 0);
    if (!found)
      found = memory.findPinned(address, 0);
    if (found)
      begins.push_back(found->begin);
  };
  if (const auto *copy = std::get_if<Copy>(&work)) {
    add(copy->to);
    add(copy->from);
    return begins;
  }
  // Every word that is such an address: a tensor map holds its base.
  const Launch &launch = std::get<Launch>(work);
  for (size_t i = 0; i < launch.arguments.size(); ++i)
    for (uint32_t at = 0; at + 8 <= launch.getKernel().argument_bytes[i];
         at += 8) {
      const void *address;
      std::memcpy(&address, launch.arguments[i].bytes + at, 8);
      add(address);
    }
  return begins;
}

bool moe_simt::isSameStructure(const Work &a, const Work &b) {
  if (a.index() != b.index())
    return false;
  if (const auto *copy = std::get_if<Copy>(&a))
    return copy->direction == std::get<Copy>(b).direction;
  return std::get<Launch>(a).kernel == std::get<Launch>(b).kernel;
}
