//===- AsyncCopy.cpp - cp.async: copies by single threads -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

using namespace moe_simt;

static void perform(Block &block, Thread &thread,
                    const std::vector<ThreadCopy> &copies) {
  for (const ThreadCopy &copy : copies) {
    char *to = block.window + copy.to;
    memcpy(to, copy.from, copy.read);
    memset(to + copy.read, 0, copy.bytes - copy.read);
    block.shadow.complete(&thread, copy.to, copy.bytes);
  }
}

void models::copyAsync(moe_simt_thread *self, uint64_t *slots,
                       uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  uint32_t bytes = getWord(slots, 0), read = getWord(slots, 3);
  char *to = getPointer(slots, 1);
  const char *from = getPointer(slots, 2);
  if (read > bytes)
    block.fail(thread, location, "cp.async of %u bytes reads %u", bytes, read);
  block.checkShared(thread, to, bytes, bytes, "destination of cp.async",
                    location);
  if (read && reinterpret_cast<uintptr_t>(from) % bytes)
    block.fail(thread, location,
               "source of cp.async at %p, which must be a multiple of %u",
               static_cast<const void *>(from), bytes);
  if (read)
    block.checkGlobal(thread, from, read, /*isWrite=*/false,
                      /*isAtomic=*/false, location);
  uint32_t offset = block.offsetOf(to);
  block.shadow.begin(thread, offset, bytes, Proxy::Generic, location);
  ++block.grid.counters.asyncCopies;
  if (block.isEarly()) {
    memcpy(to, from, read);
    memset(to + read, 0, bytes - read);
  } else {
    memset(to, 0xff, bytes);
  }
  thread.copies.push_back({offset, from, bytes, read});
}

void models::copyCommit(moe_simt_thread *self, uint64_t *, uint32_t) {
  Thread &thread = getThread(self);
  thread.copyGroups.push_back(std::move(thread.copies));
  thread.copies.clear();
}

void models::copyWait(moe_simt_thread *self, uint64_t *slots, uint32_t) {
  Thread &thread = getThread(self);
  while (thread.copyGroups.size() > getWord(slots, 0)) {
    perform(*thread.block, thread, thread.copyGroups.front());
    thread.copyGroups.pop_front();
  }
}

void models::copyArrive(moe_simt_thread *self, uint64_t *slots,
                        uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  bool counted = getWord(slots, 0); // noinc: the count holds this arrival
  MBarrier *barrier = findMBarrier(thread, getPointer(slots, 1), location);
  if (!counted)
    ++barrier->pending;
  std::vector<ThreadCopy> all;
  for (const std::vector<ThreadCopy> &group : thread.copyGroups)
    all.insert(all.end(), group.begin(), group.end());
  all.insert(all.end(), thread.copies.begin(), thread.copies.end());
  thread.copyGroups.clear();
  thread.copies.clear();
  uint32_t offset = block.offsetOf(getPointer(slots, 1));
  auto arrive = [&block, &thread, offset, location, all = std::move(all)] {
    perform(block, thread, all);
    arriveMBarrier(block, block.mbarriers[offset], thread, 1, location);
  };
  if (block.isEarly())
    arrive();
  else
    block.post(std::move(arrive));
}
