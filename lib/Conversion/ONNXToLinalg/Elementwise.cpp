//===- Elementwise.cpp - Point-by-point nodes -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

using namespace mlir;
using namespace mlir::moe;

using ScalarRule = Value (*)(Lowering &l, ValueRange x);

namespace {

/// Integers of ONNX as the signless ones that arith works on.
bool isUnsigned(onnx::NodeOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getInputs()[0].getType());
  return type && type.getElementType().isUnsignedInteger();
}

struct Pair {
  ScalarRule onFloat, onInt;
};

template <typename Op>
Value emit1(Lowering &l, ValueRange x) {
  return Op::create(l.b, x[0]);
}
template <typename Op>
Value emit2(Lowering &l, ValueRange x) {
  return Op::create(l.b, x[0], x[1]);
}

Value one(Lowering &l, Value like) { return l.constant(like.getType(), 1); }

Value sigmoid(Lowering &l, ValueRange x) {
  Value e = math::ExpOp::create(l.b, arith::NegFOp::create(l.b, x[0]));
  Value c = one(l, x[0]);
  return arith::DivFOp::create(l.b, c, arith::AddFOp::create(l.b, c, e));
}
Value reciprocal(Lowering &l, ValueRange x) {
  return arith::DivFOp::create(l.b, one(l, x[0]), x[0]);
}
Value relu(Lowering &l, ValueRange x) {
  return arith::MaximumFOp::create(l.b, x[0], l.constant(x[0].getType(), 0));
}
/// log(1 + exp(x)) without overflow: max(x, 0) + log1p(exp(-|x|)).
Value softplus(Lowering &l, ValueRange x) {
  Value zero = l.constant(x[0].getType(), 0);
  Value e = math::ExpOp::create(
      l.b, arith::NegFOp::create(l.b, math::AbsFOp::create(l.b, x[0])));
  return arith::AddFOp::create(l.b, arith::MaximumFOp::create(l.b, x[0], zero),
                               math::Log1pOp::create(l.b, e));
}
Value negate(Lowering &l, ValueRange x) {
  return arith::SubIOp::create(l.b, l.constant(x[0].getType(), 0), x[0]);
}
Value logicalNot(Lowering &l, ValueRange x) {
  return arith::XOrIOp::create(l.b, x[0], one(l, x[0]));
}
/// 0.5 x (1 + erf(x / sqrt 2)).
Value gelu(Lowering &l, ValueRange x) {
  Type t = x[0].getType();
  Value e = math::ErfOp::create(
      l.b,
      arith::MulFOp::create(l.b, x[0], l.constant(t, 0.70710678118654752)));
  Value h = arith::MulFOp::create(l.b, x[0], l.constant(t, 0.5));
  return arith::MulFOp::create(l.b, h,
                               arith::AddFOp::create(l.b, e, one(l, x[0])));
}
Value geluTanh(Lowering &l, ValueRange x) {
  Type t = x[0].getType();
  Value x3 =
      arith::MulFOp::create(l.b, x[0], arith::MulFOp::create(l.b, x[0], x[0]));
  Value inner = arith::AddFOp::create(
      l.b, x[0], arith::MulFOp::create(l.b, x3, l.constant(t, 0.044715)));
  inner = arith::MulFOp::create(l.b, inner, l.constant(t, 0.7978845608028654));
  Value h = arith::MulFOp::create(l.b, x[0], l.constant(t, 0.5));
  return arith::MulFOp::create(
      l.b, h,
      arith::AddFOp::create(l.b, math::TanhOp::create(l.b, inner),
                            one(l, x[0])));
}
/// x^2, x^3 and x^0.5 exactly; the rest as powf.
Value power(Lowering &l, ValueRange x) {
  FloatAttr exponent;
  if (matchPattern(x[1], m_Constant(&exponent))) {
    if (exponent.getValueAsDouble() == 2)
      return arith::MulFOp::create(l.b, x[0], x[0]);
    if (exponent.getValueAsDouble() == 3)
      return arith::MulFOp::create(l.b, x[0],
                                   arith::MulFOp::create(l.b, x[0], x[0]));
    if (exponent.getValueAsDouble() == 0.5)
      return math::SqrtOp::create(l.b, x[0]);
  }
  return math::PowFOp::create(l.b, x[0], x[1]);
}

const llvm::StringMap<Pair> &arithmetic() {
  static const llvm::StringMap<Pair> table = {
      {"Add", {emit2<arith::AddFOp>, emit2<arith::AddIOp>}},
      {"Sub", {emit2<arith::SubFOp>, emit2<arith::SubIOp>}},
      {"Mul", {emit2<arith::MulFOp>, emit2<arith::MulIOp>}},
      {"Div", {emit2<arith::DivFOp>, nullptr}},
      {"Max", {emit2<arith::MaximumFOp>, emit2<arith::MaxSIOp>}},
      {"Min", {emit2<arith::MinimumFOp>, emit2<arith::MinSIOp>}},
      {"Pow", {power, nullptr}},
      {"And", {nullptr, emit2<arith::AndIOp>}},
      {"Or", {nullptr, emit2<arith::OrIOp>}},
      {"Xor", {nullptr, emit2<arith::XOrIOp>}},
      {"Not", {nullptr, logicalNot}},
      {"Neg", {emit1<arith::NegFOp>, negate}},
      {"Abs", {emit1<math::AbsFOp>, emit1<math::AbsIOp>}},
      {"Exp", {emit1<math::ExpOp>, nullptr}},
      {"Log", {emit1<math::LogOp>, nullptr}},
      {"Sqrt", {emit1<math::SqrtOp>, nullptr}},
      {"Reciprocal", {reciprocal, nullptr}},
      {"Sin", {emit1<math::SinOp>, nullptr}},
      {"Cos", {emit1<math::CosOp>, nullptr}},
      {"Tanh", {emit1<math::TanhOp>, nullptr}},
      {"Erf", {emit1<math::ErfOp>, nullptr}},
      {"Sigmoid", {sigmoid, nullptr}},
      {"Softplus", {softplus, nullptr}},
      {"Relu", {relu, nullptr}},
      {"Floor", {emit1<math::FloorOp>, nullptr}},
      {"Ceil", {emit1<math::CeilOp>, nullptr}},
      {"Round", {emit1<math::RoundEvenOp>, nullptr}},
  };
  return table;
}

/// Functions that are expanded for float only.
bool isTranscendental(StringRef opType) {
  return llvm::is_contained(
      {"Pow", "Exp", "Log", "Sin", "Cos", "Tanh", "Erf", "Sigmoid", "Softplus"},
      opType);
}

Lowered lowerArithmetic(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Type element = resultElement(op);
  const Pair &rules = arithmetic().find(op.getOpType())->second;
  ScalarRule rule = isa<FloatType>(element) ? rules.onFloat : rules.onInt;
  if (!rule || (!isa<FloatType>(element) && isUnsigned(op)))
    return Lowered::no("its element type is not supported");
  if (element.isF64() && isTranscendental(op.getOpType()))
    return Lowered::no("double precision is not supported; cast to float");
  return l.elementwise(element,
                       onnx::getDims(op.getResult(0).getType(), l.context),
                       inputs, [&](ValueRange x) {
                         SmallVector<Value> wide;
                         for (Value value : x)
                           wide.push_back(l.widen(value));
                         return l.narrow(rule(l, wide), element);
                       });
}

Lowered lowerGelu(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Type element = resultElement(op);
  if (element.isF64())
    return Lowered::no("double precision is not supported; cast to float");
  bool tanh = op.getString("approximate", "none") == "tanh";
  return l.elementwise(element, l.dims(inputs[0]), inputs, [&](ValueRange x) {
    Value wide = l.widen(x[0]);
    return l.narrow(tanh ? geluTanh(l, wide) : gelu(l, wide), element);
  });
}

Lowered lowerComparison(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  struct Row {
    StringRef name;
    arith::CmpFPredicate onFloat;
    arith::CmpIPredicate onInt;
  };
  static const Row table[] = {
      {"Equal", arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq},
      {"Less", arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt},
      {"LessOrEqual", arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle},
      {"Greater", arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt},
      {"GreaterOrEqual", arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge}};
  const Row *row = llvm::find_if(
      table, [&](const Row &r) { return r.name == op.getOpType(); });
  if (isUnsigned(op))
    return Lowered::no("unsigned integers are not supported");
  return l.elementwise(
      l.b.getI1Type(), onnx::getDims(op.getResult(0).getType(), l.context),
      inputs, [&](ValueRange x) -> Value {
        if (isa<FloatType>(x[0].getType()))
          return arith::CmpFOp::create(l.b, row->onFloat, x[0], x[1]);
        return arith::CmpIOp::create(l.b, row->onInt, x[0], x[1]);
      });
}

Lowered lowerIsNaN(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  return l.elementwise(l.b.getI1Type(), l.dims(inputs[0]), inputs,
                       [&](ValueRange x) -> Value {
                         return arith::CmpFOp::create(
                             l.b, arith::CmpFPredicate::UNO, x[0], x[0]);
                       });
}

Lowered lowerWhere(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  return l.elementwise(resultElement(op),
                       onnx::getDims(op.getResult(0).getType(), l.context),
                       inputs, [&](ValueRange x) -> Value {
                         return arith::SelectOp::create(l.b, x[0], x[1], x[2]);
                       });
}

/// Conversions between the element types that occur.
Lowered lowerCast(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Type from = l.element(inputs[0]), to = resultElement(op);
  if (from.isUnsignedInteger() || to.isUnsignedInteger())
    return Lowered::no("unsigned integers are not supported");
  if (from.isF64() && (to.isF16() || to.isBF16()))
    return Lowered::no("from double to a half is not supported; cast to float "
                       "in between");
  return l.elementwise(
      to, l.dims(inputs[0]), inputs, [&](ValueRange x) -> Value {
        Value v = x[0];
        if (isa<FloatType>(from) && isa<FloatType>(to)) {
          if (from.getIntOrFloatBitWidth() == to.getIntOrFloatBitWidth())
            return l.narrow(l.widen(v), to); // bf16 and f16, through f32
          return from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth()
                     ? Value(arith::ExtFOp::create(l.b, to, v))
                     : Value(arith::TruncFOp::create(l.b, to, v));
        }
        if (isa<FloatType>(from)) {
          if (to.isInteger(1)) // NaN is true
            return arith::CmpFOp::create(l.b, arith::CmpFPredicate::UNE, v,
                                         l.constant(from, 0));
          return arith::FPToSIOp::create(l.b, to, l.widen(v));
        }
        if (isa<FloatType>(to)) {
          if (from.isInteger(1))
            return arith::SelectOp::create(l.b, v, l.constant(to, 1),
                                           l.constant(to, 0));
          if (to.getIntOrFloatBitWidth() >= 32)
            return arith::SIToFPOp::create(l.b, to, v);
          // Through float. Rounding a whole number changes nothing, but keeps
          // the two conversions from being folded into one that no CPU has.
          Value number = arith::SIToFPOp::create(l.b, l.b.getF32Type(), v);
          return l.narrow(math::RoundEvenOp::create(l.b, number), to);
        }
        if (to.isInteger(1))
          return arith::CmpIOp::create(l.b, arith::CmpIPredicate::ne, v,
                                       l.constant(from, 0));
        unsigned a = from.getIntOrFloatBitWidth(),
                 c = to.getIntOrFloatBitWidth();
        if (a == c)
          return v;
        if (a > c)
          return arith::TruncIOp::create(l.b, to, v);
        return from.isInteger(1) ? Value(arith::ExtUIOp::create(l.b, to, v))
                                 : Value(arith::ExtSIOp::create(l.b, to, v));
      });
}

} // namespace

void moe::addElementwiseLowerings(LowerTable &table) {
  for (auto &entry : arithmetic())
    table[entry.getKey()] = lowerArithmetic;
  for (const char *name :
       {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
    table[name] = lowerComparison;
  table["Gelu"] = lowerGelu;
  table["IsNaN"] = lowerIsNaN;
  table["Where"] = lowerWhere;
  table["Cast"] = lowerCast;
}
