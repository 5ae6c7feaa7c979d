//===- Device.h - Where a session computes ----------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_DEVICE_H
#define MOE_RT_SRC_DEVICE_H

#include "moe_rt/moe_rt.h"
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace moe_rt {

class KernelDevice;

/// Rows of bytes, their starts this many bytes apart.
struct Rows {
  uint64_t toStride, fromStride, bytes, rows;
  uint64_t total() const { return bytes * rows; }
};

/// The memory that compiled code computes in, and how the host reaches it.
/// Copies run behind all work that the device was given; when they return, what
/// was copied from may change. Those that fail leave `problem`.
class Device {
public:
  virtual ~Device() = default;
  /// As the user named it.
  virtual const char *name() const = 0;
  /// Bytes that could be allocated now.
  virtual uint64_t available() = 0;
  /// At least 256-byte aligned; null when there is none.
  virtual char *allocate(uint64_t bytes) = 0;
  virtual void release(char *address, uint64_t bytes) = 0;
  virtual moe_rt_status copyIn(char *to, const char *from,
                               const Rows &rows) = 0;
  virtual moe_rt_status copyOut(char *to, const char *from,
                                const Rows &rows) = 0;
  virtual moe_rt_status copyWithin(char *to, const char *from,
                                   const Rows &rows) = 0;
  /// This, when it is no host.
  virtual KernelDevice *asKernelDevice() { return nullptr; }

  std::string problem;
};

/// The host's memory.
class HostDevice final : public Device {
public:
  const char *name() const override { return "cpu"; }
  uint64_t available() override;
  char *allocate(uint64_t bytes) override;
  void release(char *address, uint64_t bytes) override;
  moe_rt_status copyIn(char *to, const char *from, const Rows &rows) override {
    return copyWithin(to, from, rows);
  }
  moe_rt_status copyOut(char *to, const char *from, const Rows &rows) override {
    return copyWithin(to, from, rows);
  }
  moe_rt_status copyWithin(char *to, const char *from,
                           const Rows &rows) override;
};

/// Memory of a device, given back on destruction.
class Buffer {
public:
  Buffer() = default;
  Buffer(Buffer &&other) noexcept { swap(other); }
  Buffer &operator=(Buffer &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() {
    if (address)
      device->release(address, length);
  }
  /// Replaces what it held; false, and unchanged, when there is no memory.
  bool allocate(Device &from, uint64_t bytes) {
    Buffer fresh;
    fresh.address = from.allocate(bytes);
    if (!fresh.address)
      return false;
    fresh.device = &from;
    fresh.length = bytes;
    swap(fresh);
    return true;
  }
  char *data() const { return address; }
  uint64_t size() const { return length; }

private:
  void swap(Buffer &other) {
    std::swap(device, other.device);
    std::swap(address, other.address);
    std::swap(length, other.length);
  }
  Device *device = nullptr;
  char *address = nullptr;
  uint64_t length = 0;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_DEVICE_H
