//===- DeviceTest.cpp - A device and kernels for tests --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceTest.h"
#include <cstring>

using namespace moe_simt;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

template <typename T>
static T getArgument(void *const *arguments, unsigned index) {
  T value;
  std::memcpy(&value, arguments[index], sizeof(value));
  return value;
}

/// As instrumented code accesses global memory.
static void access(moe_simt_thread *thread, const void *address, unsigned kind,
                   unsigned bytes) {
  thread->api->access(thread, address, kind | 1 << 4 | bytes << 8 | bytes << 16,
                      /*location=*/0);
}

template <typename T>
static T load(moe_simt_thread *thread, const T *from) {
  access(thread, from, MOE_SIMT_LOAD, sizeof(T));
  return *from;
}

template <typename T>
static void store(moe_simt_thread *thread, T *to, T value) {
  access(thread, to, MOE_SIMT_STORE, sizeof(T));
  *to = value;
}

/// Every thread does everything: the tests launch one.
static void runAddOne(moe_simt_thread *thread, void *const *arguments) {
  auto *to = getArgument<float *>(arguments, 0);
  auto *from = getArgument<const float *>(arguments, 1);
  for (int64_t i = 0, n = getArgument<int64_t>(arguments, 2); i < n; ++i)
    store(thread, to + i, load(thread, from + i) + 1);
}

static void runGather(moe_simt_thread *thread, void *const *arguments) {
  auto *to = getArgument<float *>(arguments, 0);
  auto *from = getArgument<const float *>(arguments, 1);
  auto *table = getArgument<const int32_t *>(arguments, 2);
  for (int64_t i = 0, n = getArgument<int64_t>(arguments, 3); i < n; ++i)
    store(thread, to + i, load(thread, from + load(thread, table + i)));
}

/// Has an address in a tensor map only.
static void runNothing(moe_simt_thread *, void *const *) {}

static const uint32_t argumentBytes[] = {8, 8, 8, 8};
static const uint32_t mapBytes[] = {MOE_RT_TENSOR_MAP_BYTES};
static const moe_simt_kernel kernels[] = {
    {"addOne", runAddOne, 0, 16, 32, 3, argumentBytes},
    {"gather", runGather, 0, 16, 0, 4, argumentBytes},
    {"nothing", runNothing, 0, 16, 0, 1, mapBytes},
};
static const moe_simt_location locations[] = {{"test", "llvm.load", 0, ""}};
const moe_simt_image moe_simt::testImage = {MOE_SIMT_VERSION,
                                            sizeof(moe_simt_image),
                                            /*instrumented=*/1,
                                            0,
                                            kernels,
                                            3,
                                            locations,
                                            1};

//===----------------------------------------------------------------------===//
// DeviceTest
//===----------------------------------------------------------------------===//

void DeviceTest::open(const std::string &options) {
  close();
  std::string name = "host-simt" + (options.empty() ? "" : ":" + options);
  char problem[512] = "";
  ASSERT_EQ(api.open(name.c_str(), &device, problem, sizeof(problem)),
            MOE_RT_OK)
      << problem;
  compute = createStream();
  copies = createStream();
  ASSERT_EQ(api.module_load(device, MOE_RT_IMAGE_SIMT, &testImage, 0, &module),
            MOE_RT_OK);
  for (const moe_simt_kernel &kernel : kernels)
    ASSERT_EQ(api.kernel_get(module, kernel.name, &known[kernel.name]),
              MOE_RT_OK);
}

void DeviceTest::close() {
  if (!device)
    return;
  for (moe_rt_event *event : events)
    api.event_destroy(event);
  for (moe_rt_stream *stream : streams)
    api.stream_destroy(stream);
  api.module_unload(module);
  api.close(device);
  events.clear();
  streams.clear();
  module = nullptr;
  device = nullptr;
}

float *DeviceTest::allocate(size_t floats) {
  void *address = nullptr;
  EXPECT_EQ(api.allocate(device, floats * 4, &address), MOE_RT_OK) << error();
  return static_cast<float *>(address);
}

float *DeviceTest::allocatePinned(size_t floats) {
  void *address = nullptr;
  EXPECT_EQ(api.allocate_pinned(device, floats * 4, &address), MOE_RT_OK);
  return static_cast<float *>(address);
}

float *DeviceTest::pinnedWith(size_t floats, float value) {
  float *pinned = allocatePinned(floats);
  for (size_t i = 0; i < floats; ++i)
    pinned[i] = value + float(i);
  return pinned;
}

moe_rt_event *DeviceTest::createEvent() {
  events.push_back(nullptr);
  EXPECT_EQ(api.event_create(device, &events.back()), MOE_RT_OK);
  return events.back();
}

moe_rt_stream *DeviceTest::createStream() {
  streams.push_back(nullptr);
  EXPECT_EQ(api.stream_create(device, &streams.back()), MOE_RT_OK);
  return streams.back();
}

int32_t DeviceTest::launch(moe_rt_stream *stream, const char *name,
                           std::vector<void *> arguments, unsigned blocks) {
  moe_rt_launch launch = {{blocks, 1, 1}, {1, 1, 1}, 0, arguments.data()};
  return api.launch(stream, known.at(name), &launch);
}

int32_t DeviceTest::addOne(moe_rt_stream *stream, float *to, const float *from,
                           int64_t n) {
  return launch(stream, "addOne", {&to, &from, &n});
}

int32_t DeviceTest::gather(moe_rt_stream *stream, float *to, const float *from,
                           const int32_t *table, int64_t n) {
  return launch(stream, "gather", {&to, &from, &table, &n});
}
