//===- Movement.cpp - Nodes that move data --------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "dialects/Pager/IR/Pager.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

Lowered lowerReshape(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  return l.reshape(inputs[0], resultDims(op));
}

Lowered lowerTranspose(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  auto perm = cast<DenseI64ArrayAttr>(op.getNodeAttr("perm"));
  return l.transpose(inputs[0], perm.asArrayRef());
}

Lowered lowerExpand(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  return l.elementwise(resultElement(op), resultDims(op), inputs[0],
                       [](ValueRange x) { return x[0]; });
}

Lowered lowerConcat(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Dims dims = resultDims(op);
  int64_t axis = op.getInt("axis", 0);
  if (isa<pager::StateType>(inputs[0].getType())) {
    Value whole = pager::StateAppendOp::create(
        l.b, l.tensorType(l.element(inputs[1]), dims), inputs[0], inputs[1]);
    l.setDims(whole, dims);
    return whole;
  }
  Value result = l.empty(resultElement(op), dims);
  onnx::Poly at(0);
  SmallVector<OpFoldResult> ones(dims.size(), l.b.getIndexAttr(1));
  for (Value input : inputs) {
    Dims part = l.dims(input);
    if (isEmpty(part))
      continue;
    SmallVector<OpFoldResult> offsets(dims.size(), l.b.getIndexAttr(0));
    offsets[axis] = l.mixedSize(at.toAffine(l.context));
    result = tensor::InsertSliceOp::create(l.b, input, result, offsets,
                                           l.mixedSizes(part), ones);
    at = at + onnx::Poly::fromAffine(part[axis]);
  }
  l.setDims(result, dims);
  return result;
}

Lowered lowerSlice(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  auto offsets = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("offsets"));
  auto sizes = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("sizes"));
  auto steps = dyn_cast_or_null<DenseI64ArrayAttr>(op.getNodeAttr("steps"));
  if (!offsets || !sizes || !steps)
    return Lowered::no("its bounds depend on data, or lie inside of its "
                       "operand for some sizes only");
  SmallVector<OpFoldResult> strides;
  for (int64_t step : steps.asArrayRef()) {
    if (step < 1)
      return Lowered::no("negative steps are not supported");
    strides.push_back(l.b.getIndexAttr(step));
  }
  Dims dims = resultDims(op);
  if (isEmpty(dims)) {
    Value nothing = l.empty(resultElement(op), dims);
    l.setDims(nothing, dims);
    return nothing;
  }
  Value result = tensor::ExtractSliceOp::create(
      l.b, l.tensorType(resultElement(op), dims), inputs[0],
      l.mixedSizes(llvm::to_vector(offsets.getValue().getResults())),
      l.mixedSizes(dims), strides);
  l.setDims(result, dims);
  return result;
}

Lowered lowerRange(Lowering &l, onnx::NodeOp op, ArrayRef<Value>) {
  auto start = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("start"));
  if (!start)
    return Lowered::no("its bounds depend on data");
  Type element = resultElement(op);
  Dims dims = resultDims(op);
  Value first = l.size(start.getValue().getResult(0));
  Value step = l.index(op.getInt("step", 1));
  return l.elementwise(element, dims, {}, [&](ValueRange) -> Value {
    Value i = linalg::IndexOp::create(l.b, 0);
    Value v =
        arith::AddIOp::create(l.b, first, arith::MulIOp::create(l.b, i, step));
    if (isa<FloatType>(element)) {
      Value wide = arith::IndexCastOp::create(l.b, l.b.getI64Type(), v);
      return arith::SIToFPOp::create(l.b, element, wide);
    }
    return arith::IndexCastOp::create(l.b, element, v);
  });
}

} // namespace

void moe::addMovementLowerings(LowerTable &table) {
  table["Reshape"] = lowerReshape;
  table["Transpose"] = lowerTranspose;
  table["Expand"] = lowerExpand;
  table["Concat"] = lowerConcat;
  table["Slice"] = lowerSlice;
  table["Range"] = lowerRange;
}
