//===- Shadow.h - What is known of each piece of memory ---------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_SHADOW_H
#define MOE_SIMT_SHADOW_H

#include "Machine.h"
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace moe_simt {

class Block;
struct Thread;

constexpr unsigned kMaxWarps = 32;

/// Up to when the actions of each warp, and of asynchronous copies, happened
/// before something. Times count the releases of a block.
struct Clock {
  static constexpr unsigned kAgent = kMaxWarps;
  std::array<uint32_t, kMaxWarps + 1> times{};

  void join(const Clock &other) {
    for (unsigned i = 0; i < times.size(); ++i)
      times[i] = times[i] < other.times[i] ? other.times[i] : times[i];
  }
};

/// How memory is reached: accesses of one proxy are not ordered with those of
/// the other without a fence.proxy.async.
enum class Proxy { Generic, Async };

/// Shared memory of a block, in cells of two bytes: whether it was written and,
/// when races are looked for, by whom, and who read it since.
class Shadow {
public:
  explicit Shadow(Block &block) : block(block) {}

  /// Forgets all; the window has this many bytes. With Check::None nothing is
  /// known and nothing an error.
  void reset(uint32_t bytes, Check check);

  // Each returns false, and has reported it, when the access is an error. They
  // are made by `thread`.
  bool read(Thread &thread, uint32_t offset, uint32_t bytes, Proxy proxy,
            uint32_t location);
  bool write(Thread &thread, uint32_t offset, uint32_t bytes, Proxy proxy,
             uint32_t location);
  bool update(Thread &thread, uint32_t offset, uint32_t bytes,
              uint32_t location);

  /// A read by the asynchronous proxy, ordered behind what `view` has seen.
  bool readOperand(Thread &thread, const Clock &view, uint32_t offset,
                   uint32_t bytes, uint32_t location);
  /// A read for the warp begins that goes on until it is retired.
  void hold(unsigned warp, uint32_t offset, uint32_t bytes);
  void retire(unsigned warp, uint32_t offset, uint32_t bytes);

  /// A copy by the thread begins to write.
  bool begin(Thread &thread, uint32_t offset, uint32_t bytes, Proxy proxy,
             uint32_t location);
  /// It has written; cp.async: for `thread`; else (null) for whoever waits for
  /// the mbarrier.
  void complete(Thread *thread, uint32_t offset, uint32_t bytes);

  /// An mbarrier lives there, or no longer does.
  void setBarrier(uint32_t offset, bool lives);

private:
  struct Cell {
    uint32_t writeTime, readTime;
    uint16_t writer, reader; // threads
    uint8_t flags;
    bool manyReaders; // then `readers` has the times, by warp
  };

  /// The cell behind the last one of an access.
  size_t getEnd(uint32_t offset, uint32_t bytes) const;
  bool check(Thread &thread, Cell &cell, uint32_t offset, bool isWrite,
             uint32_t location);
  bool checkReaders(Thread &thread, Cell &cell, uint32_t offset,
                    uint32_t location);
  bool checkProxy(Thread &thread, Cell &cell, uint32_t offset,
                  uint32_t location);
  void recordRead(Thread &thread, Cell &cell);
  void spread(Cell &cell);
  uint32_t *getReaders(Cell &cell) {
    return readers.get() + (&cell - cells.data()) * kMaxWarps;
  }

  Block &block;
  bool enabled = false, races = false;
  std::vector<Cell> cells;
  std::unique_ptr<uint32_t[]> readers; // meaningful where manyReaders
  size_t readerCells = 0;
};

/// Global memory during one launch, in cells of two bytes: which blocks touched
/// it. Two blocks may both touch a cell if neither writes or both are atomic.
class GlobalShadow {
public:
  /// Returns the other block when the access is a race, else -1.
  int64_t touch(uint32_t block, const void *address, uint64_t bytes,
                bool isWrite, bool isAtomic);

private:
  struct Cell {
    uint32_t writer, readers[2]; // block + 1; 0: none
    bool atomicWrites;           // all writes so far
  };
  static constexpr uintptr_t kPageBytes = 4096;
  using Page = std::array<Cell, kPageBytes / 2>;
  static int64_t touchCell(Cell &cell, uint32_t id, bool isWrite,
                           bool isAtomic);

  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages;
  uintptr_t lastNumber = ~uintptr_t(0);
  Page *lastPage = nullptr;
};

} // namespace moe_simt

#endif // MOE_SIMT_SHADOW_H
