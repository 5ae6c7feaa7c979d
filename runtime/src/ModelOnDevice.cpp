//===- ModelOnDevice.cpp - What a model's sessions share there ------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelOnDevice.h"

using namespace moe_rt;

ModelOnDevice::~ModelOnDevice() {
  if (module)
    device->api.module_unload(module);
}

moe_rt_status ModelOnDevice::load(moe_rt_model &model) {
  moe_rt_status status = loadKernels(model);
  return status == MOE_RT_OK ? loadDense(model) : status;
}

moe_rt_status ModelOnDevice::loadKernels(moe_rt_model &model) {
  auto fail = [&](moe_rt_status status, const std::string &text) {
    return model.context->fail(status, model.path + ": " + text);
  };
  auto found = model.signature.gpuKernels.find(choice.variant->isa);
  if (found == model.signature.gpuKernels.end())
    return fail(MOE_RT_DAMAGED, std::string("its metadata names no kernels of "
                                            "the set ") +
                                    choice.variant->isa);
  infos = &found->second;
  const moe_rt_abi_image &image = *choice.image;
  moe_rt_status status = device->check(device->api.module_load(
      device->handle, image.kind, image.data, image.bytes, &module));
  if (status != MOE_RT_OK)
    return fail(status, std::string("its image for ") + image.arch +
                            " cannot be loaded: " + device->problem);
  for (const GpuKernelInfo &info : *infos) {
    moe_rt_kernel *kernel = nullptr;
    status = device->check(
        device->api.kernel_get(module, info.name.c_str(), &kernel));
    if (status != MOE_RT_OK)
      return fail(status == MOE_RT_NOT_FOUND ? MOE_RT_DAMAGED : status,
                  "kernel '" + info.name + "' of its image for " + image.arch +
                      ": " + device->problem);
    kernels.push_back(kernel);
  }
  return MOE_RT_OK;
}

moe_rt_status ModelOnDevice::loadDense(moe_rt_model &model) {
  auto fail = [&](moe_rt_status status) {
    return model.context->fail(status, "the dense weights: " + device->problem);
  };
  // Kernels get an address even when there are none.
  if (!dense.allocate(*device, std::max<uint64_t>(model.header.dense_bytes, 1)))
    return fail(device->lost() ? MOE_RT_DEVICE : MOE_RT_OUT_OF_MEMORY);
  for (const moe_format_page &page : model.pages) {
    if (page.kind != MOE_FORMAT_PAGE_DENSE)
      break;
    // Pages are pieces that one chunk holds, but a file may say otherwise.
    if (page.bytes > KernelDevice::kStagingBytes)
      return model.context->fail(MOE_RT_DAMAGED,
                                 model.weightsPath +
                                     ": a page of dense weights is too long");
    char *memory = device->stage(page.bytes);
    if (!memory)
      return fail(MOE_RT_DEVICE);
    moe_rt_status status = model.readPage(page, memory);
    if (status != MOE_RT_OK)
      return status;
    status = device->send(
        dense.data() + (page.offset - model.header.dense_offset), page.bytes);
    if (status != MOE_RT_OK)
      return fail(status);
  }
  return MOE_RT_OK;
}
