//===- Fiber.cpp - Threads of execution that switch by themselves ---------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fiber.h"
#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define MOE_SIMT_UNPOISON(address, bytes)                                      \
  ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#endif
#endif
#ifndef MOE_SIMT_UNPOISON
#define MOE_SIMT_UNPOISON(address, bytes)
#endif

using namespace moe_simt;
namespace context = boost::context::detail;

static constexpr size_t kStacks = 1024;
static constexpr size_t kGuard = 4096;

StackPool::~StackPool() {
  if (base)
    munmap(base, kStacks * kBytes);
}

StackPool &StackPool::ofThisThread() {
  static thread_local StackPool pool;
  return pool;
}

bool StackPool::reserve() {
  if (base)
    return true;
  void *memory = mmap(nullptr, kStacks * kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  base = static_cast<char *>(memory);
  for (size_t i = 0; i < kStacks; ++i)
    mprotect(base + i * kBytes, kGuard, PROT_NONE);
  return true;
}

void Fiber::start(char *memory, Entry function, void *with) {
  stack = memory;
  entry = function;
  argument = with;
  // The last fiber here never returned: its frames are still marked.
  MOE_SIMT_UNPOISON(stack + kGuard, StackPool::kBytes - kGuard);
  inside = context::make_fcontext(
      stack + StackPool::kBytes, StackPool::kBytes - kGuard,
      [](context::transfer_t from) { enter(from.fctx, from.data); });
}

void Fiber::enter(void *from, void *self) {
  auto *fiber = static_cast<Fiber *>(self);
  fiber->outside = from;
  fiber->entry(fiber->argument);
  abort(); // entries suspend for good
}

void Fiber::resume() { inside = context::jump_fcontext(inside, this).fctx; }

void Fiber::suspend() { outside = context::jump_fcontext(outside, this).fctx; }
