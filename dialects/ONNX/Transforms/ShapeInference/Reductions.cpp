//===- Reductions.cpp - Shapes of reductions and normalizations -----------===//
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

namespace {

LogicalResult reduce(Inference &n) {
  Dims dims, result;
  auto list = n.intsOf("axes", 1);
  if (!n.dimsOf(0, dims) || !list)
    return failure();
  bool all = list->empty();
  if (all && n.op.getInt("noop_with_empty_axes", 0))
    return n.set(0, n.elementOf(0), dims);
  if (failed(n.normalizeAxes(*list, dims.size())))
    return failure();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (!all && !llvm::is_contained(*list, int64_t(i)))
      result.push_back(dim);
    else if (n.op.getInt("keepdims", 1))
      result.push_back(Poly(1));
  }
  auto elements = n.elementsOf(0);
  bool isProduct = n.op.getOpType() == "ReduceProd";
  if (elements && dims.size() <= 1 &&
      (isProduct || n.op.getOpType() == "ReduceSum")) {
    Poly value(isProduct ? 1 : 0);
    for (const Poly &element : *elements)
      value = isProduct ? value * element : value + element;
    n.setElements(0, {value});
  }
  return n.set(0, n.elementOf(0), result);
}

LogicalResult argReduce(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t axis = n.op.getInt("axis", 0);
  if (failed(n.normalizeAxis(axis, dims.size())))
    return failure();
  if (n.op.getInt("keepdims", 1))
    dims[axis] = Poly(1);
  else
    dims.erase(dims.begin() + axis);
  return n.set(0, n.b.getI64Type(), dims);
}

/// Operators along one dimension that keep the shape.
LogicalResult alongAxis(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t axis = n.op.getInt("axis", n.op.getVersion() < 13 ? 1 : -1);
  if (!dims.empty() && failed(n.normalizeAxis(axis, dims.size())))
    return failure();
  return n.set(0, n.elementOf(0), dims);
}

/// Checks that a scale or bias stretches to the dimensions from `axis` on.
LogicalResult checkScale(Inference &n, unsigned input, ArrayRef<Poly> dims,
                         int64_t axis) {
  Dims scale, result;
  if (!n.dimsOf(input, scale))
    return success();
  Dims normalized(dims.begin() + axis, dims.end());
  if (failed(n.broadcastDims({normalized, scale}, result)))
    return failure();
  if (result.size() != normalized.size())
    return n.contradict("shapes " + n.text(normalized) + " and " +
                        n.text(scale) + " do not broadcast");
  return success();
}

/// Layer and RMS normalization: the result, then statistics per row.
LogicalResult normalization(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  int64_t axis = n.op.getInt("axis", -1);
  if (failed(n.normalizeAxis(axis, dims.size())))
    return failure();
  for (unsigned i : {1, 2})
    if (failed(checkScale(n, i, dims, axis)))
      return failure();
  if (failed(n.set(0, n.elementOf(0), dims)))
    return failure();
  Dims statistics = dims;
  for (size_t i = axis; i < dims.size(); ++i)
    statistics[i] = Poly(1);
  for (unsigned i = 1; i < n.op.getNumResults(); ++i)
    if (failed(n.set(i, n.b.getF32Type(), statistics)))
      return failure();
  return success();
}

/// Skip(Simplified)LayerNormalization: the norm, two statistics, the sum.
LogicalResult skipNormalization(Inference &n) {
  Dims dims, skip, sum;
  if (!n.dimsOf(0, dims) || !n.dimsOf(1, skip) || dims.empty() ||
      failed(n.broadcastDims({dims, skip}, sum)) ||
      failed(checkScale(n, 2, dims, dims.size() - 1)))
    return failure();
  Dims statistics = dims;
  statistics.back() = Poly(1);
  for (unsigned i = 0; i < n.op.getNumResults(); ++i)
    if (failed(i == 1 || i == 2 ? n.set(i, n.b.getF32Type(), statistics)
                                : n.set(i, n.elementOf(0), dims)))
      return failure();
  return success();
}

} // namespace

void onnx::addReductionRules(RuleTable &t) {
  t.addAll({"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd",
            "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum",
            "ReduceLogSumExp"},
           1, reduce);
  t.addAll({"ArgMax", "ArgMin"}, 1, argReduce);
  t.addAll({"Softmax", "LogSoftmax", "Hardmax"}, 1, alongAxis);
  t.addAll({"BatchNormalization", "InstanceNormalization", "GroupNormalization",
            "LpNormalization", "MeanVarianceNormalization"},
           1, inferSameAsFirst);
  t.addAll({"LayerNormalization", "RMSNormalization",
            "SimplifiedLayerNormalization"},
           1, normalization);
  t.add("SimplifiedLayerNormalization", 1, normalization, kMicrosoft);
  t.addAll({"SkipSimplifiedLayerNormalization", "SkipLayerNormalization"}, 1,
           skipNormalization, kMicrosoft);
}
