//===- NormalizeMovement.cpp - One spelling for nodes that move data ------===//
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

static bool isWeight(Value value) {
  return isa<weights::WeightTensorType>(value.getType());
}

/// Replaces by the operand: Identity, Dropout in inference.
static Values forward(NodeRewriter &r) {
  SmallVector<Value> values(r.op.getNumResults());
  values[0] = r.op.getInputs()[0];
  return values;
}

/// Everything that keeps the elements and their order is a Reshape to the type
/// that was inferred.
static Values toReshape(NodeRewriter &r) {
  if (r.op.getInputs().size() == 1 && r.op.getNodeAttr("shape"))
    return std::nullopt;
  auto dims = getPolyDims(r.op.getResult(0));
  if (!dims)
    return std::nullopt;
  Value value = r.reshape(r.op.getInputs()[0], *dims);
  if (!value)
    return std::nullopt;
  // Shape values stay known.
  if (AffineMap elements = r.op.getShapeValue())
    if (auto node = value.getDefiningOp<NodeOp>())
      node.setShapeValue(0, elements);
  return SmallVector<Value>{value};
}

static Values transposeRule(NodeRewriter &r) {
  auto type = getPolyDims(r.op.getInputs()[0]);
  if (!type)
    return std::nullopt;
  SmallVector<int64_t> perm;
  if (auto attr = dyn_cast_or_null<DenseI64ArrayAttr>(r.op.getNodeAttr("perm")))
    perm.assign(attr.asArrayRef().begin(), attr.asArrayRef().end());
  else
    for (int64_t i = type->size() - 1; i >= 0; --i)
      perm.push_back(i);
  Value value = r.transpose(r.op.getInputs()[0], perm);
  return value ? Values(SmallVector<Value>{value}) : std::nullopt;
}

static Values expandRule(NodeRewriter &r) {
  Value data = r.op.getInputs()[0];
  auto dims = getPolyDims(r.op.getResult(0));
  auto old = getPolyDims(data);
  if (!dims || !old || r.op.getNodeAttr("shape"))
    return std::nullopt;
  if (*old == *dims)
    return SmallVector<Value>{data};
  Value value = r.create("Expand", data, r.attr("shape", r.map(*dims)));
  return value ? Values(SmallVector<Value>{value}) : std::nullopt;
}

static Values concatRule(NodeRewriter &r) {
  auto dims = getPolyDims(r.op.getResult(0));
  if (!dims)
    return std::nullopt;
  if (r.op.getInputs().size() == 1)
    return forward(r);
  int64_t axis = r.op.getInt("axis", 0);
  if (axis < 0)
    axis += dims->size();
  if (llvm::all_of(r.op.getInputs(), isWeight)) {
    SmallVector<int64_t> shape;
    for (const Poly &dim : *dims)
      shape.push_back(*dim.asConstant());
    auto type = weights::WeightTensorType::get(
        r.op.getContext(), shape, getElementTypeOf(r.op.getInputs()[0]));
    return SmallVector<Value>{weights::ConcatOp::create(
        r.builder, r.getLoc(), type, r.op.getInputs(), axis)};
  }
  r.op.setNodeAttrsAttr(r.builder.getDictionaryAttr(r.attr("axis", axis)));
  return std::nullopt;
}

/// The box [offsets, offsets + sizes) with steps, as attributes.
static Value sliceOf(NodeRewriter &r, Value data, ArrayRef<Poly> offsets,
                     ArrayRef<Poly> sizes, ArrayRef<int64_t> steps) {
  auto dims = getPolyDims(data);
  bool whole = true, contiguous = true;
  for (size_t i = 0; i < dims->size(); ++i) {
    whole &=
        offsets[i].asConstant() == 0 && sizes[i] == (*dims)[i] && steps[i] == 1;
    contiguous &= steps[i] == 1;
  }
  if (whole)
    return data;
  if (isWeight(data) && contiguous) {
    SmallVector<int64_t> from, count;
    for (size_t i = 0; i < dims->size(); ++i) {
      from.push_back(*offsets[i].asConstant());
      count.push_back(*sizes[i].asConstant());
    }
    auto type = weights::WeightTensorType::get(r.op.getContext(), count,
                                               getElementTypeOf(data));
    return weights::ViewOp::create(r.builder, r.getLoc(), type, data, from,
                                   count);
  }
  return r.create("Slice", data,
                  {r.attr("offsets", r.map(offsets)),
                   r.attr("sizes", r.map(sizes)), r.attr("steps", steps)});
}

static Values sliceRule(NodeRewriter &r) {
  auto offsets = dyn_cast_or_null<AffineMapAttr>(r.op.getNodeAttr("offsets"));
  auto sizes = dyn_cast_or_null<AffineMapAttr>(r.op.getNodeAttr("sizes"));
  auto steps = dyn_cast_or_null<DenseI64ArrayAttr>(r.op.getNodeAttr("steps"));
  if (!offsets || !sizes || !steps || r.op.getInputs().size() == 1)
    return std::nullopt;
  auto polys = [](AffineMap map) {
    SmallVector<Poly> result;
    for (AffineExpr expr : map.getResults())
      result.push_back(Poly::fromAffine(expr));
    return result;
  };
  Value value = sliceOf(r, r.op.getInputs()[0], polys(offsets.getValue()),
                        polys(sizes.getValue()), steps.asArrayRef());
  return value ? Values(SmallVector<Value>{value}) : std::nullopt;
}

/// One Slice for each part.
static Values splitRule(NodeRewriter &r) {
  Value data = r.op.getInputs()[0];
  auto dims = getPolyDims(data);
  if (!dims)
    return std::nullopt;
  int64_t axis = r.op.getInt("axis", 0);
  if (axis < 0)
    axis += dims->size();
  SmallVector<Value> values;
  SmallVector<Poly> offsets(dims->size(), Poly(0));
  SmallVector<int64_t> steps(dims->size(), 1);
  for (Value result : r.op.getResults()) {
    auto sizes = getPolyDims(result);
    if (!sizes)
      return std::nullopt;
    Value part = sliceOf(r, data, offsets, *sizes, steps);
    if (!part)
      return std::nullopt;
    values.push_back(part);
    offsets[axis] = offsets[axis] + (*sizes)[axis];
  }
  return values;
}

static Values castRule(NodeRewriter &r) {
  Value data = r.op.getInputs()[0];
  auto type = dyn_cast<RankedTensorType>(r.op.getResult(0).getType());
  if (!type)
    return std::nullopt;
  if (getElementTypeOf(data) == type.getElementType())
    return SmallVector<Value>{data};
  if (isWeight(data)) {
    auto weight = weights::WeightTensorType::get(
        r.op.getContext(), type.getShape(), type.getElementType());
    return SmallVector<Value>{
        weights::CastOp::create(r.builder, r.getLoc(), weight, data)};
  }
  if (r.op.isStandard("CastLike") || r.op.getNodeAttr("to")) {
    // The result type says what the attribute said.
    Value value = data;
    auto node = NodeOp::create(
        r.builder, r.getLoc(), type, value, "Cast", "", r.op.getName(), 23,
        r.builder.getDictionaryAttr({}), ArrayAttr(), ArrayAttr(), 0);
    if (AffineMap elements = r.op.getShapeValue())
      node.setShapeValue(0, elements);
    return SmallVector<Value>{node.getResult(0)};
  }
  return std::nullopt;
}

/// One slice of a weight is a recipe.
static Values gatherRule(NodeRewriter &r) {
  Value data = r.op.getInputs()[0];
  auto dims = getPolyDims(data), result = getPolyDims(r.op.getResult(0));
  int64_t axis = r.op.getInt("axis", 0);
  if (dims && axis < 0)
    axis += dims->size();
  auto indices = getConstantElements(r.op.getInputs()[1]);
  if (dims && result && isWeight(data) && indices && indices->size() == 1) {
    SmallVector<Poly> offsets(dims->size(), Poly(0)), sizes(*dims);
    auto extent = (*dims)[axis].asConstant();
    int64_t at = (*indices)[0] < 0 ? (*indices)[0] + *extent : (*indices)[0];
    if (at < 0 || at >= *extent)
      return std::nullopt;
    offsets[axis] = Poly(at);
    sizes[axis] = Poly(1);
    SmallVector<int64_t> steps(dims->size(), 1);
    return single(r.reshape(sliceOf(r, data, offsets, sizes, steps), *result));
  }
  if (dims)
    r.op.setNodeAttrsAttr(r.builder.getDictionaryAttr(r.attr("axis", axis)));
  return std::nullopt;
}

/// Each repeated dimension d becomes [repeats, d]: a Reshape, an Expand and a
/// Reshape back.
static Values tileRule(NodeRewriter &r) {
  Value data = r.op.getInputs()[0];
  auto from = getPolyDims(data), to = getPolyDims(r.op.getResult(0));
  auto repeats = getElements(r.op.getInputs()[1]);
  if (!from || !to || !repeats || repeats->size() != from->size())
    return std::nullopt;
  SmallVector<Poly> split, stretched;
  for (auto [dim, count] : llvm::zip(*from, *repeats)) {
    if (count != Poly(1) && dim != Poly(1)) {
      split.push_back(Poly(1));
      stretched.push_back(count);
    }
    split.push_back(dim);
    stretched.push_back(dim == Poly(1) ? count : dim);
  }
  Value value = r.reshape(data, split);
  if (value && split != stretched)
    value = r.create("Expand", value, r.attr("shape", r.map(stretched)));
  return single(value ? r.reshape(value, *to) : Value());
}

static Values constantOfShapeRule(NodeRewriter &r) {
  auto dims = getPolyDims(r.op.getResult(0));
  if (!dims || r.op.getNodeAttr("shape"))
    return std::nullopt;
  Type element = getElementTypeOf(r.op.getResult(0));
  double value = 0;
  if (auto attr =
          dyn_cast_or_null<DenseElementsAttr>(r.op.getNodeAttr("value")))
    value = isa<FloatType>(element)
                ? attr.getSplatValue<APFloat>().convertToDouble()
                : double(attr.getSplatValue<APInt>().getSExtValue());
  Value result = r.create("Expand", r.scalar(element, value),
                          r.attr("shape", r.map(*dims)));
  return result ? Values(SmallVector<Value>{result}) : std::nullopt;
}

static Value rangeNode(NodeRewriter &r, Type type, const Poly &start,
                       int64_t step) {
  return NodeOp::create(
             r.builder, r.getLoc(), type, ValueRange(), "Range", "",
             r.op.getName(), 23,
             r.builder.getDictionaryAttr(
                 {r.attr("start", r.map(start)), r.attr("step", step)}),
             ArrayAttr(), ArrayAttr(), 0)
      .getResult(0);
}

/// start + step * i for constants that need not be whole.
static Values floatRange(NodeRewriter &r) {
  auto start = getConstantFloat(r.op.getInputs()[0]);
  auto step = getConstantFloat(r.op.getInputs()[2]);
  auto type = dyn_cast<RankedTensorType>(r.op.getResult(0).getType());
  if (!start || !step || !type || !type.hasStaticShape())
    return std::nullopt;
  Type element = type.getElementType();
  Value i = rangeNode(r, type, Poly(0), 1);
  Value scaled = r.create("Mul", {i, r.scalar(element, *step)});
  return single(scaled ? r.create("Add", {scaled, r.scalar(element, *start)})
                       : Value());
}

/// Start and step become attributes; the number of elements is in the type.
static Values rangeRule(NodeRewriter &r) {
  if (r.op.getInputs().size() != 3)
    return std::nullopt;
  if (isa_and_nonnull<FloatType>(getElementTypeOf(r.op.getInputs()[0])))
    return floatRange(r);
  auto start = getElements(r.op.getInputs()[0]);
  auto step = getConstantElements(r.op.getInputs()[2]);
  auto dims = getPolyDims(r.op.getResult(0));
  if (!start || start->size() != 1 || !step || step->size() != 1 || !dims)
    return std::nullopt;
  return SmallVector<Value>{
      rangeNode(r, r.op.getResult(0).getType(), (*start)[0], (*step)[0])};
}

void onnx::addMovementRules(NormalizeTable &table) {
  table["Identity"] = table["Dropout"] = forward;
  for (const char *name : {"Reshape", "Squeeze", "Unsqueeze", "Flatten"})
    table[name] = toReshape;
  table["Transpose"] = transposeRule;
  table["Expand"] = expandRule;
  table["Tile"] = tileRule;
  table["Concat"] = concatRule;
  table["Slice"] = sliceRule;
  table["Split"] = splitRule;
  table["Cast"] = table["CastLike"] = castRule;
  table["Gather"] = gatherRule;
  table["ConstantOfShape"] = constantOfShapeRule;
  table["Range"] = rangeRule;
}
