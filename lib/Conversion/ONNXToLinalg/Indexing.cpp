//===- Indexing.cpp - Nodes that read and write where indices say ---------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// result[..., i..., ...] = data[..., indices[i...], ...].
Lowered lowerGather(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Value data = inputs[0], indices = inputs[1];
  Dims dataDims = l.dims(data), dims = resultDims(op);
  unsigned axis = op.getInt("axis", 0), rank = dims.size();
  unsigned indexRank = l.dims(indices).size();
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < indexRank; ++i)
    exprs.push_back(l.b.getAffineDimExpr(axis + i));
  onnx::Poly count = countElements(dims);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return l.generic(l.empty(resultElement(op), dims), dims, indices,
                   {AffineMap::get(rank, 0, exprs, l.context),
                    l.b.getMultiDimIdentityMap(rank)},
                   iterators, [&](ValueRange x) -> Value {
                     SmallVector<Value> at;
                     for (unsigned i = 0; i < dataDims.size(); ++i) {
                       if (i == axis)
                         at.push_back(l.safeIndex(x[0], dataDims[axis], count));
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
  for (auto [i, dim] : llvm::enumerate(dims))
    if (int64_t(i) != axis)
      l.requireWithin(dim, dataDims[i]);
  onnx::Poly count = countElements(dims);
  return l.elementwise(
      resultElement(op), dims, inputs[1], [&](ValueRange x) -> Value {
        SmallVector<Value> at;
        for (unsigned i = 0; i < dims.size(); ++i)
          at.push_back(i == axis ? l.safeIndex(x[0], dataDims[axis], count)
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

/// What a scatter leaves at a place that holds `old`.
Value combine(Lowering &l, StringRef reduction, Value old, Value update) {
  bool isFloat = isa<FloatType>(update.getType());
  if (reduction == "add")
    return isFloat ? arith::AddFOp::create(l.b, old, update).getResult()
                   : arith::AddIOp::create(l.b, old, update).getResult();
  if (reduction == "mul")
    return isFloat ? arith::MulFOp::create(l.b, old, update).getResult()
                   : arith::MulIOp::create(l.b, old, update).getResult();
  if (reduction == "max")
    return isFloat ? arith::MaximumFOp::create(l.b, old, update).getResult()
                   : arith::MaxSIOp::create(l.b, old, update).getResult();
  if (reduction == "min")
    return isFloat ? arith::MinimumFOp::create(l.b, old, update).getResult()
                   : arith::MinSIOp::create(l.b, old, update).getResult();
  return update;
}

/// Writes updates, in row-major order over `dims`, to where `place` says.
Lowered scatter(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs,
                ArrayRef<AffineExpr> dims,
                function_ref<SmallVector<Value>(ValueRange)> place) {
  StringRef reduction = op.getString("reduction", "none");
  if (!llvm::is_contained({"none", "add", "mul", "max", "min"}, reduction))
    return Lowered::no("its reduction is not supported");
  auto integer = dyn_cast<IntegerType>(l.element(inputs[0]));
  if (reduction != "none" && integer &&
      (integer.isUnsigned() || integer.getWidth() == 1))
    return Lowered::no("its element type is not supported");
  Value result =
      loopNest(l, dims, inputs[0], [&](ValueRange ivs, Value tensor) -> Value {
        SmallVector<Value> at = place(ivs);
        Value value = tensor::ExtractOp::create(l.b, inputs[2], ivs);
        if (reduction != "none")
          value = combine(l, reduction,
                          tensor::ExtractOp::create(l.b, tensor, at), value);
        return tensor::InsertOp::create(l.b, value, tensor, at);
      });
  l.setDims(result, resultDims(op));
  return result;
}

/// A copy of data with updates at the indices along one axis.
Lowered lowerScatterElements(Lowering &l, onnx::NodeOp op,
                             ArrayRef<Value> inputs) {
  Dims dims = resultDims(op);
  int64_t axis = op.getInt("axis", 0);
  if (axis < 0)
    axis += dims.size();
  Dims indexDims = l.dims(inputs[1]);
  for (auto [i, dim] : llvm::enumerate(indexDims))
    if (int64_t(i) != axis)
      l.requireWithin(dim, dims[i]);
  onnx::Poly count = countElements(indexDims);
  return scatter(l, op, inputs, indexDims, [&](ValueRange ivs) {
    SmallVector<Value> at(ivs.begin(), ivs.end());
    Value raw = tensor::ExtractOp::create(l.b, inputs[1], ivs);
    at[axis] = l.safeIndex(raw, dims[axis], count);
    return at;
  });
}

/// The place that an index tensor's last dimension, at `ivs`, points to.
SmallVector<Value> readPlace(Lowering &l, Value indices, ValueRange ivs,
                             ArrayRef<AffineExpr> extents,
                             const onnx::Poly &count) {
  SmallVector<Value> place;
  for (auto [i, extent] : llvm::enumerate(extents)) {
    SmallVector<Value> at(ivs.begin(), ivs.end());
    at.push_back(l.index(i));
    Value raw = tensor::ExtractOp::create(l.b, indices, at);
    place.push_back(l.safeIndex(raw, extent, count));
  }
  return place;
}

/// A copy of data with slices of updates at the places that the last dimension
/// of indices points to.
Lowered lowerScatterND(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Dims indexDims = l.dims(inputs[1]), dims = resultDims(op);
  auto depth = dyn_cast<AffineConstantExpr>(indexDims.back());
  if (!depth)
    return Lowered::no("the depth of its indices is not constant");
  size_t outer = indexDims.size() - 1;
  return scatter(l, op, inputs, l.dims(inputs[2]), [&](ValueRange ivs) {
    SmallVector<Value> at =
        readPlace(l, inputs[1], ivs.take_front(outer),
                  ArrayRef<AffineExpr>(dims).take_front(depth.getValue()),
                  countElements(l.dims(inputs[2])));
    llvm::append_range(at, ivs.drop_front(outer));
    return at;
  });
}

/// Slices of data at the places that the last dimension of indices points to.
Lowered lowerGatherND(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Value data = inputs[0], indices = inputs[1];
  Dims dataDims = l.dims(data), indexDims = l.dims(indices),
       dims = resultDims(op);
  auto depth = dyn_cast<AffineConstantExpr>(indexDims.back());
  if (!depth)
    return Lowered::no("the depth of its indices is not constant");
  unsigned batch = op.getInt("batch_dims", 0), outer = indexDims.size() - 1;
  return l.elementwise(resultElement(op), dims, {}, [&](ValueRange) -> Value {
    SmallVector<Value> ivs;
    for (unsigned i = 0; i < dims.size(); ++i)
      ivs.push_back(linalg::IndexOp::create(l.b, i));
    SmallVector<Value> at(ivs.begin(), ivs.begin() + batch);
    llvm::append_range(
        at,
        readPlace(l, indices, ValueRange(ivs).take_front(outer),
                  ArrayRef<AffineExpr>(dataDims).drop_front(batch).take_front(
                      depth.getValue()),
                  countElements(dims)));
    llvm::append_range(at, ValueRange(ivs).drop_front(outer));
    return tensor::ExtractOp::create(l.b, data, at);
  });
}

/// The upper or lower triangle of each matrix; zeros elsewhere.
Lowered lowerTrilu(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Dims dims = resultDims(op);
  Type element = resultElement(op);
  unsigned rank = dims.size();
  bool upper = op.getInt("upper", 1);
  return l.elementwise(element, dims, inputs[0], [&](ValueRange x) -> Value {
    Value row = linalg::IndexOp::create(l.b, rank - 2);
    Value column = linalg::IndexOp::create(l.b, rank - 1);
    Value diagonal = l.index(0);
    if (inputs.size() > 1 && inputs[1]) {
      Value k = tensor::ExtractOp::create(
          l.b, inputs[1],
          SmallVector<Value>(l.dims(inputs[1]).size(), l.index(0)));
      diagonal = arith::IndexCastOp::create(l.b, l.b.getIndexType(), k);
    }
    Value limit = arith::AddIOp::create(l.b, row, diagonal);
    Value kept = arith::CmpIOp::create(
        l.b, upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle,
        column, limit);
    return arith::SelectOp::create(l.b, kept, x[0], l.constant(element, 0));
  });
}

} // namespace

void moe::addIndexingLowerings(LowerTable &table) {
  table["Gather"] = lowerGather;
  table["GatherElements"] = lowerGatherElements;
  table["GatherND"] = lowerGatherND;
  table["ScatterElements"] = lowerScatterElements;
  table["ScatterND"] = lowerScatterND;
  table["Trilu"] = lowerTrilu;
}
