//===- DeviceHazards.h - Accesses that nothing orders -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What ran on streams, which bytes it touched and what it was ordered behind.
// Two operations race when both touch a byte, one writes it, and neither is
// behind the other: through its stream, through events that streams waited for,
// or because the host waited for one before it submitted the other.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_DEVICEHAZARDS_H
#define MOE_SIMT_DEVICEHAZARDS_H

#include "Machine.h"
#include <array>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace moe_simt {

/// By stream, how many of its operations came before something.
class VectorClock {
public:
  uint64_t operator[](size_t stream) const {
    return stream < counts.size() ? counts[stream] : 0;
  }
  void set(size_t stream, uint64_t count);
  /// Comes behind what `other` is behind, too.
  void join(const VectorClock &other);
  /// Keeps only what `other` is behind, too.
  void meet(const VectorClock &other);
  size_t size() const { return counts.size(); }

private:
  std::vector<uint64_t> counts;
};

/// Addresses [begin, end).
struct Interval {
  uintptr_t begin, end;
};

/// Bytes in ascending order, as few intervals as possible.
using Intervals = std::vector<Interval>;

/// Sorts and merges.
void normalize(Intervals &intervals);
/// The first bytes that both have; begin == end: none.
Interval intersect(const Intervals &a, const Intervals &b);
uint64_t countBytes(const Intervals &intervals);

struct Accesses {
  Intervals reads, writes;
};

/// Gathers what a kernel touches, byte by byte.
class AccessRecorder final : public Watch {
public:
  const char *check(const void *address, uint64_t bytes, bool write) override;
  /// What was touched since the last call.
  Accesses take();

private:
  static constexpr uintptr_t kPage = 4096;
  struct Page {
    std::array<uint64_t, kPage / 64> reads{}, writes{};
  };
  Page &getPage(uintptr_t number);

  std::unordered_map<uintptr_t, Page> pages; // by address / kPage
  // The pages used last, by the low bits of their number.
  struct Recent {
    uintptr_t number = 0;
    Page *page = nullptr;
  };
  std::array<Recent, 64> recent;
};

/// An operation that ran.
struct Ran {
  std::string name;
  size_t stream = 0;
  uint64_t position = 0; // on its stream, from 1
  VectorClock clock;     // it and what it is behind
  Accesses accesses;
};

/// A race: which earlier operation, and which bytes.
struct Hazard {
  const Ran *other = nullptr; // null: none
  Interval bytes{};
  bool writes = false, otherWrites = false;
};

class HazardLog {
public:
  /// Finds what `ran` races with, and keeps it for later ones. The result lives
  /// until the next call.
  Hazard add(Ran ran);
  /// Everything that is still to run is behind `clock`.
  void forgetBehind(const VectorClock &clock);
  size_t size() const { return log.size(); }

private:
  std::deque<Ran> log;
};

} // namespace moe_simt

#endif // MOE_SIMT_DEVICEHAZARDS_H
