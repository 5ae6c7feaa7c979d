//===- DeviceCode.cpp - Images and kernels for a device -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceCode.h"
#include <cstdio>

using nlohmann::json;

namespace {

const json &field(const json &object, const char *name) {
  static const json none;
  if (!object.is_object())
    return none;
  auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::string text(const json &value) {
  return value.is_string() ? value.get<std::string>() : "?";
}

unsigned long long number(const json &value) {
  return value.is_number_unsigned() || value.is_number_integer()
             ? value.get<uint64_t>()
             : 0;
}

/// "sm_80: 96 registers, 32768 bytes shared, 0 bytes spilled" for each
/// architecture that was assembled for.
std::string describe(const json &resources, const std::string &kernel) {
  std::string result;
  if (resources.is_object())
    for (const auto &[arch, kernels] : resources.items()) {
      const json &use = field(kernels, kernel.c_str());
      if (!use.is_object())
        continue;
      char line[128];
      std::snprintf(line, sizeof(line),
                    ": %llu registers, %llu bytes shared, %llu bytes spilled",
                    number(field(use, "registers")),
                    number(field(use, "shared_bytes")),
                    number(field(use, "spill_bytes")));
      result += "; " + arch + line;
    }
  return result;
}

} // namespace

void moe_tools::showDeviceCode(const json &metadata) {
  for (const json &image : field(metadata, "images"))
    std::printf(
        "image %s: %s, %llu bytes\n", text(field(image, "arch")).c_str(),
        text(field(image, "kind")).c_str(), number(field(image, "bytes")));
  const json &sets = field(metadata, "gpu_kernels");
  if (!sets.is_object())
    return;
  for (const auto &[set, kernels] : sets.items())
    for (const json &kernel : kernels) {
      std::string name = text(field(kernel, "name")), uses;
      for (const json &use : field(kernel, "uses"))
        uses += (uses.empty() ? " (" : ", ") + text(use);
      std::printf("kernel %s of %s%s%s\n", name.c_str(), set.c_str(),
                  (uses.empty() ? uses : uses + ")").c_str(),
                  describe(field(metadata, "resources"), name).c_str());
    }
}
