//===- DeviceApi.cpp - Host execution as the runtime's device -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of moe_rt/moe_rt_device.h.
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include "moe_rt/moe_rt.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

using namespace moe_simt;

namespace {

/// Runs `body`, which returns a status, unless the device has failed.
template <typename Body>
int32_t guarded(moe_rt_device *device, Body body) {
  if (device->hasFailed())
    return MOE_RT_DEVICE;
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return device->refuse(MOE_RT_OUT_OF_MEMORY,
                          "the machine has no memory left for the device");
  }
}

//===----------------------------------------------------------------------===//
// Device
//===----------------------------------------------------------------------===//

int32_t openDevice(const char *name, moe_rt_device **device, char *problem,
                   uint64_t problemBytes) {
  DeviceOptions options;
  std::string text = parseDeviceName(name, options);
  if (text.empty()) {
    *device = new (std::nothrow) moe_rt_device(options);
    return *device ? MOE_RT_OK : MOE_RT_OUT_OF_MEMORY;
  }
  std::snprintf(problem, problemBytes, "%s", text.c_str());
  return MOE_RT_INVALID_ARGUMENT;
}

void closeDevice(moe_rt_device *device) { delete device; }

const char *lastError(const moe_rt_device *device) {
  return device->getError().c_str();
}

int32_t getProperties(moe_rt_device *device,
                      moe_rt_device_properties *properties) {
  *properties = {};
  std::snprintf(properties->name, sizeof(properties->name), "host execution");
  properties->major = device->options.major;
  properties->minor = device->options.minor;
  properties->sm_count = 1;
  properties->is_host_execution = 1;
  properties->memory_total = device->memory.getCapacity();
  properties->memory_free =
      device->memory.getCapacity() - device->memory.getUsed();
  properties->shared_bytes_per_block = device->getSharedBytesPerBlock();
  return MOE_RT_OK;
}

const char *getStatistics(moe_rt_device *device) {
  return device->getStatistics();
}

void addHostTime(moe_rt_device *device, double seconds) {
  device->clock.hostSpends(seconds);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int32_t allocate(moe_rt_device *device, uint64_t bytes, void **address) {
  return guarded(device, [&]() -> int32_t {
    *address = device->memory.allocate(bytes);
    return *address ? MOE_RT_OK
                    : device->refuse(MOE_RT_OUT_OF_MEMORY,
                                     device->memory.explainFailure(bytes));
  });
}

int32_t allocatePinned(moe_rt_device *device, uint64_t bytes, void **address) {
  return guarded(device, [&]() -> int32_t {
    *address = device->memory.allocatePinned(bytes);
    return *address
               ? MOE_RT_OK
               : device->refuse(MOE_RT_OUT_OF_MEMORY,
                                "the machine has no " + std::to_string(bytes) +
                                    " bytes of pinned memory");
  });
}

/// Releases what begins at `address`.
void release(moe_rt_device *device, void *address, bool pinned) {
  if (!address)
    return;
  const DeviceMemory::Allocation *allocation =
      pinned ? device->memory.findPinned(address, 0)
             : device->memory.findDevice(address, 0);
  if (!allocation || allocation->begin != address) {
    device->find(std::string("release of ") + (pinned ? "pinned" : "device") +
                 " memory at an address that was not allocated, or was "
                 "released before");
    return;
  }
  if (const Operation *user = device->findUser(allocation->begin))
    device->find("release of " +
                 device->memory.describe(address, allocation->bytes) +
                 " while " + device->describe(*user) +
                 " may use it; wait for its stream first");
  device->memory.release(*allocation);
}

void releaseDevice(moe_rt_device *device, void *address) {
  release(device, address, /*pinned=*/false);
}

void releasePinned(moe_rt_device *device, void *address) {
  release(device, address, /*pinned=*/true);
}

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

int32_t createStream(moe_rt_device *device, moe_rt_stream **stream) {
  return guarded(device, [&] {
    *stream = new moe_rt_stream();
    (*stream)->device = device;
    (*stream)->id = device->streamCount++;
    device->streams.push_back(*stream);
    return MOE_RT_OK;
  });
}

/// What it was given still runs.
void destroyStream(moe_rt_stream *stream) {
  if (!stream)
    return;
  moe_rt_device *device = stream->device;
  guarded(device, [&] {
    device->drain(*stream);
    return MOE_RT_OK;
  });
  auto &streams = device->streams;
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  delete stream;
}

/// Work that is being captured does not run, so nobody can wait for it.
int32_t refuseInCapture(moe_rt_stream *stream, const char *what) {
  stream->capture->problem = std::string(what) + " within a capture";
  return stream->device->refuse(MOE_RT_INVALID_ARGUMENT,
                                stream->capture->problem +
                                    "; end the capture first");
}

int32_t refuseCaptured(moe_rt_event *event) {
  return event->device->refuse(
      MOE_RT_INVALID_ARGUMENT,
      "the event was recorded within a capture and stands for no work that "
      "runs; record it outside of the capture");
}

int32_t waitFor(moe_rt_device *device, const OperationRef &operation) {
  if (operation)
    device->waitFor(*operation);
  return device->hasFailed() ? MOE_RT_DEVICE : MOE_RT_OK;
}

int32_t synchronizeStream(moe_rt_stream *stream) {
  return guarded(stream->device, [&]() -> int32_t {
    if (stream->capture)
      return refuseInCapture(stream, "the host waits for the stream");
    return waitFor(stream->device, stream->last);
  });
}

int32_t createEvent(moe_rt_device *device, moe_rt_event **event) {
  return guarded(device, [&] {
    *event = new moe_rt_event();
    (*event)->device = device;
    return MOE_RT_OK;
  });
}

void destroyEvent(moe_rt_event *event) { delete event; }

int32_t recordEvent(moe_rt_event *event, moe_rt_stream *stream) {
  return guarded(stream->device, [&] {
    event->polls = 0;
    event->record = nullptr;
    event->capturing = stream->capture ? stream : nullptr;
    if (!stream->capture)
      event->record = stream->device->submit(*stream, nullptr);
    return MOE_RT_OK;
  });
}

int32_t waitEvent(moe_rt_event *event, moe_rt_stream *stream) {
  return guarded(stream->device, [&]() -> int32_t {
    if (event->capturing && event->capturing == stream && stream->capture)
      return MOE_RT_OK; // the order of the stream does it
    if (event->capturing)
      return refuseCaptured(event);
    if (stream->capture)
      return refuseInCapture(stream, "the stream waits for work outside");
    if (event->record)
      stream->device->submit(*stream, nullptr, event->record);
    return MOE_RT_OK;
  });
}

int32_t synchronizeEvent(moe_rt_event *event) {
  return guarded(event->device, [&] {
    return event->capturing ? refuseCaptured(event)
                            : waitFor(event->device, event->record);
  });
}

/// Done when its virtual time has come; and for hosts that only poll, after so
/// many polls.
int32_t queryEvent(moe_rt_event *event, int32_t *done) {
  *done = 0;
  return guarded(event->device, [&]() -> int32_t {
    moe_rt_device *device = event->device;
    if (event->capturing)
      return refuseCaptured(event);
    const Operation *record = event->record.get();
    bool past = !record || (record->ran && record->end <= device->clock.host);
    if (!past && ++event->polls < device->options.polls)
      return MOE_RT_OK;
    int32_t status = waitFor(device, event->record);
    *done = status == MOE_RT_OK;
    return status;
  });
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

/// To the stream, or to what is captured of it.
int32_t submit(moe_rt_stream *stream, Work work) {
  auto shared = std::make_shared<const Work>(std::move(work));
  if (stream->capture)
    stream->capture->works.push_back(std::move(shared));
  else
    stream->device->submit(*stream, std::move(shared));
  return stream->device->hasFailed() ? MOE_RT_DEVICE : MOE_RT_OK;
}

int32_t submitCopy(moe_rt_stream *stream, Copy copy) {
  moe_rt_device *device = stream->device;
  return guarded(device, [&]() -> int32_t {
    if (copy.getBytes() == 0)
      return MOE_RT_OK;
    std::string problem = validate(copy, device->memory);
    if (!problem.empty())
      return device->refuse(MOE_RT_INVALID_ARGUMENT, problem);
    return submit(stream, copy);
  });
}

int32_t copyToDevice(moe_rt_stream *stream, void *to, const void *from,
                     uint64_t bytes) {
  return submitCopy(stream, {Copy::ToDevice, static_cast<char *>(to), bytes,
                             static_cast<const char *>(from), bytes, bytes, 1});
}

int32_t copyToHost(moe_rt_stream *stream, void *to, const void *from,
                   uint64_t bytes) {
  return submitCopy(stream, {Copy::ToHost, static_cast<char *>(to), bytes,
                             static_cast<const char *>(from), bytes, bytes, 1});
}

int32_t copyOnDevice(moe_rt_stream *stream, void *to, uint64_t toStride,
                     const void *from, uint64_t fromStride, uint64_t bytes,
                     uint64_t rows) {
  return submitCopy(stream,
                    {Copy::OnDevice, static_cast<char *>(to), toStride,
                     static_cast<const char *>(from), fromStride, bytes, rows});
}

int32_t loadModule(moe_rt_device *device, uint32_t kind, const void *data,
                   uint64_t, moe_rt_module **module) {
  return guarded(device, [&]() -> int32_t {
    const auto *image = static_cast<const moe_simt_image *>(data);
    if (kind != MOE_RT_IMAGE_SIMT)
      return device->refuse(MOE_RT_INCOMPATIBLE,
                            "host execution runs images for host-simt only; "
                            "compile with --gpu-arch=host-simt:ARCH");
    if (image->version != MOE_SIMT_VERSION ||
        image->struct_size < sizeof(moe_simt_image))
      return device->refuse(MOE_RT_INCOMPATIBLE,
                            "the image is of version " +
                                std::to_string(image->version) +
                                ", this library runs version " +
                                std::to_string(MOE_SIMT_VERSION));
    auto loaded = std::make_unique<moe_rt_module>();
    loaded->device = device;
    loaded->image = image;
    for (uint64_t i = 0; i < image->kernel_count; ++i)
      loaded->kernels.push_back({loaded.get(), &image->kernels[i]});
    *module = loaded.release();
    return MOE_RT_OK;
  });
}

void unloadModule(moe_rt_module *module) {
  if (!module)
    return;
  moe_rt_device *device = module->device;
  if (const Operation *user = device->findUser(module))
    device->find("a module is unloaded while " + device->describe(*user) +
                 " may run; wait for its stream first");
  delete module;
}

int32_t getKernel(moe_rt_module *module, const char *name,
                  moe_rt_kernel **kernel) {
  return guarded(module->device, [&]() -> int32_t {
    for (moe_rt_kernel &candidate : module->kernels)
      if (std::strcmp(candidate.kernel->name, name) == 0) {
        *kernel = &candidate;
        return MOE_RT_OK;
      }
    return module->device->refuse(MOE_RT_NOT_FOUND,
                                  "the image has no kernel '" +
                                      std::string(name) + "'");
  });
}

int32_t launchKernel(moe_rt_stream *stream, moe_rt_kernel *kernel,
                     const moe_rt_launch *launch) {
  moe_rt_device *device = stream->device;
  return guarded(device, [&]() -> int32_t {
    if (!launch->grid[0] || !launch->grid[1] || !launch->grid[2])
      return MOE_RT_OK;
    std::string problem =
        validate(*kernel->kernel, *launch, device->getSharedBytesPerBlock());
    if (!problem.empty())
      return device->refuse(MOE_RT_INVALID_ARGUMENT, problem);
    return submit(stream, Launch(kernel, *launch));
  });
}

int32_t makeTensorMap(moe_rt_device *device, const moe_rt_tensor_map_spec *spec,
                      void *map) {
  return guarded(device, [&]() -> int32_t {
    std::string problem = encodeTensorMap(*spec, map);
    return problem.empty() ? MOE_RT_OK
                           : device->refuse(MOE_RT_INVALID_ARGUMENT, problem);
  });
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

int32_t beginCapture(moe_rt_stream *stream) {
  return guarded(stream->device, [&]() -> int32_t {
    if (stream->capture)
      return refuseInCapture(stream, "a second capture begins");
    stream->capture.emplace();
    return MOE_RT_OK;
  });
}

int32_t endCapture(moe_rt_stream *stream, moe_rt_graph **graph) {
  return guarded(stream->device, [&]() -> int32_t {
    moe_rt_device *device = stream->device;
    if (!stream->capture)
      return device->refuse(MOE_RT_INVALID_ARGUMENT,
                            "the end of a capture that did not begin");
    Capture capture = std::move(*stream->capture);
    stream->capture.reset();
    if (!capture.problem.empty())
      return device->refuse(MOE_RT_INVALID_ARGUMENT,
                            "no graph was captured: " + capture.problem);
    *graph = new moe_rt_graph{device, std::move(capture.works)};
    return MOE_RT_OK;
  });
}

void destroyGraph(moe_rt_graph *graph) { delete graph; }

int32_t updateGraph(moe_rt_graph *graph, moe_rt_graph *from, int32_t *updated) {
  std::unique_ptr<moe_rt_graph> source(from);
  *updated = 0;
  return guarded(graph->device, [&] {
    bool same = std::equal(graph->works.begin(), graph->works.end(),
                           from->works.begin(), from->works.end(),
                           [](const WorkRef &a, const WorkRef &b) {
                             return isSameStructure(*a, *b);
                           });
    if (same)
      graph->works = std::move(from->works);
    *updated = same;
    return MOE_RT_OK;
  });
}

int32_t launchGraph(moe_rt_graph *graph, moe_rt_stream *stream) {
  moe_rt_device *device = stream->device;
  return guarded(device, [&]() -> int32_t {
    if (stream->capture)
      return refuseInCapture(stream, "a graph is launched");
    for (const WorkRef &work : graph->works) {
      // Memory may have been released since the capture.
      if (const auto *copy = std::get_if<Copy>(&*work)) {
        std::string problem = validate(*copy, device->memory);
        if (!problem.empty())
          return device->find("in a graph: " + problem);
      }
      device->submit(*stream, work, /*behind=*/nullptr, /*inGraph=*/true);
    }
    return device->hasFailed() ? MOE_RT_DEVICE : MOE_RT_OK;
  });
}

} // namespace

extern "C" __attribute__((visibility("default")))
const moe_rt_device_api moe_rt_device_v1 = {
    MOE_RT_DEVICE_VERSION,
    sizeof(moe_rt_device_api),
    openDevice,
    closeDevice,
    lastError,
    getProperties,
    getStatistics,
    allocate,
    releaseDevice,
    allocatePinned,
    releasePinned,
    createStream,
    destroyStream,
    synchronizeStream,
    createEvent,
    destroyEvent,
    recordEvent,
    waitEvent,
    queryEvent,
    synchronizeEvent,
    copyToDevice,
    copyToHost,
    copyOnDevice,
    loadModule,
    unloadModule,
    getKernel,
    launchKernel,
    makeTensorMap,
    beginCapture,
    endCapture,
    updateGraph,
    launchGraph,
    destroyGraph,
    addHostTime,
};
