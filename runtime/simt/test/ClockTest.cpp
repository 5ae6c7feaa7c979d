//===- ClockTest.cpp - The virtual clock ----------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceClock.h"
#include "DeviceTest.h"

using namespace moe_simt;

namespace {

TEST(EngineTest, FillsGaps) {
  Engine engine;
  EXPECT_EQ(engine.place(0, 2), 2);   // [0, 2)
  EXPECT_EQ(engine.place(1, 2), 4);   // [2, 4)
  EXPECT_EQ(engine.place(10, 5), 15); // [10, 15)
  EXPECT_EQ(engine.place(3, 6), 10);  // [4, 10): just fits
  EXPECT_EQ(engine.place(0, 1), 16);  // no gap left
  EXPECT_EQ(engine.place(20, 1), 21);
  EXPECT_EQ(engine.place(0, 4), 20); // [16, 20)
  EXPECT_EQ(engine.place(7, 0), 7);  // takes no time
  EXPECT_EQ(engine.getBusy(), 2 + 2 + 5 + 6 + 1 + 1 + 4);
  engine.forgetBefore(100);
  EXPECT_EQ(engine.place(100, 1), 101);
}

/// 1e9 bytes per second to the device, 2e9 back, 4e9 of device memory; 1 us for
/// every operation, half of it in graphs. 1000 floats take 4 us one way.
class ClockTest : public DeviceTest {
protected:
  static constexpr size_t kFloats = 1000;
  static constexpr double kCopy = 5e-6, kCopyBack = 3e-6;
  static constexpr double kKernel = 3e-6; // reads and writes 4000 bytes each
  float *from, *seen, *slots, *result;

  void openSlow(const std::string &more = "") {
    open("h2d=1,d2h=2,dram=4,flops=1,launch=1,graph=0.5" + more);
    from = pinnedWith(kFloats, 1);
    seen = allocatePinned(kFloats);
    slots = allocate(4 * kFloats);
    result = allocate(4 * kFloats);
  }
  double makespan() { return statistics()["makespan_seconds"]; }
};

TEST_F(ClockTest, AStreamIsSerial) {
  for (const char *streams : {"", ",streams=early", ",streams=random"}) {
    openSlow(streams);
    toDevice(compute, slots, from, kFloats);
    addOne(compute, result, slots, kFloats);
    toHost(compute, seen, result, kFloats);
    ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
    EXPECT_DOUBLE_EQ(makespan(), kCopy + kKernel + kCopyBack);
    nlohmann::json all = statistics();
    EXPECT_DOUBLE_EQ(all["busy_seconds"]["to_device"], kCopy);
    EXPECT_DOUBLE_EQ(all["busy_seconds"]["to_host"], kCopyBack);
    EXPECT_DOUBLE_EQ(all["busy_seconds"]["compute"], kKernel);
    EXPECT_DOUBLE_EQ(all["kernels"]["addOne"]["seconds"], kKernel);
    EXPECT_EQ(all["copied_bytes"]["to_device"], 4 * kFloats);
    EXPECT_EQ(all["launches"], 1);
  }
}

TEST_F(ClockTest, StreamsOverlap) {
  for (const char *streams : {"", ",streams=early", ",streams=random"}) {
    openSlow(streams);
    // Copies follow each other, each kernel follows its copy: the last kernel
    // alone is not hidden.
    for (int i = 0; i < 4; ++i) {
      moe_rt_event *arrived = createEvent();
      toDevice(copies, slots + i * kFloats, from, kFloats);
      api.event_record(arrived, copies);
      api.event_wait(arrived, compute);
      addOne(compute, result + i * kFloats, slots + i * kFloats, kFloats);
    }
    ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
    EXPECT_NEAR(makespan(), 4 * kCopy + kKernel, 1e-12);
  }
}

TEST_F(ClockTest, OneSlotHidesNothing) {
  openSlow();
  moe_rt_event *used = createEvent();
  for (int i = 0; i < 4; ++i) {
    moe_rt_event *arrived = createEvent();
    api.event_wait(used, copies);
    toDevice(copies, slots, from, kFloats);
    api.event_record(arrived, copies);
    api.event_wait(arrived, compute);
    addOne(compute, result, slots, kFloats);
    api.event_record(used, compute);
  }
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
  EXPECT_NEAR(makespan(), 4 * (kCopy + kKernel), 1e-12);
}

TEST_F(ClockTest, TheHostTakesPart) {
  openSlow();
  api.host_time(device, 1e-3); // reads the file
  toDevice(compute, slots, from, kFloats);
  EXPECT_DOUBLE_EQ(statistics()["host_seconds"], 1e-3); // it did not wait
  api.host_time(device, 2e-6); // at the same time as the copy
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
  EXPECT_DOUBLE_EQ(makespan(), 1e-3 + kCopy);
  EXPECT_DOUBLE_EQ(statistics()["host_seconds"], 1e-3 + kCopy);
  api.host_time(device, 1);
  EXPECT_DOUBLE_EQ(makespan(), 1 + 1e-3 + kCopy);
}

TEST_F(ClockTest, AnEventIsDoneWhenItsTimeHasCome) {
  openSlow(",polls=1000,streams=early");
  moe_rt_event *event = createEvent();
  toDevice(copies, slots, from, kFloats);
  api.event_record(event, copies);
  int32_t done = 1;
  api.event_query(event, &done);
  EXPECT_EQ(done, 0);
  api.host_time(device, kCopy);
  api.event_query(event, &done);
  EXPECT_EQ(done, 1);
}

TEST_F(ClockTest, RowsOnTheDeviceMoveTwice) {
  openSlow();
  toDevice(compute, slots, from, kFloats);
  api.copy_on_device(compute, result, 80, slots, 40, 40, 100);
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
  EXPECT_DOUBLE_EQ(makespan(), kCopy + kKernel);
}

TEST_F(ClockTest, GraphsAreLaunchedFaster) {
  openSlow();
  ASSERT_EQ(api.capture_begin(compute), MOE_RT_OK);
  toDevice(compute, slots, from, kFloats);
  addOne(compute, result, slots, kFloats);
  moe_rt_graph *graph;
  ASSERT_EQ(api.capture_end(compute, &graph), MOE_RT_OK);
  EXPECT_EQ(makespan(), 0);
  for (int i = 1; i <= 2; ++i) {
    ASSERT_EQ(api.graph_launch(graph, compute), MOE_RT_OK);
    ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
    EXPECT_NEAR(makespan(), i * (kCopy + kKernel - 2 * 0.5e-6), 1e-12);
  }
  api.graph_destroy(graph);
}

} // namespace
