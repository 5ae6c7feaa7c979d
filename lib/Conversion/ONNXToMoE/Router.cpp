//===- Router.cpp - Ids and weights to routing ----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What routers of the families below look like, in float32, each step perhaps
// behind a Reshape or a Cast that changes nothing:
//
//   weights, ids = TopK(Softmax(logits))             (OLMoE, Qwen)
//   weights / ReduceSum(weights)                     (Mixtral, Qwen)
//   ids of TopK(logits), weights = Softmax(values)   (Granite, gpt-oss)
//   GatherElements(Softmax(logits), ids)             the same as the values
//   weights * constant                               (DeepSeek)
//
//===----------------------------------------------------------------------===//

#include "Matchers.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The parameters of a router, as far as they were found.
struct Parameters {
  Value logits;
  Score score = Score::None;
  Normalize normalize = Normalize::None;
  float scale = 1.0f;
};

/// Whether the node works along the last dimension of `of`; `fallback` is the
/// operator's default axis.
bool isLastAxis(onnx::NodeOp node, Value of, int64_t fallback = -1) {
  auto dims = onnx::getPolyDims(of);
  int64_t axis = node.getInt("axis", fallback);
  return dims && (axis == -1 || axis == int64_t(dims->size()) - 1);
}

/// weights / sum(weights) over the k choices: the numerator, or null.
Value matchNormalized(Value weights, const onnx::Poly &k) {
  auto division = getNode(weights, "Div");
  if (!division)
    return {};
  Value numerator = division.getInputs()[0];
  auto sum = getNode(division.getInputs()[1], "ReduceSum");
  auto dims = onnx::getPolyDims(numerator);
  auto axes = sum ? dyn_cast_or_null<DenseI64ArrayAttr>(sum.getNodeAttr("axes"))
                  : DenseI64ArrayAttr();
  if (!axes || !dims || axes.size() != 1 || dims->back() != k ||
      axes[0] != int64_t(dims->size()) - 1 || !sum.getInt("keepdims", 1) ||
      sum.getInputs()[0] != numerator)
    return {};
  return numerator;
}

/// The scores that TopK chose from, when `weights` are those of its choices.
bool areChosenScores(Value weights, onnx::NodeOp topK) {
  if (weights == topK.getResult(0))
    return true;
  auto gather = getNode(weights, "GatherElements");
  return gather && haveSameDims(gather.getInputs()[1], topK.getResult(1)) &&
         gather.getInputs()[0] == topK.getInputs()[0] &&
         skipReshapesAndCasts(gather.getInputs()[1]) == topK.getResult(1) &&
         isLastAxis(gather, gather.getInputs()[0], 0);
}

std::optional<Parameters> matchParameters(onnx::NodeOp topK, Value weights,
                                          int64_t experts) {
  Parameters p;
  Value choices = topK.getInputs()[0];
  auto dims = onnx::getPolyDims(choices);
  if (!dims || dims->empty() || dims->back() != onnx::Poly(experts) ||
      !isLastAxis(topK, choices) || !topK.getInt("largest", 1) ||
      !onnx::getElementTypeOf(choices).isF32())
    return std::nullopt;
  auto chosen = onnx::getPolyDims(topK.getResult(0));
  if (!chosen)
    return std::nullopt;
  onnx::Poly k = chosen->back();
  weights = skipReshapes(weights);
  if (auto product = getNode(weights, "Mul"))
    eitherOrder(product, [&](Value w, Value factor) {
      std::optional<double> scale = getSplat(factor);
      if (!scale)
        return false;
      p.scale = *scale;
      weights = skipReshapes(w);
      return true;
    });
  if (Value numerator = matchNormalized(weights, k)) {
    weights = skipReshapes(numerator);
    p.normalize = Normalize::Sum;
  } else if (auto softmax = getNode(weights, "Softmax");
             softmax && isLastAxis(softmax, weights)) {
    // Of the chosen logits: the reverse order.
    if (onnx::getPolyDims(weights)->back() != k ||
        !areChosenScores(skipReshapes(softmax.getInputs()[0]), topK))
      return std::nullopt;
    p.logits = choices;
    p.normalize = Normalize::Softmax;
    return p;
  }
  auto softmax = getNode(skipReshapes(choices), "Softmax");
  if (!areChosenScores(weights, topK) || !softmax ||
      !isLastAxis(softmax, softmax.getInputs()[0]))
    return std::nullopt;
  auto logits = onnx::getPolyDims(softmax.getInputs()[0]);
  if (!logits || logits->back() != onnx::Poly(experts) ||
      !onnx::getElementTypeOf(softmax.getInputs()[0]).isF32())
    return std::nullopt;
  p.logits = softmax.getInputs()[0];
  p.score = Score::Softmax;
  return p;
}

/// Ids as Gather reads them: negative ones count from the end.
Value wrapNegative(ImplicitLocOpBuilder &b, StringRef name, Value ids,
                   int64_t experts) {
  auto element = cast<IntegerType>(onnx::getElementTypeOf(ids));
  auto constant = [&](int64_t value) -> Value {
    auto type = RankedTensorType::get({}, element);
    return onnx::ConstantOp::create(
        b, cast<ElementsAttr>(Attribute(DenseElementsAttr::get(
               type, b.getIntegerAttr(element, value)))));
  };
  Value negative = makeNode(b, name, "Less", {ids, constant(0)}, {});
  Value wrapped = makeNode(b, name, "Add", {ids, constant(experts)}, {});
  return makeNode(b, name, "Where", {negative, wrapped, ids}, {});
}

} // namespace

RouterMatch moe::makeRouting(ImplicitLocOpBuilder &b, StringRef name, Value ids,
                             Value weights, const onnx::Poly &tokens,
                             int64_t experts, int64_t k) {
  auto type = RoutingType::get(b.getContext(), experts, k, false);
  ids = skipReshapesAndCasts(ids);
  auto topK = getNode(ids, "TopK");
  if (topK && ids != topK.getResult(1))
    topK = {};
  // A row of choices for each token.
  auto choices = topK ? onnx::getPolyDims(ids) : std::nullopt;
  if (choices && choices->back() == onnx::Poly(k))
    if (auto p = matchParameters(topK, weights, experts)) {
      Value logits = reshapeTo(b, name, p->logits, {tokens, experts});
      StringRef router =
          p->normalize == Normalize::Softmax ? "topk-softmax" : "softmax-topk";
      return {RouteOp::create(b, type, logits, p->score, p->normalize,
                              llvm::APFloat(p->scale)),
              router};
    }
  if (!topK)
    ids = wrapNegative(b, name, ids, experts);
  return {RoutingFromOp::create(b, type, reshapeTo(b, name, ids, {tokens, k}),
                                reshapeTo(b, name, weights, {tokens, k})),
          "routing-from"};
}
