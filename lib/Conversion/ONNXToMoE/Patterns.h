//===- Patterns.h - Patterns of mixture-of-experts layers -------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ONNXTOMOE_PATTERNS_H
#define MOE_LIB_CONVERSION_ONNXTOMOE_PATTERNS_H

#include "dialects/MoE/IR/MoE.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/Transforms/Matchers.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/Support/Provenance.h"
#include "moe/Support/Report.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::moe {

using onnx::getNode;

/// What a pattern made of the node it was tried on.
enum class Match {
  No,     ///< another node
  Raised, ///< rewritten
  Near,   ///< looked like it; reported why not
  Error,  ///< cannot be right; diagnosed
};

/// com.microsoft.MoE.
Match raiseFusedMoE(onnx::NodeOp op);
/// All experts computed densely, masked by the combine weights and summed.
Match raiseDenseAll(onnx::NodeOp op);
/// Weights gathered for each choice; from the weighted sum over the choices, a
/// ReduceSum or a MatMul.
Match raiseBatchedGather(onnx::NodeOp op);
/// One expert after the other on the tokens that chose it, scattered back; from
/// the last one. Nodes that were looked at as part of a chain are added to
/// `seen`, so that a chain that does not match is walked once.
Match raiseExpertLoop(onnx::NodeOp op, llvm::DenseSet<Operation *> &seen);

inline bool isWeight(Value value) {
  return value && isa<weights::WeightTensorType>(value.getType());
}
inline ArrayRef<int64_t> weightShape(Value value) {
  return cast<weights::WeightTensorType>(value.getType()).getShape();
}

/// Recipes on weights.
Value transposeWeight(ImplicitLocOpBuilder &b, Value weight,
                      ArrayRef<int64_t> permutation);
Value viewWeight(ImplicitLocOpBuilder &b, Value weight,
                 ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes);
Value reshapeWeight(ImplicitLocOpBuilder &b, Value weight,
                    ArrayRef<int64_t> shape);

/// A bank of the tensors given, in roles order.
weights::BankOp makeBank(ImplicitLocOpBuilder &b, StringRef name,
                         int64_t experts,
                         ArrayRef<std::pair<weights::Role, Value>> tensors);

/// A node of the normalized stage with inferred type.
Value makeNode(ImplicitLocOpBuilder &b, StringRef name, StringRef opType,
               ValueRange inputs, ArrayRef<NamedAttribute> attrs);

/// What was raised takes the place of the node, whose tensor it is.
void replaceNode(onnx::NodeOp op, Value value);

/// `x` [T, H] from [T, H], [B, S, H] or more dimensions.
Value flattenTokens(ImplicitLocOpBuilder &b, StringRef name, Value x);
/// The opposite: `x` with the shape of `like`.
Value unflattenTokens(ImplicitLocOpBuilder &b, StringRef name, Value x,
                      Value like);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_ONNXTOMOE_PATTERNS_H
