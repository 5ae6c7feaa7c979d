//===- RecognizeAttention.cpp - Attention in open form -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Matched from the product with the values, backwards:
//
//   k [B, H, L, D] -> each head for its G queries: Expand [B, H, G, L, D],
//     Reshape -> [B, H * G, L, D] -> Transpose -> [B, H * G, D, L]
//   q [B, H * G, S, D]
//     MatMul(q, k), either or the product times a constant
//   Add(scores, mask), Where(mask, scores, c) or Where(mask, c, scores)
//   Softmax over L -> p, perhaps Where(IsNaN(p), 0, p)
//   MatMul(p, v), v repeated as k is
//
// Reshapes that leave the last two dimensions alone may be anywhere around the
// products. The mask stays the value that it is: computed from positions, from
// an input, or both.
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/RecognizeDense.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

using Dims = SmallVector<Poly>;

/// The same matrices in another order of leading dimensions, and constants
/// drawn out of them into `scale`. With `own` only what nothing else reads.
Value skipScalesAndBatches(Value value, double &scale, bool own = false) {
  for (;;) {
    auto node = value.getDefiningOp<NodeOp>();
    if (!node || (own && !value.hasOneUse()))
      return value;
    Value next;
    if (node.isStandard("Reshape")) {
      auto to = getPolyDims(value), from = getPolyDims(node.getInputs()[0]);
      if (from && to && from->size() > 2 && to->size() > 2 &&
          ArrayRef<Poly>(*from).take_back(2) ==
              ArrayRef<Poly>(*to).take_back(2))
        next = node.getInputs()[0];
    } else if (node.isStandard("Mul")) {
      eitherOrder(node, [&](Value a, Value b) {
        auto number = getScalar(b);
        if (!number)
          return false;
        scale *= *number;
        next = a;
        return true;
      });
    } else if (node.isStandard("Div")) {
      if (auto number = getScalar(node.getInputs()[1])) {
        scale /= *number;
        next = node.getInputs()[0];
      }
    }
    if (!next || getElementCount(next) != getElementCount(value))
      return value;
    value = next;
  }
}

class AttentionMatch {
public:
  explicit AttentionMatch(NodeOp op) : op(op), r(op) {}
  bool match();
  Value build();

private:
  bool matchWeights(Value weights);
  bool matchScores(Value scores);
  bool matchWhere(NodeOp where);
  bool matchProduct(Value scores);
  bool isMask(Value value, Value scores);
  Value getKeys(Value transposed);
  Value withoutRepeat(Value value);
  std::optional<Poly> getSharedHeads(NodeOp expand);

  NodeOp op;
  NodeRewriter r;
  Value q, k, v, mask;
  Dims dims;   // of q
  Poly length; // of k and v
  double scale = 1, masked = -std::numeric_limits<double>::infinity();
  bool nanToZero = false;
};

bool AttentionMatch::match() {
  Value values = op.getInputs()[1];
  if (!isF32(op.getResult(0)) || !isF32(values) ||
      !matchWeights(op.getInputs()[0]))
    return false;
  double one = 1;
  v = withoutRepeat(skipScalesAndBatches(values, one));
  if (!v || one != 1)
    return false;
  auto keys = getPolyDims(k), rows = getPolyDims(v);
  // Both repeated for the same queries, or neither.
  return isF32(q) && isF32(k) && isF32(v) && std::isnormal(scale) &&
         (*keys)[1] == (*rows)[1] &&
         getElementCount(op.getResult(0)) ==
             dims[0] * dims[1] * dims[2] * rows->back();
}

/// The softmax, perhaps without its NaNs.
bool AttentionMatch::matchWeights(Value weights) {
  double one = 1;
  weights = skipScalesAndBatches(weights, one, /*own=*/true);
  if (one != 1)
    return false;
  if (auto where = getNode(weights, "Where")) {
    auto isNaN = getNode(where.getInputs()[0], "IsNaN");
    if (!isNaN || getScalar(where.getInputs()[1]) != 0.0 ||
        isNaN.getInputs()[0] != where.getInputs()[2])
      return false;
    if (!weights.hasOneUse())
      return false;
    weights = where.getInputs()[2];
    for (Operation *user : weights.getUsers())
      if (user != where && user != isNaN)
        return false;
    nanToZero = true;
  } else if (!weights.hasOneUse()) {
    return false;
  }
  auto softmax = getNode(weights, "Softmax");
  auto rank = softmax ? getPolyDims(weights) : std::nullopt;
  return rank && softmax.getInt("axis", -1) == int64_t(rank->size()) - 1 &&
         softmax.getInputs()[0].hasOneUse() &&
         matchScores(softmax.getInputs()[0]);
}

/// The product with a mask, or without.
bool AttentionMatch::matchScores(Value scores) {
  double one = 1;
  Value inner = skipScalesAndBatches(scores, one, /*own=*/true);
  if (one == 1 && inner.hasOneUse()) {
    if (auto sum = getNode(inner, "Add"))
      return eitherOrder(sum, [&](Value a, Value b) {
        if (!a.hasOneUse() || !matchProduct(a) || !isF32(b) ||
            !isMask(b, inner))
          return false;
        mask = b;
        return true;
      });
    if (auto where = getNode(inner, "Where"))
      return matchWhere(where);
  }
  return matchProduct(scores);
}

bool AttentionMatch::matchWhere(NodeOp where) {
  Value condition = where.getInputs()[0];
  for (unsigned i : {1u, 2u}) {
    Value scores = where.getInputs()[i];
    auto low = getScalar(where.getInputs()[3 - i]);
    if (!low || !scores.hasOneUse() || !matchProduct(scores) ||
        !isMask(condition, where.getResult(0)))
      continue;
    masked = *low;
    mask = i == 1 ? condition : r.create("Not", condition);
    return bool(mask);
  }
  return false;
}

/// Stretches to [B, heads, S, L], the dimensions of the scores. Another name of
/// L is the same size, or there would be no such sum.
bool AttentionMatch::isMask(Value value, Value scores) {
  auto own = getPolyDims(value), sum = getPolyDims(scores);
  if (!own || own->size() > 4 || !sum || sum->size() != 4 ||
      ArrayRef<Poly>(*sum).drop_back() != ArrayRef<Poly>(dims).drop_back() ||
      (length == Poly(1) && sum->back() != length))
    return false;
  return own->size() < 3 || (*own)[own->size() - 3] == Poly(1) ||
         (*own)[own->size() - 3] == dims[1];
}

/// q k^T times constants.
bool AttentionMatch::matchProduct(Value scores) {
  scale = 1;
  auto product =
      getNode(skipScalesAndBatches(scores, scale, /*own=*/true), "MatMul");
  if (!product || !product.getResult(0).hasOneUse() ||
      !isF32(product.getInputs()[0]) || !isF32(product.getInputs()[1]))
    return false;
  q = product.getInputs()[0];
  auto queries = getPolyDims(q), columns = getPolyDims(product.getInputs()[1]);
  if (!queries || !columns || columns->size() < 3)
    return false;
  q = skipScalesAndBatches(q, scale);
  if (queries->size() != 4)
    queries = getPolyDims(q);
  if (!queries || queries->size() != 4)
    return false;
  dims = *queries;
  q = r.reshape(q, dims);
  length = columns->back();
  k = getKeys(product.getInputs()[1]);
  return q && k;
}

/// k [B, H, L, D] of [.., D, L].
Value AttentionMatch::getKeys(Value value) {
  value = skipScalesAndBatches(value, scale);
  auto transpose = getNode(value, "Transpose");
  auto attr =
      transpose
          ? dyn_cast_or_null<DenseI64ArrayAttr>(transpose.getNodeAttr("perm"))
          : DenseI64ArrayAttr();
  auto shape = getPolyDims(value);
  if (!attr || !shape || shape->size() < 3)
    return {};
  SmallVector<int64_t> perm(attr.asArrayRef());
  size_t rank = perm.size();
  std::swap(perm[rank - 2], perm[rank - 1]);
  Value source = transpose.getInputs()[0];
  if (llvm::equal(perm, llvm::seq<int64_t>(rank)))
    return withoutRepeat(skipScalesAndBatches(source, scale));
  // The heads are moved to the front by the same Transpose.
  if (rank != 4 || !value.hasOneUse())
    return {};
  return withoutRepeat(r.transpose(source, perm));
}

/// [B, H, L, D] of what has each head for the queries that share it, one
/// after the other; or itself, as [B, heads, L, D].
Value AttentionMatch::withoutRepeat(Value value) {
  auto shape = value ? getPolyDims(value) : std::nullopt;
  if (!shape || shape->size() < 3)
    return {};
  Poly rows = (*shape)[shape->size() - 2], size = shape->back();
  if (getElementCount(value) != dims[0] * dims[1] * rows * size)
    return {};
  Poly heads = dims[1];
  if (auto expand = getNode(skipReshapes(value), "Expand"))
    if (auto shared = getSharedHeads(expand)) {
      heads = *shared;
      value = skipReshapes(expand.getInputs()[0]);
    }
  return r.reshape(value, {dims[0], heads, rows, size});
}

/// The number of heads before each is repeated, if that is what is done.
std::optional<Poly> AttentionMatch::getSharedHeads(NodeOp expand) {
  auto from = getPolyDims(expand.getInputs()[0]),
       to = getPolyDims(expand.getResult(0));
  if (!from || !to || from->size() != to->size())
    return std::nullopt;
  Poly before(1);
  for (auto [i, dim] : llvm::enumerate(*to)) {
    if ((*from)[i] == dim) {
      before = before * dim;
      continue;
    }
    // Behind the heads and before their rows.
    auto shared = dims[1].dividedBy(dim);
    bool rest = ArrayRef<Poly>(*from).drop_front(i + 1) ==
                ArrayRef<Poly>(*to).drop_front(i + 1);
    return shared && rest && before == dims[0] * *shared ? shared
                                                         : std::nullopt;
  }
  return std::nullopt;
}

Value AttentionMatch::build() {
  SmallVector<Value> inputs = {q, k, v};
  SmallVector<NamedAttribute> attrs = {
      r.attr("empty_rows",
             r.builder.getStringAttr(nanToZero ? "nan_to_zero" : "nan")),
      r.attr("scale", r.builder.getF64FloatAttr(scale)),
      r.attr("softcap", r.builder.getF32FloatAttr(0))};
  auto causal = mask ? matchCausalMask(mask, dims[2], length) : std::nullopt;
  if (causal)
    addCausalAttrs(r, *causal, attrs);
  else
    attrs.push_back(r.attr("is_causal", 0));
  if (mask && !causal)
    inputs.push_back(mask);
  if (mask && !isF32(mask))
    attrs.push_back(r.attr("masked", r.builder.getF32FloatAttr(masked)));
  Value y = r.create("Attention", inputs, attrs);
  return y ? r.reshape(y, *getPolyDims(op.getResult(0))) : y;
}

} // namespace

std::optional<Recognized> onnx::recognizeAttention(NodeOp op) {
  AttentionMatch match(op);
  Value y = match.match() ? match.build() : Value();
  return y ? std::optional<Recognized>({op.getResult(0), y}) : std::nullopt;
}
