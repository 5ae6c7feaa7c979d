//===- ModelOnDevice.h - What a model's sessions share there ----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_MODELONDEVICE_H
#define MOE_RT_SRC_MODELONDEVICE_H

#include "Images.h"

namespace moe_rt {

/// A model on a device: its kernels and dense weights.
struct ModelOnDevice {
  std::shared_ptr<KernelDevice> device;
  ImageChoice choice;
  moe_rt_module *module = nullptr;
  std::vector<moe_rt_kernel *> kernels;              ///< by launch's number
  const std::vector<GpuKernelInfo> *infos = nullptr; ///< of the kernels
  Buffer dense;

  ModelOnDevice() = default;
  ModelOnDevice(const ModelOnDevice &) = delete;
  ~ModelOnDevice();
  /// Loads the image and reads the dense section of the weights file.
  moe_rt_status load(moe_rt_model &model);

private:
  moe_rt_status loadKernels(moe_rt_model &model);
  moe_rt_status loadDense(moe_rt_model &model);
};

} // namespace moe_rt

#endif // MOE_RT_SRC_MODELONDEVICE_H
