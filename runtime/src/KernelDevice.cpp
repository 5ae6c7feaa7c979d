//===- KernelDevice.cpp - A device that runs kernels ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelDevice.h"
#include <algorithm>
#include <cstring>

using namespace moe_rt;

std::shared_ptr<KernelDevice> KernelDevice::open(const DeviceName &name,
                                                 moe_rt_status &status,
                                                 std::string &problem) {
  status = MOE_RT_DEVICE;
  const moe_rt_device_api *api = findBackend(name, problem);
  if (!api)
    return nullptr;
  char text[1024] = "";
  moe_rt_device *handle = nullptr;
  status = moe_rt_status(
      api->open(name.opened.c_str(), &handle, text, sizeof(text)));
  if (status != MOE_RT_OK) {
    problem = text;
    return nullptr;
  }
  std::shared_ptr<KernelDevice> device(new KernelDevice(name, *api, handle));
  status = device->prepare();
  if (status == MOE_RT_OK)
    return device;
  problem = device->problem;
  return nullptr;
}

moe_rt_status KernelDevice::prepare() {
  moe_rt_status status = check(api.properties(handle, &properties));
  for (moe_rt_stream **stream : {&compute, &copies})
    if (status == MOE_RT_OK)
      status = check(api.stream_create(handle, stream));
  for (Chunk &chunk : chunks) {
    void *memory = nullptr;
    if (status == MOE_RT_OK)
      status = check(api.event_create(handle, &chunk.copied));
    if (status == MOE_RT_OK)
      status = check(api.allocate_pinned(handle, kStagingBytes, &memory));
    chunk.memory = static_cast<char *>(memory);
  }
  return status;
}

KernelDevice::~KernelDevice() {
  for (Chunk &chunk : chunks) {
    if (chunk.memory)
      api.release_pinned(handle, chunk.memory);
    if (chunk.copied)
      api.event_destroy(chunk.copied);
  }
  for (moe_rt_stream *stream : {compute, copies})
    if (stream)
      api.stream_destroy(stream);
  api.close(handle);
}

moe_rt_status KernelDevice::check(int32_t code) {
  if (code == MOE_RT_OK)
    return MOE_RT_OK;
  problem = deviceName.text + ": " + api.last_error(handle);
  isLost |= code == MOE_RT_DEVICE;
  return moe_rt_status(code);
}

uint64_t KernelDevice::available() {
  moe_rt_device_properties now;
  return check(api.properties(handle, &now)) == MOE_RT_OK ? now.memory_free : 0;
}

char *KernelDevice::allocate(uint64_t bytes) {
  void *address = nullptr;
  moe_rt_status status =
      check(api.allocate(handle, std::max<uint64_t>(bytes, 1), &address));
  return status == MOE_RT_OK ? static_cast<char *>(address) : nullptr;
}

void KernelDevice::release(char *address, uint64_t) {
  api.release(handle, address);
}

/// Small pieces share a chunk, so that they need not wait for each other.
char *KernelDevice::stage(uint64_t bytes) {
  if (chunks[current].used + bytes > kStagingBytes) {
    current ^= 1;
    if (check(api.event_synchronize(chunks[current].copied)) != MOE_RT_OK)
      return nullptr;
    chunks[current].used = 0;
  }
  return chunks[current].memory + chunks[current].used;
}

moe_rt_status KernelDevice::send(char *to, uint64_t bytes) {
  Chunk &chunk = chunks[current];
  moe_rt_status status =
      check(api.copy_to_device(compute, to, chunk.memory + chunk.used, bytes));
  chunk.used += (bytes + 255) / 256 * 256;
  return status == MOE_RT_OK ? check(api.event_record(chunk.copied, compute))
                             : status;
}

moe_rt_status KernelDevice::copyIn(char *to, const char *from,
                                   const Rows &rows) {
  for (uint64_t row = 0; rows.bytes > 0 && row < rows.rows; ++row)
    for (uint64_t at = 0, bytes; at < rows.bytes; at += bytes) {
      bytes = std::min(rows.bytes - at, kStagingBytes);
      char *memory = stage(bytes);
      if (!memory)
        return isLost ? MOE_RT_DEVICE : MOE_RT_INTERNAL;
      std::memcpy(memory, from + row * rows.fromStride + at, bytes);
      moe_rt_status status = send(to + row * rows.toStride + at, bytes);
      if (status != MOE_RT_OK)
        return status;
    }
  return MOE_RT_OK;
}

/// Short rows go together through one chunk.
moe_rt_status KernelDevice::copyOut(char *to, const char *from,
                                    const Rows &rows) {
  char *memory = stage(kStagingBytes);
  if (!memory)
    return isLost ? MOE_RT_DEVICE : MOE_RT_INTERNAL;
  uint64_t together =
      rows.bytes ? std::max<uint64_t>(kStagingBytes / rows.bytes, 1) : 1;
  for (uint64_t row = 0; rows.bytes > 0 && row < rows.rows; row += together) {
    uint64_t count = std::min(together, rows.rows - row);
    for (uint64_t at = 0, bytes; at < rows.bytes; at += bytes) {
      bytes = std::min(rows.bytes - at, kStagingBytes);
      moe_rt_status status = MOE_RT_OK;
      for (uint64_t i = 0; i < count && status == MOE_RT_OK; ++i)
        status = check(api.copy_to_host(compute, memory + i * bytes,
                                        from + (row + i) * rows.fromStride + at,
                                        bytes));
      if (status == MOE_RT_OK)
        status = check(api.stream_synchronize(compute));
      if (status != MOE_RT_OK)
        return status;
      for (uint64_t i = 0; i < count; ++i)
        std::memcpy(to + (row + i) * rows.toStride + at, memory + i * bytes,
                    bytes);
    }
  }
  return MOE_RT_OK;
}

moe_rt_status KernelDevice::copyWithin(char *to, const char *from,
                                       const Rows &rows) {
  if (rows.total() == 0)
    return MOE_RT_OK;
  moe_rt_status status =
      check(api.copy_on_device(compute, to, rows.toStride, from,
                               rows.fromStride, rows.bytes, rows.rows));
  return status == MOE_RT_OK ? check(api.stream_synchronize(compute)) : status;
}
