//===- DeviceTest.h - A device and kernels for tests ------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_TEST_DEVICETEST_H
#define MOE_SIMT_TEST_DEVICETEST_H

#include "moe_rt/moe_rt.h"
#include "moe_rt/moe_rt_device.h"
#include "moe_rt/moe_simt.h"
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

extern "C" const moe_rt_device_api moe_rt_device_v1;

namespace moe_simt {

/// The image of the test kernels:
///   addOne(to, from, n): to[i] = from[i] + 1
///   gather(to, from, table, n): to[i] = from[table[i]]
///   nothing(map): nothing
extern const moe_simt_image testImage;

/// Opens a device, and closes it with everything made here.
class DeviceTest : public testing::Test {
protected:
  const moe_rt_device_api &api = moe_rt_device_v1;
  moe_rt_device *device = nullptr;
  moe_rt_stream *compute = nullptr, *copies = nullptr;

  void open(const std::string &options);
  void close();
  void TearDown() override { close(); }

  float *allocate(size_t floats);
  float *allocatePinned(size_t floats);
  /// Pinned, filled with `value`, value + 1, ...
  float *pinnedWith(size_t floats, float value);
  moe_rt_event *createEvent();
  moe_rt_stream *createStream();
  int32_t toDevice(moe_rt_stream *stream, float *to, const float *from,
                   size_t floats) {
    return api.copy_to_device(stream, to, from, floats * 4);
  }
  int32_t toHost(moe_rt_stream *stream, float *to, const float *from,
                 size_t floats) {
    return api.copy_to_host(stream, to, from, floats * 4);
  }
  int32_t addOne(moe_rt_stream *stream, float *to, const float *from,
                 int64_t n);
  int32_t gather(moe_rt_stream *stream, float *to, const float *from,
                 const int32_t *table, int64_t n);
  int32_t launch(moe_rt_stream *stream, const char *name,
                 std::vector<void *> arguments, unsigned blocks = 1);

  std::string error() { return api.last_error(device); }
  nlohmann::json statistics() {
    return nlohmann::json::parse(api.statistics(device));
  }

private:
  std::vector<moe_rt_stream *> streams;
  std::vector<moe_rt_event *> events;
  moe_rt_module *module = nullptr;
  std::map<std::string, moe_rt_kernel *> known;
};

} // namespace moe_simt

#endif // MOE_SIMT_TEST_DEVICETEST_H
