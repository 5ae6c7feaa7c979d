//===- Divergence.h - What differs between the threads of a block -*- C++
//-*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_VERIFY_DIVERGENCE_H
#define MOE_LIB_CODEGEN_GPU_VERIFY_DIVERGENCE_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Dominance.h"

namespace mlir::moe::gpu {

/// Among which threads a value is the same.
enum class Uniformity { Thread, Warp, Block };

/// Uniformity of the values of a function, and of whether blocks run, from the
/// forms that kernels use: tid / 32, comparisons of tid with whole warps,
/// ballots, broadcasts of lane 0. What is loaded is as uniform as its address.
class Divergence {
public:
  explicit Divergence(LLVM::LLVMFuncOp function);

  Uniformity get(Value value) const;
  /// Of the conditions that decide whether the block runs.
  Uniformity getControl(Block *block);

private:
  Uniformity compute(Operation *op) const;
  Uniformity computeArgument(BlockArgument argument);
  bool update(Value value, Uniformity uniformity);

  LLVM::LLVMFuncOp function;
  PostDominanceInfo postDominance;
  DenseMap<Value, Uniformity> values; // absent: Block
  /// By block, the blocks whose branches decide whether it runs.
  DenseMap<Block *, SetVector<Block *>> controls;
};

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_VERIFY_DIVERGENCE_H
