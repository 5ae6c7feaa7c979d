//===- Movement.cpp - Nodes that move data --------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

Dims resultDims(onnx::NodeOp op) {
  return onnx::getDims(op.getResult(0).getType(), op.getContext());
}
Type resultElement(onnx::NodeOp op) {
  return cast<RankedTensorType>(op.getResult(0).getType()).getElementType();
}

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
    return Lowered::no("its bounds depend on data");
  SmallVector<OpFoldResult> strides;
  for (int64_t step : steps.asArrayRef()) {
    if (step < 1)
      return Lowered::no("negative steps are not supported");
    strides.push_back(l.b.getIndexAttr(step));
  }
  Dims dims = resultDims(op);
  Value result = tensor::ExtractSliceOp::create(
      l.b, l.tensorType(resultElement(op), dims), inputs[0],
      l.mixedSizes(llvm::to_vector(offsets.getValue().getResults())),
      l.mixedSizes(dims), strides);
  l.setDims(result, dims);
  return result;
}

/// result[..., i..., ...] = data[..., indices[i...], ...].
Lowered lowerGather(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Value data = inputs[0], indices = inputs[1];
  Dims dataDims = l.dims(data), dims = resultDims(op);
  unsigned axis = op.getInt("axis", 0), rank = dims.size();
  unsigned indexRank = l.dims(indices).size();
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < indexRank; ++i)
    exprs.push_back(l.b.getAffineDimExpr(axis + i));
  Value extent = l.size(dataDims[axis]);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return l.generic(l.empty(resultElement(op), dims), dims, indices,
                   {AffineMap::get(rank, 0, exprs, l.context),
                    l.b.getMultiDimIdentityMap(rank)},
                   iterators, [&](ValueRange x) -> Value {
                     SmallVector<Value> at;
                     for (unsigned i = 0; i < dataDims.size(); ++i) {
                       if (i == axis)
                         at.push_back(l.safeIndex(x[0], extent));
                       else
                         at.push_back(linalg::IndexOp::create(
                             l.b, i < axis ? i : i + indexRank - 1));
                     }
                     return tensor::ExtractOp::create(l.b, data, at);
                   });
}

Lowered lowerGatherElements(Lowering &l, onnx::NodeOp op,
                            ArrayRef<Value> inputs) {
  Value data = inputs[0];
  Dims dataDims = l.dims(data), dims = resultDims(op);
  int64_t axis = op.getInt("axis", 0);
  if (axis < 0)
    axis += dims.size();
  Value extent = l.size(dataDims[axis]);
  return l.elementwise(
      resultElement(op), dims, inputs[1], [&](ValueRange x) -> Value {
        SmallVector<Value> at;
        for (unsigned i = 0; i < dims.size(); ++i)
          at.push_back(i == axis ? l.safeIndex(x[0], extent)
                                 : linalg::IndexOp::create(l.b, i).getResult());
        return tensor::ExtractOp::create(l.b, data, at);
      });
}

/// Loops over all points of `dims` with one tensor carried through.
Value loopNest(Lowering &l, ArrayRef<AffineExpr> dims, Value carried,
               function_ref<Value(ValueRange, Value)> body) {
  SmallVector<Value> ivs;
  std::function<Value(unsigned, Value)> nest = [&](unsigned i, Value value) {
    if (i == dims.size())
      return body(ivs, value);
    auto loop =
        scf::ForOp::create(l.b, l.index(0), l.size(dims[i]), l.index(1), value);
    ivs.push_back(loop.getInductionVar());
    {
      OpBuilder::InsertionGuard guard(l.b);
      l.b.setInsertionPointToStart(loop.getBody());
      Value inner = nest(i + 1, loop.getRegionIterArg(0));
      scf::YieldOp::create(l.b, inner);
    }
    ivs.pop_back();
    return loop.getResult(0);
  };
  return nest(0, carried);
}

/// A copy of data with updates written, in row-major order, at the indices.
Lowered lowerScatterElements(Lowering &l, onnx::NodeOp op,
                             ArrayRef<Value> inputs) {
  StringRef reduction = op.getString("reduction", "none");
  if (reduction != "none" && reduction != "add")
    return Lowered::no("its reduction is not supported");
  Value indices = inputs[1], updates = inputs[2];
  Dims dims = resultDims(op);
  int64_t axis = op.getInt("axis", 0);
  if (axis < 0)
    axis += dims.size();
  Value extent = l.size(dims[axis]);
  Value result =
      loopNest(l, l.dims(indices), inputs[0],
               [&](ValueRange ivs, Value tensor) -> Value {
                 SmallVector<Value> at(ivs.begin(), ivs.end());
                 Value raw = tensor::ExtractOp::create(l.b, indices, ivs);
                 at[axis] = l.safeIndex(raw, extent);
                 Value value = tensor::ExtractOp::create(l.b, updates, ivs);
                 if (reduction == "add") {
                   Value old = tensor::ExtractOp::create(l.b, tensor, at);
                   value =
                       isa<FloatType>(value.getType())
                           ? arith::AddFOp::create(l.b, old, value).getResult()
                           : arith::AddIOp::create(l.b, old, value).getResult();
                 }
                 return tensor::InsertOp::create(l.b, value, tensor, at);
               });
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
  table["Gather"] = lowerGather;
  table["GatherElements"] = lowerGatherElements;
  table["ScatterElements"] = lowerScatterElements;
  table["Range"] = lowerRange;
}
