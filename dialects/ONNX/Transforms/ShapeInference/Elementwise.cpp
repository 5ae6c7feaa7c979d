//===- Elementwise.cpp - Shapes of element by element operators -----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Inference.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

LogicalResult onnx::inferSameAsFirst(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  return n.set(0, n.elementOf(0), dims);
}

Type onnx::getElementType(int64_t number, Builder b) {
  switch (number) {
  case 1:
    return b.getF32Type();
  case 2:
    return b.getIntegerType(8, false);
  case 3:
    return b.getIntegerType(8);
  case 4:
    return b.getIntegerType(16, false);
  case 5:
    return b.getIntegerType(16);
  case 6:
    return b.getI32Type();
  case 7:
    return b.getI64Type();
  case 9:
    return b.getI1Type();
  case 10:
    return b.getF16Type();
  case 11:
    return b.getF64Type();
  case 12:
    return b.getIntegerType(32, false);
  case 13:
    return b.getIntegerType(64, false);
  case 16:
    return b.getBF16Type();
  case 17:
    return b.getType<Float8E4M3FNType>();
  case 19:
    return b.getType<Float8E5M2Type>();
  case 21:
    return b.getIntegerType(4, false);
  case 22:
    return b.getIntegerType(4);
  }
  return {};
}

namespace {

/// The operands' elements, all stretched to the number the result has.
std::optional<SmallVector<Dims>>
operandElements(Inference &n, ArrayRef<Dims> shapes, ArrayRef<Poly> result) {
  Poly count(1);
  for (const Poly &dim : result)
    count = count * dim;
  std::optional<int64_t> size = count.asConstant();
  if (!size || *size > kMaxElements)
    return std::nullopt;
  SmallVector<Dims> operands;
  for (auto [i, shape] : llvm::enumerate(shapes)) {
    auto elements = n.elementsOf(i);
    if (!elements)
      return std::nullopt;
    if (elements->size() == 1)
      elements = Dims(*size, Poly((*elements)[0]));
    else if (ArrayRef<Poly>(shape) != result)
      return std::nullopt; // stretched along some dimension
    operands.push_back(*elements);
  }
  return operands;
}

std::optional<Poly> compute(StringRef op, const Poly &x, const Poly &y) {
  std::optional<int64_t> a = x.asConstant(), b = y.asConstant();
  if (op == "Add")
    return x + y;
  if (op == "Sub")
    return x - y;
  if (op == "Mul")
    return x * y;
  bool divides = a && b && *b != 0 && !(*a == INT64_MIN && *b == -1);
  if (op == "Div") // ONNX truncates
    return divides ? Poly(*a / *b) : x.dividedBy(y);
  if (op == "Mod") {
    if (!divides)
      return x.dividedBy(y) ? std::optional<Poly>(Poly(0)) : std::nullopt;
    int64_t rest = *a % *b; // the sign is the divisor's
    return Poly(rest != 0 && (rest < 0) != (*b < 0) ? rest + *b : rest);
  }
  if (op == "Min" || op == "Max") {
    bool isMax = op == "Max";
    if ((x - y).isNonNegative())
      return isMax ? x : y;
    if ((y - x).isNonNegative())
      return isMax ? y : x;
  }
  if (a && b && op == "And")
    return Poly(*a && *b);
  if (a && b && op == "Or")
    return Poly(*a || *b);
  return std::nullopt;
}

/// Comparisons that hold, or fail, whatever the dimensions are.
std::optional<bool> compare(StringRef op, const Poly &x, const Poly &y) {
  Poly above = x - y - Poly(1), below = y - x - Poly(1);
  bool greater = above.isNonNegative(), less = below.isNonNegative();
  bool atLeast = (x - y).isNonNegative(), atMost = (y - x).isNonNegative();
  if (op == "Equal") {
    if (x == y)
      return true;
    return greater || less ? std::optional<bool>(false) : std::nullopt;
  }
  bool holds = op == "Greater"          ? greater
               : op == "GreaterOrEqual" ? atLeast
               : op == "Less"           ? less
                                        : atMost;
  bool fails = op == "Greater"          ? atMost
               : op == "GreaterOrEqual" ? less
               : op == "Less"           ? atLeast
                                        : greater;
  if (holds || fails)
    return holds;
  return std::nullopt;
}

LogicalResult broadcastInputs(Inference &n, SmallVector<Dims> &shapes,
                              Dims &result) {
  shapes.resize(n.op.getInputs().size());
  for (unsigned i = 0; i < shapes.size(); ++i)
    if (!n.dimsOf(i, shapes[i]))
      return failure();
  return success(!shapes.empty() && succeeded(n.broadcastDims(shapes, result)));
}

LogicalResult binary(Inference &n) {
  SmallVector<Dims> shapes;
  Dims result;
  if (failed(broadcastInputs(n, shapes, result)))
    return failure();
  if (auto operands = operandElements(n, shapes, result)) {
    Dims elements = operands->front();
    for (const Dims &operand : ArrayRef<Dims>(*operands).drop_front())
      for (auto [element, y] : llvm::zip(elements, operand))
        element =
            compute(n.op.getOpType(), element, y).value_or(Poly::invalid());
    n.setElements(0, elements);
  }
  return n.set(0, n.elementOf(0), result);
}

LogicalResult comparison(Inference &n) {
  SmallVector<Dims> shapes;
  Dims result;
  if (failed(broadcastInputs(n, shapes, result)) || shapes.size() != 2)
    return failure();
  if (auto operands = operandElements(n, shapes, result)) {
    Dims elements;
    for (auto [x, y] : llvm::zip((*operands)[0], (*operands)[1])) {
      std::optional<bool> holds = compare(n.op.getOpType(), x, y);
      elements.push_back(holds ? Poly(*holds) : Poly::invalid());
    }
    n.setElements(0, elements);
  }
  return n.set(0, n.b.getI1Type(), result);
}

LogicalResult where(Inference &n) {
  SmallVector<Dims> shapes;
  Dims result;
  if (failed(broadcastInputs(n, shapes, result)) || shapes.size() != 3)
    return failure();
  if (auto operands = operandElements(n, shapes, result)) {
    Dims elements;
    for (auto [condition, x, y] :
         llvm::zip((*operands)[0], (*operands)[1], (*operands)[2])) {
      std::optional<int64_t> known = condition.asConstant();
      elements.push_back(x == y   ? x
                         : !known ? Poly::invalid()
                         : *known ? x
                                  : y);
    }
    n.setElements(0, elements);
  }
  return n.set(0, n.elementOf(1), result);
}

/// Identity, and Dropout, whose second result is a mask.
LogicalResult forward(Inference &n) {
  if (auto elements = n.elementsOf(0))
    n.setElements(0, *elements);
  Dims dims;
  if (n.op.getNumResults() > 1 && n.dimsOf(0, dims))
    (void)n.set(1, n.b.getI1Type(), dims);
  return inferSameAsFirst(n);
}

LogicalResult unaryOnElements(Inference &n) {
  if (auto elements = n.elementsOf(0)) {
    for (Poly &element : *elements) {
      std::optional<int64_t> constant = element.asConstant();
      if (n.op.getOpType() == "Neg")
        element = element * Poly(-1);
      else if (n.op.getOpType() == "Not")
        element = constant ? Poly(!*constant) : Poly::invalid();
      else if (!element.isNonNegative()) // Abs
        element = constant ? Poly(*constant) * Poly(-1) : Poly::invalid();
    }
    n.setElements(0, *elements);
  }
  return inferSameAsFirst(n);
}

LogicalResult test(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  return n.set(0, n.b.getI1Type(), dims);
}

LogicalResult castOp(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  // The normalized form has the target in the result type alone.
  Type element = n.op.isStandard("CastLike") ? n.elementOf(1)
                 : n.op.getNodeAttr("to")
                     ? getElementType(n.op.getInt("to", 0), n.b)
                     : getElementTypeOf(n.op.getResult(0));
  if (!element && n.op.getNodeAttr("to"))
    return n.contradict("casts to element type " + Twine(n.op.getInt("to", 0)) +
                        " of ONNX, which is not supported");
  auto elements = n.elementsOf(0);
  if (element && element.isInteger() && elements) {
    if (element.isInteger(1))
      for (Poly &value : *elements)
        value = value.asConstant() ? Poly(*value.asConstant() != 0)
                                   : Poly::invalid();
    n.setElements(0, *elements);
  }
  return n.set(0, element, dims);
}

} // namespace

void onnx::addElementwiseRules(RuleTable &t) {
  t.addAll({"Exp",        "Log",
            "Sqrt",       "Reciprocal",
            "Sin",        "Cos",
            "Tan",        "Asin",
            "Acos",       "Atan",
            "Sinh",       "Cosh",
            "Asinh",      "Acosh",
            "Atanh",      "Tanh",
            "Erf",        "Sigmoid",
            "Softplus",   "Softsign",
            "Relu",       "Floor",
            "Ceil",       "Round",
            "Sign",       "Gelu",
            "Clip",       "HardSigmoid",
            "HardSwish",  "Elu",
            "Celu",       "Selu",
            "LeakyRelu",  "ThresholdedRelu",
            "Mish",       "Swish",
            "BitwiseNot", "Shrink"},
           1, inferSameAsFirst);
  t.addAll({"FastGelu", "QuickGelu", "Gelu", "BiasGelu"}, 1, inferSameAsFirst,
           kMicrosoft);
  t.addAll({"Neg", "Abs", "Not"}, 1, unaryOnElements);
  t.addAll({"Identity", "Dropout"}, 1, forward);
  t.addAll({"Add", "Sub", "Mul", "Div", "And", "Or", "Xor", "Pow"}, 7, binary);
  t.addAll({"Min", "Max", "Sum", "Mean"}, 8, binary);
  t.add("PRelu", 7, inferSameAsFirst);
  t.add("Mod", 10, binary);
  t.add("BitShift", 11, binary);
  t.addAll({"BitwiseAnd", "BitwiseOr", "BitwiseXor"}, 18, binary);
  t.addAll({"Equal", "Less", "Greater"}, 7, comparison);
  t.addAll({"LessOrEqual", "GreaterOrEqual"}, 12, comparison);
  t.add("IsNaN", 9, test);
  t.add("IsInf", 10, test);
  t.add("Where", 9, where);
  t.add("Cast", 6, castOp);
  t.add("CastLike", 15, castOp);
}
