//===- Device.cpp - Streams, events and findings of host execution --------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include "moe_rt/moe_rt.h"
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace moe_simt;

moe_rt_device::moe_rt_device(const DeviceOptions &options)
    : options(options), memory(options.memory, options.guard),
      random(options.machine.seed) {
  clock.rates = options.rates;
}

int32_t moe_rt_device::refuse(int32_t status, std::string text) {
  error = std::move(text);
  return status;
}

int32_t moe_rt_device::find(std::string text) {
  if (!hasFailed()) // what comes later may be its consequence
    error = text;
  findings.push_back(std::move(text));
  // What is queued will not run: it may have lost its memory or its module.
  inFlight.clear();
  for (moe_rt_stream *stream : streams)
    stream->pending.clear();
  return MOE_RT_DEVICE;
}

uint64_t moe_rt_device::getSharedBytesPerBlock() const {
  return (options.major == 9 ? 227 : 163) * 1024;
}

std::string moe_rt_device::describe(const Operation &operation) const {
  return (operation.work ? moe_simt::describe(*operation.work) : "event") +
         " (operation " + std::to_string(operation.number) + ", stream " +
         std::to_string(operation.stream) + ")";
}

//===----------------------------------------------------------------------===//
// Queueing
//===----------------------------------------------------------------------===//

OperationRef moe_rt_device::submit(moe_rt_stream &stream, WorkRef work,
                                   OperationRef behind, bool inGraph) {
  auto operation = std::make_shared<Operation>();
  operation->number = ++operations;
  operation->stream = stream.id;
  operation->position = ++stream.count;
  stream.clock.join(host);
  if (behind)
    stream.clock.join(behind->clock);
  stream.clock.set(stream.id, operation->position);
  operation->clock = stream.clock;
  operation->behind = std::move(behind);
  operation->inGraph = inGraph;
  operation->submitted = clock.host;
  if (work) {
    operation->reach = findReachable(*work, memory);
    operation->work = std::move(work);
    hashHostMemory(*operation);
    inFlight.push_back(operation);
  }
  stream.pending.push_back(operation);
  stream.last = operation;
  if (options.streams == Streams::Early)
    drain(stream);
  else if (options.streams == Streams::Random)
    runSome();
  return operation;
}

/// The hash of the copy's host memory, which the host must leave alone until it
/// ran. Memory that is to be written is poisoned: who reads it too early sees.
/// Not when other pending copies may change it before, in their order.
void moe_rt_device::hashHostMemory(Operation &operation) {
  const auto *copy = std::get_if<Copy>(&*operation.work);
  if (!copy || copy->direction == Copy::OnDevice ||
      options.streams == Streams::Early)
    return;
  bool toHost = copy->direction == Copy::ToHost;
  const char *begin = toHost ? copy->to : copy->from;
  const char *end = begin + copy->bytes;
  for (const OperationRef &other : inFlight) {
    const auto *pending = std::get_if<Copy>(&*other->work);
    if (other->ran || !pending)
      continue;
    bool writes = pending->direction == Copy::ToHost;
    bool reads = pending->direction == Copy::ToDevice;
    const char *place = writes ? pending->to : pending->from;
    if ((writes || (reads && toHost)) && place < end &&
        begin < place + pending->bytes)
      return;
  }
  if (toHost)
    std::memset(copy->to, 0xFF, copy->bytes);
  operation.hash = hashBytes(begin, copy->bytes);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// The stream whose first operation runs next of those that `target` is behind:
/// the newest, or any with streams=random. Null when all of them have run.
moe_rt_stream *moe_rt_device::chooseNext(const VectorClock &target) {
  moe_rt_stream *chosen = nullptr;
  unsigned candidates = 0;
  for (moe_rt_stream *stream : streams) {
    if (stream->pending.empty())
      continue;
    const Operation &first = *stream->pending.front();
    if (first.position > target[stream->id] ||
        (first.behind && !first.behind->ran))
      continue;
    ++candidates;
    bool better =
        options.streams == Streams::Random
            ? random() % candidates == 0
            : !chosen || first.number > chosen->pending.front()->number;
    if (better)
      chosen = stream;
  }
  return chosen;
}

void moe_rt_device::runUntil(const VectorClock &target) {
  DeviceMemory::Open open(memory);
  while (!hasFailed()) {
    moe_rt_stream *stream = chooseNext(target);
    if (!stream)
      break;
    run(*stream);
  }
}

/// With streams=random, the device may do something at any time.
void moe_rt_device::runSome() {
  VectorClock all;
  for (moe_rt_stream *stream : streams)
    all.set(stream->id, stream->count);
  DeviceMemory::Open open(memory);
  while (!hasFailed() && random() % 2) {
    moe_rt_stream *stream = chooseNext(all);
    if (!stream)
      break;
    run(*stream);
  }
}

void moe_rt_device::drain(moe_rt_stream &stream) {
  if (!stream.pending.empty())
    runUntil(stream.pending.back()->clock);
}

void moe_rt_device::waitFor(const Operation &operation) {
  if (!operation.ran)
    runUntil(operation.clock);
  if (hasFailed())
    return;
  host.join(operation.clock);
  clock.hostWaits(operation.end);
  forget();
}

/// Drops what can play no role any more, now that the host knows more.
void moe_rt_device::forget() {
  inFlight.erase(std::remove_if(inFlight.begin(), inFlight.end(),
                                [&](const OperationRef &operation) {
                                  return host[operation->stream] >=
                                         operation->position;
                                }),
                 inFlight.end());
  VectorClock past = host;
  double time = clock.host;
  for (const moe_rt_stream *stream : streams)
    if (!stream->pending.empty()) {
      // Later ones of the stream are behind its first.
      past.meet(stream->pending.front()->clock);
      time = std::min(time, stream->pending.front()->submitted);
    }
  hazards.forgetBehind(past);
  for (Engine *engine : {&clock.toDevice, &clock.toHost, &clock.compute})
    engine->forgetBefore(time);
}

const Operation *moe_rt_device::findUser(const char *allocation) const {
  for (const OperationRef &operation : inFlight)
    for (const char *begin : operation->reach)
      if (begin == allocation)
        return operation.get();
  return nullptr;
}

const Operation *moe_rt_device::findUser(const moe_rt_module *module) const {
  for (const OperationRef &operation : inFlight)
    if (const auto *launch = std::get_if<Launch>(&*operation->work))
      if (launch->kernel->module == module)
        return operation.get();
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

const char *moe_rt_device::getStatistics() {
  nlohmann::json kernels = nlohmann::json::object();
  for (const auto &[name, time] : kernelTimes)
    kernels[name] = {{"launches", time.launches}, {"seconds", time.seconds}};
  nlohmann::json json = {
      {"makespan_seconds", clock.makespan},
      {"host_seconds", clock.host},
      {"busy_seconds",
       {{"to_device", clock.toDevice.getBusy()},
        {"to_host", clock.toHost.getBusy()},
        {"compute", clock.compute.getBusy()}}},
      {"copies", copies},
      {"copied_bytes",
       {{"to_device", toDeviceBytes},
        {"to_host", toHostBytes},
        {"on_device", onDeviceBytes}}},
      {"launches", counters.launches},
      {"blocks", counters.blocks},
      {"threads", counters.threads},
      {"barriers", counters.barriers},
      {"mma", counters.mma},
      {"wgmma", counters.wgmma},
      {"multiply_adds", counters.multiplyAdds},
      {"async_copies", counters.asyncCopies},
      {"tensor_loads", counters.tensorLoads},
      {"tensor_stores", counters.tensorStores},
      {"global_bytes_read", counters.globalBytesRead},
      {"global_bytes_written", counters.globalBytesWritten},
      {"kernels", kernels},
      {"findings", findings},
  };
  statistics = json.dump(2, ' ', /*ensure_ascii=*/false,
                         nlohmann::json::error_handler_t::replace);
  return statistics.c_str();
}
