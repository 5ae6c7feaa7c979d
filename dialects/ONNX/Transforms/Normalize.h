//===- Normalize.h - Pieces of onnx-normalize -------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_NORMALIZE_H
#define MOE_DIALECTS_ONNX_TRANSFORMS_NORMALIZE_H

#include "dialects/ONNX/Transforms/InferShapes.h"
#include "mlir/IR/Builders.h"
#include "moe/Support/Provenance.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe::onnx {

/// Builds normalized nodes in place of one node, which it names in their
/// locations.
class NodeRewriter {
public:
  explicit NodeRewriter(NodeOp op) : op(op), builder(op) {}

  /// For what is created on the way, which is no tensor of the file.
  Location getLoc() { return withoutProvenance(op.getLoc()); }
  /// A standard node with inferred types; null when they cannot be inferred.
  Value create(StringRef opType, ValueRange inputs,
               ArrayRef<NamedAttribute> attributes = {});
  /// `data` with the dimensions `dims`; weights become recipes.
  Value reshape(Value data, ArrayRef<Poly> dims);
  /// Result dimension i is source dimension perm[i]; weights become recipes.
  Value transpose(Value data, ArrayRef<int64_t> perm);
  /// A scalar of the element type.
  Value scalar(Type element, double value);
  NamedAttribute attr(StringRef name, Attribute value) {
    return builder.getNamedAttr(name, value);
  }
  NamedAttribute attr(StringRef name, int64_t value) {
    return attr(name, builder.getI64IntegerAttr(value));
  }
  NamedAttribute attr(StringRef name, ArrayRef<int64_t> values) {
    return attr(name, builder.getDenseI64ArrayAttr(values));
  }
  AffineMapAttr map(ArrayRef<Poly> dims);

  NodeOp op;
  OpBuilder builder;
};

/// What a rule gives.
using Values = std::optional<SmallVector<Value>>;

/// The one result of a node, or nothing when `value` is null.
inline Values single(Value value) {
  return value ? Values(SmallVector<Value>{value}) : std::nullopt;
}

/// A rule gives the values that replace the node's results, or nothing when the
/// node is in normal form (a rule may also change attributes in place).
using NormalizeRule = Values (*)(NodeRewriter &);
using NormalizeTable = llvm::StringMap<NormalizeRule>;

void addMovementRules(NormalizeTable &table);
void addMathRules(NormalizeTable &table);
void addEinsumRules(NormalizeTable &table);
void addAttentionRules(NormalizeTable &table);

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_NORMALIZE_H
