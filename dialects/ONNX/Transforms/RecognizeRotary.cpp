//===- RecognizeRotary.cpp - Rotary embedding in open form ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// x [B, heads, S, D] or [B, S, heads, D]; cosines and sines stretch over the
// heads, and perhaps over the batch. With all columns of both, from the sum:
//
//   Add(Mul(x, cos), Mul(Concat(Neg(x[D/2:]), x[:D/2]), sin))
//
// With half of them, from the Concat, where a, b = x[:D/2], x[D/2:]:
//
//   Concat(Sub(Mul(a, cos), Mul(b, sin)), Add(Mul(b, cos), Mul(a, sin)))
//
// or, as a product of complex numbers, a, b = x[.., 0], x[.., 1] of
// x [B, heads, S, D/2, 2] with cosines and sines of one last column.
//
// Halves that a Concat puts together out of neighbours (x[0::2], x[1::2]) stay
// as written: their loops read and write what a node of one kind would.
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/RecognizeDense.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

using Dims = SmallVector<Poly>;

class RotaryMatch {
public:
  explicit RotaryMatch(NodeOp op) : op(op), r(op) {}
  bool matchSum();
  bool matchConcat();
  Value build();

private:
  bool matchHalves(NodeOp sub, NodeOp add);
  bool setOperand(Value source, int64_t columns);
  std::optional<unsigned> getPositionDim(Value cache);
  Value getCache(Value cache);

  NodeOp op;
  NodeRewriter r;
  Value x, cosine, sine;
  Dims dims;            // of x, of four dimensions
  int64_t columns;      // of the caches
  bool isPairs = false; // neighbours turn, not halves
  unsigned positionDim = 2;
};

/// A product that nothing else reads.
NodeOp getOwnProduct(Value value) {
  return value.hasOneUse() ? getNode(value, "Mul") : NodeOp();
}

/// x of Concat(Neg(x[n:]), x[:n]) of a last dimension of 2n.
Value matchTurned(Value value) {
  auto concat = getNode(value, "Concat");
  auto shape = concat ? getPolyDims(value) : std::nullopt;
  if (!shape || !value.hasOneUse() || concat.getNumOperands() != 2 ||
      concat.getInt("axis", 0) != int64_t(shape->size()) - 1)
    return {};
  auto neg = getNode(concat.getInputs()[0], "Neg");
  auto high = neg ? matchSlice(neg.getInputs()[0]) : std::nullopt;
  auto low = matchSlice(concat.getInputs()[1]);
  if (!high || !low || !neg.getResult(0).hasOneUse() ||
      high->source != low->source || getPolyDims(low->source) != shape)
    return {};
  int64_t last = shape->size() - 1;
  bool halves = low->offset == 0 && high->offset == low->size &&
                high->size == low->size && low->step == 1 && high->step == 1;
  return halves && low->dim == last && high->dim == last ? low->source
                                                         : Value();
}

bool RotaryMatch::matchSum() {
  return eitherOrder(op, [&](Value straight, Value turned) {
    NodeOp first = getOwnProduct(straight), second = getOwnProduct(turned);
    return first && second && eitherOrder(second, [&](Value part, Value sines) {
             Value source = matchTurned(part);
             return source && eitherOrder(first, [&](Value x, Value cosines) {
                      cosine = cosines;
                      sine = sines;
                      return x == source &&
                             setOperand(x,
                                        *getPolyDims(x)->back().asConstant());
                    });
           });
  });
}

bool RotaryMatch::matchConcat() {
  auto shape = getPolyDims(op.getResult(0));
  if (!shape || op.getNumOperands() != 2 ||
      op.getInt("axis", 0) != int64_t(shape->size()) - 1)
    return false;
  auto sub = getNode(op.getInputs()[0], "Sub"),
       add = getNode(op.getInputs()[1], "Add");
  return sub && add && sub.getResult(0).hasOneUse() &&
         add.getResult(0).hasOneUse() && matchHalves(sub, add);
}

/// a cos - b sin and b cos + a sin.
bool RotaryMatch::matchHalves(NodeOp sub, NodeOp add) {
  NodeOp ac = getOwnProduct(sub.getInputs()[0]),
         bs = getOwnProduct(sub.getInputs()[1]);
  auto isProduct = [](Value value, Value a, Value b) {
    auto product = getOwnProduct(value);
    return product && eitherOrder(product, [&](Value left, Value right) {
             return left == a && right == b;
           });
  };
  return ac && bs && eitherOrder(ac, [&](Value a, Value cosines) {
           return eitherOrder(bs, [&](Value b, Value sines) {
             auto first = matchSlice(a), second = matchSlice(b);
             if (!first || !second || first->source != second->source ||
                 !eitherOrder(add, [&](Value bc, Value as) {
                   return isProduct(bc, b, cosines) && isProduct(as, a, sines);
                 }))
               return false;
             auto shape = getPolyDims(first->source);
             int64_t last = int64_t(shape ? shape->size() : 0) - 1;
             if (first->dim != last || second->dim != last ||
                 first->step != 1 || second->step != 1 || first->offset != 0 ||
                 second->offset != first->size || first->size != second->size ||
                 shape->back() != Poly(2 * first->size))
               return false;
             cosine = cosines;
             sine = sines;
             return setOperand(first->source, first->size);
           });
         });
}

/// Takes `source` for x when its dimensions and those of the caches fit.
bool RotaryMatch::setOperand(Value source, int64_t count) {
  auto shape = getPolyDims(source);
  if (!shape || !isF32(source) || !isF32(cosine) || !isF32(sine) ||
      getPolyDims(op.getResult(0)) != shape)
    return false;
  x = source;
  dims = *shape;
  columns = count;
  isPairs = dims.size() == 5 && dims.back() == Poly(2) && count == 1;
  if (isPairs) {
    auto pairs = dims[3].asConstant();
    if (!pairs)
      return false;
    dims.pop_back();
    dims.back() = Poly(2 * *pairs);
    columns = *pairs;
  }
  if (dims.size() != 4)
    return false;
  auto position = getPositionDim(cosine);
  if (!position || getPositionDim(sine) != position)
    return false;
  positionDim = *position;
  return positionDim == 2 || dims[2].asConstant();
}

/// The dimension of x whose element has a row of the cache, if it is one.
std::optional<unsigned> RotaryMatch::getPositionDim(Value cache) {
  auto shape = getPolyDims(cache);
  size_t rank = isPairs ? 5 : 4;
  if (!shape || shape->size() > rank)
    return std::nullopt;
  while (shape->size() < rank)
    shape->insert(shape->begin(), Poly(1));
  if (isPairs && shape->pop_back_val() != Poly(1))
    return std::nullopt;
  bool fits = shape->back() == Poly(columns) &&
              ((*shape)[0] == Poly(1) || (*shape)[0] == dims[0]);
  for (unsigned position : {2u, 1u})
    if (fits && (*shape)[position] == dims[position] &&
        (*shape)[3 - position] == Poly(1))
      return position;
  return std::nullopt;
}

/// [B or 1, S, columns].
Value RotaryMatch::getCache(Value cache) {
  auto shape = getPolyDims(cache);
  bool isShared = getElementCount(cache) == dims[positionDim] * Poly(columns);
  return r.reshape(
      cache, {isShared ? Poly(1) : dims[0], dims[positionDim], Poly(columns)});
}

Value RotaryMatch::build() {
  Value source = r.reshape(
      x, positionDim == 2 ? dims : Dims{dims[0], dims[1], dims[2] * dims[3]});
  SmallVector<NamedAttribute> attrs = {r.attr("interleaved", int64_t(isPairs))};
  if (positionDim == 1)
    attrs.push_back(r.attr("num_heads", *dims[2].asConstant()));
  if (!isPairs && dims[3] == Poly(columns))
    attrs.push_back(r.attr("full_caches", 1));
  Value y = r.create("RotaryEmbedding",
                     {source, getCache(cosine), getCache(sine)}, attrs);
  return y ? r.reshape(y, *getPolyDims(op.getResult(0))) : y;
}

} // namespace

std::optional<Recognized> onnx::recognizeRotary(NodeOp op) {
  RotaryMatch match(op);
  bool found = op.isStandard("Add") ? match.matchSum() : match.matchConcat();
  Value y = found ? match.build() : Value();
  return y ? std::optional<Recognized>({op.getResult(0), y}) : std::nullopt;
}
