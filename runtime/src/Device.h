//===- Device.h - Where experts are computed --------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_DEVICE_H
#define MOE_RT_SRC_DEVICE_H

#include "Model.h"
#include <memory>

namespace moe_rt {

/// A place that holds experts in slots and computes them. The pager brings
/// pages from the file to a device in two steps, which are one on the host: a
/// read into `readTarget`, then `arrived` moves what was read to the slot and
/// checks it.
class Device {
public:
  virtual ~Device() = default;
  virtual const char *name() const = 0;
  /// Bytes that could be reserved now.
  virtual uint64_t available() const = 0;
  /// Memory for slots, page aligned, at an address that does not change; null
  /// when there is none.
  virtual char *reserve(uint64_t bytes) = 0;
  /// Where a read of `bytes` for this place in a slot goes: memory the host can
  /// read into directly.
  virtual char *readTarget(char *slot, uint64_t bytes) = 0;
  /// The read ended: its bytes are at `target` and belong to `slot`. After this
  /// compiled code may use them there.
  virtual void arrived(char *slot, const char *target, uint64_t bytes) = 0;

  /// "cpu"; null with a reason for what this build or machine lacks.
  static std::unique_ptr<Device> create(const std::string &name,
                                        std::string &problem);
};

} // namespace moe_rt

#endif // MOE_RT_SRC_DEVICE_H
