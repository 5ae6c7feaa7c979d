//===- LoopNest.h - Loops of host code as threads ---------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_GPU_LOOPNEST_H
#define MOE_LIB_CODEGEN_GPU_LOOPNEST_H

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::moe::gpu {

/// Turns a nest of loops over device memory into one launch. Loops that only
/// hold each other are threads where every store, and every load of what is
/// stored, has their induction variable as the same index; the others run in
/// each thread, in their order. Emits an error for a loop that gives results.
LogicalResult lowerLoopNest(scf::ForOp loop);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_LOOPNEST_H
