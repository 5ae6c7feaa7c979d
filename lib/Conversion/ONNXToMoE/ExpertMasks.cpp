//===- ExpertMasks.cpp - Which tokens chose an expert ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertMasks.h"

using namespace mlir;
using namespace mlir::moe;
using onnx::Poly;

namespace {

/// One index of a dimension, as a Gather by a constant or a Slice.
struct Selection {
  Value source;
  int64_t dim, index;
};

std::optional<Selection> matchSelection(Value value) {
  if (auto slice = matchSlice(value)) {
    if (slice->size != 1)
      return std::nullopt;
    return Selection{slice->source, slice->dim, slice->offset};
  }
  auto gather = getNode(value, "Gather");
  auto index = gather ? getSplat(gather.getInputs()[1]) : std::nullopt;
  if (!index || getElementCount(gather.getInputs()[1]) != Poly(1))
    return std::nullopt;
  return Selection{gather.getInputs()[0], gather.getInt("axis", 0),
                   int64_t(*index)};
}

/// ids one-hot, its dimensions permuted: perm[i] is the place in [T, k, E].
struct OneHot {
  Value ids;
  SmallVector<int64_t> perm;
};

std::optional<OneHot> matchOneHot(Value value) {
  OneHot match{{}, {0, 1, 2}};
  for (;;) {
    if (auto cast = getNode(value, "Cast")) {
      value = cast.getInputs()[0];
      continue;
    }
    auto transpose = getNode(value, "Transpose");
    if (!transpose)
      break;
    auto perm = dyn_cast<DenseI64ArrayAttr>(transpose.getNodeAttr("perm"));
    if (!perm || perm.size() != 3)
      return std::nullopt;
    for (int64_t &p : match.perm)
      p = perm[p];
    value = transpose.getInputs()[0];
  }
  // [T, k], or [T, k, 1] of the ids as they were made.
  auto isPairs = [](Value ids, unsigned rank) {
    auto dims = onnx::getPolyDims(ids),
         made = onnx::getPolyDims(skipReshapesAndCasts(ids));
    if (!dims || !made || dims->size() != rank ||
        (rank == 3 && dims->back() != Poly(1)))
      return false;
    return ArrayRef<Poly>(*dims).take_front(2) == ArrayRef<Poly>(*made);
  };
  if (auto node = getNode(value, "OneHot")) {
    auto values = onnx::getConstantElements(node.getInputs()[2]);
    int64_t axis = node.getInt("axis", -1);
    if (!values || *values != SmallVector<int64_t>{0, 1} ||
        !isPairs(node.getInputs()[0], 2) || (axis != -1 && axis != 2))
      return std::nullopt;
    match.ids = skipReshapesAndCasts(node.getInputs()[0]);
    return match;
  }
  auto equal = getNode(value, "Equal");
  if (!equal || !eitherOrder(equal, [&](Value ids, Value numbers) {
        auto elements = onnx::getConstantElements(numbers);
        auto dims = onnx::getPolyDims(numbers);
        if (!elements || !isPairs(ids, 3) || !dims || dims->empty() ||
            dims->back() != Poly(int64_t(elements->size())))
          return false;
        for (auto [i, number] : llvm::enumerate(*elements))
          if (number != int64_t(i))
            return false;
        match.ids = skipReshapesAndCasts(ids);
        return true;
      }))
    return std::nullopt;
  return match;
}

bool isZeroScalar(Value value) {
  return getSplat(value) == 0.0 && getElementCount(value) == Poly(1);
}

/// A [T, k] or [k, T] mask.
std::optional<ExpertMask> matchPairs(Value value) {
  bool transposed = false;
  for (;;) {
    if (auto cast = getNode(value, "Cast")) {
      value = cast.getInputs()[0];
    } else if (auto transpose = getNode(value, "Transpose")) {
      transposed = !transposed;
      value = transpose.getInputs()[0];
    } else if (auto greater = getNode(value, "Greater");
               greater && isZeroScalar(greater.getInputs()[1])) {
      value = greater.getInputs()[0]; // of 0 and 1: changes nothing
    } else {
      break;
    }
  }
  ExpertMask mask;
  if (auto equal = getNode(value, "Equal")) {
    if (!eitherOrder(equal, [&](Value ids, Value expert) {
          auto number = getSplat(expert);
          auto dims = onnx::getPolyDims(ids);
          if (!number || getElementCount(expert) != Poly(1) || !dims ||
              dims->size() != 2 ||
              !haveSameDims(ids, skipReshapesAndCasts(ids)))
            return false;
          mask.ids = skipReshapesAndCasts(ids);
          mask.expert = *number;
          return true;
        }))
      return std::nullopt;
  } else {
    auto row = matchSelection(skipReshapes(value));
    auto oneHot = row ? matchOneHot(row->source) : std::nullopt;
    if (!oneHot || row->dim < 0 || row->dim > 2 || oneHot->perm[row->dim] != 2)
      return std::nullopt;
    // Only the selected dimension may go.
    auto left = onnx::getPolyDims(row->source);
    left->erase(left->begin() + row->dim);
    if (onnx::getPolyDims(value) != left)
      return std::nullopt;
    mask.ids = oneHot->ids;
    mask.expert = row->index;
    mask.tokenDim = oneHot->perm[row->dim == 0 ? 1 : 0] == 0 ? 0 : 1;
  }
  if (transposed)
    mask.tokenDim = 1 - mask.tokenDim;
  return mask;
}

/// A reduction over one dimension.
std::optional<int64_t> matchAxis(onnx::NodeOp reduce) {
  auto axes = dyn_cast_or_null<DenseI64ArrayAttr>(reduce.getNodeAttr("axes"));
  if (!axes || axes.size() != 1)
    return std::nullopt;
  return axes[0];
}

} // namespace

std::optional<CombineColumn> moe::matchCombineColumn(Value value) {
  value = skipReshapes(value);
  if (auto sum = getNode(value, "ReduceSum")) {
    auto product = getNode(sum.getInputs()[0], "Mul");
    std::optional<CombineColumn> match;
    if (product && matchAxis(sum) == 1)
      eitherOrder(product, [&](Value weights, Value chosen) {
        auto mask = matchPairs(chosen);
        if (!mask || mask->tokenDim != 0)
          return false;
        match = CombineColumn{mask->ids, skipReshapes(weights), mask->expert};
        return true;
      });
    return match;
  }
  auto column = matchSelection(value);
  auto scatter =
      column ? getNode(column->source, "ScatterElements") : onnx::NodeOp();
  if (!scatter || column->dim != 1 ||
      scatter.getString("reduction", "none") != "none" ||
      !isZeros(scatter.getInputs()[0]))
    return std::nullopt;
  auto dims = onnx::getPolyDims(column->source);
  int64_t axis = scatter.getInt("axis", 0);
  Value ids = scatter.getInputs()[1], weights = scatter.getInputs()[2];
  if (!dims || dims->size() != 2 || (axis != 1 && axis != -1) ||
      !haveSameDims(ids, skipReshapesAndCasts(ids)) ||
      !haveSameDims(weights, ids) ||
      onnx::getPolyDims(ids)->front() != dims->front())
    return std::nullopt;
  return CombineColumn{skipReshapesAndCasts(scatter.getInputs()[1]),
                       skipReshapes(scatter.getInputs()[2]), column->index};
}

std::optional<ExpertMask> moe::matchExpertMask(Value value) {
  auto dims = onnx::getPolyDims(value);
  if (dims && dims->size() == 2)
    return matchPairs(value);
  if (!dims || dims->size() != 1)
    return std::nullopt;
  // Any of the choices.
  bool isPositive = false;
  for (;;) {
    auto greater = getNode(value, "Greater");
    auto cast = getNode(value, "Cast");
    if (greater && isZeroScalar(greater.getInputs()[1])) {
      value = greater.getInputs()[0];
      isPositive = true;
    } else if (cast && isa_and_nonnull<IntegerType>(
                           onnx::getElementTypeOf(cast.getInputs()[0]))) {
      // Of a number that is no integer, it may round to zero.
      value = cast.getInputs()[0];
    } else {
      break;
    }
  }
  auto reduce = getNode(value, "ReduceMax");
  if (!reduce)
    reduce = getNode(value, "ReduceSum");
  if (reduce) {
    auto mask = matchPairs(reduce.getInputs()[0]);
    if (!mask || matchAxis(reduce) != 1 - mask->tokenDim)
      return std::nullopt;
    mask->hasChoice = false;
    mask->tokenDim = 0;
    return mask;
  }
  auto column = isPositive ? matchCombineColumn(value) : std::nullopt;
  if (!column)
    return std::nullopt;
  ExpertMask mask;
  mask.ids = column->ids;
  mask.expert = column->expert;
  mask.hasChoice = false;
  mask.isPositive = true;
  return mask;
}

std::optional<Coordinate> moe::matchCoordinate(Value value) {
  value = skipReshapesAndCasts(value);
  int64_t dim = -1, row = 0;
  if (auto selection = matchSelection(value)) {
    dim = selection->dim;
    row = selection->index;
    value = selection->source;
  }
  int64_t axis = 0;
  if (auto transpose = getNode(value, "Transpose")) {
    value = transpose.getInputs()[0];
    axis = 1;
  }
  auto nonZero = getNode(value, "NonZero");
  auto dims =
      nonZero ? onnx::getPolyDims(value) : std::optional<SmallVector<Poly>>();
  if (!dims || row < 0)
    return std::nullopt;
  // All of [1, n], or one row.
  if (dim < 0 ? (*dims)[0] != Poly(1) : dim != axis)
    return std::nullopt;
  return Coordinate{nonZero, row};
}
