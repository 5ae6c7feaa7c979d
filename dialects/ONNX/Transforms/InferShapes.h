//===- InferShapes.h - Types of nodes from types of operands ----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_INFERSHAPES_H
#define MOE_DIALECTS_ONNX_TRANSFORMS_INFERSHAPES_H

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/IR/Symbolic.h"
#include <optional>

namespace mlir::moe::onnx {

class ShapeContext;

/// Sets the node's result types and shape values from its operands. An operator
/// without a rule keeps its types. Reports operands that contradict each other,
/// naming the node, and fails.
LogicalResult inferNode(NodeOp op);

/// The same as part of a walk: symbols and assumptions reach the module when
/// the context is written back.
LogicalResult inferNode(NodeOp op, ShapeContext &context);

/// The elements of a small integer tensor, as far as they are known at compile
/// time: constants and shapes.
std::optional<llvm::SmallVector<Poly>> getElements(Value value);

/// The elements when all are constants.
std::optional<llvm::SmallVector<int64_t>> getConstantElements(Value value);

/// A floating-point constant of one element.
std::optional<double> getConstantFloat(Value value);

/// The dimensions of a tensor or weight as polynomials; nothing when the rank
/// or a dimension is unknown.
std::optional<llvm::SmallVector<Poly>> getPolyDims(Value value);

/// Element type of a tensor or weight, or null.
Type getElementTypeOf(Value value);

/// How com.microsoft.FusedMatMul permutes operand 0 or 1, of rank `rank`,
/// before it multiplies: `transBatchA` moves the first dimension in front of
/// the last, `transA` then swaps the last two.
llvm::SmallVector<int64_t> getFusedMatMulPerm(NodeOp op, unsigned operand,
                                              int64_t rank);

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_INFERSHAPES_H
