//===- DeviceOptions.h - What the name of a device asks for -----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// "host-simt" or "host-simt:option=value,...", see docs/HostExecution.md.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_DEVICEOPTIONS_H
#define MOE_SIMT_DEVICEOPTIONS_H

#include "DeviceClock.h"
#include "Machine.h"

namespace moe_simt {

/// When the work of streams runs: at once, only when its result must be seen,
/// or at any time between.
enum class Streams { Early, Late, Random };

struct DeviceOptions {
  Options machine;
  Streams streams = Streams::Late;
  Rates rates;
  uint64_t memory = uint64_t(8) << 30; // bytes of the device
  uint64_t polls = 3; // of an event, until it is said to be done
  bool guard = true;  // the host cannot touch device memory
  int32_t major = 9, minor = 0;
};

/// Reads `name` into `options`. Returns an empty string, or what is wrong with
/// it and what is known.
std::string parseDeviceName(const std::string &name, DeviceOptions &options);

} // namespace moe_simt

#endif // MOE_SIMT_DEVICEOPTIONS_H
