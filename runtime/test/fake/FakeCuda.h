//===- FakeCuda.h - A CUDA driver for tests ---------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library with the driver's functions that the runtime uses. Device memory is
// the host's, a module is a table of C functions, and the work of a stream is
// done as late as is legal: when something waits for it. What is copied too
// early, or without its event, is wrong then.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_TEST_FAKECUDA_H
#define MOE_RT_TEST_FAKECUDA_H

#include <cstdint>

/// A module as the fake driver reads it; device-model.c has the same structure.
struct FakeKernel {
  const char *name;
  void (*run)(void *const *arguments);
  uint64_t argumentCount;
  uint64_t argumentBytes[8];
};
struct FakeModule {
  uint64_t magic; ///< kFakeModule
  uint64_t kernelCount;
  const FakeKernel *kernels;
};
constexpr uint64_t kFakeModule = 0x656c75646f4d;

/// What a test sets and reads; `fake_cuda_control` returns it.
struct FakeControl {
  int devices = 1, version = 13000, major = 8, minor = 0;
  uint64_t memory = 64u << 20;  ///< of the device
  uint64_t pinned = 1u << 30;   ///< that can be pinned
  bool early = false;           ///< do work at once
  const char *refuse = nullptr; ///< this function fails with `code`
  int code = 719;
  uint64_t failAt = 0; ///< from this call on all fail with `code`; 0: none
  const char *jitLog = nullptr; ///< that a refused module leaves

  uint64_t calls = 0; ///< of all functions so far
  uint64_t kernels = 0, copiesToDevice = 0, graphLaunches = 0, graphUpdates = 0,
           instantiated = 0, encodings = 0;
  // What was made and not destroyed.
  int64_t contexts = 0, allocations = 0, pinnings = 0, streams = 0, events = 0,
          modules = 0, graphs = 0, executables = 0;
  uint64_t memoryUsed = 0, pinnedUsed = 0, mostMemoryUsed = 0;
};

#endif // MOE_RT_TEST_FAKECUDA_H
