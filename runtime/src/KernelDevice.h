//===- KernelDevice.h - A device that runs kernels --------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_KERNELDEVICE_H
#define MOE_RT_SRC_KERNELDEVICE_H

#include "Device.h"
#include "DeviceBackend.h"

namespace moe_rt {

/// A device of a back end, with the two streams that all work goes to:
/// `compute` in program order, and `copies` of experts beside it.
class KernelDevice final : public Device {
public:
  /// Null, with a status and a reason, when it cannot be opened.
  static std::shared_ptr<KernelDevice>
  open(const DeviceName &name, moe_rt_status &status, std::string &problem);
  ~KernelDevice() override;

  const char *name() const override { return deviceName.text.c_str(); }
  uint64_t available() override;
  char *allocate(uint64_t bytes) override;
  void release(char *address, uint64_t bytes) override;
  moe_rt_status copyIn(char *to, const char *from, const Rows &rows) override;
  moe_rt_status copyOut(char *to, const char *from, const Rows &rows) override;
  moe_rt_status copyWithin(char *to, const char *from,
                           const Rows &rows) override;
  KernelDevice *asKernelDevice() override { return this; }

  /// Gives pinned memory that `send` then copies to `to`, behind all work;
  /// null on a failure. `bytes` is at most kStagingBytes.
  char *stage(uint64_t bytes);
  moe_rt_status send(char *to, uint64_t bytes);
  static constexpr uint64_t kStagingBytes = 4u << 20;

  /// What a call of the table returned; a failure leaves `problem`.
  moe_rt_status check(int32_t code);
  /// Whether it failed for good.
  bool lost() const { return isLost; }
  const std::string &arch() const { return deviceName.arch; }

  const moe_rt_device_api &api;
  moe_rt_device *const handle;
  moe_rt_stream *compute = nullptr, *copies = nullptr;
  moe_rt_device_properties properties{};

private:
  KernelDevice(const DeviceName &name, const moe_rt_device_api &api,
               moe_rt_device *handle)
      : api(api), handle(handle), deviceName(name) {}
  moe_rt_status prepare();

  /// Pinned memory, free again when its event has passed.
  struct Chunk {
    char *memory = nullptr;
    moe_rt_event *copied = nullptr;
    uint64_t used = 0;
  };
  DeviceName deviceName;
  Chunk chunks[2];
  int current = 0;
  bool isLost = false;
};

/// Pinned memory of a device, given back on destruction.
class PinnedBuffer {
public:
  PinnedBuffer() = default;
  PinnedBuffer(PinnedBuffer &&other) noexcept { swap(other); }
  PinnedBuffer &operator=(PinnedBuffer &&other) noexcept {
    swap(other);
    return *this;
  }
  ~PinnedBuffer() {
    if (address)
      device->api.release_pinned(device->handle, address);
  }
  moe_rt_status allocate(KernelDevice &from, uint64_t bytes) {
    PinnedBuffer fresh;
    moe_rt_status status = from.check(
        from.api.allocate_pinned(from.handle, bytes, &fresh.address));
    if (status != MOE_RT_OK)
      return status;
    fresh.device = &from;
    swap(fresh);
    return MOE_RT_OK;
  }
  char *data() const { return static_cast<char *>(address); }

private:
  void swap(PinnedBuffer &other) {
    std::swap(device, other.device);
    std::swap(address, other.address);
  }
  KernelDevice *device = nullptr;
  void *address = nullptr;
};

/// An event of a device, destroyed with this.
class Event {
public:
  Event() = default;
  Event(Event &&other) noexcept { swap(other); }
  Event &operator=(Event &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Event() {
    if (event)
      device->api.event_destroy(event);
  }
  moe_rt_status create(KernelDevice &of) {
    device = &of;
    moe_rt_status status = of.check(of.api.event_create(of.handle, &event));
    if (status != MOE_RT_OK)
      event = nullptr;
    return status;
  }
  moe_rt_status record(moe_rt_stream *stream) {
    return device->check(device->api.event_record(event, stream));
  }
  /// Later work of the stream runs behind it.
  moe_rt_status wait(moe_rt_stream *stream) {
    return device->check(device->api.event_wait(event, stream));
  }
  moe_rt_status query(bool &done) {
    int32_t value = 0;
    moe_rt_status status =
        device->check(device->api.event_query(event, &value));
    done = value != 0;
    return status;
  }
  moe_rt_status synchronize() {
    return device->check(device->api.event_synchronize(event));
  }

private:
  void swap(Event &other) {
    std::swap(device, other.device);
    std::swap(event, other.event);
  }
  KernelDevice *device = nullptr;
  moe_rt_event *event = nullptr;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_KERNELDEVICE_H
