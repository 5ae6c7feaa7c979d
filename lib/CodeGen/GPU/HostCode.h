//===- HostCode.h - What host code does to the device -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_GPU_HOSTCODE_H
#define MOE_LIB_CODEGEN_GPU_HOSTCODE_H

#include "mlir/IR/Builders.h"

namespace mlir::moe::gpu {

/// Whether a buffer of host code is in device memory: whether it is, through
/// any views, a `pager.buffer` or what a wave hands out. The tables that host
/// code itself uses are constants, arguments and allocas.
bool isOnDevice(Value buffer);

/// Whether an operation or its regions load from or store to device memory.
bool touchesDevice(Operation *op);

/// Opens a launch of at least `points` threads and leaves the builder where
/// only threads below `points` come, with the thread's number.
Value openThreads(OpBuilder &builder, Location loc, Value points);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_HOSTCODE_H
