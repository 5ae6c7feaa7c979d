//===- Images.cpp - Which kernels a device runs ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Images.h"
#include "Plan.h"
#include <cstdlib>
#include <cstring>

using namespace moe_rt;

namespace {

/// "sm_90a": compute capability 9.0, of that chip only.
struct Arch {
  int major = 0, minor = 0;
  bool exact = false;

  /// False for another text.
  bool parse(const char *text) {
    if (std::strncmp(text, "sm_", 3) != 0)
      return false;
    char *end;
    long number = std::strtol(text + 3, &end, 10);
    major = int(number / 10);
    minor = int(number % 10);
    exact = *end == 'a';
    return number >= 10 && number < 1000 && end[exact] == 0;
  }
};

/// How well the device runs the image; 0: not at all.
int rate(const moe_rt_abi_image &image,
         const moe_rt_device_properties &device) {
  Arch arch;
  if (image.kind == MOE_RT_IMAGE_SIMT || !arch.parse(image.arch))
    return 0;
  bool same = arch.major == device.major && arch.minor == device.minor;
  if (arch.exact)
    return same ? (image.kind == MOE_RT_IMAGE_CUBIN ? 4000 : 2000) : 0;
  // Machine code runs on later chips of its generation, PTX on all later ones.
  if (image.kind == MOE_RT_IMAGE_CUBIN)
    return arch.major == device.major && arch.minor <= device.minor
               ? 3000 + arch.minor
               : 0;
  int number = arch.major * 10 + arch.minor;
  return number <= device.major * 10 + device.minor ? number : 0;
}

const moe_rt_abi_variant *findVariant(const moe_rt_abi_model &code,
                                      const char *isa) {
  for (uint64_t i = 0; i < code.variant_count; ++i)
    if (std::strcmp(code.variants[i].isa, isa) == 0)
      return &code.variants[i];
  return nullptr;
}

std::string listVariants(const moe_rt_abi_model &code) {
  std::string list;
  for (uint64_t i = 0; i < code.variant_count; ++i)
    list += (i ? ", " : "") + std::string(code.variants[i].isa);
  return list;
}

std::string describe(const moe_rt_device_properties &device) {
  return std::string(device.name) + " (compute capability " +
         std::to_string(device.major) + "." + std::to_string(device.minor) +
         ")";
}

} // namespace

std::string moe_rt::listImages(const moe_rt_abi_model &code) {
  std::string list;
  for (uint64_t i = 0; i < code.image_count; ++i) {
    const moe_rt_abi_image &image = code.images[i];
    list += (i ? ", " : "") + std::string(image.arch);
    if (image.kind != MOE_RT_IMAGE_SIMT)
      list += image.kind == MOE_RT_IMAGE_PTX ? " (PTX)" : " (cubin)";
  }
  return list.empty() ? "none" : list;
}

std::string moe_rt::chooseImage(const moe_rt_abi_model &code,
                                const moe_rt_device_properties &device,
                                const std::string &arch, const char *isa,
                                ImageChoice &choice) {
  const std::string host = "host-simt:" + arch;
  int best = 0;
  for (uint64_t i = 0; i < code.image_count; ++i) {
    const moe_rt_abi_image &image = code.images[i];
    if (isa && std::strcmp(isa, image.variant) != 0)
      continue;
    int rating = rate(image, device);
    if (device.is_host_execution)
      rating = image.kind == MOE_RT_IMAGE_SIMT &&
                       (arch.empty() || host == image.arch)
                   ? int(i) + 1
                   : 0;
    const moe_rt_abi_variant *variant = findVariant(code, image.variant);
    if (rating <= best || !variant || (variant->features & ~cpuFeatures()))
      continue;
    best = rating;
    choice = {variant, &image};
  }
  if (choice.image)
    return "";
  if (isa && !findVariant(code, isa))
    return "the model has no code for '" + std::string(isa) + "'; it has " +
           listVariants(code);
  std::string with = isa ? std::string(" for --isa=") + isa : "";
  if (device.is_host_execution)
    return "the model has no image for " + (arch.empty() ? "host-simt" : host) +
           with + "; it has " + listImages(code) + "; compile it with " +
           "--gpu-arch=host-simt:" + (arch.empty() ? "sm_80" : arch);
  std::string own =
      "sm_" + std::to_string(device.major) + std::to_string(device.minor);
  return "the model has no image" + with + " that " + describe(device) +
         " can run; it has " + listImages(code) +
         (device.major < 8 ? "; kernels need compute capability 8.0 or later"
                           : "; compile it with --gpu-arch=" + own);
}
