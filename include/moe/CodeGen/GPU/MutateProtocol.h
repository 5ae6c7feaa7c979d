//===- MutateProtocol.h - Breaks the protocol of kernels --------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tests of kernels are worth what they notice. These take away what keeps the
// threads of a kernel and its asynchronous copies in order: one barrier, fence,
// wait, commit, arrival or expectation of bytes. A test should then fail.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_MUTATEPROTOCOL_H
#define MOE_CODEGEN_GPU_MUTATEPROTOCOL_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::moe::gpu {

/// The operations of the module's gpu.modules that `breakProtocol` can take
/// away, in their order. The gpu.modules are llvm and nvvm operations.
llvm::SmallVector<Operation *> findProtocol(ModuleOp module);

/// "nvvm.barrier0 2 of kernel 'name'": the number counts those of the function,
/// from 0.
std::string describeProtocol(Operation *op);

/// Takes `op` of `findProtocol` away. Waits that have a result succeed at once,
/// arrivals that expect bytes expect none.
void breakProtocol(Operation *op);

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_MUTATEPROTOCOL_H
