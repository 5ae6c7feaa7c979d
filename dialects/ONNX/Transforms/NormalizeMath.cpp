//===- NormalizeMath.cpp - One spelling for arithmetic, products and norms ===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/Normalize.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// alpha * A' * B' + beta * C as MatMul, Mul and Add; a transposed weight is a
/// recipe.
static Values gemmRule(NodeRewriter &r) {
  Value a = r.op.getInputs()[0], b = r.op.getInputs()[1];
  Type element = getElementTypeOf(a);
  if (r.op.getInt("transA", 0))
    a = r.transpose(a, {1, 0});
  if (r.op.getInt("transB", 0))
    b = r.transpose(b, {1, 0});
  if (!a || !b)
    return std::nullopt;
  Value y = r.create("MatMul", {a, b});
  double alpha = r.op.getFloat("alpha", 1), beta = r.op.getFloat("beta", 1);
  if (y && alpha != 1)
    y = r.create("Mul", {y, r.scalar(element, alpha)});
  if (Value c = r.op.getInputOrNull(2); y && c) {
    if (beta != 1)
      c = r.create("Mul", {c, r.scalar(element, beta)});
    y = c ? r.create("Add", {y, c}) : Value();
  }
  return single(y);
}

/// com.microsoft.FusedMatMul: alpha * A' * B'.
static Values fusedMatMulRule(NodeRewriter &r) {
  Value operands[2];
  for (unsigned i : {0u, 1u}) {
    auto dims = getPolyDims(r.op.getInputs()[i]);
    if (!dims)
      return std::nullopt;
    operands[i] = r.transpose(r.op.getInputs()[i],
                              getFusedMatMulPerm(r.op, i, dims->size()));
    if (!operands[i])
      return std::nullopt;
  }
  Value y = r.create("MatMul", operands);
  if (double alpha = r.op.getFloat("alpha", 1); y && alpha != 1)
    y = r.create("Mul", {y, r.scalar(getElementTypeOf(y), alpha)});
  return single(y);
}

/// Axes as an attribute, counted from the front.
static Values reduceRule(NodeRewriter &r) {
  auto dims = getPolyDims(r.op.getInputs()[0]);
  if (!dims)
    return std::nullopt;
  SmallVector<int64_t> axes;
  if (auto attr =
          dyn_cast_or_null<DenseI64ArrayAttr>(r.op.getNodeAttr("axes"))) {
    axes.assign(attr.asArrayRef().begin(), attr.asArrayRef().end());
  } else if (Value input = r.op.getInputOrNull(1)) {
    auto constants = getConstantElements(input);
    if (!constants)
      return std::nullopt;
    axes = *constants;
  }
  if (axes.empty()) {
    if (r.op.getInt("noop_with_empty_axes", 0))
      return SmallVector<Value>{r.op.getInputs()[0]};
    for (size_t i = 0; i < dims->size(); ++i)
      axes.push_back(i);
  }
  for (int64_t &axis : axes)
    if (axis < 0)
      axis += dims->size();
  llvm::sort(axes);
  int64_t keep = r.op.getInt("keepdims", 1);
  if (r.op.getInputs().size() == 1 && r.op.getNodeAttr("normalized"))
    return std::nullopt;
  return single(r.create(r.op.getOpType(), r.op.getInputs()[0],
                         {r.attr("axes", axes), r.attr("keepdims", keep),
                          r.attr("normalized", r.builder.getUnitAttr())}));
}

/// Before opset 13 Softmax flattened to two dimensions, by default at 1.
static Values softmaxRule(NodeRewriter &r) {
  auto dims = getPolyDims(r.op.getInputs()[0]);
  if (!dims)
    return std::nullopt;
  int64_t rank = dims->size();
  bool old = r.op.getVersion() < 13;
  int64_t axis = r.op.getInt("axis", old ? 1 : -1);
  if (axis < 0)
    axis += rank;
  if (!old || axis == rank - 1) {
    r.op.setNodeAttrsAttr(r.builder.getDictionaryAttr(r.attr("axis", axis)));
    return std::nullopt;
  }
  Poly rows(1), columns(1);
  for (int64_t i = 0; i < rank; ++i)
    (i < axis ? rows : columns) = (i < axis ? rows : columns) * (*dims)[i];
  Value flat = r.reshape(r.op.getInputs()[0], {rows, columns});
  Value y =
      flat ? r.create(r.op.getOpType(), flat, r.attr("axis", 1)) : Value();
  return single(y ? r.reshape(y, *dims) : Value());
}

static Values topKRule(NodeRewriter &r) {
  auto dims = getPolyDims(r.op.getInputs()[0]);
  int64_t axis = r.op.getInt("axis", -1);
  if (!dims)
    return std::nullopt;
  if (axis < 0)
    axis += dims->size();
  r.op.setNodeAttrsAttr(r.builder.getDictionaryAttr(
      {r.attr("axis", axis), r.attr("largest", r.op.getInt("largest", 1)),
       r.attr("sorted", r.op.getInt("sorted", 1))}));
  return std::nullopt;
}

/// The place of the largest element is the first choice of TopK; both take the
/// lower index of equal ones.
static Values argReduceRule(NodeRewriter &r) {
  Value data = r.op.getInputs()[0];
  auto dims = getPolyDims(data), result = getPolyDims(r.op.getResult(0));
  if (!dims || !result || r.op.getInt("select_last_index", 0))
    return std::nullopt;
  int64_t axis = r.op.getInt("axis", 0), rank = dims->size();
  if (axis < 0)
    axis += rank;
  SmallVector<int64_t> swap = llvm::to_vector(llvm::seq<int64_t>(rank));
  std::swap(swap[axis], swap[rank - 1]);
  data = r.transpose(data, swap);
  if (!data)
    return std::nullopt;
  Type i64 = r.builder.getI64Type();
  Value one = onnx::ConstantOp::create(
      r.builder, r.getLoc(),
      cast<ElementsAttr>(Attribute(DenseElementsAttr::get(
          RankedTensorType::get({1}, i64), r.builder.getI64IntegerAttr(1)))));
  Type unknown = ValueType::get(r.op.getContext());
  auto topK = NodeOp::create(
      r.builder, r.getLoc(), {unknown, unknown}, {data, one}, "TopK", "",
      r.op.getName(), 23,
      r.builder.getDictionaryAttr(
          {r.attr("axis", rank - 1),
           r.attr("largest", int64_t(r.op.getOpType() == "ArgMax")),
           r.attr("sorted", 1)}),
      ArrayAttr(), ArrayAttr(), 0);
  if (failed(inferNode(topK)))
    return std::nullopt;
  Value place = r.transpose(topK.getResult(1), swap);
  return single(place ? r.reshape(place, *result) : Value());
}

static Value rmsNorm(NodeRewriter &r, Value x, Value scale, double epsilon,
                     int64_t axis) {
  auto dims = getPolyDims(x);
  if (!dims)
    return {};
  if (axis < 0)
    axis += dims->size();
  return r.create("RMSNormalization", {x, scale},
                  {r.attr("axis", axis),
                   r.attr("epsilon", r.builder.getF32FloatAttr(epsilon))});
}

static Values rmsNormRule(NodeRewriter &r) {
  if (r.op.isStandard("RMSNormalization") && r.op.getInt("axis", -1) >= 0)
    return std::nullopt;
  if (r.op.getNumResults() > 1 && !r.op.getResult(1).use_empty())
    return std::nullopt;
  SmallVector<Value> values(r.op.getNumResults());
  values[0] = rmsNorm(r, r.op.getInputs()[0], r.op.getInputs()[1],
                      r.op.getFloat("epsilon", 1e-5), r.op.getInt("axis", -1));
  return values[0] ? Values(values) : std::nullopt;
}

/// The sum of input, skip and bias; its norm, with a scale or with a scale and
/// a shift; results 1 and 2 are statistics that only training reads.
static Values skipNormRule(NodeRewriter &r) {
  bool simplified = r.op.getOpType() == "SkipSimplifiedLayerNormalization";
  for (unsigned i : {1u, 2u})
    if (i < r.op.getNumResults() && !r.op.getResult(i).use_empty())
      return std::nullopt;
  Value sum = r.create("Add", {r.op.getInputs()[0], r.op.getInputs()[1]});
  if (Value bias = r.op.getInputOrNull(simplified ? 3 : 4); sum && bias)
    sum = r.create("Add", {sum, bias});
  if (!sum)
    return std::nullopt;
  SmallVector<Value> values(r.op.getNumResults());
  double epsilon = r.op.getFloat("epsilon", 1e-12);
  if (simplified) {
    values[0] = rmsNorm(r, sum, r.op.getInputs()[2], epsilon, -1);
  } else {
    SmallVector<Value> inputs = {sum, r.op.getInputs()[2]};
    if (Value shift = r.op.getInputOrNull(3))
      inputs.push_back(shift);
    values[0] =
        r.create("LayerNormalization", inputs,
                 {r.attr("axis", -1),
                  r.attr("epsilon", r.builder.getF32FloatAttr(epsilon))});
  }
  if (values.size() > 3)
    values[3] = sum;
  return values[0] ? Values(values) : std::nullopt;
}

/// Min, Max, Sum of one or many operands as a chain of two.
static Values chainRule(NodeRewriter &r) {
  StringRef name = r.op.isStandard("Sum") ? "Add" : r.op.getOpType();
  if (r.op.getInputs().size() == 2 && name == r.op.getOpType())
    return std::nullopt;
  Value result = r.op.getInputs()[0];
  for (Value input : r.op.getInputs().drop_front())
    if (result)
      result = r.create(name, {result, input});
  return single(result);
}

/// The exponent gets the type of the base.
static Values powRule(NodeRewriter &r) {
  Value base = r.op.getInputs()[0], exponent = r.op.getInputs()[1];
  Type element = getElementTypeOf(base);
  auto dims = getPolyDims(base), other = getPolyDims(exponent);
  if (!dims || !other || !isa<FloatType>(element) ||
      getElementTypeOf(exponent) == element)
    return std::nullopt;
  auto constants = getConstantElements(exponent);
  if (constants && constants->size() == 1 && other->size() <= dims->size())
    return single(r.create("Pow", {base, r.scalar(element, (*constants)[0])}));
  Type type =
      getTensorType(element, getDims(exponent.getType(), r.op.getContext()),
                    getNumSymbols(r.op->getParentOfType<ModuleOp>()));
  auto cast = NodeOp::create(
      r.builder, r.getLoc(), type, exponent, "Cast", "", r.op.getName(), 23,
      r.builder.getDictionaryAttr({}), ArrayAttr(), ArrayAttr(), 0);
  return single(r.create("Pow", {base, cast.getResult(0)}));
}

/// x * sigmoid(alpha * x).
static Values swishRule(NodeRewriter &r) {
  Value x = r.op.getInputs()[0];
  double alpha = r.op.getFloat(
      "alpha", r.op.is("com.microsoft", "QuickGelu") ? 1.702 : 1.0);
  Value scaled = x;
  if (alpha != 1)
    scaled = r.create("Mul", {x, r.scalar(getElementTypeOf(x), alpha)});
  Value s = scaled ? r.create("Sigmoid", scaled) : Value();
  return single(s ? r.create("Mul", {x, s}) : Value());
}

/// com.microsoft Gelu, BiasGelu (exact) and FastGelu (tanh), the last two with
/// a bias to add first.
static Values geluRule(NodeRewriter &r) {
  Value x = r.op.getInputs()[0];
  if (Value bias = r.op.getInputOrNull(1))
    x = r.create("Add", {x, bias});
  StringRef kind = r.op.getOpType() == "FastGelu" ? "tanh" : "none";
  return single(
      x ? r.create("Gelu", x,
                   r.attr("approximate", r.builder.getStringAttr(kind)))
        : Value());
}

/// Clip as Max and Min with the bounds it has.
static Values clipRule(NodeRewriter &r) {
  Value x = r.op.getInputs()[0];
  Type element = getElementTypeOf(x);
  auto bound = [&](StringRef name, unsigned input) -> Value {
    if (auto attr = dyn_cast_or_null<FloatAttr>(r.op.getNodeAttr(name)))
      return r.scalar(element, attr.getValueAsDouble());
    return r.op.getInputOrNull(input);
  };
  if (Value low = bound("min", 1))
    x = r.create("Max", {x, low});
  if (Value high = bound("max", 2); x && high)
    x = r.create("Min", {x, high});
  return single(x);
}

void onnx::addMathRules(NormalizeTable &table) {
  table["Gemm"] = gemmRule;
  table["com.microsoft::FusedMatMul"] = fusedMatMulRule;
  for (const char *name :
       {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"})
    table[name] = reduceRule;
  table["Softmax"] = table["LogSoftmax"] = softmaxRule;
  table["TopK"] = topKRule;
  table["ArgMax"] = table["ArgMin"] = argReduceRule;
  for (const char *name : {"RMSNormalization", "SimplifiedLayerNormalization",
                           "com.microsoft::SimplifiedLayerNormalization"})
    table[name] = rmsNormRule;
  for (const char *name : {"com.microsoft::SkipSimplifiedLayerNormalization",
                           "com.microsoft::SkipLayerNormalization"})
    table[name] = skipNormRule;
  for (const char *name : {"com.microsoft::Gelu", "com.microsoft::BiasGelu",
                           "com.microsoft::FastGelu"})
    table[name] = geluRule;
  for (const char *name : {"Min", "Max", "Sum"})
    table[name] = chainRule;
  table["Swish"] = table["com.microsoft::QuickGelu"] = swishRule;
  table["Clip"] = clipRule;
  table["Pow"] = powRule;
}
