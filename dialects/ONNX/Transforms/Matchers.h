//===- Matchers.h - What matchers of nodes share -------------- -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matchers look at a bounded number of nodes around the one they start from.
// They know values by structure and shape, never by name, and expect the
// normalized form.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_MATCHERS_H
#define MOE_DIALECTS_ONNX_TRANSFORMS_MATCHERS_H

#include "dialects/ONNX/Transforms/InferShapes.h"

namespace mlir::moe::onnx {

/// The node that defines `value` when it is this standard operator, or null.
inline NodeOp getNode(Value value, StringRef opType) {
  auto node = value ? value.getDefiningOp<NodeOp>() : NodeOp();
  return node && node.isStandard(opType) ? node : NodeOp();
}

/// Tries operands of a commutative node in both orders.
template <typename F>
bool eitherOrder(NodeOp node, F f) {
  Value a = node.getInputs()[0], b = node.getInputs()[1];
  return f(a, b) || f(b, a);
}

/// The operand of any chain of Reshapes: the same elements in row-major order.
Value skipReshapes(Value value);

/// The scalar that all elements of a constant are, if it is one.
std::optional<double> getSplat(Value value);

/// Number of elements, or nothing when it is not known.
std::optional<Poly> getElementCount(Value value);

/// A range of indices along one dimension, the others being whole.
struct SliceMatch {
  Value source;
  int64_t dim, offset, step, size;
};
/// A Slice along exactly one dimension, or nothing.
std::optional<SliceMatch> matchSlice(Value value);

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_MATCHERS_H
