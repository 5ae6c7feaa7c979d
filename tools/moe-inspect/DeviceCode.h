//===- DeviceCode.h - Images and kernels for a device -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_INSPECT_DEVICECODE_H
#define MOE_TOOLS_MOE_INSPECT_DEVICECODE_H

#include <nlohmann/json.hpp>

namespace moe_tools {

/// Prints the images of a model's metadata and, for each kernel, what it uses
/// and what the assembler said of it. Whatever is not as the compiler writes it
/// is left out: the runtime does not read these fields.
void showDeviceCode(const nlohmann::json &metadata);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_INSPECT_DEVICECODE_H
