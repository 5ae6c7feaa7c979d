//===- Shadow.cpp - Shared memory: who wrote, who read --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <algorithm>

using namespace moe_simt;

namespace {
enum Flag : uint8_t {
  kWritten = 1,
  kPending = 2, // a copy is in flight
  kGeneric = 4, // written by the generic proxy, and not fenced as far as known
  kBarrier = 8, // a live mbarrier
};
} // namespace

// A reader that goes on: of a wgmma or a tensor store not waited for.
static constexpr uint32_t kNever = ~0u;
// The writer of memory that a tensor load has filled.
static constexpr uint16_t kAgentWriter = 0xffff;

void Shadow::reset(uint32_t bytes, Check check) {
  enabled = check != Check::None;
  races = check == Check::Race;
  size_t count = enabled ? (bytes + 1) / 2 : 0;
  cells.assign(count, Cell());
  if (races && readerCells < count) {
    readers.reset(new uint32_t[count * kMaxWarps]);
    readerCells = count;
  }
}

size_t Shadow::getEnd(uint32_t offset, uint32_t bytes) const {
  return enabled ? (offset + bytes + 1) / 2 : 0;
}

/// Reports what the thread's access to one cell would collide with.
bool Shadow::check(Thread &thread, Cell &cell, uint32_t offset, bool isWrite,
                   uint32_t location) {
  const char *access = isWrite ? "write" : "read";
  if (cell.flags & kBarrier)
    return block.fail(thread, location,
                      "%s at the shared address 0x%x, where an mbarrier lives",
                      access, offset);
  if (!isWrite && !(cell.flags & kWritten))
    return block.fail(thread, location,
                      "read at the shared address 0x%x, which nothing wrote",
                      offset);
  if (!races)
    return true;
  if (cell.flags & kPending)
    return block.fail(thread, location,
                      "race: %s at the shared address 0x%x, which a copy begun "
                      "by thread %u is still to write",
                      access, offset, cell.writer);
  if (!cell.writeTime)
    return true;
  if (cell.writer == kAgentWriter) {
    if (cell.writeTime < thread.clock.times[Clock::kAgent])
      return true;
    return block.fail(thread, location,
                      "race: %s at the shared address 0x%x, which a tensor "
                      "load wrote: nothing waited for its mbarrier",
                      access, offset);
  }
  if (block.isOrdered(thread, block.threads[cell.writer], cell.writeTime))
    return true;
  return block.fail(thread, location,
                    "race: %s at the shared address 0x%x, which thread %u "
                    "wrote: nothing orders the two",
                    access, offset, cell.writer);
}

/// Reports reads that a write by the thread is not ordered behind.
bool Shadow::checkReaders(Thread &thread, Cell &cell, uint32_t offset,
                          uint32_t location) {
  auto report = [&](unsigned first, unsigned last, const char *what) {
    return block.fail(thread, location,
                      "race: write at the shared address 0x%x, which threads "
                      "%u-%u %s: nothing orders the two",
                      offset, first, last, what);
  };
  if (!cell.manyReaders) {
    if (!cell.readTime ||
        block.isOrdered(thread, block.threads[cell.reader], cell.readTime))
      return true;
    return report(cell.reader, cell.reader, "read");
  }
  const uint32_t *times = getReaders(cell);
  for (unsigned warp = 0; warp < block.warps.size(); ++warp) {
    uint32_t time = times[warp];
    unsigned first = warp * kWarpSize;
    if (time == kNever)
      return report(first, first + kWarpSize - 1,
                    "read asynchronously and did not wait for");
    bool ordered = time <= thread.clock.times[warp] ||
                   (warp == thread.warp && time < thread.warpTime);
    if (time && !ordered)
      return report(first, first + kWarpSize - 1, "read");
  }
  return true;
}

bool Shadow::checkProxy(Thread &thread, Cell &cell, uint32_t offset,
                        uint32_t location) {
  if (!races || !(cell.flags & kGeneric) || cell.writer == kAgentWriter)
    return true;
  if (block.threads[cell.writer].fenceTime > cell.writeTime ||
      thread.fenceTime > cell.writeTime)
    return true;
  return block.fail(thread, location,
                    "asynchronous read at the shared address 0x%x, which "
                    "thread %u wrote without a fence.proxy.async behind it",
                    offset, cell.writer);
}

/// Tells the readers of a cell apart by warp.
void Shadow::spread(Cell &cell) {
  if (cell.manyReaders)
    return;
  uint32_t *times = getReaders(cell);
  std::fill_n(times, kMaxWarps, 0u);
  if (cell.readTime)
    times[block.threads[cell.reader].warp] = cell.readTime;
  cell.manyReaders = true;
}

void Shadow::recordRead(Thread &thread, Cell &cell) {
  if (!cell.manyReaders && (!cell.readTime || cell.reader == thread.index)) {
    cell.readTime = block.now;
    cell.reader = thread.index;
    return;
  }
  spread(cell);
  uint32_t &time = getReaders(cell)[thread.warp];
  time = std::max(time, block.now);
}

bool Shadow::read(Thread &thread, uint32_t offset, uint32_t bytes, Proxy proxy,
                  uint32_t location) {
  for (uint32_t i = offset / 2; i < getEnd(offset, bytes); ++i) {
    Cell &cell = cells[i];
    if (!check(thread, cell, i * 2, /*isWrite=*/false, location))
      return false;
    if (proxy == Proxy::Async && !checkProxy(thread, cell, i * 2, location))
      return false;
    if (races)
      recordRead(thread, cell);
  }
  return true;
}

bool Shadow::write(Thread &thread, uint32_t offset, uint32_t bytes, Proxy proxy,
                   uint32_t location) {
  for (uint32_t i = offset / 2; i < getEnd(offset, bytes); ++i) {
    Cell &cell = cells[i];
    // Two threads may write one byte of a cell each.
    bool isKnown = bytes == 1 && races;
    if (!isKnown && !check(thread, cell, i * 2, /*isWrite=*/true, location))
      return false;
    if (races && !isKnown && !checkReaders(thread, cell, i * 2, location))
      return false;
    cell.flags = kWritten | (proxy == Proxy::Generic ? kGeneric : 0);
    cell.writer = thread.index;
    cell.writeTime = block.now;
    cell.readTime = 0;
    cell.manyReaders = false;
  }
  return true;
}

bool Shadow::update(Thread &thread, uint32_t offset, uint32_t bytes,
                    uint32_t location) {
  // Atomic operations are not ordered with each other: only what every access
  // is checked for.
  for (uint32_t i = offset / 2; i < getEnd(offset, bytes); ++i) {
    Cell &cell = cells[i];
    if (cell.flags & (kBarrier | kPending) || !(cell.flags & kWritten))
      return check(thread, cell, i * 2, /*isWrite=*/false, location);
  }
  return true;
}

bool Shadow::begin(Thread &thread, uint32_t offset, uint32_t bytes, Proxy proxy,
                   uint32_t location) {
  if (!write(thread, offset, bytes, proxy, location))
    return false;
  for (uint32_t i = offset / 2; races && i < getEnd(offset, bytes); ++i)
    cells[i].flags |= kPending;
  return true;
}

void Shadow::complete(Thread *thread, uint32_t offset, uint32_t bytes) {
  for (uint32_t i = offset / 2; i < getEnd(offset, bytes); ++i) {
    Cell &cell = cells[i];
    cell.flags &= ~kPending;
    cell.writer = thread ? thread->index : kAgentWriter;
    cell.writeTime = block.now;
  }
}

bool Shadow::readOperand(Thread &thread, const Clock &view, uint32_t offset,
                         uint32_t bytes, uint32_t location) {
  if (!races)
    return read(thread, offset, bytes, Proxy::Async, location);
  Clock own = thread.clock;
  uint32_t warpTime = thread.warpTime;
  thread.clock = view;
  thread.warpTime = view.times[thread.warp] + 1;
  bool ordered = true;
  for (uint32_t i = offset / 2; ordered && i < getEnd(offset, bytes); ++i)
    ordered = check(thread, cells[i], i * 2, /*isWrite=*/false, location) &&
              checkProxy(thread, cells[i], i * 2, location);
  thread.clock = own;
  thread.warpTime = warpTime;
  return ordered;
}

void Shadow::hold(unsigned warp, uint32_t offset, uint32_t bytes) {
  for (uint32_t i = offset / 2; races && i < getEnd(offset, bytes); ++i) {
    spread(cells[i]);
    getReaders(cells[i])[warp] = kNever;
  }
}

void Shadow::retire(unsigned warp, uint32_t offset, uint32_t bytes) {
  for (uint32_t i = offset / 2; races && i < getEnd(offset, bytes); ++i) {
    uint32_t &time = getReaders(cells[i])[warp];
    if (cells[i].manyReaders && time == kNever)
      time = block.now;
  }
}

void Shadow::setBarrier(uint32_t offset, bool lives) {
  for (uint32_t i = offset / 2; i < getEnd(offset, 8); ++i)
    cells[i].flags = lives ? kWritten | kBarrier : 0;
}
