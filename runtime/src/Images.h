//===- Images.h - Which kernels a device runs -------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_IMAGES_H
#define MOE_RT_SRC_IMAGES_H

#include "KernelDevice.h"
#include "Model.h"

namespace moe_rt {

/// The host program and the device code that go together.
struct ImageChoice {
  const moe_rt_abi_variant *variant = nullptr;
  const moe_rt_abi_image *image = nullptr;
};

/// The best image that the device can run: a cubin of its own architecture,
/// else PTX; for host execution the last one, or that of `arch`. `isa` (null:
/// any) restricts the kernel set. An empty text, or why there is none.
std::string chooseImage(const moe_rt_abi_model &code,
                        const moe_rt_device_properties &device,
                        const std::string &arch, const char *isa,
                        ImageChoice &choice);

/// "sm_80 (PTX), sm_90a (cubin)".
std::string listImages(const moe_rt_abi_model &code);

} // namespace moe_rt

#endif // MOE_RT_SRC_IMAGES_H
