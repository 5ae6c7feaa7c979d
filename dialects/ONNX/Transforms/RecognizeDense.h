//===- RecognizeDense.h - Pieces of onnx-recognize-dense ------ -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_RECOGNIZEDENSE_H
#define MOE_DIALECTS_ONNX_TRANSFORMS_RECOGNIZEDENSE_H

#include "dialects/ONNX/Transforms/Matchers.h"
#include "dialects/ONNX/Transforms/Normalize.h"

namespace mlir::moe::onnx {

/// What one node computes, and the value it replaces.
struct Recognized {
  Value open;
  Value value;
};

/// Looks at a node as the place that a pattern is matched from, and builds the
/// one node for it next to the value that it replaces.
using Recognizer = std::optional<Recognized> (*)(NodeOp);

/// From the product or quotient by the root of the mean square.
std::optional<Recognized> recognizeNorm(NodeOp op);
/// From the outermost product.
std::optional<Recognized> recognizeGelu(NodeOp op);
/// From the product with the values.
std::optional<Recognized> recognizeAttention(NodeOp op);

/// From the sum or the Concat of what is turned.
std::optional<Recognized> recognizeRotary(NodeOp op);

/// An Attention whose mask matchCausalMask knows.
std::optional<Recognized> recognizeCausal(NodeOp op);

/// A mask that is added to the scores of [rows, columns]: 0 where column <= row
/// + offset, `hidden` elsewhere.
struct CausalMask {
  Poly offset;
  double hidden;
};
/// Knows masks that are computed from positions and constants alone.
std::optional<CausalMask> matchCausalMask(Value mask, const Poly &rows,
                                          const Poly &columns);
/// Says so in attributes of an Attention without a mask.
void addCausalAttrs(NodeRewriter &r, const CausalMask &mask,
                    SmallVectorImpl<NamedAttribute> &attrs);

/// The value of a constant of one element, also when it is still to be computed
/// from others: exporters leave 1 / sqrt(size) as it is.
std::optional<double> getScalar(Value value);

/// A product as the product of its constants and its other factors, each as
/// often as it occurs. Looks into products that nothing else reads.
struct Factors {
  double constant = 1;
  SmallVector<Value, 4> values;
};
Factors getFactors(Value value);

/// Whether two constants are the same number but for its rounding to float.
bool isNear(double a, double b);

/// A tensor, not a weight, of float.
inline bool isF32(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_RECOGNIZEDENSE_H
