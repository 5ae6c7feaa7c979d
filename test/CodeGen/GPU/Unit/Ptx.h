//===- Ptx.h - Kernels through the NVPTX back end --------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_TEST_CODEGEN_GPU_UNIT_PTX_H
#define MOE_TEST_CODEGEN_GPU_UNIT_PTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include <string>

namespace moe_test {

/// PTX of kernels that are llvm and nvvm operations.
std::string emitPtx(mlir::gpu::GPUModuleOp device, llvm::StringRef arch);

/// What ptxas -v says about it; reports failures to GoogleTest. Needs
/// MOE_TEST_PTXAS, the path of ptxas.
std::string assemble(llvm::StringRef ptx, llvm::StringRef arch);

} // namespace moe_test

#endif // MOE_TEST_CODEGEN_GPU_UNIT_PTX_H
