//===- DeviceSession.cpp - Runs of a model on a device --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceSession.h"
#include "Session.h"
#include <cstring>

using namespace moe_rt;

/// A model has as many tensor maps as kernels and shapes; what outgrows this is
/// a sequence of ever new shapes.
static constexpr size_t kMostMaps = 4096;

int32_t DeviceSession::run(const moe_rt_abi_frame &frame) {
  routes.clear();
  ofRun.assign(launches.size(), 0);
  open = -1;
  constant = pager.makeConstant();
  int32_t code = 0;
  if (pager.failed() == MOE_RT_OK)
    code = constant && recordable && !frame.observing
               ? runRecorded(frame)
               : model->choice.variant->run(&frame);
  finish();
  return code;
}

/// Waits, whatever happened: memory of the run is given back or written next.
void DeviceSession::finish() {
  pager.check(device.check(device.api.stream_synchronize(device.compute)));
  if (begun)
    device.api.graph_destroy(std::exchange(begun, nullptr));
  for (size_t i = 0; i < launches.size(); ++i)
    launches[i] += ofRun[i];
  if (constant && pager.failed() == MOE_RT_OK)
    for (const Route &route : routes.list)
      if (route.opened) {
        count(route);
        pager.account(route.bank, route.counts);
      }
}

void DeviceSession::count(const Route &route) {
  for (int32_t e = 0; e < banks[route.bank].experts; ++e)
    rows += route.counts[e];
}

/// All that the host program's launches depend on.
std::vector<uint64_t>
DeviceSession::keyOf(const moe_rt_abi_frame &frame) const {
  const moe_rt_session &session =
      *static_cast<const moe_rt_session *>(frame.session);
  const Signature &signature = session.model->signature;
  std::vector<uint64_t> key;
  auto address = [&](const void *pointer) {
    key.push_back(reinterpret_cast<uintptr_t>(pointer));
  };
  for (size_t i = 0; i < signature.symbols.size(); ++i)
    key.push_back(frame.symbols[i]);
  for (size_t i = 0; i < signature.inputs.size(); ++i)
    address(frame.inputs[i]);
  for (size_t i = 0; i < signature.outputs.size(); ++i)
    address(frame.outputs[i]);
  for (size_t i = 0; i < signature.states.size(); ++i) {
    address(frame.states[i].data);
    key.push_back(frame.states[i].length);
    key.push_back(frame.states[i].capacity);
  }
  address(frame.arena);
  return key;
}

int32_t DeviceSession::runRecorded(const moe_rt_abi_frame &frame) {
  pager.checkCancelledNow();
  if (pager.failed() != MOE_RT_OK)
    return pager.failed();
  std::vector<uint64_t> key = keyOf(frame);
  if (RecordedRun *run = graphs.find(key)) {
    start(*run);
    return pager.failed();
  }
  return record(frame, key);
}

void DeviceSession::start(const RecordedRun &run) {
  routes.list.assign(run.routes.begin(), run.routes.end());
  ofRun = run.launches;
  pager.check(device.check(device.api.graph_launch(run.graph, device.compute)));
}

int32_t DeviceSession::record(const moe_rt_abi_frame &frame,
                              const std::vector<uint64_t> &key) {
  sequence.clear();
  if (!pager.check(device.check(device.api.capture_begin(device.compute))))
    return pager.failed();
  recording = true;
  int32_t code = model->choice.variant->run(&frame);
  if (!recording) // it had to wait; all was started
    return code;
  moe_rt_graph *graph = endRecording();
  if (code != MOE_RT_ABI_OK || pager.failed() != MOE_RT_OK) {
    if (graph)
      device.api.graph_destroy(graph);
    return code;
  }
  RecordedRun *kept;
  RecordedRun fresh{
      key, sequence, ofRun, {routes.list.begin(), routes.list.end()}, graph};
  if (!pager.check(graphs.keep(std::move(fresh), kept)))
    return pager.failed();
  if (kept) {
    start(*kept);
    return pager.failed();
  }
  // What was recorded did not run.
  routes.clear();
  ofRun.assign(launches.size(), 0);
  return model->choice.variant->run(&frame);
}

moe_rt_graph *DeviceSession::endRecording() {
  recording = false;
  moe_rt_graph *graph = nullptr;
  pager.check(device.check(device.api.capture_end(device.compute, &graph)));
  return graph;
}

/// The host program has to wait for work in the middle of the run: starts what
/// was recorded so far. The rest, and later runs, are not recorded.
void DeviceSession::giveUpRecording() {
  if (!recording)
    return;
  recordable = false;
  begun = endRecording();
  if (begun && pager.failed() == MOE_RT_OK)
    pager.check(device.check(device.api.graph_launch(begun, device.compute)));
}

void DeviceSession::launch(int32_t kernel, const uint32_t *dims,
                           void *const *arguments) {
  if (pager.failed() != MOE_RT_OK)
    return;
  if (kernel < 0 || size_t(kernel) >= model->kernels.size())
    return pager.fail(MOE_RT_INTERNAL,
                      "compiled code started a kernel that does not exist");
  moe_rt_launch launch = {{dims[0], dims[1], dims[2]},
                          {dims[3], dims[4], dims[5]},
                          dims[6],
                          arguments};
  if (dims[0] == 0 || dims[1] == 0 || dims[2] == 0)
    return;
  moe_rt_status status = device.check(
      device.api.launch(device.compute, model->kernels[kernel], &launch));
  if (status != MOE_RT_OK)
    pager.fail(status,
               "kernel '" + kernels()[kernel].name + "': " + device.problem);
  ++ofRun[kernel];
  if (recording)
    sequence.push_back(kernel);
}

void DeviceSession::tensorMap(const moe_rt_tensor_map_spec &spec, void *map) {
  std::memset(map, 0, MOE_RT_TENSOR_MAP_BYTES);
  if (pager.failed() != MOE_RT_OK)
    return;
  if (spec.rank < 1 || spec.rank > 5)
    return pager.fail(MOE_RT_INTERNAL,
                      "compiled code described an impossible tensor");
  // Only the dimensions that there are count.
  moe_rt_tensor_map_spec known = {
      spec.base, spec.rank, spec.element, spec.swizzle, 0, {}, {}, {}};
  for (uint32_t d = 0; d < spec.rank; ++d) {
    known.sizes[d] = spec.sizes[d];
    known.strides[d] = d ? spec.strides[d] : 0;
    known.box[d] = spec.box[d];
  }
  std::string key(reinterpret_cast<const char *>(&known), sizeof(known));
  auto found = maps.find(key);
  if (found == maps.end()) {
    alignas(64) std::array<uint64_t, 16> encoded{};
    static_assert(sizeof(encoded) == MOE_RT_TENSOR_MAP_BYTES);
    if (!pager.check(device.check(
            device.api.tensor_map(device.handle, &known, encoded.data()))))
      return;
    if (maps.size() >= kMostMaps)
      maps.clear();
    found = maps.emplace(std::move(key), encoded).first;
  }
  std::memcpy(map, found->second.data(), MOE_RT_TENSOR_MAP_BYTES);
}

void DeviceSession::readBack(void *to, const void *from, int64_t bytes) {
  giveUpRecording();
  Rows all = {uint64_t(bytes), uint64_t(bytes), uint64_t(bytes), 1};
  if (pager.failed() != MOE_RT_OK ||
      !pager.check(device.copyOut(static_cast<char *>(to),
                                  static_cast<const char *>(from), all)))
    std::memset(to, 0, bytes);
}

Route *DeviceSession::startRoute(int32_t bank, const int32_t *counts) {
  if (pager.failed() != MOE_RT_OK)
    return nullptr;
  if (bank < 0 || size_t(bank) >= banks.size()) {
    pager.fail(MOE_RT_INTERNAL, "compiled code opened a stream it must not");
    return nullptr;
  }
  Route *route = routes.start(bank, counts, banks[bank].experts, recording);
  if (!route)
    pager.fail(device.lost() ? MOE_RT_DEVICE : MOE_RT_OUT_OF_MEMORY,
               device.problem);
  else if (recording)
    sequence.push_back(-1 - bank);
  return route;
}

void DeviceSession::prefetch(int32_t bank, const int32_t *counts) {
  (void)startRoute(bank, counts);
}

int32_t DeviceSession::streamOpen(int32_t bank, const int32_t *counts) {
  if (open >= 0)
    pager.fail(MOE_RT_INTERNAL, "compiled code opened a stream it must not");
  Route *route = routes.find(bank, counts);
  if (!route)
    route = startRoute(bank, counts);
  if (!route || pager.failed() != MOE_RT_OK)
    return pager.failed();
  route->opened = true;
  if (constant) {
    open = bank;
    waveGiven = false;
    return MOE_RT_OK;
  }
  if (!pager.check(route->copied->synchronize()))
    return pager.failed();
  count(*route);
  return pager.open(bank, route->counts);
}

int32_t DeviceSession::waveNext(moe_rt_abi_wave &wave) {
  if (!constant)
    return pager.next(wave);
  pager.checkCancelledNow();
  if (open < 0)
    pager.fail(MOE_RT_INTERNAL, "compiled code asked for a wave it must not");
  if (pager.failed() != MOE_RT_OK)
    return -1;
  if (waveGiven)
    return 0;
  waveGiven = true;
  wave = pager.constantWave(open);
  return 1;
}

void DeviceSession::waveDone() {
  if (!constant)
    pager.done();
}

int32_t DeviceSession::streamClose() {
  open = -1;
  return constant ? int32_t(pager.failed()) : pager.close();
}

// Of a device no expert is handed out alone, and rows are counted by routes.
const moe_rt_abi_host moe_rt::deviceHostTable = {
    MOE_RT_ABI_VERSION,
    sizeof(moe_rt_abi_host),
    [](void *session, moe_rt_abi_body body, void *context, int64_t n,
       int64_t grain) {
      static_cast<moe_rt_session *>(session)->pool->parallelFor(body, context,
                                                                n, grain);
    },
    [](void *session, int32_t bank, const int32_t *counts) {
      static_cast<moe_rt_session *>(session)->onDevice->prefetch(bank, counts);
    },
    [](void *session, int32_t bank, const int32_t *counts, int64_t) {
      return static_cast<moe_rt_session *>(session)->onDevice->streamOpen(
          bank, counts);
    },
    [](void *) { return int32_t(-2); },
    [](void *, int32_t, int32_t) { return static_cast<const void *>(nullptr); },
    [](void *, int32_t) {},
    [](void *session) {
      return static_cast<moe_rt_session *>(session)->onDevice->streamClose();
    },
    [](void *, int32_t, int64_t) {},
    [](void *session, int32_t point, const void *data, const int64_t *sizes,
       const int64_t *strides) {
      static_cast<moe_rt_session *>(session)->observe(point, data, sizes,
                                                      strides);
    },
    [](void *session, int32_t kernel, const uint32_t *dims,
       void *const *arguments) {
      static_cast<moe_rt_session *>(session)->onDevice->launch(kernel, dims,
                                                               arguments);
    },
    [](void *session, const moe_rt_tensor_map_spec *spec, void *map) {
      static_cast<moe_rt_session *>(session)->onDevice->tensorMap(*spec, map);
    },
    [](void *session, void *to, const void *from, int64_t bytes) {
      static_cast<moe_rt_session *>(session)->onDevice->readBack(to, from,
                                                                 bytes);
    },
    [](void *session, moe_rt_abi_wave *wave) {
      return static_cast<moe_rt_session *>(session)->onDevice->waveNext(*wave);
    },
    [](void *session) {
      static_cast<moe_rt_session *>(session)->onDevice->waveDone();
    }};
