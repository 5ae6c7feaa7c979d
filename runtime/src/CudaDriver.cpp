//===- CudaDriver.cpp - The back end over the CUDA driver -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"
#include "DeviceBackend.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

using namespace moe_rt;

/// A refusal leaves the device usable; all that is not known as one does not.
static moe_rt_status classify(CUresult code) {
  switch (code) {
  case kSuccess:
    return MOE_RT_OK;
  case kOutOfMemory:
    return MOE_RT_OUT_OF_MEMORY;
  case kNotFound:
    return MOE_RT_NOT_FOUND;
  case kInvalidImage:
  case kNoBinary:
  case kInvalidPtx:
  case kNoJitCompiler:
  case kUnsupportedPtx:
  case kJitDisabled:
  case kUnsupportedDeviceSync:
  case kInvalidSource:
    return MOE_RT_INCOMPATIBLE;
  case kInvalidValue:
  case kInvalidHandle:
  case kLaunchOutOfResources:
  case kNotPermitted:
  case kNotSupported:
  case kGraphUpdateFailure:
    return MOE_RT_INTERNAL;
  default:
    return code >= kCaptureUnsupported && code <= kCaptureWrongThread
               ? MOE_RT_INTERNAL
               : MOE_RT_DEVICE;
  }
}

int32_t moe_rt_device::check(CUresult code, const char *call) {
  moe_rt_status status = classify(code);
  if (status == MOE_RT_OK)
    return status;
  error = std::string(call) + ": " + cuda.describe(code);
  if (status == MOE_RT_DEVICE) {
    lost = true;
    error = "the device failed: " + error +
            "; close the session, a new one may work";
  }
  return status;
}

namespace {

CUdeviceptr toAddress(const void *pointer) {
  return CUdeviceptr(reinterpret_cast<uintptr_t>(pointer));
}

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

/// The properties that do not change.
int32_t readProperties(moe_rt_device &device) {
  // CUdevice_attribute.
  constexpr int kSMs = 16, kMajor = 75, kMinor = 76, kSharedOptIn = 97;
  moe_rt_device_properties &to = device.properties;
  int shared = 0;
  int32_t status = device.check(
      device.cuda.deviceGetName(to.name, sizeof(to.name), device.device),
      "cuDeviceGetName");
  for (auto [attribute, value] : {std::make_pair(kSMs, &to.sm_count),
                                  {kMajor, &to.major},
                                  {kMinor, &to.minor},
                                  {kSharedOptIn, &shared}})
    if (status == MOE_RT_OK)
      status = device.check(
          device.cuda.deviceGetAttribute(value, attribute, device.device),
          "cuDeviceGetAttribute");
  to.shared_bytes_per_block = shared;
  device.cuda.driverGetVersion(&to.driver_version);
  return status;
}

int32_t openDevice(const char *name, moe_rt_device **opened, char *problem,
                   uint64_t problemBytes) {
  auto refuse = [&](const std::string &text, int32_t status = MOE_RT_DEVICE) {
    std::snprintf(problem, problemBytes, "%s: %s", name, text.c_str());
    return status;
  };
  std::unique_ptr<moe_rt_device> device(new (std::nothrow) moe_rt_device);
  if (!device)
    return refuse("out of memory", MOE_RT_OUT_OF_MEMORY);
  std::string text = device->cuda.load();
  if (!text.empty())
    return refuse(text);
  int number = std::atoi(name + std::strlen("cuda:")), count = 0;
  CUresult code = device->cuda.deviceGetCount(&count);
  if (code == kSuccess && number >= count)
    return refuse(count == 0 ? "the machine has no CUDA device; use "
                               "--device=host-simt to run without one"
                             : "the machine has " + std::to_string(count) +
                                   " CUDA devices; the last one is cuda:" +
                                   std::to_string(count - 1));
  int32_t status = device->check(code, "cuDeviceGetCount");
  if (status == MOE_RT_OK)
    status = device->check(device->cuda.deviceGet(&device->device, number),
                           "cuDeviceGet");
  if (status == MOE_RT_OK)
    status = readProperties(*device);
  if (status == MOE_RT_OK)
    status = device->check(
        device->cuda.contextRetain(&device->context, device->device),
        "cuDevicePrimaryCtxRetain");
  if (status != MOE_RT_OK)
    return refuse(device->error, status);
  *opened = device.release();
  return MOE_RT_OK;
}

void closeDevice(moe_rt_device *device) {
  device->cuda.contextRelease(device->device);
  delete device;
}

const char *lastError(const moe_rt_device *device) {
  return device->error.c_str();
}

int32_t getProperties(moe_rt_device *device,
                      moe_rt_device_properties *properties) {
  return inContext(device, [&] {
    size_t free = 0, total = 0;
    int32_t status =
        device->check(device->cuda.memGetInfo(&free, &total), "cuMemGetInfo");
    *properties = device->properties;
    properties->memory_free = free;
    properties->memory_total = total;
    return status;
  });
}

const char *getStatistics(moe_rt_device *device) {
  auto field = [&](const char *name, uint64_t value) {
    return std::string(",\"") + name + "\":" + std::to_string(value);
  };
  device->statistics =
      "{\"driver\":" + std::to_string(device->properties.driver_version) +
      field("launches", device->launches) +
      field("bytes_to_device", device->bytesToDevice) +
      field("bytes_to_host", device->bytesToHost) +
      field("graphs", device->graphsMade) +
      field("graph_updates", device->graphUpdates) +
      field("graph_launches", device->graphLaunches) + "}";
  return device->statistics.c_str();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int32_t allocate(moe_rt_device *device, uint64_t bytes, void **address) {
  return inContext(device, [&] {
    CUdeviceptr pointer = 0;
    int32_t status =
        device->check(device->cuda.memAlloc(&pointer, bytes), "cuMemAlloc");
    *address = reinterpret_cast<void *>(uintptr_t(pointer));
    if (status != MOE_RT_OUT_OF_MEMORY)
      return status;
    size_t free = 0, total = 0;
    device->cuda.memGetInfo(&free, &total);
    return device->fail(MOE_RT_OUT_OF_MEMORY,
                        "the device has no " + std::to_string(bytes) +
                            " bytes in one piece; " + std::to_string(free) +
                            " are free");
  });
}

void release(moe_rt_device *device, void *address) {
  CudaScope scope(device);
  device->cuda.memFree(toAddress(address));
}

int32_t allocatePinned(moe_rt_device *device, uint64_t bytes, void **address) {
  return inContext(device, [&] {
    int32_t status = device->check(device->cuda.hostAlloc(address, bytes, 0),
                                   "cuMemHostAlloc");
    if (status == MOE_RT_OUT_OF_MEMORY)
      device->error = std::to_string(bytes) +
                      " bytes of the host's memory cannot be pinned";
    if (status == MOE_RT_OK && reinterpret_cast<uintptr_t>(*address) % 4096) {
      device->cuda.hostFree(*address);
      *address = nullptr;
      return device->fail(MOE_RT_INTERNAL, "pinned memory is not page aligned");
    }
    return status;
  });
}

void releasePinned(moe_rt_device *device, void *address) {
  CudaScope scope(device);
  device->cuda.hostFree(address);
}

//===----------------------------------------------------------------------===//
// Streams, events and copies
//===----------------------------------------------------------------------===//

int32_t createStream(moe_rt_device *device, moe_rt_stream **stream) {
  return inContext(device, [&] {
    constexpr unsigned kNonBlocking = 1;
    CUstream handle = nullptr;
    int32_t status = device->check(
        device->cuda.streamCreate(&handle, kNonBlocking), "cuStreamCreate");
    *stream = status == MOE_RT_OK ? new moe_rt_stream{device, handle} : nullptr;
    return status;
  });
}

void destroyStream(moe_rt_stream *stream) {
  CudaScope scope(stream->device);
  stream->device->cuda.streamDestroy(stream->stream);
  delete stream;
}

int32_t synchronizeStream(moe_rt_stream *stream) {
  moe_rt_device *device = stream->device;
  return inContext(device, [&] {
    return device->check(device->cuda.streamSynchronize(stream->stream),
                         "cuStreamSynchronize");
  });
}

int32_t createEvent(moe_rt_device *device, moe_rt_event **event) {
  return inContext(device, [&] {
    constexpr unsigned kDisableTiming = 2;
    CUevent handle = nullptr;
    int32_t status = device->check(
        device->cuda.eventCreate(&handle, kDisableTiming), "cuEventCreate");
    *event = status == MOE_RT_OK ? new moe_rt_event{device, handle} : nullptr;
    return status;
  });
}

void destroyEvent(moe_rt_event *event) {
  CudaScope scope(event->device);
  event->device->cuda.eventDestroy(event->event);
  delete event;
}

int32_t recordEvent(moe_rt_event *event, moe_rt_stream *stream) {
  moe_rt_device *device = event->device;
  return inContext(device, [&] {
    return device->check(device->cuda.eventRecord(event->event, stream->stream),
                         "cuEventRecord");
  });
}

int32_t waitEvent(moe_rt_event *event, moe_rt_stream *stream) {
  moe_rt_device *device = event->device;
  return inContext(device, [&] {
    return device->check(
        device->cuda.streamWaitEvent(stream->stream, event->event, 0),
        "cuStreamWaitEvent");
  });
}

int32_t queryEvent(moe_rt_event *event, int32_t *done) {
  moe_rt_device *device = event->device;
  *done = 0;
  return inContext(device, [&] {
    CUresult code = device->cuda.eventQuery(event->event);
    *done = code == kSuccess;
    return code == kNotReady ? int32_t(MOE_RT_OK)
                             : device->check(code, "cuEventQuery");
  });
}

int32_t synchronizeEvent(moe_rt_event *event) {
  moe_rt_device *device = event->device;
  return inContext(device, [&] {
    return device->check(device->cuda.eventSynchronize(event->event),
                         "cuEventSynchronize");
  });
}

int32_t copyToDevice(moe_rt_stream *stream, void *to, const void *from,
                     uint64_t bytes) {
  moe_rt_device *device = stream->device;
  if (bytes == 0)
    return device->lost ? MOE_RT_DEVICE : MOE_RT_OK;
  device->bytesToDevice += bytes;
  return inContext(device, [&] {
    return device->check(
        device->cuda.copyToDevice(toAddress(to), from, bytes, stream->stream),
        "cuMemcpyHtoDAsync");
  });
}

int32_t copyToHost(moe_rt_stream *stream, void *to, const void *from,
                   uint64_t bytes) {
  moe_rt_device *device = stream->device;
  if (bytes == 0)
    return device->lost ? MOE_RT_DEVICE : MOE_RT_OK;
  device->bytesToHost += bytes;
  return inContext(device, [&] {
    return device->check(
        device->cuda.copyToHost(to, toAddress(from), bytes, stream->stream),
        "cuMemcpyDtoHAsync");
  });
}

/// The driver refuses rows longer than their pitch, which one row need not
/// have.
int32_t copyOnDevice(moe_rt_stream *stream, void *to, uint64_t toStride,
                     const void *from, uint64_t fromStride, uint64_t bytes,
                     uint64_t rows) {
  moe_rt_device *device = stream->device;
  if (bytes == 0 || rows == 0)
    return device->lost ? MOE_RT_DEVICE : MOE_RT_OK;
  constexpr unsigned kOnDevice = 2;
  CudaCopy2D copy{};
  copy.srcType = copy.dstType = kOnDevice;
  copy.srcDevice = toAddress(from);
  copy.dstDevice = toAddress(to);
  copy.srcPitch = rows == 1 ? bytes : fromStride;
  copy.dstPitch = rows == 1 ? bytes : toStride;
  copy.width = bytes;
  copy.height = rows;
  return inContext(device, [&] {
    return device->check(device->cuda.copy2D(&copy, stream->stream),
                         "cuMemcpy2DAsync");
  });
}

} // namespace

const moe_rt_device_api *moe_rt::cudaBackend() {
  static const moe_rt_device_api api = {MOE_RT_DEVICE_VERSION,
                                        sizeof(moe_rt_device_api),
                                        openDevice,
                                        closeDevice,
                                        lastError,
                                        getProperties,
                                        getStatistics,
                                        allocate,
                                        release,
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
                                        cudaModuleLoad,
                                        cudaModuleUnload,
                                        cudaKernelGet,
                                        cudaLaunch,
                                        cudaTensorMap,
                                        cudaCaptureBegin,
                                        cudaCaptureEnd,
                                        cudaGraphUpdate,
                                        cudaGraphLaunch,
                                        cudaGraphDestroy,
                                        nullptr};
  return &api;
}
