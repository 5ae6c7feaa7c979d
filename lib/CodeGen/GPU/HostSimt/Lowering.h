//===- Lowering.h - Steps of nvvm-to-host-simt ------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_HOSTSIMT_LOWERING_H
#define MOE_LIB_CODEGEN_GPU_HOSTSIMT_LOWERING_H

#include "HostFunction.h"

namespace mlir::moe::gpu {

/// Where a kernel's shared memory is, in bytes from the start of the window.
struct SharedLayout {
  DenseMap<StringRef, uint32_t> offsets; // of the variables that it uses
  uint32_t staticBytes = 0;
  uint32_t alignment = 16; // and where the first variable is
};

/// Lays out the variables that `function` uses. Emits an error when dynamic
/// shared memory is declared as something that NVPTX would make static.
FailureOr<SharedLayout> layOutShared(LLVM::LLVMFuncOp function);

/// Replaces addresses of shared variables and conversions between shared
/// addresses and integers.
void lowerSharedAddress(Operation *op, const SharedLayout &layout,
                        HostFunction &host);

/// Puts the call of the check in front of an access to memory. Accesses to the
/// thread's own stack, parameters and constants are not checked.
void instrumentAccess(Operation *op, HostFunction &host);

/// Replaces an operation of the nvvm dialect, or an inline assembly of one
/// instruction, by its model. Emits an error when there is none.
LogicalResult lowerNVVM(Operation *op, HostFunction &host);

/// Rewrites an operation of the llvm dialect that host code would need a
/// library for. Emits an error for one that is not known to need none.
LogicalResult lowerMath(Operation *op, HostFunction &host);

/// Rounds float32, or a vector of them, to the nearest bf16; ties to even.
Value truncateToBF16(ImplicitLocOpBuilder &b, Value x);

/// Makes the wrapper that unpacks the arguments of a kernel, whose parameters
/// were `parameters` (`isByValue`: passed as their address).
LLVM::LLVMFuncOp createWrapper(LLVM::LLVMFuncOp kernel,
                               ArrayRef<Type> parameters,
                               ArrayRef<bool> isByValue);

/// A kernel of the image.
struct HostKernel {
  StringRef name;
  LLVM::LLVMFuncOp run;
  SharedLayout shared;
  uint32_t maxThreads;
  SmallVector<uint32_t> argumentBytes;
};

/// Defines the image: `moe_simt_image`.
void createImage(ModuleOp module, StringRef name, bool instrumented,
                 ArrayRef<HostKernel> kernels, const LocationTable &locations);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_HOSTSIMT_LOWERING_H
