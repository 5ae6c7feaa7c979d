//===- CudaLibrary.cpp - The functions of the CUDA driver -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaLibrary.h"
#include <cstdlib>
#include <dlfcn.h>

using namespace moe_rt;

static std::string versionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

std::string CudaLibrary::describe(CUresult code) const {
  const char *name = nullptr, *text = nullptr;
  if (getErrorName)
    getErrorName(code, &name);
  if (getErrorString)
    getErrorString(code, &text);
  return (name ? name : "CUDA error " + std::to_string(code)) +
         (text ? std::string(" (") + text + ")" : "");
}

/// The library is never unloaded: the driver does not stand it.
std::string CudaLibrary::load() {
  const char *path = std::getenv("MOE_CUDA_DRIVER");
  void *library = dlopen(path ? path : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return std::string("there is no CUDA driver: ") + dlerror() +
           "; install the driver of the GPU, or use --device=host-simt";
  // The version first: what an old driver lacks is told by its number.
  driverGetVersion = reinterpret_cast<CUresult (*)(int *)>(
      dlsym(library, "cuDriverGetVersion"));
  int version = 0;
  if (!driverGetVersion || driverGetVersion(&version) != kSuccess ||
      version < kLeastDriver)
    return "the CUDA driver is too old: it is for CUDA " +
           versionText(version) + ", needed is " + versionText(kLeastDriver) +
           " or later; update the driver of the GPU";
  const char *missing = nullptr;
#define MOE_CUDA_RESOLVE(member, name, arguments)                              \
  member = reinterpret_cast<CUresult(*) arguments>(dlsym(library, #name));     \
  if (!member)                                                                 \
    missing = #name;
  MOE_CUDA_FUNCTIONS(MOE_CUDA_RESOLVE)
#undef MOE_CUDA_RESOLVE
  if (missing)
    return std::string("the CUDA driver has no function ") + missing +
           "; update the driver of the GPU";
  CUresult code = init(0);
  if (code == kNoDevice)
    return "the CUDA driver finds no device; use --device=host-simt to run "
           "without one";
  if (code != kSuccess)
    return "the CUDA driver does not start: " + describe(code);
  return "";
}
