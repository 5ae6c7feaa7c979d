//===- DeviceHazardsTest.cpp - Intervals and what they are made from ------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceHazards.h"
#include <gtest/gtest.h>
#include <random>

using namespace moe_simt;

namespace {

constexpr uintptr_t kBase = 4096 - 100, kBytes = 9000; // three pages and more

using Bytes = std::vector<bool>;

void expectEqual(const Intervals &intervals, const Bytes &bytes) {
  Bytes seen(kBytes);
  uintptr_t last = 0;
  for (const Interval &interval : intervals) {
    EXPECT_LT(interval.begin, interval.end);
    EXPECT_LT(last, interval.begin) << "neighbours are one interval";
    last = interval.end;
    for (uintptr_t at = interval.begin; at < interval.end; ++at)
      seen[at - kBase] = true;
  }
  EXPECT_EQ(seen, bytes);
  EXPECT_EQ(countBytes(intervals),
            uint64_t(std::count(bytes.begin(), bytes.end(), true)));
}

TEST(IntervalsTest, AgainstBytes) {
  std::mt19937 random(1);
  AccessRecorder recorder;
  for (int round = 0; round < 200; ++round) {
    Bytes bytes[2] = {Bytes(kBytes), Bytes(kBytes)};
    Intervals added[2];
    // Long and short ones, few and many; bytes next to each other happen.
    unsigned most = round % 2 ? 16 : 300;
    for (unsigned i = random() % 60; i > 0; --i) {
      uintptr_t size = random() % most, begin = random() % (kBytes - size);
      unsigned write = random() % 2;
      added[write].push_back({kBase + begin, kBase + begin + size});
      recorder.check(reinterpret_cast<void *>(kBase + begin), size, write);
      std::fill_n(bytes[write].begin() + begin, size, true);
    }
    Accesses accesses = recorder.take();
    expectEqual(accesses.reads, bytes[0]);
    expectEqual(accesses.writes, bytes[1]);
    for (int i : {0, 1}) {
      normalize(added[i]);
      expectEqual(added[i], bytes[i]);
    }

    // The first run of bytes that both have.
    uintptr_t begin = 0;
    while (begin < kBytes && !(bytes[0][begin] && bytes[1][begin]))
      ++begin;
    Interval both = intersect(accesses.reads, accesses.writes);
    if (begin == kBytes) {
      EXPECT_EQ(both.begin, both.end);
      continue;
    }
    EXPECT_EQ(both.begin, kBase + begin);
    for (uintptr_t at = both.begin; at < both.end; ++at)
      EXPECT_TRUE(bytes[0][at - kBase] && bytes[1][at - kBase]);
  }
  EXPECT_TRUE(recorder.take().reads.empty());
}

VectorClock makeClock(std::initializer_list<uint64_t> counts) {
  VectorClock clock;
  size_t stream = 0;
  for (uint64_t count : counts)
    clock.set(stream++, count);
  return clock;
}

TEST(HazardLogTest, OrderedOrNot) {
  HazardLog log;
  Intervals bytes = {{100, 200}}, others = {{200, 300}};
  EXPECT_FALSE(log.add({"a", 0, 1, makeClock({1}), {{}, bytes}}).other);
  // Behind it; on another stream, but elsewhere; then on the same bytes.
  EXPECT_FALSE(log.add({"b", 0, 2, makeClock({2}), {bytes, {}}}).other);
  EXPECT_FALSE(log.add({"c", 1, 1, makeClock({0, 1}), {{}, others}}).other);
  // Behind the write only.
  EXPECT_FALSE(log.add({"d", 1, 2, makeClock({1, 2}), {bytes, {}}}).other);
  Hazard hazard = log.add({"e", 1, 3, makeClock({1, 3}), {{}, {{150, 160}}}});
  ASSERT_TRUE(hazard.other);
  EXPECT_EQ(hazard.other->name, "b");
  EXPECT_EQ(hazard.bytes.begin, 150u);
  EXPECT_EQ(hazard.bytes.end, 160u);
  EXPECT_TRUE(hazard.writes);
  EXPECT_FALSE(hazard.otherWrites);
  // In the order of running, not of submission: "f" is before "e".
  EXPECT_FALSE(log.add({"f", 2, 1, makeClock({2, 3, 1}), {{}, bytes}}).other);

  EXPECT_EQ(log.size(), 6u);
  log.forgetBehind(makeClock({1, 2}));
  EXPECT_EQ(log.size(), 3u);
}

} // namespace
