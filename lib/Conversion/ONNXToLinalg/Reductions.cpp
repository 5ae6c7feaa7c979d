//===- Reductions.cpp - Reductions, softmax, norms and top-k --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <limits>

using namespace mlir;
using namespace mlir::moe;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Only the operation that combines may be reordered, and only within a loop
/// whose trip count is a shape.
Value addReassoc(Lowering &l, Value a, Value b) {
  return arith::AddFOp::create(l.b, a, b, arith::FastMathFlags::reassoc);
}
Value add(Lowering &l, Value a, Value b) {
  if (isa<FloatType>(a.getType()))
    return addReassoc(l, a, b);
  return arith::AddIOp::create(l.b, a, b);
}
Value multiply(Lowering &l, Value a, Value b) {
  if (isa<FloatType>(a.getType()))
    return arith::MulFOp::create(l.b, a, b, arith::FastMathFlags::reassoc);
  return arith::MulIOp::create(l.b, a, b);
}

Value widened(Lowering &l, Value x) {
  auto type = dyn_cast<FloatType>(l.element(x));
  if (!type || type.getWidth() >= 32)
    return x;
  return l.elementwise(l.b.getF32Type(), l.dims(x), x,
                       [&](ValueRange v) { return l.widen(v[0]); });
}
Value narrowed(Lowering &l, Value x, Type type) {
  if (l.element(x) == type)
    return x;
  return l.elementwise(type, l.dims(x), x,
                       [&](ValueRange v) { return l.narrow(v[0], type); });
}

Lowered lowerReduce(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  auto axes = dyn_cast_or_null<DenseI64ArrayAttr>(op.getNodeAttr("axes"));
  if (!axes)
    return Lowered::no("its axes are not constant");
  Value x = widened(l, inputs[0]);
  Type type = l.element(x);
  bool isFloat = isa<FloatType>(type);
  StringRef name = op.getOpType();
  Value init = l.constant(type, name == "ReduceProd" ? 1 : 0);
  if (name == "ReduceMax" || name == "ReduceMin") {
    if (!isFloat && !type.isSignlessInteger(64) && !type.isSignlessInteger(32))
      return Lowered::no("its element type is not supported");
    bool largest = name == "ReduceMax";
    unsigned width = type.getIntOrFloatBitWidth();
    init = isFloat
               ? l.constant(type, largest ? -kInfinity : kInfinity)
               : arith::ConstantOp::create(
                     l.b, l.b.getIntegerAttr(
                              type, largest ? APInt::getSignedMinValue(width)
                                            : APInt::getSignedMaxValue(width)));
  }
  Value result =
      l.reduce(x, axes.asArrayRef(), init, [&](Value a, Value b) -> Value {
        if (name == "ReduceMax")
          return isFloat ? arith::MaximumFOp::create(l.b, a, b).getResult()
                         : arith::MaxSIOp::create(l.b, a, b).getResult();
        if (name == "ReduceMin")
          return isFloat ? arith::MinimumFOp::create(l.b, a, b).getResult()
                         : arith::MinSIOp::create(l.b, a, b).getResult();
        return name == "ReduceProd" ? multiply(l, a, b) : add(l, a, b);
      });
  if (name == "ReduceMean") {
    if (!isFloat)
      return Lowered::no("its element type is not supported");
    onnx::Poly count(1);
    Dims dims = l.dims(inputs[0]);
    for (int64_t axis : axes.asArrayRef())
      count = count * onnx::Poly::fromAffine(dims[axis]);
    Value n = arith::IndexCastOp::create(l.b, l.b.getI64Type(),
                                         l.size(count.toAffine(l.context)));
    Value divisor = arith::SIToFPOp::create(l.b, type, n);
    result =
        l.elementwise(type, l.dims(result), result, [&](ValueRange v) -> Value {
          return arith::DivFOp::create(l.b, v[0], divisor);
        });
  }
  result = narrowed(l, result, resultElement(op));
  return l.reshape(result, onnx::getDims(op.getResult(0).getType(), l.context));
}

Lowered lowerSoftmax(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  if (l.element(inputs[0]).isF64())
    return Lowered::no("double precision is not supported; cast to float");
  Value x = widened(l, inputs[0]);
  int64_t rank = l.dims(x).size(), axis = op.getInt("axis", rank - 1);
  SmallVector<int64_t> swap = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(swap[axis], swap[rank - 1]);
  if (axis != rank - 1)
    x = l.transpose(x, swap);
  SoftmaxTerms softmax = softmaxTerms(l, x, EmptyRows::NaN);
  Value y = l.elementwise(l.element(x), l.dims(x), {softmax.terms, softmax.sum},
                          [&](ValueRange v) -> Value {
                            return arith::DivFOp::create(l.b, v[0], v[1]);
                          });
  if (axis != rank - 1)
    y = l.transpose(y, swap);
  return narrowed(l, y, resultElement(op));
}

/// x / sqrt(mean(x^2) + epsilon) * scale over the dimensions from `axis` on.
Lowered lowerRMSNorm(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Value x = widened(l, inputs[0]);
  Value scale = widened(l, l.materialize(inputs[1]));
  Dims dims = l.dims(x);
  Type type = l.element(x);
  if (l.element(scale) != type)
    return Lowered::no("its scale has elements of another type");
  SmallVector<int64_t> axes;
  onnx::Poly count(1);
  for (int64_t i = op.getInt("axis", -1); i < int64_t(dims.size()); ++i) {
    axes.push_back(i);
    count = count * onnx::Poly::fromAffine(dims[i]);
  }
  auto n = count.asConstant();
  if (!n || *n == 0)
    return Lowered::no("the size it normalises over must be static");
  Value squares =
      l.reduce(x, axes, l.constant(type, 0), [&](Value sum, Value v) {
        return addReassoc(l, sum, arith::MulFOp::create(l.b, v, v));
      });
  double epsilon = op.getFloat("epsilon", 1e-5);
  // Once for each row, not for each element.
  Value inverse =
      l.elementwise(type, l.dims(squares), squares, [&](ValueRange v) -> Value {
        Value mean = arith::DivFOp::create(l.b, v[0], l.constant(type, *n));
        Value biased =
            arith::AddFOp::create(l.b, mean, l.constant(type, epsilon));
        Value root = math::SqrtOp::create(l.b, biased);
        return arith::DivFOp::create(l.b, l.constant(type, 1), root);
      });
  Type result = resultElement(op);
  return l.elementwise(
      result, dims, {x, inverse, scale}, [&](ValueRange v) -> Value {
        Value y = arith::MulFOp::create(l.b, v[0], v[1]);
        return l.narrow(arith::MulFOp::create(l.b, y, v[2]), result);
      });
}

Lowered lowerLayerNorm(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  if (op.getNumResults() > 1 &&
      (!op.getResult(1).use_empty() ||
       (op.getNumResults() > 2 && !op.getResult(2).use_empty())))
    return Lowered::no("its statistics are not available");
  Value x = widened(l, inputs[0]);
  Dims dims = l.dims(x);
  Type type = l.element(x);
  int64_t axis = op.getInt("axis", -1), rank = dims.size();
  SmallVector<int64_t> axes;
  onnx::Poly count(1);
  for (int64_t i = axis < 0 ? axis + rank : axis; i < rank; ++i) {
    axes.push_back(i);
    count = count * onnx::Poly::fromAffine(dims[i]);
  }
  auto n = count.asConstant();
  if (!n || *n == 0)
    return Lowered::no("the size it normalises over must be static");
  auto meanOf = [&](Value v) {
    Value sum = l.reduce(v, axes, l.constant(type, 0),
                         [&](Value a, Value b) { return addReassoc(l, a, b); });
    return l.elementwise(type, l.dims(sum), sum, [&](ValueRange s) -> Value {
      return arith::DivFOp::create(l.b, s[0], l.constant(type, *n));
    });
  };
  Value mean = meanOf(x);
  Value centred =
      l.elementwise(type, dims, {x, mean}, [&](ValueRange v) -> Value {
        return arith::SubFOp::create(l.b, v[0], v[1]);
      });
  Value variance =
      meanOf(l.elementwise(type, dims, centred, [&](ValueRange v) -> Value {
        return arith::MulFOp::create(l.b, v[0], v[0]);
      }));
  double epsilon = op.getFloat("epsilon", 1e-5);
  SmallVector<Value> operands = {centred, variance,
                                 widened(l, l.materialize(inputs[1]))};
  bool biased = inputs.size() > 2 && inputs[2];
  if (biased)
    operands.push_back(widened(l, l.materialize(inputs[2])));
  Type result = resultElement(op);
  Value y = l.elementwise(result, dims, operands, [&](ValueRange v) -> Value {
    Value root = math::SqrtOp::create(
        l.b, arith::AddFOp::create(l.b, v[1], l.constant(type, epsilon)));
    Value scaled = arith::MulFOp::create(
        l.b, arith::DivFOp::create(l.b, v[0], root), v[2]);
    if (biased)
      scaled = arith::AddFOp::create(l.b, scaled, v[3]);
    return l.narrow(scaled, result);
  });
  SmallVector<Value> values(op.getNumResults());
  values[0] = y;
  return values;
}

/// The k largest (or smallest) of each row in order; of equal ones the lower
/// index first. Each round takes the best element that comes behind the one of
/// the round before, so no row is changed. NaN counts as the least.
Lowered lowerTopK(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Value x = inputs[0];
  Dims dims = l.dims(x),
       outDims = onnx::getDims(op.getResult(0).getType(), l.context);
  int64_t axis = op.getInt("axis", -1), rank = dims.size();
  auto k = dyn_cast<AffineConstantExpr>(outDims[axis]);
  auto type = dyn_cast<FloatType>(l.element(x));
  if (axis != rank - 1 || !k || !type)
    return Lowered::no("only the last dimension of float tensors with a "
                       "constant k is supported");
  bool largest = op.getInt("largest", 1);
  l.requireWithin(outDims.back(), dims.back());
  onnx::Poly rows(1);
  for (AffineExpr dim : ArrayRef<AffineExpr>(dims).drop_back())
    rows = rows * onnx::Poly::fromAffine(dim);
  AffineExpr rowsExpr = rows.toAffine(l.context);
  Value flat = l.reshape(x, {rowsExpr, dims.back()});
  Dims flatOut = {rowsExpr, outDims.back()};
  Value values = l.empty(type, flatOut);
  Value ids = l.empty(l.b.getI64Type(), flatOut);
  Value zero = l.index(0), unit = l.index(1);
  Value n = l.size(dims.back());
  Value worst = l.constant(type, largest ? -kInfinity : kInfinity);

  auto rowLoop = scf::ForOp::create(l.b, zero, l.size(rowsExpr), unit,
                                    ValueRange{values, ids});
  OpBuilder::InsertionGuard guard(l.b);
  l.b.setInsertionPointToStart(rowLoop.getBody());
  Value row = rowLoop.getInductionVar();
  Value before = l.constant(type, largest ? kInfinity : -kInfinity);
  auto rounds = scf::ForOp::create(l.b, zero, l.index(k.getValue()), unit,
                                   ValueRange{rowLoop.getRegionIterArg(0),
                                              rowLoop.getRegionIterArg(1),
                                              before, l.index(-1)});
  l.b.setInsertionPointToStart(rounds.getBody());
  Value lastValue = rounds.getRegionIterArg(2);
  Value lastIndex = rounds.getRegionIterArg(3);
  auto scan = scf::ForOp::create(l.b, zero, n, unit, ValueRange{worst, n});
  l.b.setInsertionPointToStart(scan.getBody());
  Value i = scan.getInductionVar();
  Value best = scan.getRegionIterArg(0), bestIndex = scan.getRegionIterArg(1);
  auto compare = [&](arith::CmpFPredicate p, Value a, Value b) -> Value {
    return arith::CmpFOp::create(l.b, p, a, b);
  };
  auto better = largest ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
  Value raw = tensor::ExtractOp::create(l.b, flat, ValueRange{row, i});
  Value v = arith::SelectOp::create(
      l.b, compare(arith::CmpFPredicate::UNO, raw, raw), worst, raw);
  // Behind the last one taken: worse, or equal with a higher index.
  Value behind = arith::OrIOp::create(
      l.b, compare(better, lastValue, v),
      arith::AndIOp::create(
          l.b, compare(arith::CmpFPredicate::OEQ, v, lastValue),
          arith::CmpIOp::create(l.b, arith::CmpIPredicate::sgt, i, lastIndex)));
  Value none =
      arith::CmpIOp::create(l.b, arith::CmpIPredicate::eq, bestIndex, n);
  Value take = arith::AndIOp::create(
      l.b, behind, arith::OrIOp::create(l.b, none, compare(better, v, best)));
  Value newBest = arith::SelectOp::create(l.b, take, v, best);
  Value newIndex = arith::SelectOp::create(l.b, take, i, bestIndex);
  scf::YieldOp::create(l.b, ValueRange{newBest, newIndex});

  l.b.setInsertionPointAfter(scan);
  Value round = rounds.getInductionVar();
  Value chosen = scan.getResult(1);
  Value original =
      tensor::ExtractOp::create(l.b, flat, ValueRange{row, chosen});
  Value id = arith::IndexCastOp::create(l.b, l.b.getI64Type(), chosen);
  Value newValues = tensor::InsertOp::create(
      l.b, original, rounds.getRegionIterArg(0), ValueRange{row, round});
  Value newIds = tensor::InsertOp::create(l.b, id, rounds.getRegionIterArg(1),
                                          ValueRange{row, round});
  scf::YieldOp::create(
      l.b, ValueRange{newValues, newIds, scan.getResult(0), chosen});
  l.b.setInsertionPointAfter(rounds);
  scf::YieldOp::create(l.b,
                       ValueRange{rounds.getResult(0), rounds.getResult(1)});

  l.b.setInsertionPointAfter(rowLoop);
  l.setDims(rowLoop.getResult(0), flatOut);
  l.setDims(rowLoop.getResult(1), flatOut);
  return SmallVector<Value>{l.reshape(rowLoop.getResult(0), outDims),
                            l.reshape(rowLoop.getResult(1), outDims)};
}

} // namespace

SoftmaxTerms moe::softmaxTerms(Lowering &l, Value x, EmptyRows emptyRows) {
  Dims dims = l.dims(x);
  Type type = l.element(x);
  int64_t axis = dims.size() - 1;
  Value zero = l.constant(type, 0), low = l.constant(type, -kInfinity);
  auto compare = [&](arith::CmpFPredicate p, Value a, Value b) -> Value {
    return arith::CmpFOp::create(l.b, p, a, b);
  };
  Value largest = l.reduce(x, axis, low, [&](Value a, Value b) -> Value {
    return arith::MaximumFOp::create(l.b, a, b);
  });
  Value terms =
      l.elementwise(type, dims, {x, largest}, [&](ValueRange v) -> Value {
        Value top = v[1];
        if (emptyRows == EmptyRows::Zero) // no element to weigh
          top = arith::SelectOp::create(
              l.b, compare(arith::CmpFPredicate::OEQ, top, low), zero, top);
        Value e =
            math::ExpOp::create(l.b, arith::SubFOp::create(l.b, v[0], top));
        if (emptyRows != EmptyRows::NaNToZero)
          return e;
        // Any NaN or infinity there makes all of the row's weights NaN.
        Value rest = arith::SubFOp::create(l.b, top, top);
        return arith::SelectOp::create(
            l.b, compare(arith::CmpFPredicate::UNO, rest, rest), zero, e);
      });
  Value sum = l.reduce(terms, axis, zero,
                       [&](Value a, Value b) { return addReassoc(l, a, b); });
  if (emptyRows == EmptyRows::NaN)
    return {terms, sum};
  sum = l.elementwise(type, l.dims(sum), sum, [&](ValueRange v) -> Value {
    return arith::SelectOp::create(
        l.b, compare(arith::CmpFPredicate::OEQ, v[0], zero),
        l.constant(type, 1), v[0]);
  });
  return {terms, sum};
}

void moe::addReductionLowerings(LowerTable &table) {
  for (const char *name :
       {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"})
    table[name] = lowerReduce;
  table["Softmax"] = lowerSoftmax;
  table["RMSNormalization"] = lowerRMSNorm;
  table["LayerNormalization"] = lowerLayerNorm;
  table["TopK"] = lowerTopK;
}
