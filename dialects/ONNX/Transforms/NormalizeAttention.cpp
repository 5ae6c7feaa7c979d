//===- NormalizeAttention.cpp - One spelling for attention and rotary embedding
//===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/Normalize.h"
#include <cmath>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// [B, S, heads * D] as [B, heads, S, D].
static Value splitHeads(NodeRewriter &r, Value x, int64_t heads) {
  auto dims = getPolyDims(x);
  if (!dims || dims->size() != 3)
    return {};
  auto size = (*dims)[2].dividedBy(Poly(heads));
  if (!size)
    return {};
  Value split = r.reshape(x, {(*dims)[0], (*dims)[1], Poly(heads), *size});
  return split ? r.transpose(split, {0, 2, 1, 3}) : Value();
}

/// [B, heads, S, D] as [B, S, heads * D].
static Value mergeHeads(NodeRewriter &r, Value x) {
  Value swapped = r.transpose(x, {0, 2, 1, 3});
  auto dims = swapped ? getPolyDims(swapped) : std::nullopt;
  if (!dims)
    return {};
  return r.reshape(swapped, {(*dims)[0], (*dims)[1], (*dims)[2] * (*dims)[3]});
}

/// Exporters repeat each key and value head for the queries that share it:
///
///   Reshape [B,H,L,D] -> [B,H,1,L,D]
///   Expand            -> [B,H,G,L,D]
///   Reshape           -> [B,H*G,L,D]
///
/// Attention shares heads by itself: gives [B,H,L,D], or `x` as it is.
static Value withoutRepeat(Value x) {
  auto outer = x.getDefiningOp<NodeOp>();
  if (!outer || !outer.isStandard("Reshape"))
    return x;
  auto expand = outer.getInputs()[0].getDefiningOp<NodeOp>();
  if (!expand || !expand.isStandard("Expand"))
    return x;
  auto inner = expand.getInputs()[0].getDefiningOp<NodeOp>();
  if (!inner || !inner.isStandard("Reshape"))
    return x;
  Value source = inner.getInputs()[0];
  auto d = getPolyDims(source), i = getPolyDims(expand.getInputs()[0]),
       e = getPolyDims(expand.getResult(0)), o = getPolyDims(x);
  if (!d || !i || !e || !o || d->size() != 4 || e->size() != 5 ||
      o->size() != 4)
    return x;
  using Dims = SmallVector<Poly>;
  if (*i != Dims{(*d)[0], (*d)[1], Poly(1), (*d)[2], (*d)[3]} ||
      *e != Dims{(*d)[0], (*d)[1], (*e)[2], (*d)[2], (*d)[3]} ||
      *o != Dims{(*d)[0], (*d)[1] * (*e)[2], (*d)[2], (*d)[3]})
    return x;
  return source;
}

/// Canonical attention: 4-D operands, heads shared, scale given.
static Value attention(NodeRewriter &r, Value q, Value k, Value v, Value mask,
                       double scale, bool causal, double softcap) {
  k = withoutRepeat(k);
  v = withoutRepeat(v);
  auto dims = getPolyDims(q), keys = getPolyDims(k), values = getPolyDims(v);
  if (!dims || dims->size() != 4 || !keys || keys->size() != 4 || !values ||
      values->size() != 4 || (*keys)[1] != (*values)[1])
    return {};
  if (scale == 0) {
    auto size = (*dims)[3].asConstant();
    if (!size || *size == 0)
      return {};
    scale = 1.0 / std::sqrt(double(*size));
  }
  SmallVector<Value> inputs = {q, k, v};
  if (mask)
    inputs.push_back(mask);
  return r.create("Attention", inputs,
                  {r.attr("scale", r.builder.getF64FloatAttr(scale)),
                   r.attr("is_causal", int64_t(causal)),
                   r.attr("softcap", r.builder.getF32FloatAttr(softcap))});
}

static Values attentionRule(NodeRewriter &r) {
  if (isa_and_nonnull<FloatAttr>(r.op.getNodeAttr("scale")) &&
      cast<FloatAttr>(r.op.getNodeAttr("scale")).getType().isF64())
    return std::nullopt;
  // The mask of padded keys and the other outputs have no normal form yet.
  for (unsigned i = 1; i < r.op.getNumResults(); ++i)
    if (!r.op.getResult(i).use_empty())
      return std::nullopt;
  for (unsigned i = 4; i < r.op.getInputs().size(); ++i)
    if (r.op.hasInput(i))
      return std::nullopt;
  Value q = r.op.getInputs()[0], k = r.op.getInputs()[1],
        v = r.op.getInputs()[2];
  auto dims = getPolyDims(q);
  if (!dims)
    return std::nullopt;
  bool flat = dims->size() == 3;
  if (flat) {
    q = splitHeads(r, q, r.op.getInt("q_num_heads", 1));
    k = splitHeads(r, k, r.op.getInt("kv_num_heads", 1));
    v = splitHeads(r, v, r.op.getInt("kv_num_heads", 1));
  }
  if (!q || !k || !v)
    return std::nullopt;
  Value y =
      attention(r, q, k, v, r.op.getInputOrNull(3), r.op.getFloat("scale", 0),
                r.op.getInt("is_causal", 0), r.op.getFloat("softcap", 0));
  SmallVector<Value> values(r.op.getNumResults());
  values[0] = y && flat ? mergeHeads(r, y) : y;
  return values[0] ? Values(values) : std::nullopt;
}

/// com.microsoft.MultiHeadAttention with separate 3-D query, key and value and
/// an additive bias.
static Values multiHeadRule(NodeRewriter &r) {
  for (unsigned i : {3u, 4u, 6u, 7u, 8u, 9u})
    if (r.op.hasInput(i))
      return std::nullopt;
  if (r.op.getNumResults() > 1 || !r.op.hasInput(1) || !r.op.hasInput(2))
    return std::nullopt;
  int64_t heads = r.op.getInt("num_heads", 1);
  Value q = splitHeads(r, r.op.getInputs()[0], heads);
  Value k = splitHeads(r, r.op.getInputs()[1], heads);
  Value v = splitHeads(r, r.op.getInputs()[2], heads);
  if (!q || !k || !v)
    return std::nullopt;
  Value y =
      attention(r, q, k, v, r.op.getInputOrNull(5), r.op.getFloat("scale", 0),
                r.op.getInt("unidirectional", 0), 0);
  return single(y ? mergeHeads(r, y) : Value());
}

/// com.microsoft.RotaryEmbedding orders its inputs (x, positions, cos, sin).
static Values rotaryRule(NodeRewriter &r) {
  if (r.op.getInt("is_packed_batching", 0) ||
      r.op.getFloat("scale", 1.0) != 1.0)
    return std::nullopt;
  SmallVector<NamedAttribute> attrs = {
      r.attr("interleaved", r.op.getInt("interleaved", 0)),
      r.attr("num_heads", r.op.getInt("num_heads", 0)),
      r.attr("rotary_embedding_dim", r.op.getInt("rotary_embedding_dim", 0))};
  auto in = r.op.getInputs();
  auto positions = getPolyDims(in[1]);
  if (!positions || positions->size() != 2)
    return std::nullopt;
  return single(
      r.create("RotaryEmbedding", {in[0], in[2], in[3], in[1]}, attrs));
}

void onnx::addAttentionRules(NormalizeTable &table) {
  table["Attention"] = attentionRule;
  table["com.microsoft::MultiHeadAttention"] = multiHeadRule;
  table["com.microsoft::RotaryEmbedding"] = rotaryRule;
}
