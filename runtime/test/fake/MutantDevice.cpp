//===- MutantDevice.cpp - Host execution with a missing call --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MutantDevice.h"
#include "moe_rt/moe_rt.h"
#include "moe_rt/moe_rt_device.h"
#include <dlfcn.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

static MutantControl control;
EXPORT MutantControl *mutant_device_control() { return &control; }

/// Notes where a call comes from; whether it is to do nothing.
static bool isDropped(const char *function, const void *address) {
  bool known = false;
  for (const MutantSite &site : control.sites)
    known |= site.address == address;
  if (!known)
    control.sites.push_back({address, function});
  return address == control.drop;
}

static const moe_rt_device_api &getReal() {
  static const auto *api = static_cast<const moe_rt_device_api *>(dlsym(
      dlopen(MOE_TEST_SIMT, RTLD_NOW | RTLD_LOCAL), MOE_RT_DEVICE_SYMBOL));
  return *api;
}

static int32_t recordEvent(moe_rt_event *event, moe_rt_stream *stream) {
  return isDropped("event_record", __builtin_return_address(0))
             ? MOE_RT_OK
             : getReal().event_record(event, stream);
}
static int32_t waitEvent(moe_rt_event *event, moe_rt_stream *stream) {
  return isDropped("event_wait", __builtin_return_address(0))
             ? MOE_RT_OK
             : getReal().event_wait(event, stream);
}
/// Without it, the event seems to be done.
static int32_t queryEvent(moe_rt_event *event, int32_t *done) {
  *done = 1;
  return isDropped("event_query", __builtin_return_address(0))
             ? MOE_RT_OK
             : getReal().event_query(event, done);
}
static int32_t synchronizeEvent(moe_rt_event *event) {
  return isDropped("event_synchronize", __builtin_return_address(0))
             ? MOE_RT_OK
             : getReal().event_synchronize(event);
}
static int32_t synchronizeStream(moe_rt_stream *stream) {
  return isDropped("stream_synchronize", __builtin_return_address(0))
             ? MOE_RT_OK
             : getReal().stream_synchronize(stream);
}

static moe_rt_device_api makeMutant() {
  moe_rt_device_api api = getReal();
  api.event_record = recordEvent;
  api.event_wait = waitEvent;
  api.event_query = queryEvent;
  api.event_synchronize = synchronizeEvent;
  api.stream_synchronize = synchronizeStream;
  return api;
}

extern "C" __attribute__((visibility("default")))
const moe_rt_device_api moe_rt_device_v1 = makeMutant();
