//===- Fused.cpp - Shapes of fused operators of com.microsoft -------------===//
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

/// Rotary embeddings keep the shape; the standard operator and the fused one
/// alike.
LogicalResult rotaryEmbedding(Inference &n) {
  Dims dims, cache;
  if (!n.dimsOf(0, dims))
    return failure();
  if (dims.size() != 3 && dims.size() != 4)
    return n.contradict("rotates " + n.text(dims) +
                        ", which must have rank 3 or 4");
  bool isMicrosoft = n.op.getDomain() == kMicrosoft;
  for (unsigned i : {isMicrosoft ? 2u : 1u, isMicrosoft ? 3u : 2u})
    if (n.dimsOf(i, cache) && cache.size() != 2 && cache.size() != 3)
      return n.contradict("its cosines or sines " + n.text(cache) +
                          " must have rank 2 or 3");
  return n.set(0, n.elementOf(0), dims);
}

/// Past states, which grow by the new positions: inputs and results from these
/// numbers on.
LogicalResult presentStates(Inference &n, unsigned input, unsigned result,
                            const Poly &added, ArrayRef<Poly> withoutPast) {
  for (unsigned i = 0; i < 2 && result + i < n.op.getNumResults(); ++i) {
    Dims dims;
    if (!n.dimsOf(input + i, dims)) {
      dims.assign(withoutPast.begin(), withoutPast.end());
    } else if (dims.size() == 4) {
      dims[2] = dims[2] + added;
    } else {
      return n.contradict("past state " + n.text(dims) + " must have rank 4");
    }
    if (dims.empty() || failed(n.set(result + i, n.elementOf(0), dims)))
      return failure();
  }
  return success();
}

/// Queries are [B, S, heads * size]; keys and values are too, or already
/// [B, heads, L, size].
LogicalResult checkHeads(Inference &n, const Dims &q) {
  if (q.size() != 3)
    return n.contradict("query " + n.text(q) + " must have rank 3");
  for (unsigned i : {1u, 2u}) {
    Dims dims;
    if (n.dimsOf(i, dims) && dims.size() != 3 && dims.size() != 4)
      return n.contradict(Twine(i == 1 ? "key " : "value ") + n.text(dims) +
                          " must have rank 3 or 4");
  }
  return success();
}

/// query, key, value, bias, key_padding_mask, attention_bias, past_key,
/// past_value.
LogicalResult multiHeadAttention(Inference &n) {
  Dims q, k, v;
  if (!n.dimsOf(0, q))
    return failure();
  int64_t heads = n.op.getInt("num_heads", 0);
  if (heads < 1)
    return n.contradict("needs num_heads");
  bool haveK = n.dimsOf(1, k), haveV = n.dimsOf(2, v);
  if (failed(checkHeads(n, q)))
    return failure();
  auto size = q[2].dividedBy(Poly(heads));
  if (!size)
    return n.contradict(n.text(q[2]) + " columns are not " + Twine(heads) +
                        " heads");
  if (haveK && k.size() == 3 && k[2].asConstant() && q[2].asConstant() &&
      k[2] != q[2])
    return n.contradict("query " + n.text(q) + " and key " + n.text(k) +
                        " have heads of different sizes");
  Dims result = q;
  if (haveV)
    result[2] = v.size() == 4 ? Poly(heads) * v[3] : v[2];
  if (failed(n.set(0, n.elementOf(0), result)) || n.op.getNumResults() == 1)
    return success();
  if (!haveK)
    return failure();
  return presentStates(n, 6, 1, k.size() == 4 ? k[2] : k[1],
                       {q[0], Poly(heads), k.size() == 4 ? k[2] : k[1], *size});
}

/// query, key, value, past_key, past_value, ...; a query alone holds all three.
LogicalResult groupQueryAttention(Inference &n) {
  Dims q, k;
  if (!n.dimsOf(0, q) || q.size() != 3)
    return failure();
  int64_t heads = n.op.getInt("num_heads", 0),
          kvHeads = n.op.getInt("kv_num_heads", 0);
  if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0)
    return n.contradict(Twine(heads) + " query heads are no multiple of " +
                        Twine(kvHeads) + " key heads");
  bool packed = !n.dimsOf(1, k);
  int64_t count = packed ? heads + 2 * kvHeads : heads;
  auto size = q[2].dividedBy(Poly(count));
  if (!size)
    return n.contradict(n.text(q[2]) + " columns are not " + Twine(count) +
                        " heads");
  if (!packed && k.size() == 3 && k[2].asConstant() && size->asConstant() &&
      k[2] != *size * Poly(kvHeads))
    return n.contradict("query " + n.text(q) + " and key " + n.text(k) +
                        " have heads of different sizes");
  if (failed(n.set(0, n.elementOf(0), {q[0], q[1], *size * Poly(heads)})) ||
      n.op.getNumResults() == 1)
    return success();
  return presentStates(n, 3, 1, q[1], {q[0], Poly(kvHeads), q[1], *size});
}

/// A causal convolution along the last dimension and the inputs it keeps.
LogicalResult causalConv(Inference &n) {
  Dims dims, weight;
  if (!n.dimsOf(0, dims) || dims.size() != 3)
    return failure();
  if (failed(n.set(0, n.elementOf(0), dims)) || n.op.getNumResults() == 1)
    return success();
  if (!n.dimsOf(1, weight) || weight.size() != 3)
    return failure();
  return n.set(1, n.elementOf(0), {dims[0], dims[1], weight[2] - Poly(1)});
}

/// input, router_probs, fc1_experts_weights [E, ., H], ...
LogicalResult experts(Inference &n) {
  Dims dims, probabilities, fc1;
  if (!n.dimsOf(0, dims) || dims.empty())
    return failure();
  bool quantized = n.op.getOpType() == "QMoE";
  if (n.dimsOf(1, probabilities) && n.dimsOf(2, fc1)) {
    if (fc1.size() != 3)
      return n.contradict("the weights of its experts " + n.text(fc1) +
                          " must have rank 3");
    if (probabilities.empty() ||
        (probabilities.back().asConstant() && probabilities.back() != fc1[0]))
      return n.contradict("routes with " + n.text(probabilities) + " to " +
                          n.text(fc1[0]) + " experts");
    if (!quantized && dims.back().asConstant() && dims.back() != fc1[2])
      return n.contradict("tokens " + n.text(dims) +
                          " do not fit expert weights " + n.text(fc1));
  }
  // A row of probabilities for each token.
  if (!probabilities.empty()) {
    Poly tokens(1), rows(1);
    for (const Poly &dim : ArrayRef<Poly>(dims).drop_back())
      tokens = tokens * dim;
    for (const Poly &dim : ArrayRef<Poly>(probabilities).drop_back())
      rows = rows * dim;
    if (tokens != rows && failed(n.unify(tokens, rows)))
      return n.contradict("routes " + n.text(tokens) + " tokens with " +
                          n.text(rows) + " rows of probabilities");
  }
  return n.set(0, n.elementOf(0), dims);
}

LogicalResult dequantize(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  return n.set(0, n.elementOf(1), dims);
}

LogicalResult quantize(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims))
    return failure();
  Type element = n.elementOf(2);
  if (!element)
    element = n.op.getNodeAttr("output_dtype")
                  ? getElementType(n.op.getInt("output_dtype", 0), n.b)
                  : n.b.getIntegerType(8, false);
  return n.set(0, element, dims);
}

} // namespace

void onnx::addFusedRules(RuleTable &t) {
  t.add("RotaryEmbedding", 23, rotaryEmbedding);
  t.add("RotaryEmbedding", 1, rotaryEmbedding, kMicrosoft);
  t.add("MultiHeadAttention", 1, multiHeadAttention, kMicrosoft);
  t.add("GroupQueryAttention", 1, groupQueryAttention, kMicrosoft);
  t.add("CausalConvWithState", 1, causalConv, kMicrosoft);
  t.addAll({"MoE", "QMoE"}, 1, experts, kMicrosoft);
  t.add("DequantizeLinear", 10, dequantize);
  t.add("DequantizeLinear", 1, dequantize, kMicrosoft);
  t.add("QuantizeLinear", 10, quantize);
}
