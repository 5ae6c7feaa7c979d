//===- ShapeOps.cpp - Shapes of operators that make and take shapes -------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Inference.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

LogicalResult shape(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t rank = dims.size();
  int64_t start = n.op.getInt("start", 0), end = n.op.getInt("end", rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  n.setElements(0, ArrayRef<Poly>(dims).slice(start, end - start));
  return n.set(0, n.b.getI64Type(), {Poly(end - start)});
}

Poly productOf(ArrayRef<Poly> dims) {
  Poly product(1);
  for (const Poly &dim : dims)
    product = product * dim;
  return product;
}

LogicalResult size(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  n.setElements(0, {productOf(dims)});
  return n.set(0, n.b.getI64Type(), {});
}

LogicalResult reshape(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  if (auto elements = n.elementsOf(0))
    n.setElements(0, *elements);
  // The normalized form has its target as an attribute.
  if (auto target = n.mapAttr("shape"))
    return n.set(0, n.elementOf(0), *target);
  auto target = n.partialElementsOf(1);
  if (!target)
    return failure();
  bool allowZero = n.op.getInt("allowzero", 0) != 0;
  std::optional<size_t> inferred;
  Dims wanted = *target;
  for (auto [i, dim] : llvm::enumerate(*target)) {
    if (dim.asConstant() == -1) {
      if (inferred)
        return n.contradict("the shape has more than one -1");
      inferred = i;
    } else if (dim.asConstant() == 0 && !allowZero) {
      if (i >= dims.size())
        return n.contradict("0 in the shape copies dimension " + Twine(i) +
                            " of a tensor of rank " + Twine(dims.size()));
      dim = dims[i];
    }
  }
  // A single dimension that is not known can only be what is left.
  if (!inferred && llvm::count_if(*target, [](const Poly &dim) {
                     return !dim.isValid();
                   }) == 1)
    inferred =
        llvm::find_if(*target, [](const Poly &dim) { return !dim.isValid(); }) -
        target->begin();
  Poly total = productOf(dims), known(1);
  for (auto [i, dim] : llvm::enumerate(*target))
    if (inferred != i)
      known = known * dim;
  if (inferred) {
    std::optional<Poly> rest = total.dividedBy(known);
    if (!rest && total.asConstant() && known.asConstant().value_or(0) != 0)
      return n.contradict("cannot reshape " + n.text(dims) + " to " +
                          n.text(wanted));
    (*target)[*inferred] = rest ? *rest : Poly::invalid();
  } else if (auto a = total.asConstant(), c = known.asConstant();
             a && c && *a != *c) {
    return n.contradict("cannot reshape " + n.text(dims) + " to " +
                        n.text(wanted));
  } else if (total.isValid() && known.isValid() &&
             failed(n.unify(total, known))) {
    return failure();
  }
  n.makeKnown(0, *target);
  return n.set(0, n.elementOf(0), *target);
}

LogicalResult squeeze(Inference &n) {
  Dims dims, result;
  auto list = n.intsOf("axes", 1);
  if (!n.dimsOf(0, dims) || !list)
    return failure();
  if (auto elements = n.elementsOf(0))
    n.setElements(0, *elements);
  bool all = !n.op.hasInput(1) && !n.op.getNodeAttr("axes");
  if (failed(n.normalizeAxes(*list, dims.size())))
    return failure();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    bool named = llvm::is_contained(*list, int64_t(i));
    if (named && dim.asConstant() && dim.asConstant() != 1)
      return n.contradict("squeezes dimension " + Twine(i) + " of " +
                          n.text(dims));
    if (named && !dim.asConstant() && failed(n.unify(dim, Poly(1))))
      return failure();
    if (!named && !(all && dim.asConstant() == 1))
      result.push_back(dim);
  }
  return n.set(0, n.elementOf(0), result);
}

LogicalResult unsqueeze(Inference &n) {
  Dims dims, result;
  auto list = n.intsOf("axes", 1);
  if (!n.dimsOf(0, dims) || !list)
    return failure();
  if (auto elements = n.elementsOf(0))
    n.setElements(0, *elements);
  int64_t rank = dims.size() + list->size();
  if (failed(n.normalizeAxes(*list, rank)))
    return failure();
  size_t next = 0;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(*list, i))
      result.push_back(Poly(1));
    else if (next < dims.size())
      result.push_back(dims[next++]);
  }
  if (next != dims.size() || int64_t(result.size()) != rank)
    return n.contradict("inserts one dimension twice");
  return n.set(0, n.elementOf(0), result);
}

LogicalResult flatten(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t axis = n.op.getInt("axis", 1), rank = dims.size();
  if (axis < -rank || axis > rank)
    return n.contradict("flattens at dimension " + Twine(axis) + " of " +
                        n.text(dims));
  axis = axis < 0 ? axis + rank : axis;
  return n.set(0, n.elementOf(0),
               {productOf(ArrayRef<Poly>(dims).take_front(axis)),
                productOf(ArrayRef<Poly>(dims).drop_front(axis))});
}

LogicalResult transpose(Inference &n) {
  Dims dims, result;
  if (!n.dimsOf(0, dims))
    return failure();
  SmallVector<int64_t> perm;
  if (auto attr = dyn_cast_or_null<DenseI64ArrayAttr>(n.op.getNodeAttr("perm")))
    perm.assign(attr.asArrayRef().begin(), attr.asArrayRef().end());
  else
    for (int64_t i = dims.size() - 1; i >= 0; --i)
      perm.push_back(i);
  if (perm.size() != dims.size())
    return n.contradict("permutes " + Twine(perm.size()) +
                        " dimensions of a tensor of rank " +
                        Twine(dims.size()));
  SmallVector<bool> seen(dims.size(), false);
  for (int64_t from : perm) {
    if (from < 0 || from >= int64_t(dims.size()) || seen[from])
      return n.contradict("its permutation is not one");
    seen[from] = true;
    result.push_back(dims[from]);
  }
  if (auto elements = n.elementsOf(0); elements && dims.size() == 1)
    n.setElements(0, *elements);
  return n.set(0, n.elementOf(0), result);
}

LogicalResult expand(Inference &n) {
  Dims dims, result;
  if (!n.dimsOf(0, dims))
    return failure();
  if (auto target = n.mapAttr("shape"))
    return n.set(0, n.elementOf(0), *target);
  auto target = n.partialElementsOf(1);
  if (!target)
    return failure();
  // A size that is not known may still be 1.
  size_t rank = std::max(dims.size(), target->size());
  n.makeKnown(0, *target);
  if (failed(n.broadcastDims({dims, *target}, result)))
    return failure();
  auto elements = n.elementsOf(0);
  std::optional<int64_t> count = productOf(result).asConstant();
  if (elements && elements->size() == 1 && rank <= 1 && count &&
      *count <= kMaxElements)
    n.setElements(0, Dims(*count, Poly((*elements)[0])));
  return n.set(0, n.elementOf(0), result);
}

LogicalResult tile(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  auto repeats = n.partialElementsOf(1);
  if (!repeats)
    repeats = Dims(dims.size(), Poly::invalid());
  if (repeats->size() != dims.size())
    return n.contradict("has " + Twine(repeats->size()) +
                        " repeats for a tensor of rank " + Twine(dims.size()));
  for (auto [dim, factor] : llvm::zip(dims, *repeats))
    dim = dim * factor;
  n.makeKnown(0, dims);
  return n.set(0, n.elementOf(0), dims);
}

LogicalResult constantOfShape(Inference &n) {
  auto target = n.mapAttr("shape");
  if (!target)
    target = n.partialElementsOf(0);
  if (!target)
    return failure();
  n.makeKnown(0, *target);
  Type element = n.b.getF32Type();
  auto value = dyn_cast_or_null<DenseElementsAttr>(n.op.getNodeAttr("value"));
  if (value) {
    element = value.getElementType();
    if (value.getNumElements() != 1)
      return n.contradict("its value has " + Twine(value.getNumElements()) +
                          " elements instead of one");
  }
  std::optional<int64_t> count = productOf(*target).asConstant();
  if (value && element.isInteger() && target->size() <= 1 && count &&
      *count >= 0 && *count <= kMaxElements) {
    APInt constant = *value.getValues<APInt>().begin();
    bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
    n.setElements(0, Dims(*count, Poly(isUnsigned ? constant.getZExtValue()
                                                  : constant.getSExtValue())));
  }
  return n.set(0, element, *target);
}

LogicalResult range(Inference &n) {
  Type element = n.elementOf(0);
  if (!element && n.op.getInputs().empty()) // the normalized form
    return success();
  auto numberOf = [&](unsigned i) -> std::optional<double> {
    Value value = n.op.getInputOrNull(i);
    return value ? getConstantFloat(value) : std::nullopt;
  };
  if (numberOf(2) == 0.0)
    return n.contradict("has a step of 0");
  if (auto start = numberOf(0), limit = numberOf(1), delta = numberOf(2);
      start && limit && delta) {
    double count = std::ceil((*limit - *start) / *delta);
    if (count < double(INT32_MAX))
      return n.set(0, element, {Poly(int64_t(std::max(0.0, count)))});
  }
  auto start = n.elementsOf(0), limit = n.elementsOf(1);
  auto delta = n.constantsOf(2);
  if (delta && delta->size() == 1 && (*delta)[0] == 0)
    return n.contradict("has a step of 0");
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 ||
      delta->size() != 1)
    return n.set(0, element, {n.fresh(0, 0)});
  int64_t step = (*delta)[0];
  Poly span = step > 0 ? (*limit)[0] - (*start)[0] : (*start)[0] - (*limit)[0];
  if (auto constant = span.asConstant()) {
    int64_t width = step > 0 ? step : -step;
    int64_t count =
        std::max<int64_t>(0, llvm::divideCeilSigned(*constant, width));
    if (count <= kMaxElements) {
      Dims elements;
      for (int64_t i = 0; i < count; ++i)
        elements.push_back((*start)[0] + Poly(i * step));
      n.setElements(0, elements);
    }
    return n.set(0, element, {Poly(count)});
  }
  // A span that some dimensions make negative gives no elements.
  bool exact = (step == 1 || step == -1) && span.isNonNegative();
  return n.set(0, element, {exact ? span : n.fresh(0, 0)});
}

} // namespace

void onnx::addShapeRules(RuleTable &t) {
  t.add("Shape", 1, shape);
  t.add("Size", 1, size);
  t.add("Reshape", 5, reshape);
  t.add("Squeeze", 1, squeeze);
  t.add("Unsqueeze", 1, unsqueeze);
  t.add("Flatten", 1, flatten);
  t.add("Transpose", 1, transpose);
  t.add("Expand", 8, expand);
  t.add("Tile", 6, tile);
  t.add("ConstantOfShape", 9, constantOfShape);
  t.add("Range", 11, range);
}
