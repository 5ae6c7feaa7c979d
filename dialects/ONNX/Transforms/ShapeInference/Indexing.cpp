//===- Indexing.cpp - Shapes of operators that choose and place elements --===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Inference.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

LogicalResult concat(Inference &n) {
  Dims first;
  if (!n.dimsOf(0, first))
    return failure();
  int64_t axis = n.op.getInt("axis", 0);
  if (failed(n.normalizeAxis(axis, first.size())))
    return failure();
  Dims result = first, elements;
  bool known = first.size() == 1;
  for (unsigned i = 0; i < n.op.getInputs().size(); ++i) {
    Dims dims;
    if (!n.dimsOf(i, dims))
      return failure();
    if (dims.size() != first.size())
      return n.contradict("concatenates " + n.text(first) + " and " +
                          n.text(dims) + ", of different ranks");
    for (int64_t d = 0; d < int64_t(dims.size()); ++d) {
      if (d == axis)
        continue;
      if (dims[d].asConstant() && result[d].asConstant() &&
          dims[d] != result[d])
        return n.contradict("concatenates " + n.text(first) + " and " +
                            n.text(dims) + " along dimension " + Twine(axis));
      FailureOr<Poly> same = n.unify(result[d], dims[d]);
      if (failed(same))
        return failure();
      result[d] = *same;
    }
    if (i > 0)
      result[axis] = result[axis] + dims[axis];
    auto part = n.elementsOf(i);
    known &= part && elements.size() <= size_t(kMaxElements);
    if (known)
      elements.append(*part);
  }
  if (known)
    n.setElements(0, elements);
  return n.set(0, n.elementOf(0), result);
}

/// A range of one dimension; invalid polynomials where it is not known.
struct Range {
  Poly begin = Poly::invalid(), count = Poly::invalid();
};

Range constantRange(int64_t size, int64_t start, int64_t end, int64_t step) {
  auto clampTo = [&](int64_t v, int64_t low, int64_t high) {
    return std::clamp(v < 0 ? v + size : v, low, high);
  };
  int64_t count;
  if (size == 0)
    return {Poly(0), Poly(0)};
  if (step > 0) {
    start = clampTo(start, 0, size);
    end = clampTo(end, 0, size);
    count = end > start ? llvm::divideCeilSigned(end - start, step) : 0;
  } else {
    start = clampTo(start, 0, size - 1);
    end = end < -size ? -1 : clampTo(end, -1, size - 1);
    count = start > end ? llvm::divideCeilSigned(end - start, step) : 0;
  }
  return {Poly(start), Poly(count)};
}

/// Bounds are clamped to the dimension, so a result is known only when the
/// bounds lie inside it whatever the dimensions are.
Range symbolicRange(const Poly &size, Poly start, Poly end, int64_t step) {
  if (!start.isValid() || !end.isValid())
    return {};
  auto from = start.asConstant(), to = end.asConstant();
  // The last element, which the caller records to exist.
  if (from == -1 && to && *to >= INT32_MAX && step == 1)
    return {size - Poly(1), Poly(1)};
  // The whole dimension backwards.
  if (step == -1 && from && (*from == -1 || *from >= INT32_MAX) && to &&
      *to < -INT32_MAX)
    return {size - Poly(1), size};
  if (step < 1)
    return {};
  auto absolute = [&](const Poly &bound, std::optional<int64_t> constant) {
    if (constant && *constant >= INT32_MAX)
      return size;
    // A bound that is negative for all sizes counts from the end.
    return (Poly(-1) - bound).isNonNegative() ? size + bound : bound;
  };
  start = absolute(start, from);
  end = absolute(end, to);
  if (start != end && (end - size).isNonNegative())
    end = size;
  Poly count = end - start;
  if (!start.isNonNegative() || !count.isNonNegative() ||
      !(size - end).isNonNegative())
    return {};
  if (step > 1) {
    std::optional<Poly> steps = count.dividedBy(Poly(step));
    if (!steps)
      return {start, Poly::invalid()};
    count = *steps;
  }
  return {start, count};
}

LogicalResult slice(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  if (n.op.getInputs().size() == 1) // the normalized form
    if (auto sizes = n.mapAttr("sizes"))
      return n.set(0, n.elementOf(0), *sizes);
  auto starts = n.partialElementsOf(1), ends = n.partialElementsOf(2);
  if (!starts || !ends || starts->size() != ends->size())
    return failure();
  size_t count = starts->size();
  SmallVector<int64_t> axes, steps(count, 1);
  if (n.op.hasInput(3)) {
    auto given = n.constantsOf(3);
    if (!given)
      return failure();
    axes = *given;
  } else {
    for (size_t i = 0; i < count; ++i)
      axes.push_back(i);
  }
  bool stepsKnown = true;
  if (n.op.hasInput(4)) {
    auto given = n.constantsOf(4);
    stepsKnown = given.has_value();
    if (given)
      steps = *given;
  }
  if (axes.size() != count || steps.size() != count)
    return n.contradict("has " + Twine(count) + " starts, " +
                        Twine(axes.size()) + " axes and " +
                        Twine(steps.size()) + " steps");
  if (failed(n.normalizeAxes(axes, dims.size())))
    return failure();
  if (llvm::is_contained(steps, 0))
    return n.contradict("has a step of 0");

  Dims begins(dims.size(), Poly(0)), result = dims;
  SmallVector<int64_t> strides(dims.size(), 1);
  bool exact = stepsKnown;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    auto size = dims[axis].asConstant(), from = (*starts)[i].asConstant(),
         to = (*ends)[i].asConstant();
    Range range;
    if (stepsKnown)
      range = size && from && to ? constantRange(*size, *from, *to, steps[i])
                                 : symbolicRange(dims[axis], (*starts)[i],
                                                 (*ends)[i], steps[i]);
    // The last element is there only when any is.
    if (!size && range.count == Poly(1) && range.begin == dims[axis] - Poly(1))
      n.context.assumePositive(dims[axis]);
    exact &= range.begin.isValid() && range.count.isValid();
    begins[axis] = range.begin;
    result[axis] = range.count;
    strides[axis] = steps[i];
  }
  auto elements = n.elementsOf(0);
  if (elements && exact && dims.size() == 1) {
    auto start = begins[0].asConstant(), length = result[0].asConstant();
    if (start && length) {
      Dims part;
      for (int64_t i = 0; i < *length; ++i)
        part.push_back((*elements)[*start + i * strides[0]]);
      n.setElements(0, part);
    }
  }
  n.makeKnown(0, result);
  if (failed(n.set(0, n.elementOf(0), result)) || !exact)
    return failure();
  // Leave what was computed for the normalized form.
  auto map = [&](ArrayRef<Poly> polys) {
    SmallVector<AffineExpr> exprs;
    for (const Poly &poly : polys)
      exprs.push_back(poly.toAffine(n.op.getContext()));
    return AffineMapAttr::get(
        AffineMap::get(0, n.context.getNumSymbols(), exprs, n.op.getContext()));
  };
  NamedAttrList attrs(n.op.getNodeAttrs());
  attrs.set("offsets", map(begins));
  attrs.set("sizes", map(result));
  attrs.set("steps", n.b.getDenseI64ArrayAttr(strides));
  n.op.setNodeAttrsAttr(attrs.getDictionary(n.op.getContext()));
  return success();
}

LogicalResult split(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t axis = n.op.getInt("axis", 0), count = n.op.getNumResults();
  if (failed(n.normalizeAxis(axis, dims.size())) || count == 0)
    return failure();
  auto given = n.intsOf("split", 1);
  if (!given)
    return failure();
  Dims sizes;
  auto total = dims[axis].asConstant();
  if (!given->empty()) {
    int64_t sum = 0;
    for (int64_t size : *given) {
      if (size < 0 || llvm::AddOverflow(sum, size, sum))
        return n.contradict("splits off a part of " + Twine(size));
      sizes.push_back(Poly(size));
    }
    if (int64_t(sizes.size()) != count || (total && *total != sum))
      return n.contradict("splits " + n.text(dims) + " along dimension " +
                          Twine(axis) + " into " + Twine(sizes.size()) +
                          " parts of " + Twine(sum) + " in all, for " +
                          Twine(count) + " results");
    if (!total && failed(n.unify(dims[axis], Poly(sum))))
      return failure();
  } else if (total) {
    int64_t chunk = llvm::divideCeil(*total, count);
    for (int64_t i = 0; i < count; ++i)
      sizes.push_back(Poly(std::clamp<int64_t>(*total - i * chunk, 0, chunk)));
  } else if (auto part = dims[axis].dividedBy(Poly(count))) {
    sizes.assign(count, *part);
  } else {
    return failure();
  }
  auto elements = n.elementsOf(0);
  int64_t at = 0;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    Dims result = dims;
    result[axis] = size;
    if (failed(n.set(i, n.elementOf(0), result)))
      return failure();
    if (elements && dims.size() == 1 && size.asConstant()) {
      n.setElements(i, ArrayRef<Poly>(*elements).slice(at, *size.asConstant()));
      at += *size.asConstant();
    }
  }
  return success();
}

LogicalResult gather(Inference &n) {
  Dims data, indices, result;
  if (!n.dimsOf(0, data) || !n.dimsOf(1, indices))
    return failure();
  int64_t axis = n.op.getInt("axis", 0);
  if (failed(n.normalizeAxis(axis, data.size())))
    return failure();
  for (int64_t i = 0; i < int64_t(data.size()); ++i) {
    if (i == axis)
      result.append(indices);
    else
      result.push_back(data[i]);
  }
  auto elements = n.elementsOf(0);
  auto chosen = n.constantsOf(1);
  if (auto size = data[axis].asConstant(); size && chosen)
    for (int64_t index : *chosen)
      if (index < -*size || index >= *size)
        return n.contradict("gathers element " + Twine(index) + " of " +
                            Twine(*size));
  if (elements && chosen && data.size() == 1) {
    Dims picked;
    for (int64_t index : *chosen)
      picked.push_back(
          (*elements)[index < 0 ? index + elements->size() : index]);
    n.setElements(0, picked);
  }
  return n.set(0, n.elementOf(0), result);
}

LogicalResult gatherElements(Inference &n) {
  Dims data, indices;
  if (!n.dimsOf(0, data) || !n.dimsOf(1, indices))
    return failure();
  if (data.size() != indices.size())
    return n.contradict("gathers from " + n.text(data) + " with indices " +
                        n.text(indices) + ", of different ranks");
  int64_t axis = n.op.getInt("axis", 0);
  if (failed(n.normalizeAxis(axis, data.size())))
    return failure();
  return n.set(0, n.elementOf(0), indices);
}

LogicalResult gatherND(Inference &n) {
  Dims data, indices;
  if (!n.dimsOf(0, data) || !n.dimsOf(1, indices) || indices.empty())
    return failure();
  auto depth = indices.back().asConstant();
  int64_t batch = n.op.getInt("batch_dims", 0);
  if (!depth)
    return failure();
  if (batch < 0 || batch + *depth > int64_t(data.size()) ||
      batch >= int64_t(indices.size()))
    return n.contradict("gathers from " + n.text(data) + " with indices " +
                        n.text(indices));
  Dims result(indices.begin(), indices.end() - 1);
  result.append(data.begin() + batch + *depth, data.end());
  return n.set(0, n.elementOf(0), result);
}

/// The updates have the outer dimensions of the indices, then those of the data
/// that no index points into.
LogicalResult scatterND(Inference &n) {
  Dims data, indices, updates;
  if (!n.dimsOf(0, data) || !n.dimsOf(1, indices) || !n.dimsOf(2, updates))
    return failure();
  auto wrong = [&] {
    return n.contradict("scatters " + n.text(updates) + " at " +
                        n.text(indices) + " into " + n.text(data));
  };
  if (indices.empty())
    return wrong();
  // Where the depth is no constant, nothing is known.
  if (auto depth = indices.back().asConstant()) {
    if (*depth > int64_t(data.size()))
      return wrong();
    Dims expected(indices.begin(), indices.end() - 1);
    expected.append(data.begin() + *depth, data.end());
    if (expected.size() != updates.size())
      return wrong();
    for (auto [size, update] : llvm::zip(expected, updates))
      if (size != update && failed(n.unify(size, update)))
        return wrong();
  }
  return inferSameAsFirst(n);
}

LogicalResult scatterElements(Inference &n) {
  Dims data, indices, updates;
  if (n.dimsOf(0, data) && n.dimsOf(1, indices) && n.dimsOf(2, updates) &&
      (data.size() != indices.size() || data.size() != updates.size()))
    return n.contradict("scatters " + n.text(updates) + " at " +
                        n.text(indices) + " into " + n.text(data) +
                        ", of different ranks");
  for (size_t i = 0; i < indices.size() && i < updates.size(); ++i)
    if (indices[i] != updates[i] && failed(n.unify(indices[i], updates[i])))
      return n.contradict("scatters " + n.text(updates) + " at " +
                          n.text(indices));
  int64_t axis = n.op.getInt("axis", 0);
  if (!data.empty() && failed(n.normalizeAxis(axis, data.size())))
    return failure();
  return inferSameAsFirst(n);
}

LogicalResult topK(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t axis = n.op.getInt("axis", -1);
  if (failed(n.normalizeAxis(axis, dims.size())))
    return failure();
  Poly all = dims[axis];
  dims[axis] = Poly::invalid();
  if (auto k = n.elementsOf(1); k && k->size() == 1)
    dims[axis] = (*k)[0];
  if (auto size = all.asConstant(), k = dims[axis].asConstant();
      size && k && *k > *size)
    return n.contradict("takes " + Twine(*k) + " of " + Twine(*size));
  n.makeKnown(0, dims);
  if (failed(n.set(0, n.elementOf(0), dims)))
    return failure();
  return n.set(1, n.b.getI64Type(), dims);
}

LogicalResult oneHot(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t axis = n.op.getInt("axis", -1), rank = dims.size() + 1;
  if (failed(n.normalizeAxis(axis, rank)))
    return failure();
  auto depth = n.elementsOf(1);
  dims.insert(dims.begin() + axis,
              depth && depth->size() == 1 ? (*depth)[0] : Poly::invalid());
  n.makeKnown(0, dims);
  return n.set(0, n.elementOf(2), dims);
}

LogicalResult nonZero(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  return n.set(0, n.b.getI64Type(), {Poly(dims.size()), n.fresh(0, 1)});
}

LogicalResult pad(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  SmallVector<int64_t> axes;
  if (n.op.hasInput(3)) {
    auto given = n.constantsOf(3);
    if (!given)
      return failure();
    axes = *given;
  } else {
    for (size_t i = 0; i < dims.size(); ++i)
      axes.push_back(i);
  }
  if (failed(n.normalizeAxes(axes, dims.size())))
    return failure();
  auto pads = n.partialElementsOf(1);
  if (!pads)
    pads = Dims(2 * axes.size(), Poly::invalid());
  if (pads->size() != 2 * axes.size())
    return n.contradict("has " + Twine(pads->size()) + " pads for " +
                        Twine(axes.size()) + " dimensions");
  for (auto [i, axis] : llvm::enumerate(axes))
    dims[axis] = dims[axis] + (*pads)[i] + (*pads)[i + axes.size()];
  n.makeKnown(0, dims);
  return n.set(0, n.elementOf(0), dims);
}

LogicalResult compress(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  if (!n.op.getNodeAttr("axis"))
    return n.set(0, n.elementOf(0), {n.fresh(0, 0)});
  int64_t axis = n.op.getInt("axis", 0);
  if (failed(n.normalizeAxis(axis, dims.size())))
    return failure();
  dims[axis] = n.fresh(0, axis);
  return n.set(0, n.elementOf(0), dims);
}

/// The values, then three index lists: first positions, inverse, counts.
LogicalResult unique(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  Poly inputs(1);
  for (const Poly &dim : dims)
    inputs = inputs * dim;
  int64_t axis = 0;
  if (n.op.getNodeAttr("axis")) {
    axis = n.op.getInt("axis", 0);
    if (failed(n.normalizeAxis(axis, dims.size())))
      return failure();
    inputs = dims[axis];
  } else {
    dims.assign(1, Poly::invalid());
  }
  Poly count = n.fresh(0, axis);
  dims[axis] = count;
  if (failed(n.set(0, n.elementOf(0), dims)))
    return failure();
  for (unsigned i = 1; i < n.op.getNumResults(); ++i)
    if (failed(n.set(i, n.b.getI64Type(), {i == 2 ? inputs : count})))
      return failure();
  return success();
}

} // namespace

void onnx::addIndexingRules(RuleTable &t) {
  t.add("Concat", 4, concat);
  t.add("Slice", 10, slice);
  t.add("Split", 2, split);
  t.add("Gather", 1, gather);
  t.add("GatherElements", 11, gatherElements);
  t.add("GatherND", 11, gatherND);
  t.add("ScatterElements", 11, scatterElements);
  t.add("ScatterND", 10, scatterND);
  t.addAll({"CumSum", "ReverseSequence"}, 10, inferSameAsFirst);
  t.add("Trilu", 14, inferSameAsFirst);
  t.add("TensorScatter", 24, inferSameAsFirst);
  t.add("TopK", 10, topK);
  t.add("OneHot", 9, oneHot);
  t.add("NonZero", 9, nonZero);
  t.add("Pad", 11, pad);
  t.add("Compress", 9, compress);
  t.add("Unique", 11, unique);
}
