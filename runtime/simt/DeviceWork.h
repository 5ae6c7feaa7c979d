//===- DeviceWork.h - Copies and launches -----------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an operation of a stream does, apart from when: a graph is a list of
// these.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_DEVICEWORK_H
#define MOE_SIMT_DEVICEWORK_H

#include "DeviceHazards.h"
#include "DeviceMemory.h"
#include <memory>
#include <variant>
#include <vector>

/// A module of the device: its image belongs to the caller.
struct moe_rt_module {
  struct moe_rt_device *device;
  const moe_simt_image *image;
  std::vector<moe_rt_kernel> kernels;
};

struct moe_rt_kernel {
  moe_rt_module *module;
  const moe_simt_kernel *kernel;
};

namespace moe_simt {

struct Copy {
  enum Direction { ToDevice, ToHost, OnDevice } direction;
  char *to;
  uint64_t toStride; // bytes between rows
  const char *from;
  uint64_t fromStride;
  uint64_t bytes; // of a row
  uint64_t rows;

  void run() const;
  uint64_t getBytes() const { return bytes * rows; }
  /// Bytes from the first to the last.
  uint64_t getToExtent() const { return (rows - 1) * toStride + bytes; }
  uint64_t getFromExtent() const { return (rows - 1) * fromStride + bytes; }
  Accesses getAccesses() const;
  std::string describe() const;
};

/// Room for any argument, aligned as tensor maps are.
struct alignas(64) Argument {
  char bytes[MOE_RT_TENSOR_MAP_BYTES];
};

struct Launch {
  const moe_rt_kernel *kernel;
  uint32_t grid[3], block[3];
  uint32_t sharedBytes;
  std::vector<Argument> arguments;

  Launch(const moe_rt_kernel *kernel, const moe_rt_launch &launch);
  std::string describe() const;
  const moe_simt_kernel &getKernel() const { return *kernel->kernel; }
};

using Work = std::variant<Copy, Launch>;
using WorkRef = std::shared_ptr<const Work>;

std::string describe(const Work &work);

/// Why `copy` is not possible, or an empty string.
std::string validate(const Copy &copy, const DeviceMemory &memory);
/// Why `launch` would be refused on a device whose blocks can have so much
/// shared memory, or an empty string.
std::string validate(const moe_simt_kernel &kernel, const moe_rt_launch &launch,
                     uint64_t sharedBytesPerBlock);

/// Where the allocations begin, device or pinned, that the work has addresses
/// of, in its arguments or in their tensor maps.
std::vector<const char *> findReachable(const Work &work,
                                        const DeviceMemory &memory);

/// Whether both differ in arguments, addresses and sizes of grids only.
bool isSameStructure(const Work &a, const Work &b);

} // namespace moe_simt

#endif // MOE_SIMT_DEVICEWORK_H
