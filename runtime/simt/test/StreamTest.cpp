//===- StreamTest.cpp - Streams, events and what goes wrong with them -----===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small copy of what the runtime does: slots are filled on one stream, read
// by kernels of another. Each hazard is seeded once, and is silent when the
// missing order is there.
//
//===----------------------------------------------------------------------===//

#include "DeviceTest.h"
#include <cmath>

using namespace moe_simt;

namespace {

constexpr size_t kFloats = 64;

class StreamTest : public DeviceTest {
protected:
  void expectFinding(const std::vector<std::string> &parts) {
    EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_DEVICE);
    for (const std::string &part : parts)
      EXPECT_NE(error().find(part), std::string::npos) << error();
    EXPECT_EQ(statistics()["findings"].size(), 1u);
  }
  void finish() {
    EXPECT_EQ(api.stream_synchronize(copies), MOE_RT_OK) << error();
    EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
  }
};

//===----------------------------------------------------------------------===//
// A kernel that needs a copy
//===----------------------------------------------------------------------===//

class ArrivalTest : public StreamTest {
protected:
  float *from, *slot, *result, *seen;

  /// A copy fills the slot, a kernel reads it; `ordered`: behind the copy.
  /// Failures stay, so that the end of the test sees them.
  void submit(bool ordered) {
    from = pinnedWith(kFloats, 5);
    slot = allocate(kFloats);
    result = allocate(kFloats);
    seen = allocatePinned(kFloats);
    toDevice(copies, slot, from, kFloats);
    if (ordered) {
      moe_rt_event *arrived = createEvent();
      api.event_record(arrived, copies);
      api.event_wait(arrived, compute);
    }
    addOne(compute, result, slot, kFloats);
    toHost(compute, seen, result, kFloats);
  }
};

TEST_F(ArrivalTest, KernelWaitsForTheCopy) {
  for (const char *streams :
       {"streams=late", "streams=early", "streams=random,seed=1",
        "streams=random,seed=2", "streams=random,seed=3"}) {
    open(streams);
    submit(/*ordered=*/true);
    EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
    for (size_t i = 0; i < kFloats; ++i)
      EXPECT_EQ(seen[i], 6 + float(i));
    EXPECT_EQ(statistics()["findings"].size(), 0u);
  }
}

TEST_F(ArrivalTest, MissingWaitShowsInTheNumbers) {
  open("streams=late,check=none");
  submit(/*ordered=*/false);
  EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
  for (size_t i = 0; i < kFloats; ++i)
    EXPECT_TRUE(std::isnan(seen[i]));
}

TEST_F(ArrivalTest, MissingWaitIsFoundInTheOtherOrderToo) {
  open("streams=early");
  submit(/*ordered=*/false);
  expectFinding({"kernel 'addOne' (operation 2, stream 0) reads bytes [0, 256) "
                 "of device allocation",
                 "copy of 256 bytes to the device (operation 1, stream 1) "
                 "writes"});
}

TEST_F(ArrivalTest, MissingWaitIsFoundWhenTheCopyRuns) {
  open("streams=late");
  submit(/*ordered=*/false);
  EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
  EXPECT_EQ(api.stream_synchronize(copies), MOE_RT_DEVICE);
  EXPECT_NE(error().find("to the device"), std::string::npos);
  EXPECT_NE(error().find("'addOne'"), std::string::npos);
}

TEST_F(ArrivalTest, TheHostMayOrderThem) {
  open("");
  from = pinnedWith(kFloats, 5);
  slot = allocate(kFloats);
  result = allocate(kFloats);
  ASSERT_EQ(toDevice(copies, slot, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(copies), MOE_RT_OK);
  ASSERT_EQ(addOne(compute, result, slot, kFloats), MOE_RT_OK);
  finish();
}

TEST_F(ArrivalTest, AnEventStandsForWhatWasRecordedWhenItWasWaitedFor) {
  open("");
  from = pinnedWith(kFloats, 5);
  slot = allocate(kFloats);
  result = allocate(kFloats);
  moe_rt_event *event = createEvent();
  // Waits for nothing yet: the record comes behind.
  ASSERT_EQ(api.event_wait(event, compute), MOE_RT_OK);
  ASSERT_EQ(toDevice(copies, slot, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(api.event_record(event, copies), MOE_RT_OK);
  ASSERT_EQ(addOne(compute, result, slot, kFloats), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(copies), MOE_RT_OK);
  expectFinding({"nothing orders the two"});
}

TEST_F(ArrivalTest, OrderPassesThroughThirdStreams) {
  for (bool ordered : {true, false}) {
    open("");
    moe_rt_stream *between = createStream();
    from = pinnedWith(kFloats, 5);
    slot = allocate(kFloats);
    result = allocate(kFloats);
    moe_rt_event *first = createEvent(), *second = createEvent();
    ASSERT_EQ(toDevice(copies, slot, from, kFloats), MOE_RT_OK);
    ASSERT_EQ(api.event_record(first, copies), MOE_RT_OK);
    if (ordered)
      ASSERT_EQ(api.event_wait(first, between), MOE_RT_OK);
    ASSERT_EQ(api.event_record(second, between), MOE_RT_OK);
    ASSERT_EQ(api.event_wait(second, compute), MOE_RT_OK);
    ASSERT_EQ(addOne(compute, result, slot, kFloats), MOE_RT_OK);
    ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
    EXPECT_EQ(api.stream_synchronize(copies),
              ordered ? MOE_RT_OK : MOE_RT_DEVICE);
  }
}

//===----------------------------------------------------------------------===//
// A slot that is used again
//===----------------------------------------------------------------------===//

class ReuseTest : public StreamTest {
protected:
  float *seen;

  /// A kernel reads the slot while the next expert is copied to it; `ordered`:
  /// after the kernel.
  void submit(bool ordered) {
    float *first = pinnedWith(kFloats, 5), *second = pinnedWith(kFloats, 100);
    float *slot = allocate(kFloats), *result = allocate(kFloats);
    seen = allocatePinned(kFloats);
    toDevice(copies, slot, first, kFloats);
    moe_rt_event *arrived = createEvent(), *used = createEvent();
    api.event_record(arrived, copies);
    api.event_wait(arrived, compute);
    addOne(compute, result, slot, kFloats);
    api.event_record(used, compute);
    if (ordered)
      api.event_wait(used, copies);
    toDevice(copies, slot, second, kFloats);
    api.event_record(arrived, copies);
    // The result of the kernel is fetched once the second one has arrived.
    api.event_wait(arrived, compute);
    toHost(compute, seen, result, kFloats);
  }
};

TEST_F(ReuseTest, CopyWaitsForTheKernel) {
  for (const char *streams :
       {"streams=late", "streams=early", "streams=random,seed=7"}) {
    open(streams);
    submit(/*ordered=*/true);
    finish();
    for (size_t i = 0; i < kFloats; ++i)
      EXPECT_EQ(seen[i], 6 + float(i));
  }
}

TEST_F(ReuseTest, SlotReusedBeforeItsKernelEndedShowsInTheNumbers) {
  open("streams=late,check=none");
  submit(/*ordered=*/false);
  finish();
  EXPECT_EQ(seen[0], 101);
}

TEST_F(ReuseTest, SlotReusedBeforeItsKernelEndedIsFound) {
  for (const char *streams : {"streams=late", "streams=early"}) {
    open(streams);
    submit(/*ordered=*/false);
    expectFinding({"kernel 'addOne'", "copy of 256 bytes to the device",
                   "nothing orders the two"});
  }
}

TEST_F(ReuseTest, OtherSlotsOfTheSameArrayAreFree) {
  open("");
  float *from = pinnedWith(kFloats, 5);
  float *slots = allocate(3 * kFloats), *result = allocate(kFloats);
  ASSERT_EQ(toDevice(compute, slots + kFloats, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(addOne(compute, result, slots + kFloats, kFloats), MOE_RT_OK);
  ASSERT_EQ(toDevice(copies, slots, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(toDevice(copies, slots + 2 * kFloats, from, kFloats), MOE_RT_OK);
  finish();
}

TEST_F(ReuseTest, TableUpdatedEarly) {
  for (bool ordered : {true, false}) {
    open("");
    float *weights = allocate(kFloats), *result = allocate(4);
    float *from = pinnedWith(kFloats, 1);
    auto *newTable = reinterpret_cast<int32_t *>(allocatePinned(4));
    auto *table = reinterpret_cast<int32_t *>(allocate(4));
    for (int i = 0; i < 4; ++i)
      newTable[i] = i;
    ASSERT_EQ(toDevice(compute, weights, from, kFloats), MOE_RT_OK);
    ASSERT_EQ(api.copy_to_device(compute, table, newTable, 16), MOE_RT_OK);
    ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
    ASSERT_EQ(gather(compute, result, weights, table, 4), MOE_RT_OK);
    auto *nextTable = reinterpret_cast<int32_t *>(pinnedWith(4, 0));
    ASSERT_EQ(
        api.copy_to_device(ordered ? compute : copies, table, nextTable, 16),
        MOE_RT_OK);
    ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
    EXPECT_EQ(api.stream_synchronize(copies),
              ordered ? MOE_RT_OK : MOE_RT_DEVICE);
    if (!ordered)
      EXPECT_NE(error().find("which kernel 'gather' (operation 3, stream 0) "
                             "reads"),
                std::string::npos)
          << error();
  }
}

TEST_F(ReuseTest, TwoKernelsWriteTheSameBytes) {
  open("");
  float *from = pinnedWith(kFloats, 5);
  float *data = allocate(kFloats), *result = allocate(kFloats);
  ASSERT_EQ(toDevice(compute, data, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
  ASSERT_EQ(addOne(compute, result, data, kFloats / 2 + 1), MOE_RT_OK);
  ASSERT_EQ(addOne(copies, result + kFloats / 2, data, kFloats / 2), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(copies), MOE_RT_OK);
  expectFinding({"writes bytes [128, 132) of device allocation",
                 "(operation 3, stream 1) writes"});
}

//===----------------------------------------------------------------------===//
// Memory of the host
//===----------------------------------------------------------------------===//

class HostMemoryTest : public StreamTest {};

TEST_F(HostMemoryTest, ChangedBeforeTheCopyRan) {
  for (bool waits : {true, false}) {
    open("");
    float *from = pinnedWith(kFloats, 5), *slot = allocate(kFloats);
    ASSERT_EQ(toDevice(compute, slot, from, kFloats), MOE_RT_OK);
    if (waits)
      ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
    from[3] = 0;
    if (waits)
      finish();
    else
      expectFinding({"the host wrote to bytes [0, 256) of pinned allocation",
                     "before the copy ran"});
  }
}

TEST_F(HostMemoryTest, ReadBeforeTheCopyRanIsNaN) {
  open("");
  float *from = pinnedWith(kFloats, 5), *slot = allocate(kFloats);
  float *seen = pinnedWith(kFloats, 1);
  ASSERT_EQ(toDevice(compute, slot, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(toHost(compute, seen, slot, kFloats), MOE_RT_OK);
  EXPECT_TRUE(std::isnan(seen[0]));
  finish();
  EXPECT_EQ(seen[0], 5);
}

TEST_F(HostMemoryTest, WrittenBeforeTheCopyIntoItRan) {
  open("");
  float *slot = allocate(kFloats), *seen = allocatePinned(kFloats);
  ASSERT_EQ(toHost(compute, seen, slot, kFloats), MOE_RT_OK);
  seen[0] = 1;
  expectFinding({"copy of 256 bytes to the host", "the host wrote"});
}

TEST_F(HostMemoryTest, CopiesOfAStreamMayPassItOn) {
  open("");
  float *from = pinnedWith(kFloats, 5), *through = allocatePinned(kFloats);
  float *a = allocate(kFloats), *b = allocate(kFloats);
  ASSERT_EQ(toDevice(compute, a, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(toHost(compute, through, a, kFloats), MOE_RT_OK);
  ASSERT_EQ(toDevice(compute, b, through, kFloats), MOE_RT_OK);
  ASSERT_EQ(toHost(compute, through, a, kFloats), MOE_RT_OK);
  finish();
  EXPECT_EQ(through[1], 6);
}

TEST_F(HostMemoryTest, CopiesOfTwoStreamsRaceOnIt) {
  open("streams=early");
  float *through = pinnedWith(kFloats, 5);
  float *a = allocate(kFloats), *b = allocate(kFloats);
  ASSERT_EQ(toDevice(compute, a, through, kFloats), MOE_RT_OK);
  EXPECT_EQ(toHost(copies, through, b, kFloats), MOE_RT_DEVICE);
  expectFinding({"writes bytes [0, 256) of pinned allocation"});
}

TEST_F(HostMemoryTest, MustBePinned) {
  open("");
  float plain[4] = {};
  float *slot = allocate(4), *pinned = allocatePinned(4);
  EXPECT_EQ(toDevice(compute, slot, plain, 4), MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("allocate_pinned"), std::string::npos) << error();
  EXPECT_EQ(toDevice(compute, pinned, pinned, 4), MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(toDevice(compute, slot, pinned, 5), MOE_RT_INVALID_ARGUMENT);
  // None of these is a finding.
  EXPECT_EQ(toDevice(compute, slot, pinned, 4), MOE_RT_OK);
  finish();
}

//===----------------------------------------------------------------------===//
// Releases, polls, failures
//===----------------------------------------------------------------------===//

class ReleaseTest : public StreamTest {};

TEST_F(ReleaseTest, WhileAKernelMayUseIt) {
  for (const char *streams : {"streams=late", "streams=early"})
    for (bool waits : {true, false}) {
      open(streams);
      float *a = allocate(kFloats), *b = allocate(kFloats);
      ASSERT_EQ(addOne(compute, a, b, kFloats), MOE_RT_OK);
      if (waits)
        ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
      api.release(device, b);
      if (waits)
        finish();
      else
        expectFinding({"release of bytes [0, 256) of device allocation 2",
                       "while kernel 'addOne' (operation 1, stream 0)"});
    }
}

TEST_F(ReleaseTest, WhileATensorMapOfAKernelHoldsIt) {
  open("");
  float *other = allocate(kFloats), *a = allocate(kFloats);
  moe_rt_tensor_map_spec spec = {};
  spec.base = a;
  spec.rank = 2;
  spec.element = MOE_RT_F32;
  spec.sizes[0] = spec.sizes[1] = spec.box[0] = spec.box[1] = 8;
  spec.strides[1] = 32;
  alignas(64) char map[MOE_RT_TENSOR_MAP_BYTES];
  ASSERT_EQ(api.tensor_map(device, &spec, map), MOE_RT_OK) << error();
  ASSERT_EQ(launch(compute, "nothing", {map}), MOE_RT_OK);
  api.release(device, other);
  ASSERT_EQ(api.event_record(createEvent(), compute), MOE_RT_OK) << error();
  api.release(device, a);
  expectFinding({"release of bytes [0, 256) of device allocation 2"});
}

TEST_F(ReleaseTest, OfPinnedMemoryInTransit) {
  open("");
  float *slot = allocate(kFloats), *from = pinnedWith(kFloats, 1);
  ASSERT_EQ(toDevice(copies, slot, from, kFloats), MOE_RT_OK);
  api.release_pinned(device, from);
  expectFinding({"release of bytes [0, 256) of pinned allocation 2"});
}

TEST_F(ReleaseTest, Twice) {
  open("");
  float *slot = allocate(kFloats);
  api.release(device, slot);
  api.release(device, slot);
  expectFinding({"released before"});
}

TEST_F(ReleaseTest, MemoryOutOfBoundsIsNamed) {
  open("");
  float *a = allocate(4), *b = allocate(5);
  ASSERT_EQ(addOne(compute, a, b, 5), MOE_RT_OK);
  expectFinding({"addOne"});
}

TEST_F(StreamTest, PollsEnd) {
  open("polls=3");
  float *slot = allocate(kFloats), *from = pinnedWith(kFloats, 1);
  moe_rt_event *event = createEvent();
  int32_t done = 0;
  ASSERT_EQ(api.event_query(event, &done), MOE_RT_OK);
  EXPECT_EQ(done, 1); // never recorded
  ASSERT_EQ(toDevice(copies, slot, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(api.event_record(event, copies), MOE_RT_OK);
  for (int expected : {0, 0, 1, 1}) {
    ASSERT_EQ(api.event_query(event, &done), MOE_RT_OK);
    EXPECT_EQ(done, expected);
  }
  from[0] = 2; // the host knows that it may
  finish();
}

TEST_F(StreamTest, AfterAFindingEverythingFailsAndCanBeDestroyed) {
  open("");
  float *slot = allocate(kFloats), *from = pinnedWith(kFloats, 1);
  moe_rt_event *event = createEvent();
  ASSERT_EQ(toDevice(copies, slot, from, kFloats), MOE_RT_OK);
  ASSERT_EQ(api.event_record(event, copies), MOE_RT_OK);
  from[0] = 7;
  EXPECT_EQ(api.event_synchronize(event), MOE_RT_DEVICE);
  std::string first = error();
  void *address;
  int32_t done;
  EXPECT_EQ(api.allocate(device, 16, &address), MOE_RT_DEVICE);
  EXPECT_EQ(api.event_record(event, compute), MOE_RT_DEVICE);
  EXPECT_EQ(api.event_wait(event, compute), MOE_RT_DEVICE);
  EXPECT_EQ(api.event_query(event, &done), MOE_RT_DEVICE);
  EXPECT_EQ(addOne(compute, slot, slot, 1), MOE_RT_DEVICE);
  EXPECT_EQ(error(), first);
  api.release(device, slot);
  api.release_pinned(device, from);
  EXPECT_EQ(error(), first);
}

} // namespace
