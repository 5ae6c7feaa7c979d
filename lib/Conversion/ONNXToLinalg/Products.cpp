//===- Products.cpp - Matrix products, attention --------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "dialects/Weights/IR/Weights.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace mlir;
using namespace mlir::moe;

using utils::IteratorType;

namespace {

Value multiplyAdd(Lowering &l, Value sum, Value a, Value b) {
  Value product = arith::MulFOp::create(l.b, l.widen(a), l.widen(b));
  return arith::AddFOp::create(l.b, sum, product,
                               arith::FastMathFlags::reassoc);
}

/// Sum of products into f32 (or wider); `maps` are those of a, b and the
/// result.
Value contract(Lowering &l, Value a, Value b, ArrayRef<AffineExpr> dims,
               ArrayRef<AffineMap> maps, ArrayRef<IteratorType> iterators) {
  Type type = l.element(a);
  Type accumulator = type.isF64() ? type : l.b.getF32Type();
  Value zero = l.filled(dims, l.constant(accumulator, 0));
  return l.generic(zero, dims, {a, b}, maps, iterators, [&](ValueRange x) {
    return multiplyAdd(l, x[2], x[0], x[1]);
  });
}

Value narrowTo(Lowering &l, Value x, Type type) {
  if (l.element(x) == type)
    return x;
  return l.elementwise(type, l.dims(x), x,
                       [&](ValueRange v) { return l.narrow(v[0], type); });
}

/// The rows of a product with a weight, whatever their shape, as one matrix.
Value weightProduct(Lowering &l, Value x, Value weight, onnx::NodeOp op) {
  Dims dims = l.dims(x), out = resultDims(op);
  onnx::Poly rows(1);
  for (AffineExpr dim : ArrayRef<AffineExpr>(dims).drop_back())
    rows = rows * onnx::Poly::fromAffine(dim);
  AffineExpr m = rows.toAffine(l.context);
  Value flat = l.reshape(x, {m, dims.back()});
  Value rhs = l.materialize(weight);
  Dims flatOut = {m, out.back()};
  Value zero = l.filled(flatOut, l.constant(resultElement(op), 0));
  Value y =
      linalg::MatmulOp::create(l.b, ValueRange{flat, rhs}, zero).getResult(0);
  l.setDims(y, flatOut);
  return l.reshape(y, out);
}

Lowered lowerMatMul(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Type type = resultElement(op);
  if (!isa<FloatType>(type))
    return Lowered::no("its element type is not supported");
  auto weight = dyn_cast<weights::WeightTensorType>(inputs[1].getType());
  Value a = l.materialize(inputs[0]);
  Dims da = l.dims(a), db = l.dims(inputs[1]), out = resultDims(op);
  if (da.size() < 2 || db.size() < 2)
    return Lowered::no("products with vectors are not supported");
  if (weight && weight.getRank() == 2 && type.isF32() &&
      !ShapedType::isDynamic(
          cast<RankedTensorType>(a.getType()).getShape().back()))
    return weightProduct(l, a, inputs[1], op);

  // Loops: the result's dimensions, then k.
  Value b = l.materialize(inputs[1]);
  unsigned rank = out.size();
  auto operandMap = [&](const Dims &dims, bool isLhs) {
    SmallVector<AffineExpr> exprs;
    for (unsigned i = 0; i + 2 < dims.size(); ++i) {
      unsigned at = rank - dims.size() + i;
      bool stretched = dims[i] == l.b.getAffineConstantExpr(1) &&
                       out[at] != l.b.getAffineConstantExpr(1);
      exprs.push_back(stretched ? l.b.getAffineConstantExpr(0)
                                : l.b.getAffineDimExpr(at));
    }
    AffineExpr k = l.b.getAffineDimExpr(rank);
    exprs.push_back(isLhs ? l.b.getAffineDimExpr(rank - 2) : k);
    exprs.push_back(isLhs ? k : l.b.getAffineDimExpr(rank - 1));
    return AffineMap::get(rank + 1, 0, exprs, l.context);
  };
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  iterators.push_back(IteratorType::reduction);
  SmallVector<AffineExpr> resultExprs;
  for (unsigned i = 0; i < rank; ++i)
    resultExprs.push_back(l.b.getAffineDimExpr(i));
  Value y = contract(l, a, b, out,
                     {operandMap(da, true), operandMap(db, false),
                      AffineMap::get(rank + 1, 0, resultExprs, l.context)},
                     iterators);
  return narrowTo(l, y, type);
}

/// [.., heads or 1, S, L] as [.., key heads, group, S, L].
Value splitMaskHeads(Lowering &l, Value mask, AffineExpr keyHeads,
                     AffineExpr group) {
  Dims dims = l.dims(mask);
  AffineExpr unit = l.b.getAffineConstantExpr(1);
  while (dims.size() < 4)
    dims.insert(dims.begin(), unit);
  if (dims[1] == unit)
    keyHeads = group = unit;
  return l.reshape(mask, {dims[0], keyHeads, group, dims[2], dims[3]});
}

/// The last column that the first row of a causal attention sees; null for
/// others.
Value getCausalOffset(Lowering &l, onnx::NodeOp op) {
  if (!op.getInt("is_causal", 0))
    return {};
  auto map = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("causal_offset"));
  return map ? l.size(map.getValue().getResult(0)) : l.index(0);
}

/// scores * scale within the softcap, and the masks. `mask` may be null.
Value maskScores(Lowering &l, onnx::NodeOp op, Value scores, Value mask) {
  Type wide = l.element(scores);
  double scale = cast<FloatAttr>(op.getNodeAttr("scale")).getValueAsDouble();
  double softcap = op.getFloat("softcap", 0);
  Value offset = getCausalOffset(l, op);
  double infinity = std::numeric_limits<double>::infinity();
  Value masked = l.constant(wide, op.getFloat("masked", -infinity));
  SmallVector<Value> operands = {scores};
  if (mask)
    operands.push_back(mask);
  auto body = [&](ValueRange x) -> Value {
    Value s = arith::MulFOp::create(l.b, x[0], l.constant(wide, scale));
    if (softcap != 0) {
      Value cap = l.constant(wide, softcap);
      s = math::TanhOp::create(l.b, arith::DivFOp::create(l.b, s, cap));
      s = arith::MulFOp::create(l.b, s, cap);
    }
    if (offset) {
      Value row = linalg::IndexOp::create(l.b, 3),
            column = linalg::IndexOp::create(l.b, 4);
      row = arith::AddIOp::create(l.b, row, offset);
      Value seen =
          arith::CmpIOp::create(l.b, arith::CmpIPredicate::sle, column, row);
      Value bias =
          arith::SelectOp::create(l.b, seen, l.constant(wide, 0), masked);
      s = arith::AddFOp::create(l.b, s, bias);
    }
    if (x.size() < 2)
      return s;
    if (x[1].getType().isInteger(1))
      return arith::SelectOp::create(l.b, x[1], s, masked);
    Value bias = l.widen(x[1]);
    if (bias.getType() != wide)
      bias = arith::ExtFOp::create(l.b, wide, bias);
    return arith::AddFOp::create(l.b, s, bias);
  };
  return l.elementwise(wide, l.dims(scores), operands, body);
}

/// The operator gives zeros for a row of -inf; an open form that the node
/// stands for may not.
EmptyRows getEmptyRows(onnx::NodeOp op) {
  return llvm::StringSwitch<EmptyRows>(op.getString("empty_rows", "zero"))
      .Case("nan", EmptyRows::NaN)
      .Case("nan_to_zero", EmptyRows::NaNToZero)
      .Default(EmptyRows::Zero);
}

/// Whether the kernels of a device compute it, see include/moe/CodeGen/GPU/
/// Attention.h: everything else is computed by general loops.
bool isForKernels(Lowering &l, onnx::NodeOp op, Value q, Value k, Value v,
                  Value mask) {
  Type type = l.element(q);
  if (!type.isF32() && !type.isF16() && !type.isBF16())
    return false;
  if (l.element(k) != type || l.element(v) != type || resultElement(op) != type)
    return false;
  auto size = [&](Value x, unsigned i) {
    auto constant = dyn_cast<AffineConstantExpr>(l.dims(x)[i]);
    return constant ? constant.getValue() : 0;
  };
  for (Value x : {q, k, v})
    if (size(x, 1) <= 0 || size(x, 3) <= 0 || size(x, 3) % 4 != 0 ||
        size(x, 3) > 256)
      return false;
  Type bias = mask ? l.element(mask) : type;
  return size(q, 3) == size(k, 3) && size(k, 1) == size(v, 1) &&
         (bias.isInteger(1) || bias.isF32() || bias == type);
}

/// The same node of plain tensors: query, key, value, mask or none, and the
/// causal offset as an index when there is one.
Lowered keepAttention(Lowering &l, onnx::NodeOp op, ArrayRef<Value> qkv,
                      Value mask) {
  SmallVector<Value> inputs(qkv);
  Value offset = getCausalOffset(l, op);
  if (mask || offset)
    inputs.push_back(mask ? mask : onnx::OmittedOp::create(l.b));
  if (offset)
    inputs.push_back(offset);
  Type type =
      onnx::withoutNames(cast<RankedTensorType>(op.getResult(0).getType()));
  auto node =
      onnx::NodeOp::create(l.b, TypeRange(type), inputs, op.getOpType(),
                           op.getDomain(), op.getName(), op.getVersion(),
                           op.getNodeAttrs(), ArrayAttr(), ArrayAttr(), 0);
  SmallVector<Value> values(op.getNumResults());
  values[0] = node.getResult(0);
  l.setDims(values[0], resultDims(op));
  return values;
}

/// softmax(q k^T * scale + mask) v with heads [B, H, G]: G queries share a key
/// and value head, which are read in place.
Lowered lowerAttention(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Value q = inputs[0], k = inputs[1], v = inputs[2];
  Value mask = inputs.size() > 3 ? inputs[3] : Value();
  if (!isa_and_nonnull<FloatAttr>(op.getNodeAttr("scale")))
    return Lowered::no("this form of it is not supported: it has inputs or "
                       "outputs beyond query, key, value and mask");
  Dims dq = l.dims(q), dk = l.dims(k), dv = l.dims(v);
  Type type = resultElement(op);
  auto heads =
      onnx::Poly::fromAffine(dq[1]).dividedBy(onnx::Poly::fromAffine(dk[1]));
  if (!heads)
    return Lowered::no("its query heads are no multiple of its key heads");
  if (op.getInt("is_causal", 0) && dq[2] != dk[2] &&
      !op.getNodeAttr("causal_offset"))
    return Lowered::no("a causal mask needs as many keys as queries");
  if (l.keepAttention && isForKernels(l, op, q, k, v, mask))
    return keepAttention(l, op, inputs.take_front(3), mask);
  AffineExpr group = heads->toAffine(l.context);
  Value q5 = l.reshape(q, {dq[0], dk[1], group, dq[2], dq[3]});

  // Loops b, h, g, s, l, d.
  auto d = [&](ArrayRef<unsigned> dims) {
    SmallVector<AffineExpr> exprs;
    for (unsigned i : dims)
      exprs.push_back(l.b.getAffineDimExpr(i));
    return AffineMap::get(6, 0, exprs, l.context);
  };
  SmallVector<IteratorType> iterators(5, IteratorType::parallel);
  iterators.push_back(IteratorType::reduction);
  Dims scoreDims = {dq[0], dk[1], group, dq[2], dk[2]};
  Value scores = contract(
      l, q5, k, scoreDims,
      {d({0, 1, 2, 3, 5}), d({0, 1, 4, 5}), d({0, 1, 2, 3, 4})}, iterators);
  if (mask)
    mask = splitMaskHeads(l, mask, dk[1], group);
  SoftmaxTerms softmax =
      softmaxTerms(l, maskScores(l, op, scores, mask), getEmptyRows(op));

  // Loops b, h, g, s, d, l.
  Dims outDims = {dq[0], dk[1], group, dq[2], dv[3]};
  Value y = contract(l, softmax.terms, v, outDims,
                     {d({0, 1, 2, 3, 5}), d({0, 1, 5, 4}), d({0, 1, 2, 3, 4})},
                     iterators);
  // Once for each result, not for each weight.
  y = l.elementwise(type, outDims, {y, softmax.sum}, [&](ValueRange x) {
    return l.narrow(arith::DivFOp::create(l.b, x[0], x[1]), type);
  });
  SmallVector<Value> values(op.getNumResults());
  values[0] = l.reshape(y, resultDims(op));
  return values;
}

} // namespace

void moe::addProductLowerings(LowerTable &table) {
  table["MatMul"] = lowerMatMul;
  table["Attention"] = lowerAttention;
}
