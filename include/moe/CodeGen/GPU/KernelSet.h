//===- KernelSet.h - Sets of GPU kernels and what runs them -----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_KERNELSET_H
#define MOE_CODEGEN_GPU_KERNELSET_H

#include "mlir/IR/BuiltinOps.h"
#include <optional>

namespace mlir::moe::gpu {

/// Module attribute that names the set of kernels to generate: "sm_80" or
/// "sm_90a".
constexpr llvm::StringLiteral kKernelSetAttr = "gpu.kernel_set";

/// Module attribute with the type that weights of products are packed in: f32,
/// bf16 or f16.
constexpr llvm::StringLiteral kWeightsAttr = "gpu.weights";

/// The gpu.module that holds every kernel.
constexpr llvm::StringLiteral kKernelsModule = "kernels";

/// Kernels that one host program launches. SM80 uses mma.sync and cp.async and
/// runs on compute capability 8.0 and later. SM90a is code for 9.0 only, where
/// kernels may use TMA and wgmma; those there are now are SM80's.
enum class KernelSet { SM80, SM90a };

llvm::StringRef getName(KernelSet set);
std::optional<KernelSet> lookupKernelSet(llvm::StringRef name);

/// Reads the module's set. Emits an error for a name it does not know.
FailureOr<KernelSet> getKernelSet(ModuleOp module);

/// Reads the module's type of weights, f32 by default. Emits an error for one
/// that kernels do not have.
FailureOr<Type> getWeightsType(ModuleOp module);

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_KERNELSET_H
