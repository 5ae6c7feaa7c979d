//===- Fiber.h - Threads of execution that switch by themselves -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_FIBER_H
#define MOE_SIMT_FIBER_H

#include <cstddef>
#include <cstdint>

namespace moe_simt {

/// Stacks of the fibers of one block, with a page that faults below each.
/// Kept by each system thread for all its blocks.
class StackPool {
public:
  static constexpr size_t kBytes = 64 << 10;

  StackPool() = default;
  ~StackPool();
  /// Takes addresses for all stacks, once. False: there are none.
  bool reserve();
  /// The lowest address of the stack of fiber `index`, less than 1024; behind
  /// `reserve`.
  char *get(unsigned index) const { return base + index * kBytes; }
  static StackPool &ofThisThread();

private:
  StackPool(const StackPool &) = delete;
  char *base = nullptr;
};

/// A suspended computation with its own stack.
class Fiber {
public:
  using Entry = void (*)(void *argument);

  /// Runs entry(argument) on the stack when resumed first. It does not return.
  void start(char *stack, Entry entry, void *argument);
  /// Runs the fiber until it calls suspend.
  void resume();
  /// Called by the fiber: goes on behind its `resume`.
  void suspend();

  bool owns(const void *address) const {
    auto begin = reinterpret_cast<uintptr_t>(stack);
    return reinterpret_cast<uintptr_t>(address) - begin < StackPool::kBytes;
  }

private:
  static void enter(void *from, void *self);

  char *stack = nullptr;
  void *inside = nullptr;  // where the fiber was suspended
  void *outside = nullptr; // where it was resumed
  Entry entry = nullptr;
  void *argument = nullptr;
};

} // namespace moe_simt

#endif // MOE_SIMT_FIBER_H
