//===- RecognizeNorms.cpp - RMS and layer normalization in open form ------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Matched from the product or quotient with the root, then forwards to the
// scale and the shift:
//
//   x [.., H] (perhaps Sub(x, ReduceMean(x)): a LayerNormalization)
//   ReduceMean(Pow(x, 2) or Mul(x, x), last axis) + epsilon -> v [.., 1]
//   Mul(x, Reciprocal(Sqrt(v))), Mul(x, Div(1, Sqrt(v))), Mul(x, Pow(v, -0.5)),
//   Div(x, Sqrt(v)) or Div(x, Pow(v, 0.5))
//   -> Mul by a scale [H] -> Add of a shift [H], after a LayerNormalization
//
// All in float. Of a narrower type x' it may be Cast(x') that is normalized;
// the norm is then x' as well when it is cast back before the scale.
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/RecognizeDense.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

struct Norm {
  Value x;
  double epsilon = 0;
  Value scale, shift;   // null: 1, 0
  bool centred = false; // its mean is taken off first
  NodeOp square;        // reads x twice, or once as a Pow
  Value result;         // what it stands for

  bool matchCore(NodeOp core);
  void extend();

private:
  bool matchProduct(Value value, Value root);
  bool matchRoot(Value root, bool inverted);
  bool matchVariance(Value biased);
  void matchCentre(NodeOp core);
  bool isVector(Value value, Type element);
};

/// The mean over the last axis, which stays as 1, or null.
Value getMeanOperand(Value value) {
  auto mean = getNode(value, "ReduceMean");
  auto axes =
      mean ? dyn_cast_or_null<DenseI64ArrayAttr>(mean.getNodeAttr("axes"))
           : DenseI64ArrayAttr();
  auto dims = mean ? getPolyDims(mean.getInputs()[0]) : std::nullopt;
  if (!axes || !dims || axes.size() != 1 ||
      axes[0] != int64_t(dims->size()) - 1 || !mean.getInt("keepdims", 1))
    return {};
  return mean.getInputs()[0];
}

bool Norm::matchCore(NodeOp core) {
  result = core.getResult(0);
  Value a = core.getInputs()[0], b = core.getInputs()[1];
  bool found = core.isStandard("Div")
                   ? matchProduct(a, b)
                   : matchProduct(a, b) || matchProduct(b, a);
  if (!found || getPolyDims(result) != getPolyDims(x))
    return false;
  auto size = getPolyDims(x)->back().asConstant();
  if (!size || *size <= 0)
    return false;
  matchCentre(core);
  return true;
}

/// value * root, or value / root when the user is a Div.
bool Norm::matchProduct(Value value, Value root) {
  if (!isF32(value) || !root.hasOneUse() || root == value)
    return false;
  x = value;
  return matchRoot(root, getNode(result, "Mul") != NodeOp());
}

/// sqrt(v), or 1 / sqrt(v) when `inverted`.
bool Norm::matchRoot(Value root, bool inverted) {
  if (auto power = getNode(root, "Pow"))
    return getScalar(power.getInputs()[1]) == (inverted ? -0.5 : 0.5) &&
           matchVariance(power.getInputs()[0]);
  if (auto reciprocal = getNode(root, "Reciprocal"); reciprocal && inverted)
    root = reciprocal.getInputs()[0];
  else if (auto division = getNode(root, "Div");
           division && inverted && getScalar(division.getInputs()[0]) == 1.0)
    root = division.getInputs()[1];
  else if (inverted)
    return false;
  if (!root.hasOneUse())
    return false;
  if (auto power = getNode(root, "Pow"))
    return getScalar(power.getInputs()[1]) == 0.5 &&
           matchVariance(power.getInputs()[0]);
  auto sqrt = getNode(root, "Sqrt");
  return sqrt && matchVariance(sqrt.getInputs()[0]);
}

/// mean(x^2) + epsilon.
bool Norm::matchVariance(Value biased) {
  auto sum = getNode(biased, "Add");
  if (!sum || !biased.hasOneUse())
    return false;
  return eitherOrder(sum, [&](Value mean, Value constant) {
    auto number = getScalar(constant);
    Value squared = number ? getMeanOperand(mean) : Value();
    if (!squared || !mean.hasOneUse() || !squared.hasOneUse())
      return false;
    square = squared.getDefiningOp<NodeOp>();
    epsilon = *number;
    if (!square || square.getInputs().empty() || square.getInputs()[0] != x)
      return false;
    return square.isStandard("Pow")
               ? getScalar(square.getInputs()[1]) == 2.0
               : square.isStandard("Mul") && square.getInputs()[1] == x;
  });
}

/// x is y - mean(y), read by nothing else.
void Norm::matchCentre(NodeOp core) {
  auto centre = getNode(x, "Sub");
  if (!centre || getMeanOperand(centre.getInputs()[1]) != centre.getInputs()[0])
    return;
  for (Operation *user : x.getUsers())
    if (user != core && user != square)
      return;
  centred = true;
  x = centre.getInputs()[0];
}

/// One number for each element of a row.
bool Norm::isVector(Value value, Type element) {
  auto dims = getPolyDims(value), rows = getPolyDims(x);
  if (getElementTypeOf(value) != element || !dims || dims->empty() ||
      dims->size() > rows->size() || dims->back() != rows->back())
    return false;
  return llvm::all_of(ArrayRef<Poly>(*dims).drop_back(),
                      [](const Poly &dim) { return dim == Poly(1); });
}

/// Takes the scale and the shift in.
void Norm::extend() {
  auto next = [&](Value value) {
    return value.hasOneUse() ? dyn_cast<NodeOp>(*value.user_begin()) : NodeOp();
  };
  auto takeVector = [&](NodeOp user, Value row, StringRef opType,
                        Value &vector) {
    if (!user || !user.isStandard(opType))
      return false;
    return eitherOrder(user, [&](Value a, Value b) {
      if (a != row || !isVector(b, getElementTypeOf(row)))
        return false;
      vector = b;
      result = user.getResult(0);
      return true;
    });
  };
  NodeOp user = next(result);
  if (takeVector(user, result, "Mul", scale)) {
    if (centred)
      takeVector(next(result), result, "Add", shift);
    return;
  }
  // Cast back to the type that x had: one that is narrower.
  auto widened = getNode(x, "Cast");
  Value narrow = widened ? widened.getInputs()[0] : Value();
  if (!user || !user.isStandard("Cast") || centred || !narrow ||
      getElementTypeOf(user.getResult(0)) != getElementTypeOf(narrow) ||
      !isa<Float16Type, BFloat16Type>(getElementTypeOf(narrow)))
    return;
  Value back = user.getResult(0);
  if (takeVector(next(back), back, "Mul", scale))
    x = narrow;
}

} // namespace

std::optional<Recognized> onnx::recognizeNorm(NodeOp op) {
  Norm norm;
  if (!norm.matchCore(op))
    return std::nullopt;
  norm.extend();
  NodeRewriter r(norm.result.getDefiningOp<NodeOp>());
  Poly size = getPolyDims(norm.x)->back();
  SmallVector<Value> inputs = {
      norm.x, norm.scale ? r.reshape(norm.scale, size)
                         : r.scalar(getElementTypeOf(norm.x), 1)};
  if (norm.shift)
    inputs.push_back(r.reshape(norm.shift, size));
  if (llvm::is_contained(inputs, Value()))
    return std::nullopt;
  int64_t axis = getPolyDims(norm.x)->size() - 1;
  Value y =
      r.create(norm.centred ? "LayerNormalization" : "RMSNormalization", inputs,
               {r.attr("axis", axis),
                r.attr("epsilon", r.builder.getF32FloatAttr(norm.epsilon))});
  return y ? std::optional<Recognized>({norm.result, y}) : std::nullopt;
}
