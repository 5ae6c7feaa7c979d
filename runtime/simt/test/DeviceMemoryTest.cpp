//===- DeviceMemoryTest.cpp - Names, memory, launches ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceOptions.h"
#include "DeviceTest.h"
#include <cmath>
#include <cstring>

using namespace moe_simt;

namespace {

TEST(DeviceOptionsTest, Reads) {
  DeviceOptions options;
  EXPECT_EQ(parseDeviceName("host-simt", options), "");
  EXPECT_EQ(parseDeviceName("host-simt:order=random,async=early,check=race,"
                            "seed=7,streams=random,memory=1.5GiB,guard=0,"
                            "polls=9,arch=sm_80,h2d=10,flops=5,launch=2",
                            options),
            "");
  EXPECT_EQ(options.machine.order, Order::Random);
  EXPECT_EQ(options.machine.async, Async::Early);
  EXPECT_EQ(options.machine.check, Check::Race);
  EXPECT_EQ(options.machine.seed, 7u);
  EXPECT_EQ(options.streams, Streams::Random);
  EXPECT_EQ(options.memory, uint64_t(3) << 29);
  EXPECT_FALSE(options.guard);
  EXPECT_EQ(options.polls, 9u);
  EXPECT_EQ(options.major, 8);
  EXPECT_DOUBLE_EQ(options.rates.toDevice, 10e9);
  EXPECT_DOUBLE_EQ(options.rates.flops, 5e9);
  EXPECT_DOUBLE_EQ(options.rates.launch, 2e-6);
}

TEST(DeviceOptionsTest, RefusesWhatItDoesNotKnow) {
  const moe_rt_device_api &api = moe_rt_device_v1;
  for (const char *name :
       {"cuda:0", "host-simt2", "host-simt:", "host-simt:check",
        "host-simt:check=rac", "host-simt:checks=race", "host-simt:seed=x",
        "host-simt:seed=-1", "host-simt:memory=0", "host-simt:memory=1GB",
        "host-simt:memory=1e30", "host-simt:h2d=0", "host-simt:launch=-1",
        "host-simt:h2d=inf", "host-simt:seed=1,", "host-simt:=1"}) {
    moe_rt_device *device = nullptr;
    char problem[1024] = "";
    EXPECT_EQ(api.open(name, &device, problem, sizeof(problem)),
              MOE_RT_INVALID_ARGUMENT)
        << name;
    EXPECT_NE(problem[0], 0) << name;
  }
  DeviceOptions options;
  std::string problem = parseDeviceName("host-simt:orders=random", options);
  EXPECT_NE(problem.find("no option 'orders'"), std::string::npos) << problem;
  EXPECT_NE(problem.find("order=ascending|descending|roundrobin|random"),
            std::string::npos)
      << problem;
}

class DeviceMemoryTest : public DeviceTest {};

TEST_F(DeviceMemoryTest, EndsWhereItWasToldTo) {
  open("memory=1MiB");
  moe_rt_device_properties properties;
  ASSERT_EQ(api.properties(device, &properties), MOE_RT_OK);
  EXPECT_EQ(properties.memory_free, 1u << 20);
  float *half = allocate(1 << 17);
  ASSERT_EQ(api.properties(device, &properties), MOE_RT_OK);
  EXPECT_EQ(properties.memory_free, 1u << 19);
  void *more = nullptr;
  EXPECT_EQ(api.allocate(device, (1 << 19) + 1, &more), MOE_RT_OUT_OF_MEMORY);
  EXPECT_NE(error().find("524289 were asked for"), std::string::npos)
      << error();
  allocatePinned(1 << 20); // does not count
  EXPECT_EQ(api.allocate(device, 1 << 19, &more), MOE_RT_OK);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(more) % 256, 0u);
  api.release(device, half);
  EXPECT_EQ(api.allocate(device, 1 << 19, &more), MOE_RT_OK);
  EXPECT_EQ(api.allocate(device, 1, &more), MOE_RT_OUT_OF_MEMORY);
}

TEST_F(DeviceMemoryTest, IsNaNWhenNew) {
  open("");
  float *data = allocate(5), *seen = pinnedWith(5, 0);
  ASSERT_EQ(toHost(compute, seen, data, 5), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(std::isnan(seen[i]));
}

TEST_F(DeviceMemoryTest, TheHostFaultsOnIt) {
  open("");
  float *data = allocate(4), *from = pinnedWith(4, 1);
  ASSERT_EQ(toDevice(compute, data, from, 4), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
  EXPECT_DEATH(*static_cast<volatile float *>(data) = 1, "");
  open("guard=0");
  *static_cast<volatile float *>(allocate(4)) = 1;
}

TEST_F(DeviceMemoryTest, RowsAreCopied) {
  open("");
  float *from = pinnedWith(12, 0), *seen = allocatePinned(12);
  float *a = allocate(12), *b = allocate(12);
  ASSERT_EQ(toDevice(compute, a, from, 12), MOE_RT_OK);
  // Three rows of two, from rows of three to rows of four.
  ASSERT_EQ(api.copy_on_device(compute, b + 1, 16, a, 12, 8, 3), MOE_RT_OK);
  ASSERT_EQ(toHost(compute, seen, b, 12), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
  const float expected[] = {NAN, 0, 1, NAN, NAN, 3, 4, NAN, NAN, 6, 7, NAN};
  for (int i = 0; i < 12; ++i)
    EXPECT_TRUE(seen[i] == expected[i] ||
                (std::isnan(seen[i]) && std::isnan(expected[i])))
        << i;
  // To rows that overlap, over the end, onto itself; and nothing at all.
  EXPECT_EQ(api.copy_on_device(compute, b, 4, a, 12, 8, 3),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(api.copy_on_device(compute, b, 20, a, 12, 12, 3),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(api.copy_on_device(compute, a, 12, a + 1, 12, 8, 3),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(api.copy_on_device(compute, a, 12, a, 12, 8, 0), MOE_RT_OK);
}

TEST_F(DeviceMemoryTest, ImagesAreChecked) {
  open("");
  moe_rt_module *module = nullptr;
  moe_simt_image future = testImage;
  ++future.version;
  EXPECT_EQ(api.module_load(device, MOE_RT_IMAGE_SIMT, &future, 0, &module),
            MOE_RT_INCOMPATIBLE);
  EXPECT_EQ(api.module_load(device, MOE_RT_IMAGE_PTX, "", 1, &module),
            MOE_RT_INCOMPATIBLE);
  EXPECT_NE(error().find("host-simt"), std::string::npos);
  ASSERT_EQ(api.module_load(device, MOE_RT_IMAGE_SIMT, &testImage, 0, &module),
            MOE_RT_OK);
  moe_rt_kernel *kernel = nullptr;
  EXPECT_EQ(api.kernel_get(module, "addTwo", &kernel), MOE_RT_NOT_FOUND);
  EXPECT_NE(error().find("'addTwo'"), std::string::npos);
  ASSERT_EQ(api.kernel_get(module, "addOne", &kernel), MOE_RT_OK);

  void *pointer = nullptr;
  int64_t n = 0;
  void *arguments[] = {&pointer, &pointer, &n};
  auto launch = [&](moe_rt_launch launch) {
    launch.arguments = arguments;
    return api.launch(compute, kernel, &launch);
  };
  EXPECT_EQ(launch({{1, 1, 1}, {32, 1, 1}, 0, nullptr}), MOE_RT_OK);
  EXPECT_EQ(launch({{1, 0, 1}, {32, 1, 1}, 0, nullptr}), MOE_RT_OK);
  EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_OK);
  EXPECT_EQ(statistics()["launches"], 1);
  EXPECT_EQ(launch({{1, 1, 1}, {33, 1, 1}, 0, nullptr}),
            MOE_RT_INVALID_ARGUMENT); // max_threads is 32
  EXPECT_EQ(launch({{1, 1, 1}, {0, 1, 1}, 0, nullptr}),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(launch({{1, 65536, 1}, {1, 1, 1}, 0, nullptr}),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(launch({{1, 1, 1}, {1, 1, 1}, 228 * 1024, nullptr}),
            MOE_RT_INVALID_ARGUMENT);
  ASSERT_EQ(launch({{1, 1, 1}, {1, 1, 1}, 0, nullptr}), MOE_RT_OK);
  api.module_unload(module); // before it ran
  EXPECT_EQ(api.stream_synchronize(compute), MOE_RT_DEVICE);
  EXPECT_NE(error().find("a module is unloaded while kernel 'addOne'"),
            std::string::npos)
      << error();
}

TEST_F(DeviceMemoryTest, ArgumentsAreCopied) {
  open("");
  float *a = allocate(4), *b = allocate(4), *from = pinnedWith(4, 1);
  float *seen = allocatePinned(4);
  ASSERT_EQ(toDevice(compute, a, from, 4), MOE_RT_OK);
  int64_t n = 4;
  float *source = a;
  ASSERT_EQ(launch(compute, "addOne", {&b, &source, &n}), MOE_RT_OK);
  source = nullptr;
  n = 1 << 20;
  ASSERT_EQ(toHost(compute, seen, b, 4), MOE_RT_OK);
  ASSERT_EQ(api.stream_synchronize(compute), MOE_RT_OK) << error();
  EXPECT_EQ(seen[3], 5);
}

} // namespace
