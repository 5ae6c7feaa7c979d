//===- DeviceBackend.h - Finds the back end of a device ---------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_DEVICEBACKEND_H
#define MOE_RT_SRC_DEVICEBACKEND_H

#include "moe_rt/moe_rt_device.h"
#include <string>

namespace moe_rt {

/// A device as the user names it: "cuda:0", "host-simt",
/// "host-simt:arch=sm_80,check=race".
struct DeviceName {
  std::string text;
  std::string opened; ///< the name that the back end gets
  bool cuda = false;
  std::string arch; ///< of host execution: whose image to run; "": the last
};

/// False with a reason when no back end has such devices.
bool parseDeviceName(const std::string &text, DeviceName &name,
                     std::string &problem);

/// The table of the back end, which stays loaded; null with a reason.
const moe_rt_device_api *findBackend(const DeviceName &name,
                                     std::string &problem);

/// The CUDA driver's, which `open` loads. Never null.
const moe_rt_device_api *cudaBackend();

} // namespace moe_rt

#endif // MOE_RT_SRC_DEVICEBACKEND_H
