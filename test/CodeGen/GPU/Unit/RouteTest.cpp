//===- RouteTest.cpp - Logits to choices ----------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>

using namespace mlir::moe;
using namespace mlir::moe::gpu;
using namespace moe_test;

namespace {

struct Choice {
  int64_t id;
  double weight;
};

/// The router in double.
std::vector<Choice> routeToken(const RouteSpec &spec,
                               std::vector<double> scores) {
  double largest =
      *std::max_element(scores.begin(), scores.end(), [](double a, double b) {
        return std::isnan(b) ? false : !(b <= a);
      });
  if (spec.score == Score::Sigmoid)
    for (double &x : scores)
      x = 1 / (1 + std::exp(-x));
  if (spec.score == Score::Softmax) {
    double sum = 0;
    for (double &x : scores)
      sum += x = std::exp(x - largest);
    for (double &x : scores)
      x /= sum;
  }
  std::vector<int64_t> ids(scores.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int64_t a, int64_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b]))
      return std::isnan(scores[a]) && !std::isnan(scores[b]);
    return scores[a] > scores[b];
  });
  std::vector<Choice> choices;
  for (int64_t j = 0; j < spec.k; ++j)
    choices.push_back({ids[j], scores[ids[j]]});
  if (spec.normalize == Normalize::Softmax) {
    double first = choices[0].weight;
    for (Choice &choice : choices)
      choice.weight = std::exp(choice.weight - first);
  }
  double sum = 0;
  for (Choice &choice : choices)
    sum += choice.weight;
  for (Choice &choice : choices) {
    if (spec.normalize != Normalize::None)
      choice.weight /= sum;
    choice.weight *= spec.scale;
  }
  return choices;
}

void expectRouted(const RouteSpec &spec, const Buffer &logits, int64_t tokens) {
  Buffer ids(Element::I32, {tokens, spec.k});
  Buffer weights(Element::F32, {tokens, spec.k});
  Harness harness(KernelSet::SM80);
  mlir::Value logitsValue = harness.add(logits), idsValue = harness.add(ids);
  mlir::Value weightsValue = harness.add(weights);
  emitRoute(harness.getEmitter(), spec, logitsValue, idsValue, weightsValue,
            harness.add(tokens));
  harness.run();
  for (int64_t token = 0; token < tokens; ++token) {
    std::vector<double> row;
    for (int64_t e = 0; e < spec.experts; ++e)
      row.push_back(logits.get(token * spec.experts + e));
    std::vector<Choice> expected = routeToken(spec, row);
    for (int64_t j = 0; j < spec.k; ++j) {
      int64_t i = token * spec.k + j;
      EXPECT_EQ(ids.get(i), expected[j].id) << "token " << token << ", " << j;
      double weight = expected[j].weight;
      if (std::isnan(weight))
        EXPECT_TRUE(std::isnan(weights.get(i)));
      else if (std::isinf(weight))
        EXPECT_EQ(weights.get(i), weight);
      else
        EXPECT_NEAR(weights.get(i), weight, 2e-6 * std::abs(weight) + 1e-30)
            << "token " << token << ", " << j;
    }
  }
}

/// Multiples of 1/8, so that distinct scores stay apart and many are equal.
Buffer makeLogits(int64_t tokens, int64_t experts) {
  Buffer logits(Element::F32, {tokens, experts});
  std::mt19937 random(tokens * 1000 + experts);
  for (int64_t i = 0; i < logits.getSize(); ++i)
    logits.set(i, static_cast<int>(random() % 64) / 8.0 - 4);
  return logits;
}

TEST(Route, ShapesAndTies) {
  for (auto [experts, k, tokens] : {std::tuple{1, 1, 3},
                                    {8, 2, 0},
                                    {8, 8, 7},
                                    {33, 3, 5},
                                    {128, 8, 6},
                                    {70, 40, 2}})
    for (Score score : {Score::Softmax, Score::Sigmoid})
      expectRouted({experts, k, score, Normalize::None, 1.0f},
                   makeLogits(tokens, experts), tokens);
}

TEST(Route, NormalizesAndScales) {
  for (Score score : {Score::None, Score::Softmax, Score::Sigmoid})
    for (Normalize normalize : {Normalize::Sum, Normalize::Softmax})
      expectRouted({40, 6, score, normalize, 2.5f}, makeLogits(5, 40), 5);
}

TEST(Route, NaNComesFirst) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (Score score : {Score::None, Score::Softmax, Score::Sigmoid}) {
    Buffer logits = makeLogits(4, 36);
    logits.set(7, nan);
    logits.set(35, nan);
    logits.set(36 + 9, -infinity);
    logits.set(2 * 36 + 3, 0.0);
    logits.set(2 * 36 + 4, -0.0);
    if (score != Score::Softmax)
      logits.set(3 * 36 + 33, infinity);
    expectRouted({36, 5, score, Normalize::None, 1.0f}, logits, 4);
  }
}

TEST(RoutingFrom, UnknownIdsAreNone) {
  for (Element element : {Element::I32, Element::I64, Element::I8}) {
    constexpr int64_t tokens = 70, k = 3, experts = 9;
    Buffer ids(element, {tokens, k}), out(Element::I32, {tokens, k});
    for (int64_t i = 0; i < ids.getSize(); ++i)
      ids.set(i, i % 13 - 2);
    if (element == Element::I64)
      ids.set(5, 1ll << 32);
    Harness harness(KernelSet::SM80);
    mlir::Value idsValue = harness.add(ids), outValue = harness.add(out);
    emitRoutingFrom(harness.getEmitter(), experts, k, idsValue, outValue,
                    harness.add(tokens));
    harness.run();
    for (int64_t i = 0; i < ids.getSize(); ++i) {
      double id = ids.get(i);
      EXPECT_EQ(out.get(i), id >= 0 && id < experts ? id : -1);
    }
  }
}

} // namespace
