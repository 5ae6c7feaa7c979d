//===- Pipeline.h - GPU kernels to the NVVM dialect -------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_PIPELINE_H
#define MOE_CODEGEN_GPU_PIPELINE_H

#include "mlir/Pass/PassManager.h"

namespace mlir::moe::gpu {

/// Lowers every gpu.module of the module to llvm and nvvm operations: the level
/// at which device code forks, one way to PTX, the other to host execution.
void populateNVVMPipeline(OpPassManager &pm);

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_PIPELINE_H
