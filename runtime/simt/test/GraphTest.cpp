//===- GraphTest.cpp - Captures and their graphs --------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceTest.h"

using namespace moe_simt;

namespace {

class GraphTest : public DeviceTest {
protected:
  static constexpr size_t kFloats = 16;
  float *from, *a, *b, *seen;

  void SetUp() override {
    open("");
    from = pinnedWith(kFloats, 1);
    seen = allocatePinned(kFloats);
    a = allocate(kFloats);
    b = allocate(kFloats);
  }
  /// The copy, a kernel for each of `steps` (to, from), and the way back.
  moe_rt_graph *capture(const std::vector<std::pair<float *, float *>> &steps) {
    EXPECT_EQ(api.capture_begin(compute), MOE_RT_OK) << error();
    EXPECT_EQ(toDevice(compute, a, from, kFloats), MOE_RT_OK);
    for (auto [to, source] : steps)
      EXPECT_EQ(addOne(compute, to, source, kFloats), MOE_RT_OK);
    EXPECT_EQ(toHost(compute, seen, b, kFloats), MOE_RT_OK);
    moe_rt_graph *graph = nullptr;
    EXPECT_EQ(api.capture_end(compute, &graph), MOE_RT_OK) << error();
    return graph;
  }
  float launchAndGet(moe_rt_graph *graph) {
    EXPECT_EQ(api.graph_launch(graph, compute), MOE_RT_OK) << error();
    EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
    return seen[0];
  }
};

TEST_F(GraphTest, RunsWhenLaunchedOnly) {
  seen[0] = -1;
  moe_rt_graph *graph = capture({{b, a}});
  EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
  EXPECT_EQ(seen[0], -1);
  EXPECT_EQ(launchAndGet(graph), 2);
  from[0] = 10; // host memory is read by the launch
  EXPECT_EQ(launchAndGet(graph), 11);
  EXPECT_EQ(statistics()["launches"], 2);
  api.graph_destroy(graph);
}

TEST_F(GraphTest, UpdateTakesArguments) {
  moe_rt_graph *graph = capture({{b, a}, {b, a}});
  int32_t updated = 0;
  EXPECT_EQ(launchAndGet(graph), 2);
  ASSERT_EQ(api.graph_update(graph, capture({{b, a}, {b, b}}), &updated),
            MOE_RT_OK);
  EXPECT_EQ(updated, 1);
  EXPECT_EQ(launchAndGet(graph), 3);
  api.graph_destroy(graph);
}

TEST_F(GraphTest, UpdateRefusesOtherStructure) {
  moe_rt_graph *graph = capture({{b, a}});
  int32_t updated = 1;
  ASSERT_EQ(api.graph_update(graph, capture({{b, a}, {b, b}}), &updated),
            MOE_RT_OK);
  EXPECT_EQ(updated, 0);

  // As many operations, but another kernel.
  updated = 1;
  ASSERT_EQ(api.capture_begin(compute), MOE_RT_OK);
  toDevice(compute, a, from, kFloats);
  gather(compute, b, a, reinterpret_cast<int32_t *>(a), 0);
  toHost(compute, seen, b, kFloats);
  moe_rt_graph *other = nullptr;
  ASSERT_EQ(api.capture_end(compute, &other), MOE_RT_OK);
  ASSERT_EQ(api.graph_update(graph, other, &updated), MOE_RT_OK);
  EXPECT_EQ(updated, 0);

  EXPECT_EQ(launchAndGet(graph), 2);
  api.graph_destroy(graph);
}

TEST_F(GraphTest, NothingWaitsWithinACapture) {
  moe_rt_event *event = createEvent();
  moe_rt_graph *graph = nullptr;
  ASSERT_EQ(api.capture_begin(compute), MOE_RT_OK);
  EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(api.capture_end(compute, &graph), MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("no graph was captured: the host waits"),
            std::string::npos)
      << error();

  ASSERT_EQ(api.event_record(event, copies), MOE_RT_OK);
  ASSERT_EQ(api.capture_begin(compute), MOE_RT_OK);
  EXPECT_EQ(api.event_wait(event, compute), MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(api.capture_end(compute, &graph), MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(api.capture_end(compute, &graph), MOE_RT_INVALID_ARGUMENT);
}

TEST_F(GraphTest, AnEventOfACaptureStandsForNothing) {
  moe_rt_event *event = createEvent();
  moe_rt_graph *graph = nullptr;
  int32_t done;
  ASSERT_EQ(api.capture_begin(compute), MOE_RT_OK);
  ASSERT_EQ(api.event_record(event, compute), MOE_RT_OK);
  EXPECT_EQ(api.event_wait(event, compute), MOE_RT_OK);
  EXPECT_EQ(api.event_wait(event, copies), MOE_RT_INVALID_ARGUMENT);
  ASSERT_EQ(api.capture_end(compute, &graph), MOE_RT_OK);
  EXPECT_EQ(api.event_query(event, &done), MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(api.event_synchronize(event), MOE_RT_INVALID_ARGUMENT);
  ASSERT_EQ(api.event_record(event, compute), MOE_RT_OK);
  EXPECT_EQ(api.event_synchronize(event), MOE_RT_OK);
  api.graph_destroy(graph);
}

TEST_F(GraphTest, MemoryOfItsCopiesWasReleased) {
  moe_rt_graph *graph = capture({{b, a}});
  EXPECT_EQ(launchAndGet(graph), 2);
  api.release(device, a);
  EXPECT_EQ(api.graph_launch(graph, compute), MOE_RT_DEVICE);
  EXPECT_NE(error().find("not allocated"), std::string::npos) << error();
  api.graph_destroy(graph);
}

} // namespace
