//===- RecognizeGelu.cpp - GELU in open form ------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Matched from the outermost product, whatever the order of factors:
//
//   0.5 * x * (1 + Erf(x / sqrt 2))                                 exact
//   0.5 * x * (1 + Tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))       tanh
//   0.5 * x * (1 + Tanh(sqrt(2 / pi) * x * (1 + 0.044715 * x^2)))   tanh
//
// x * Sigmoid(x) is the normal form of SiLU already.
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/RecognizeDense.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// The operand of 1 + f(operand), which nothing else reads, or null.
static Value getOnePlus(Value value, StringRef opType) {
  auto sum = getNode(value, "Add");
  if (!sum || !value.hasOneUse())
    return {};
  Value argument;
  eitherOrder(sum, [&](Value function, Value one) {
    auto node = getNode(function, opType);
    if (!node || !function.hasOneUse() || getScalar(one) != 1.0)
      return false;
    argument = node.getInputs()[0];
    return true;
  });
  return argument;
}

/// value = constant * factor * factor ..., with nothing else.
static bool isProduct(Value value, double constant, ArrayRef<Value> factors) {
  Factors found = getFactors(value);
  return isNear(found.constant, constant) &&
         ArrayRef<Value>(found.values) == factors;
}

/// sqrt(2 / pi) * (x + 0.044715 * x^3), or with x drawn out.
static bool isTanhArgument(Value value, Value x) {
  constexpr double kCubic = 0.044715;
  Factors found = getFactors(value);
  if (!isNear(found.constant, 0.7978845608028654))
    return false;
  bool drawn = found.values.size() == 2 && llvm::is_contained(found.values, x);
  if (!drawn && found.values.size() != 1)
    return false;
  Value inner = found.values[drawn && found.values[0] == x ? 1 : 0];
  auto sum = getNode(inner, "Add");
  return sum && inner.hasOneUse() && eitherOrder(sum, [&](Value a, Value b) {
           return drawn ? getScalar(a) == 1.0 && isProduct(b, kCubic, {x, x})
                        : a == x && isProduct(b, kCubic, {x, x, x});
         });
}

std::optional<Recognized> onnx::recognizeGelu(NodeOp op) {
  Factors outer = getFactors(op.getResult(0));
  if (!isF32(op.getResult(0)) || !isNear(outer.constant, 0.5) ||
      outer.values.size() != 2)
    return std::nullopt;
  Value x, argument;
  StringRef kind;
  for (unsigned i : {0u, 1u}) {
    Value other = outer.values[1 - i];
    if ((argument = getOnePlus(other, "Erf")))
      kind = "none";
    else if ((argument = getOnePlus(other, "Tanh")))
      kind = "tanh";
    x = outer.values[i];
    if (argument)
      break;
  }
  if (!argument)
    return std::nullopt;
  bool matches = kind == "none" ? isProduct(argument, 0.70710678118654752, x)
                                : isTanhArgument(argument, x);
  if (!matches || getPolyDims(x) != getPolyDims(op.getResult(0)))
    return std::nullopt;
  NodeRewriter r(op);
  Value y =
      r.create("Gelu", x, r.attr("approximate", r.builder.getStringAttr(kind)));
  return y ? std::optional<Recognized>({op.getResult(0), y}) : std::nullopt;
}
