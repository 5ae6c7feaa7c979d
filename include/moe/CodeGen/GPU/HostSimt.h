//===- HostSimt.h - GPU kernels as host code --------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_HOSTSIMT_H
#define MOE_CODEGEN_GPU_HOSTSIMT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include <memory>

namespace mlir::moe::gpu {

/// Translates the gpu.modules of `module`, which `populateNVVMPipeline` has
/// lowered, for host execution on x86-64-v3. The result is not optimised and
/// defines one symbol, the constant `imageName` of type `moe_simt_image`, and
/// needs none but memcpy, memset and memmove. `instrument`: check every access
/// to memory. `module` stays as it is. Emits an error for an operation without
/// a functional model.
FailureOr<std::unique_ptr<llvm::Module>>
translateHostSimt(ModuleOp module, llvm::LLVMContext &context,
                  llvm::StringRef imageName, bool instrument = true);

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_HOSTSIMT_H
