//===- Lowering.h - Pieces of convert-onnx-to-linalg ------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ONNXTOLINALG_LOWERING_H
#define MOE_LIB_CONVERSION_ONNXTOLINALG_LOWERING_H

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/IR/Symbolic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {

using Dims = SmallVector<AffineExpr>;

/// Lowers the nodes of one function. Values of the new form have plain tensor
/// types; their named dimensions are kept aside.
class Lowering {
public:
  explicit Lowering(func::FuncOp function, bool keepAttention = false);

  /// Builder at the node being lowered.
  ImplicitLocOpBuilder b;
  MLIRContext *context;
  /// Whether Attention that a device's kernels compute stays a node.
  const bool keepAttention;

  /// Dimensions of a lowered value, or of a value that keeps its type.
  Dims dims(Value value);
  void setDims(Value value, ArrayRef<AffineExpr> dims) {
    known[value].assign(dims.begin(), dims.end());
  }
  Type element(Value value) {
    return cast<ShapedType>(value.getType()).getElementType();
  }
  RankedTensorType tensorType(Type element, ArrayRef<AffineExpr> dims);

  /// The run-time value of a dimension, computed once at the function's start.
  Value size(AffineExpr expr);
  OpFoldResult mixedSize(AffineExpr expr);
  SmallVector<OpFoldResult> mixedSizes(ArrayRef<AffineExpr> dims);

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value constant(Type type, double value);
  Value empty(Type element, ArrayRef<AffineExpr> dims);
  Value filled(ArrayRef<AffineExpr> dims, Value scalar);
  /// A weight as a tensor; other values as they are.
  Value materialize(Value value);

  using Body = function_ref<Value(ValueRange)>;
  /// One result computed point by point; operands broadcast as in ONNX.
  Value elementwise(Type element, ArrayRef<AffineExpr> dims, ValueRange inputs,
                    Body body);
  /// linalg.generic with explicit maps; reductions start from `init`.
  Value generic(Value init, ArrayRef<AffineExpr> dims, ValueRange inputs,
                ArrayRef<AffineMap> maps,
                ArrayRef<utils::IteratorType> iterators, Body body);
  /// Combines over the dimensions `axes`, which the result keeps as 1, starting
  /// from the scalar `init`.
  Value reduce(Value input, ArrayRef<int64_t> axes, Value init,
               function_ref<Value(Value, Value)> combine);

  Value reshape(Value value, ArrayRef<AffineExpr> target);
  Value transpose(Value value, ArrayRef<int64_t> perm);
  /// Float values widened to f32 (or kept, when wider), and narrowed back.
  Value widen(Value scalar);
  Value narrow(Value scalar, Type type);

  /// An index tensor's element as an index in [0, extent): negative ones count
  /// from the end, others are clamped, so that no input reads outside. Where
  /// `count` elements are read, the extent is required to be at least 1.
  Value safeIndex(Value raw, AffineExpr extent, const onnx::Poly &count);

  /// What the runtime checks before a run: `size` is at least 1. Sizes that
  /// always are need no check.
  void require(const onnx::Poly &size);
  /// Requires `part` to be no larger than `whole`.
  void requireWithin(AffineExpr part, AffineExpr whole);
  /// Adds the requirements to those of the module.
  void recordRequirements(ModuleOp module);

private:
  Value evaluate(AffineExpr expr);

  OpBuilder prologue; // at the function's start
  Location start;
  DenseMap<Value, Dims> known;
  DenseMap<AffineExpr, Value> sizes;
  llvm::SetVector<AffineExpr> requirements;
};

/// Lowers a node: one value for each result (null: unused), or nothing with the
/// reason why not.
struct Lowered {
  SmallVector<Value> values;
  std::string reason;
  Lowered(Value value) : values{value} {}
  Lowered(SmallVector<Value> values) : values(std::move(values)) {}
  static Lowered no(std::string reason) {
    Lowered result{SmallVector<Value>()};
    result.reason = std::move(reason);
    return result;
  }
};
/// `inputs` are lowered values, null for those left out.
using LowerRule = Lowered (*)(Lowering &, onnx::NodeOp, ArrayRef<Value> inputs);
using LowerTable = llvm::StringMap<LowerRule>;

void addElementwiseLowerings(LowerTable &table);
void addMovementLowerings(LowerTable &table);
void addIndexingLowerings(LowerTable &table);
void addReductionLowerings(LowerTable &table);
void addProductLowerings(LowerTable &table);
void addRotaryLowerings(LowerTable &table);

/// Dimensions and element type of a node's first result.
inline Dims resultDims(onnx::NodeOp op) {
  return onnx::getDims(op.getResult(0).getType(), op.getContext());
}
inline Type resultElement(onnx::NodeOp op) {
  return cast<RankedTensorType>(op.getResult(0).getType()).getElementType();
}

/// Whether a tensor has no elements: upstream's slices must lie inside of what
/// they cut, also when they are empty.
inline bool isEmpty(ArrayRef<AffineExpr> dims) {
  return llvm::any_of(dims, [](AffineExpr dim) {
    auto constant = dyn_cast<AffineConstantExpr>(dim);
    return constant && constant.getValue() == 0;
  });
}

/// Number of elements of a tensor with these dimensions.
onnx::Poly countElements(ArrayRef<AffineExpr> dims);

/// What the weights of a row without a finite element are.
enum class EmptyRows {
  NaN,       ///< as the formula gives it
  Zero,      ///< zeros when all elements are -inf
  NaNToZero, ///< zeros in place of NaNs, whatever made them
};

/// softmax over the last dimension, in f32, as terms to be divided by the sum
/// of their row.
struct SoftmaxTerms {
  Value terms, sum;
};
SoftmaxTerms softmaxTerms(Lowering &l, Value x, EmptyRows emptyRows);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_ONNXTOLINALG_LOWERING_H
