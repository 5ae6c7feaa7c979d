//===- Rotary.cpp - Rotary embedding --------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Each pair (a, b) of a head's first elements turns by the angle of its
// position, to (a cos - b sin, b cos + a sin). The pairs are the two halves, or
// neighbours: in both cases two slices of the operand give two slices of the
// result, with loops over nothing but contiguous (or strided) elements.

#include "Lowering.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Every `step`-th of the last dimension from `first` on, as slices are given.
struct Columns {
  int64_t first, step, size;
};

/// The first elements along all dimensions but the last, which `columns` says.
Value slice(Lowering &l, Value x, Dims dims, Columns columns) {
  dims.back() = l.b.getAffineConstantExpr(columns.size);
  if (dims == l.dims(x) && columns.first == 0)
    return x;
  SmallVector<OpFoldResult> offsets(dims.size(), l.b.getIndexAttr(0)),
      strides(dims.size(), l.b.getIndexAttr(1));
  offsets.back() = l.b.getIndexAttr(columns.first);
  strides.back() = l.b.getIndexAttr(columns.step);
  Value result =
      tensor::ExtractSliceOp::create(l.b, l.tensorType(l.element(x), dims), x,
                                     offsets, l.mixedSizes(dims), strides);
  l.setDims(result, dims);
  return result;
}

Value insert(Lowering &l, Value part, Value whole, Columns columns) {
  Dims dims = l.dims(whole);
  SmallVector<OpFoldResult> offsets(dims.size(), l.b.getIndexAttr(0)),
      strides(dims.size(), l.b.getIndexAttr(1));
  offsets.back() = l.b.getIndexAttr(columns.first);
  strides.back() = l.b.getIndexAttr(columns.step);
  Value result = tensor::InsertSliceOp::create(
      l.b, part, whole, offsets, l.mixedSizes(l.dims(part)), strides);
  l.setDims(result, dims);
  return result;
}

class RotaryLowering {
public:
  RotaryLowering(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs)
      : l(l), op(op), x(inputs[0]),
        positions(inputs.size() > 3 ? inputs[3] : Value()) {}
  Lowered lower(Value cosines, Value sines);

private:
  std::string splitHeads();
  std::string checkCaches(ArrayRef<Value> caches);
  bool requireWithin(AffineExpr part, AffineExpr whole);
  Value getRows(Value cache);
  Value turn(Value a, Value b, Value cosine, Value sine, bool second);

  Lowering &l;
  onnx::NodeOp op;
  Value x, positions;
  Dims dims; // of x, with the heads as a dimension
  int64_t headSize, half;
  bool full; // whether the caches have a column for each of both halves
  unsigned positionDim;
};

/// x becomes [B, heads, S, D], or stays [B, S, heads, D] where it is
/// [B, S, heads * D].
std::string RotaryLowering::splitHeads() {
  dims = l.dims(x);
  positionDim = dims.size() == 3 ? 1 : 2;
  if (dims.size() == 3) {
    int64_t heads = op.getInt("num_heads", 0);
    if (heads <= 0)
      return "a 3-D input needs num_heads";
    auto size = onnx::Poly::fromAffine(dims[2]).dividedBy(onnx::Poly(heads));
    if (!size)
      return "its size is no multiple of num_heads";
    dims = {dims[0], dims[1], l.b.getAffineConstantExpr(heads),
            size->toAffine(l.context)};
    x = l.reshape(x, dims);
  }
  auto size = dyn_cast<AffineConstantExpr>(dims[3]);
  if (!size)
    return "the head size must be static";
  headSize = size.getValue();
  int64_t rotary = op.getInt("rotary_embedding_dim", 0);
  if (rotary < 0 || rotary > headSize)
    return "rotary_embedding_dim is larger than the head";
  half = (rotary == 0 ? headSize : rotary) / 2;
  return {};
}

/// Checked before a run, or false now when no run could pass.
bool RotaryLowering::requireWithin(AffineExpr part, AffineExpr whole) {
  auto size = dyn_cast<AffineConstantExpr>(part),
       room = dyn_cast<AffineConstantExpr>(whole);
  if (room && (size ? size.getValue() > room.getValue() : isEmpty(whole)))
    return false;
  l.requireWithin(part, whole);
  return true;
}

/// A cache without positions has a row for each of the input's.
std::string RotaryLowering::checkCaches(ArrayRef<Value> caches) {
  full = op.getInt("full_caches", 0);
  for (Value cache : caches) {
    Dims cacheDims = l.dims(cache);
    if (cacheDims.size() != (positions ? 2u : 3u))
      return "its caches have an unexpected rank";
    Dims rows = positions ? l.dims(positions) : cacheDims;
    if (rows.size() < 2)
      return "its positions must be [batch, sequence]";
    bool isShared = rows[0] == l.b.getAffineConstantExpr(1);
    AffineExpr columns = l.b.getAffineConstantExpr(full ? 2 * half : half);
    if (!requireWithin(columns, cacheDims.back()) ||
        (!isShared && !requireWithin(dims[0], rows[0])) ||
        !requireWithin(dims[positionDim], rows[1]))
      return "its caches or positions are smaller than its input";
  }
  return {};
}

/// A cache's rows as they meet x: [B or 1, 1, S, n] or [B or 1, S, 1, n].
Value RotaryLowering::getRows(Value cache) {
  Columns columns = {0, 1, full ? 2 * half : half};
  AffineExpr one = l.b.getAffineConstantExpr(1);
  Dims own = l.dims(positions ? positions : cache);
  Dims rows = {own[0] == one ? one : dims[0], dims[positionDim],
               l.b.getAffineConstantExpr(columns.size)};
  if (positions) {
    AffineExpr extent = l.dims(cache)[0];
    onnx::Poly count = countElements(rows);
    cache = l.elementwise(l.element(cache), rows, {}, [&](ValueRange) -> Value {
      SmallVector<Value> at;
      for (unsigned i = 0; i < 3; ++i)
        at.push_back(linalg::IndexOp::create(l.b, i));
      Value position = tensor::ExtractOp::create(l.b, positions,
                                                 ValueRange(at).take_front(2));
      position = l.safeIndex(position, extent, count);
      return tensor::ExtractOp::create(l.b, cache, ValueRange{position, at[2]});
    });
  } else {
    cache = slice(l, cache, rows, columns);
  }
  rows.insert(rows.begin() + (positionDim == 2 ? 1 : 2), one);
  return l.reshape(cache, rows);
}

/// a cos - b sin for the first of a pair, a cos + b sin for the second.
Value RotaryLowering::turn(Value a, Value b, Value cosine, Value sine,
                           bool second) {
  Type type = l.element(x);
  return l.elementwise(
      type, l.dims(a), {a, b, cosine, sine}, [&](ValueRange v) -> Value {
        Value ac = arith::MulFOp::create(l.b, l.widen(v[0]), l.widen(v[2]));
        Value bs = arith::MulFOp::create(l.b, l.widen(v[1]), l.widen(v[3]));
        Value sum = second ? arith::AddFOp::create(l.b, ac, bs).getResult()
                           : arith::SubFOp::create(l.b, ac, bs);
        return l.narrow(sum, type);
      });
}

Lowered RotaryLowering::lower(Value cosines, Value sines) {
  Dims out = l.dims(x);
  std::string reason = splitHeads();
  if (reason.empty())
    reason = checkCaches({cosines, sines});
  if (!reason.empty())
    return Lowered::no(reason);
  if (half == 0 || isEmpty(dims))
    return l.reshape(x, out);
  bool interleaved = op.getInt("interleaved", 0);
  Columns firsts = {0, interleaved ? 2 : 1, half};
  Columns seconds = {interleaved ? 1 : half, firsts.step, half};
  Value a = slice(l, x, dims, firsts), b = slice(l, x, dims, seconds);
  Value result = l.empty(l.element(x), dims);
  l.setDims(result, dims);
  Value cosine = getRows(cosines), sine = getRows(sines);
  // Columns of full caches lie as the elements do.
  auto columns = [&](Value rows, Columns part) {
    return full ? slice(l, rows, l.dims(rows), part) : rows;
  };
  result = insert(l,
                  turn(a, b, columns(cosine, firsts), columns(sine, firsts),
                       /*second=*/false),
                  result, firsts);
  result = insert(l,
                  turn(b, a, columns(cosine, seconds), columns(sine, seconds),
                       /*second=*/true),
                  result, seconds);
  if (2 * half < headSize) {
    Columns rest = {2 * half, 1, headSize - 2 * half};
    result = insert(l, slice(l, x, dims, rest), result, rest);
  }
  return l.reshape(result, out);
}

Lowered lowerRotary(Lowering &l, onnx::NodeOp op, ArrayRef<Value> inputs) {
  Value cosines = l.materialize(inputs[1]), sines = l.materialize(inputs[2]);
  return RotaryLowering(l, op, inputs).lower(cosines, sines);
}

} // namespace

void moe::addRotaryLowerings(LowerTable &table) {
  table["RotaryEmbedding"] = lowerRotary;
}
