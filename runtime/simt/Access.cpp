//===- Access.cpp - Checks of loads, stores and atomics -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

using namespace moe_simt;

void models::access(moe_simt_thread *self, const void *address, uint32_t kind,
                    uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  if (block.grid.options.check == Check::None)
    return;
  ++block.grid.counters.accesses;
  uint32_t what = kind & 15, space = kind >> 4 & 15;
  uint32_t alignment = kind >> 8 & 255, bytes = kind >> 16;
  bool isAtomic = what == MOE_SIMT_ATOMIC;
  bool isWrite = what != MOE_SIMT_LOAD;
  const char *name = isAtomic ? "atomic operation" : isWrite ? "write" : "read";
  if (space == 3 || space == 7 || (space == 0 && block.isShared(address))) {
    block.checkShared(thread, address, bytes, alignment, name, location);
    uint32_t offset = block.offsetOf(address);
    if (isAtomic)
      block.shadow.update(thread, offset, bytes, location);
    else if (isWrite)
      block.shadow.write(thread, offset, bytes, Proxy::Generic, location);
    else
      block.shadow.read(thread, offset, bytes, Proxy::Generic, location);
    return;
  }
  bool isOwn =
      thread.fiber.owns(address) || (address >= block.grid.argumentsBegin &&
                                     address < block.grid.argumentsEnd);
  if (space == 0 && isOwn)
    return;
  if (reinterpret_cast<uintptr_t>(address) % alignment)
    block.fail(thread, location,
               "%s of %u bytes at %p, which must be a multiple of %u", name,
               bytes, address, alignment);
  block.checkGlobal(thread, address, bytes, isWrite, isAtomic, location);
}
