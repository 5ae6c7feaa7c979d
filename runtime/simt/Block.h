//===- Block.h - A thread block at work -------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_BLOCK_H
#define MOE_SIMT_BLOCK_H

#include "Fiber.h"
#include "Machine.h"
#include "Shadow.h"
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace moe_simt {

constexpr unsigned kWarpSize = 32;
constexpr unsigned kWarpgroup = 128;
constexpr unsigned kMaxThreads = kMaxWarps * kWarpSize;

/// A cp.async of one thread.
struct ThreadCopy {
  uint32_t to; // offset in the window
  const void *from;
  uint32_t bytes, read;
};

/// A tensor store of one thread, from its issue to its end.
using BulkStore = std::function<void()>;

struct Thread : moe_simt_thread {
  Block *block;
  unsigned index, warp, lane;
  Fiber fiber;
  bool exited;

  // While it waits: for what, for reports.
  const char *waitsFor;
  uint64_t waitDetail;
  uint32_t waitLocation;
  bool polls;      // it goes on, without success, when nothing else can
  bool served;     // by the lane that completed the collective
  uint64_t *slots; // of the collective or the barrier

  std::vector<ThreadCopy> copies;                 // not committed
  std::deque<std::vector<ThreadCopy>> copyGroups; // oldest first
  std::vector<BulkStore> stores;
  std::deque<std::vector<BulkStore>> storeGroups;

  // For races.
  Clock clock;
  uint32_t warpTime;    // of the last synchronisation with its warp
  uint32_t releaseTime; // of the last release it took part in
  uint32_t fenceTime;   // of the last fence.proxy.async
};

/// Lanes of a warp that wait for each other.
struct Collective {
  moe_simt_op op;
  uint32_t mask, arrived, location;
};

struct Warp {
  uint32_t alive; // lanes
  std::vector<Collective> pending;
};

/// One of the 16 barriers of a block.
struct Barrier {
  unsigned threads = 0; // expected; 0: all
  unsigned arrived = 0;
  int64_t reduction = -1;
  uint32_t value = 0;
  std::vector<Thread *> waiting;
  Clock clock;
};

struct MBarrier {
  uint32_t phase = 0, count = 0, pending = 0;
  int64_t bytes = 0; // still to come
  std::vector<Thread *> waiting;
  Clock arrived, complete;
  unsigned initThread = 0; // and when, for races
  uint32_t initTime = 0;
};

/// Four warps and their wgmma.
struct Warpgroup {
  unsigned arrived = 0;
  uint32_t location = 0;
  /// By warp: 16-byte units of operands that wgmma not committed, and groups of
  /// those that are, may still read.
  struct Reads {
    bool fenced = false;
    bool isOpen = false; // a wgmma was not committed
    std::vector<uint32_t> open;
    std::deque<std::vector<uint32_t>> groups;
  } warps[4];
};

/// What one launch shares between its blocks.
struct Grid {
  const moe_simt_image &image;
  const moe_simt_kernel &kernel;
  const moe_rt_launch &launch;
  const Options &options;
  Memory &memory;
  Counters &counters;
  void *const *arguments; // copies, aligned to 64 bytes
  const void *argumentsBegin, *argumentsEnd;
  GlobalShadow shadow;
};

class Block {
public:
  explicit Block(Grid &grid);

  /// Runs the block of this number. Returns false when something was found,
  /// which `problem` then has.
  bool run(uint64_t number);
  std::string problem;

  //===--- Scheduling -----------------------------------------------------===//

  /// The running thread waits until `wake`.
  void wait(const char *what, uint64_t detail, uint32_t location,
            bool polls = false);
  void wake(Thread &thread);
  /// Calls the event when nothing else can run, or earlier, see Async.
  void post(std::function<void()> event);
  bool isEarly() const { return grid.options.async == Async::Early; }
  bool findsRaces() const { return grid.options.check == Check::Race; }
  /// Something happened that waiting threads may be waiting for.
  void noteProgress() { fruitless = 0; }

  //===--- Reports --------------------------------------------------------===//

  /// Reports an error of the current thread, or of `thread` on its behalf, and
  /// ends the block. Returns only while an event runs, then false. No object
  /// with a destructor may live across the call.
  bool fail(const Thread &thread, uint32_t location, const char *format, ...)
      __attribute__((format(printf, 4, 5)));

  //===--- Memory ---------------------------------------------------------===//

  bool isShared(const void *address) const {
    return static_cast<uint64_t>(static_cast<const char *>(address) - window) <
           windowEnd;
  }
  uint32_t offsetOf(const void *address) const {
    return static_cast<uint32_t>(static_cast<const char *>(address) - window);
  }
  /// Fails when not all of the range is shared memory that the launch has.
  bool checkShared(Thread &thread, const void *address, uint64_t bytes,
                   uint32_t alignment, const char *what, uint32_t location);
  /// Fails when a kernel may not touch all of the range.
  bool checkGlobal(Thread &thread, const void *address, uint64_t bytes,
                   bool isWrite, bool isAtomic, uint32_t location);

  //===--- Order ----------------------------------------------------------===//

  /// What the thread did so far happens before what acquires `clock`.
  void release(Thread &thread, Clock &clock);
  void acquire(Thread &thread, const Clock &clock);
  /// Whether what `other` did at `time` happened before the thread's next
  /// action.
  bool isOrdered(const Thread &thread, const Thread &other,
                 uint32_t time) const;

  Grid &grid;
  char *window = nullptr; // shared memory
  uint32_t windowBegin = 0, windowEnd = 0;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::array<Barrier, 16> barriers;
  std::map<uint32_t, MBarrier> mbarriers; // by offset
  std::vector<Warpgroup> warpgroups;
  Shadow shadow;
  uint32_t now = 1;
  uint32_t id = 0; // of the block
  unsigned live = 0;
  std::vector<float> operands[3]; // of wgmma, kept for their memory
  uint64_t random();

private:
  static void enter(void *thread);
  void start(uint64_t number);
  void exit(Thread &thread);
  void finish();
  Thread *pick();
  bool runEvent(bool any);
  bool wakePolling();
  void reportDeadlock();
  std::string describe(uint32_t location) const;

  std::unique_ptr<char, decltype(&::free)> windowMemory;
  std::array<uint64_t, kMaxThreads / 64> ready{};
  std::deque<std::function<void()>> events;
  Thread *current = nullptr;
  unsigned lastPicked = 0;
  unsigned fruitless = 0; // rounds in which only polling threads went on
  uint64_t randomState = 1;
};

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

inline uint32_t getWord(const uint64_t *slots, unsigned i) {
  return static_cast<uint32_t>(slots[i]);
}
inline char *getPointer(const uint64_t *slots, unsigned i) {
  return reinterpret_cast<char *>(slots[i]);
}
inline float toFloat(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint32_t toBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}
/// bf16 and f16 as NVVM numbers the types of mma.sync and wgmma.
float halfToFloat(uint16_t bits, bool isBF16);

inline Thread &getThread(moe_simt_thread *thread) {
  return *static_cast<Thread *>(thread);
}

//===----------------------------------------------------------------------===//
// Parts that other models use
//===----------------------------------------------------------------------===//

/// The lanes of a completed collective; null: not there.
using Lanes = std::array<Thread *, kWarpSize>;

/// Waits for the other lanes of `mask`. Returns true in the one that came last,
/// with all of them; it serves the others, whose call then returns false.
bool joinWarp(Thread &thread, moe_simt_op op, uint32_t mask, uint64_t *slots,
              uint32_t location, Lanes &lanes);
/// The same for all lanes of a whole warp.
bool joinWholeWarp(Thread &thread, moe_simt_op op, uint64_t *slots,
                   uint32_t location, Lanes &lanes);
/// Wakes the lanes that the last one has served.
void leaveWarp(const Lanes &lanes);

void recheckBarriers(Block &block);

/// The mbarrier there; null after a failure in an event.
MBarrier *findMBarrier(Thread &thread, const char *address, uint32_t location);
void arriveMBarrier(Block &block, MBarrier &barrier, Thread &thread,
                    uint32_t count, uint32_t location);
void addMBarrierBytes(Block &block, MBarrier &barrier, int64_t bytes);

extern const moe_simt_api kApi;

/// The functional models, see moe_simt.h.
namespace models {
void access(moe_simt_thread *, const void *, uint32_t, uint32_t);
void barrier(moe_simt_thread *, uint64_t *, uint32_t);
void barrierArrive(moe_simt_thread *, uint64_t *, uint32_t);
void syncWarp(moe_simt_thread *, uint64_t *, uint32_t);
void shuffle(moe_simt_thread *, uint64_t *, uint32_t);
void vote(moe_simt_thread *, uint64_t *, uint32_t);
void redux(moe_simt_thread *, uint64_t *, uint32_t);
void elect(moe_simt_thread *, uint64_t *, uint32_t);
void loadMatrix(moe_simt_thread *, uint64_t *, uint32_t);
void storeMatrix(moe_simt_thread *, uint64_t *, uint32_t);
void mma(moe_simt_thread *, uint64_t *, uint32_t);
void copyAsync(moe_simt_thread *, uint64_t *, uint32_t);
void copyCommit(moe_simt_thread *, uint64_t *, uint32_t);
void copyWait(moe_simt_thread *, uint64_t *, uint32_t);
void copyArrive(moe_simt_thread *, uint64_t *, uint32_t);
void mbarrierInit(moe_simt_thread *, uint64_t *, uint32_t);
void mbarrierInvalidate(moe_simt_thread *, uint64_t *, uint32_t);
void mbarrierExpect(moe_simt_thread *, uint64_t *, uint32_t);
void mbarrierArrive(moe_simt_thread *, uint64_t *, uint32_t);
void mbarrierArriveExpect(moe_simt_thread *, uint64_t *, uint32_t);
void mbarrierWait(moe_simt_thread *, uint64_t *, uint32_t);
void tensorLoad(moe_simt_thread *, uint64_t *, uint32_t);
void tensorStore(moe_simt_thread *, uint64_t *, uint32_t);
void bulkCommit(moe_simt_thread *, uint64_t *, uint32_t);
void bulkWait(moe_simt_thread *, uint64_t *, uint32_t);
void proxyFence(moe_simt_thread *, uint64_t *, uint32_t);
void wgmmaFence(moe_simt_thread *, uint64_t *, uint32_t);
void wgmma(moe_simt_thread *, uint64_t *, uint32_t);
void wgmmaCommit(moe_simt_thread *, uint64_t *, uint32_t);
void wgmmaWait(moe_simt_thread *, uint64_t *, uint32_t);
} // namespace models

} // namespace moe_simt

#endif // MOE_SIMT_BLOCK_H
