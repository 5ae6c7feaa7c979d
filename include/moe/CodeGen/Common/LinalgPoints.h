//===- LinalgPoints.h - The points of a structured operation ----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_COMMON_LINALGPOINTS_H
#define MOE_CODEGEN_COMMON_LINALGPOINTS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::moe {

/// A linalg.generic on buffers as what it computes at one point of its loops:
/// the base of lowerings to loops and to threads.
class LinalgPoints {
public:
  explicit LinalgPoints(linalg::GenericOp op)
      : op(op), loc(op.getLoc()), builder(op) {}

protected:
  /// Sorts the dimensions and reads the extent of each off the first operand
  /// that has it. Fails, with an error, for a dimension that none has.
  LogicalResult classify();

  /// Where the operand is read or written at the current point.
  SmallVector<Value> indices(OpOperand &operand);
  Value load(OpOperand &operand);
  /// Writes the values of the outputs at the current point.
  void store(ValueRange values);
  /// The body's results at the current point, given the outputs' values.
  SmallVector<Value> computeBody(ValueRange outputs);
  /// The outputs' values at the current point, null where the body needs none.
  SmallVector<Value> loadOutputs();

  /// Runs the body over the reduction dimensions at the current point, one step
  /// after the other from the outputs' values on, and writes the results.
  void reduceInOrder();

  /// True when consecutive steps of the last reduction dimension read
  /// consecutive elements of every input that depends on it.
  bool isUnitStrideInInnermostReduction();

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value product(ArrayRef<unsigned> dims);
  /// Sets the induction variables of `dims`, outermost first, from the number
  /// of a point in row-major order.
  void delinearize(Value linear, ArrayRef<unsigned> dims);

  linalg::GenericOp op;
  Location loc;
  OpBuilder builder;
  SmallVector<Value> extents; // by loop dimension
  SmallVector<Value> ivs;     // by loop dimension
  SmallVector<unsigned> outer, reductions;
};

/// Gives every structured operation of the module the form of linalg.generic.
/// Emits an error for one that has none.
LogicalResult generalizeNamedOps(ModuleOp module);

} // namespace mlir::moe

#endif // MOE_CODEGEN_COMMON_LINALGPOINTS_H
