//===- DeviceImages.cpp - Every image of a set of kernels -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceImages.h"
#include "moe/CodeGen/GPU/HostSimt.h"
#include "moe_rt/moe_rt_device.h"

using namespace mlir;
using namespace mlir::moe;

StringRef moe::getKindName(uint32_t kind) {
  return kind == MOE_RT_IMAGE_CUBIN ? "cubin"
         : kind == MOE_RT_IMAGE_PTX ? "ptx"
                                    : "host execution";
}

/// The constant that describes the kernels of an image of host execution.
static std::string getImageSymbol(gpu::KernelSet set) {
  return ("moe_simt_image_" + gpu::getName(set)).str();
}

LogicalResult DeviceImagesJob::translate(ModuleOp module) {
  for (const gpu::Architecture &architecture : wanted) {
    Code &entry = code.emplace_back();
    entry.context = std::make_unique<llvm::LLVMContext>();
    auto translated = architecture.isHostSimt
                          ? gpu::translateHostSimt(module, *entry.context,
                                                   getImageSymbol(set))
                          : gpu::translateDeviceCode(module, *entry.context);
    if (failed(translated))
      return failure();
    entry.module = std::move(*translated);
  }
  return success();
}

LogicalResult DeviceImagesJob::addCubin(size_t number, StringRef assembler,
                                        DeviceImages &result, Location loc) {
  const gpu::Architecture &architecture = wanted[number];
  auto text = gpu::emitPTX(*code[number].module, architecture, loc);
  if (failed(text))
    return failure();
  if (architecture.name == gpu::getName(set))
    ptx = *text;
  if (assembler.empty())
    return success();
  auto cubin = gpu::assemble(*text, architecture, assembler, loc);
  if (failed(cubin))
    return failure();
  result.images.push_back({architecture.name, gpu::getName(set).str(),
                           MOE_RT_IMAGE_CUBIN, std::move(cubin->bytes), ""});
  result.resources[std::string(architecture.name)] =
      std::move(cubin->resources);
  return success();
}

/// PTX of sm_80 runs on everything later; that of sm_90a would on nothing that
/// its cubin does not, but for machines whose models were compiled without
/// ptxas.
LogicalResult DeviceImagesJob::addPTX(DeviceImages &result, Location loc) {
  if (ptx.empty())
    return success();
  result.images.push_back({gpu::getName(set).str(), gpu::getName(set).str(),
                           MOE_RT_IMAGE_PTX, ptx, ""});
  return success();
}

LogicalResult DeviceImagesJob::addHostSimt(size_t number, DeviceImages &result,
                                           Location loc) {
  auto object =
      cpu::emitObject(*code[number].module, *cpu::lookupISA("x86-64-v3"),
                      /*assembly=*/false, loc);
  if (failed(object))
    return failure();
  result.objects.push_back(std::move(*object));
  result.images.push_back({wanted[number].text(), gpu::getName(set).str(),
                           MOE_RT_IMAGE_SIMT, "", getImageSymbol(set)});
  return success();
}

FailureOr<DeviceImages> DeviceImagesJob::emit(Location loc) {
  DeviceImages result;
  std::string assembler = gpu::findAssembler();
  for (size_t i = 0; i < wanted.size(); ++i)
    if (!wanted[i].isHostSimt && failed(addCubin(i, assembler, result, loc)))
      return failure();
  if (failed(addPTX(result, loc)))
    return failure();
  for (size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i].isHostSimt && failed(addHostSimt(i, result, loc)))
      return failure();
  return result;
}
