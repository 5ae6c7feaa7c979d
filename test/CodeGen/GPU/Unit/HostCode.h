//===- HostCode.h - Host code down to its launches --------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_TEST_CODEGEN_GPU_UNIT_HOSTCODE_H
#define MOE_TEST_CODEGEN_GPU_UNIT_HOSTCODE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <string>
#include <vector>

namespace moe_test {

struct LaunchRecord {
  std::string kernel;
  uint32_t grid[3], block[3];
  uint32_t sharedBytes;
  /// Each argument's bytes, 64-byte aligned.
  struct alignas(64) Argument {
    uint8_t bytes[128];
  };
  std::vector<Argument> arguments;
};

/// Evaluates straight-line code, branches and launches, given the addresses of
/// buffers and the values of sizes among the function's arguments. Reports what
/// it cannot evaluate to GoogleTest.
std::vector<LaunchRecord>
evaluate(mlir::func::FuncOp function,
         const llvm::DenseMap<mlir::Value, uint64_t> &arguments);

/// The number that a value has after that code.
uint64_t evaluateNumber(mlir::func::FuncOp function,
                        const llvm::DenseMap<mlir::Value, uint64_t> &arguments,
                        mlir::Value value);

} // namespace moe_test

#endif // MOE_TEST_CODEGEN_GPU_UNIT_HOSTCODE_H
