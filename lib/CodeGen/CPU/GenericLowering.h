//===- GenericLowering.h - One structured operation as loops -- -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_GENERICLOWERING_H
#define MOE_LIB_CODEGEN_CPU_GENERICLOWERING_H

#include "moe/CodeGen/Common/LinalgPoints.h"
#include <optional>

namespace mlir::moe::cpu {

/// Elements of the vectors of sums of products, and dot products that share a
/// row and are computed together: their sums are added across the elements of
/// vectors as one transposition.
constexpr int64_t kLanes = 8;

/// Turns one linalg.generic on buffers into a parallel loop over its outer
/// parallel dimensions, linearised, around sequential loops whose innermost
/// runs over consecutive elements, so that LLVM vectorises it.
///
/// The order of a reduction is a function of the shapes alone, never of the
/// number of threads: only parallel dimensions are split.
class GenericLowering : public LinalgPoints {
public:
  using LinalgPoints::LinalgPoints;
  LogicalResult run();

private:
  void emitElementwise();
  void emitDot();
  /// out + a * b of floats, over one reduction dimension and elements side by
  /// side.
  bool isSumOfProducts();
  /// Whether `dim` numbers rows of one operand of a sum of products, whose dot
  /// products with a row of the other lie side by side.
  bool isRowsOfDots(unsigned dim);
  /// The number of columns of `b` and the result of a sum of products, if they
  /// are few and `a` is the same for all.
  std::optional<int64_t> getColumns(unsigned dim);
  void emitDots(unsigned dim);
  Value addAcross(ArrayRef<Value> x);
  Value loadRow(OpOperand &operand, Value mask);
  Value makeMask(Value count);
  void emitAxpy();
  void emitColumns(int64_t columns);
  void emitColumnBlock(int64_t begin, int64_t end);

  /// Opens the parallel loop over `outer` and sets their induction variables;
  /// leaves the builder inside.
  void openParallel(Value innerWork);
  /// The same with blocks of the last dimension of `outer` that is no unit;
  /// gives that dimension, or nothing, and where its block begins and ends.
  std::optional<unsigned> openParallelBlocks(Value innerWork, Value &begin,
                                             Value &end);
  void forLoop(unsigned dim, function_ref<void()> body);
  void nest(ArrayRef<unsigned> dims, function_ref<void()> body);

  std::optional<unsigned> innermost; // parallel dimension kept sequential
};

} // namespace mlir::moe::cpu

#endif // MOE_LIB_CODEGEN_CPU_GENERICLOWERING_H
