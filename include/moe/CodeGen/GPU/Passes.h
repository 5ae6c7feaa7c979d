//===- Passes.h - Code generation for GPUs ----------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_PASSES_H
#define MOE_CODEGEN_GPU_PASSES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::moe::gpu {

#define GEN_PASS_DECL
#include "moe/CodeGen/GPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/CodeGen/GPU/Passes.h.inc"

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_PASSES_H
