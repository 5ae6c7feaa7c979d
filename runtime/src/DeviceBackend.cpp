//===- DeviceBackend.cpp - Finds the back end of a device -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceBackend.h"
#include <cstdlib>
#include <dlfcn.h>

using namespace moe_rt;

namespace {

const std::string kHostSimt = "host-simt";

/// Host execution runs the image of `arch`; its device has no architecture of
/// one chip only, so the letter goes.
void takeArch(DeviceName &name) {
  size_t begin = name.text.find_first_of(":,");
  while (begin != std::string::npos) {
    size_t end = std::min(name.text.find(',', begin + 1), name.text.size());
    std::string option = name.text.substr(begin + 1, end - begin - 1);
    if (option.compare(0, 5, "arch=") == 0) {
      name.arch = option.substr(5);
      if (!name.arch.empty() && name.arch.back() == 'a')
        option.pop_back();
    }
    name.opened += name.text[begin] + option;
    begin = end < name.text.size() ? end : std::string::npos;
  }
}

/// The library of host execution lies beside the runtime, or where the loader
/// looks.
void *openSimt(std::string &problem) {
  const char *file = "libmoe_simt.so";
  if (const char *path = std::getenv("MOE_SIMT_LIBRARY")) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
      problem = dlerror();
    return library;
  }
  Dl_info info;
  if (dladdr(reinterpret_cast<void *>(&openSimt), &info) && info.dli_fname) {
    std::string path = info.dli_fname;
    path = path.substr(0, path.rfind('/') + 1) + file;
    if (void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
      return library;
  }
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    problem = dlerror();
  return library;
}

} // namespace

bool moe_rt::parseDeviceName(const std::string &text, DeviceName &name,
                             std::string &problem) {
  name.text = text;
  if (text.compare(0, 5, "cuda:") == 0) {
    name.cuda = true;
    name.opened = text;
    if (text.size() > 5 && text.size() < 9 &&
        text.find_first_not_of("0123456789", 5) == std::string::npos)
      return true;
    problem = "'" + text + "' is no device; the first one is cuda:0";
    return false;
  }
  if (text == kHostSimt ||
      text.compare(0, kHostSimt.size() + 1, kHostSimt + ":") == 0) {
    name.opened = kHostSimt;
    takeArch(name);
    return true;
  }
  problem = "unknown device '" + text +
            "'; known: cpu, cuda:0 (or another number), host-simt";
  return false;
}

const moe_rt_device_api *moe_rt::findBackend(const DeviceName &name,
                                             std::string &problem) {
  if (name.cuda)
    return cudaBackend();
  void *library = openSimt(problem);
  if (!library) {
    problem = "host execution is not available: " + problem +
              "; put libmoe_simt.so beside libmoe_rt.so, or name it in "
              "MOE_SIMT_LIBRARY";
    return nullptr;
  }
  auto *api = static_cast<const moe_rt_device_api *>(
      dlsym(library, MOE_RT_DEVICE_SYMBOL));
  if (api && api->version == MOE_RT_DEVICE_VERSION &&
      api->struct_size >= sizeof(moe_rt_device_api))
    return api;
  problem = "libmoe_simt.so is of another version than this runtime";
  return nullptr;
}
