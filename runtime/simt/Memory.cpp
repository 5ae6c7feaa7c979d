//===- Memory.cpp - The ranges that kernels may touch ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace moe_simt;

Watch::~Watch() = default;

void Memory::add(const void *address, uint64_t bytes, std::string name) {
  auto begin = reinterpret_cast<uintptr_t>(address);
  ranges[begin] = {begin, begin + bytes, std::move(name)};
  last = nullptr;
}

void Memory::remove(const void *address) {
  ranges.erase(reinterpret_cast<uintptr_t>(address));
  last = nullptr;
}

const Memory::Range *Memory::findNear(const void *address) const {
  auto it = ranges.upper_bound(reinterpret_cast<uintptr_t>(address));
  return it == ranges.begin() ? nullptr : &std::prev(it)->second;
}

const Memory::Range *Memory::find(const void *address, uint64_t bytes) const {
  auto begin = reinterpret_cast<uintptr_t>(address);
  auto holds = [&](const Range *range) {
    return range && begin >= range->begin && begin <= range->end &&
           bytes <= range->end - begin;
  };
  // Accesses come in runs.
  if (holds(last))
    return last;
  const Range *range = findNear(address);
  if (!holds(range))
    return nullptr;
  return last = range;
}
