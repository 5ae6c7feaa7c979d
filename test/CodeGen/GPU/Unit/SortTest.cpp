//===- SortTest.cpp - Rows by expert, and back to tokens ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "Layer.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;
using namespace moe_test;

namespace {

/// Sorts ids and compares with a sort in one loop.
void expectSorted(int64_t experts, int64_t k, const std::vector<int64_t> &ids,
                  std::vector<std::pair<ExpertKind, int64_t>> kinds = {}) {
  Harness harness(KernelSet::SM80);
  if (kinds.empty())
    kinds = {{ExpertKind::FFN, experts}};
  int64_t tokens = ids.size() / k;
  ExpertLayerSpec spec;
  spec.experts = experts;
  spec.k = k;
  Sorted sorted(harness, spec, tokens);
  for (size_t i = 0; i < ids.size(); ++i)
    sorted.ids.set(i, ids[i]);
  sorted.emit(kinds);
  harness.run();

  // The bank's expert of each id.
  std::vector<int64_t> bank;
  int64_t next = 0;
  for (auto [kind, count] : kinds)
    for (int64_t i = 0; i < count; ++i)
      bank.push_back(kind == ExpertKind::FFN ? next++ : -1);
  std::vector<std::vector<int64_t>> choices(experts);
  for (size_t i = 0; i < ids.size(); ++i) {
    int64_t id = ids[i];
    int64_t expert =
        id >= 0 && id < static_cast<int64_t>(bank.size()) ? bank[id] : -1;
    if (expert < 0)
      EXPECT_EQ(sorted.rowOf.get(i), -1);
    else
      choices[expert].push_back(i);
  }
  int64_t row = 0, tile = 0;
  for (int64_t expert = 0; expert < experts; ++expert) {
    int64_t count = choices[expert].size();
    EXPECT_EQ(sorted.counts.get(expert), count);
    EXPECT_EQ(sorted.offsets.get(expert), row);
    for (int64_t first = 0; first < count; first += sorted.tileRowsNumber) {
      ASSERT_LT(2 * tile + 2, sorted.tiles.getSize());
      EXPECT_EQ(sorted.tiles.get(1 + 2 * tile), expert);
      EXPECT_EQ(sorted.tiles.get(2 + 2 * tile), first);
      ++tile;
    }
    for (int64_t choice : choices[expert]) {
      EXPECT_EQ(sorted.rowToken.get(row), choice / k);
      EXPECT_EQ(sorted.rowOf.get(choice), row);
      ++row;
    }
  }
  EXPECT_EQ(sorted.offsets.get(experts), row);
  EXPECT_EQ(sorted.tiles.get(0), tile);
  for (; row < sorted.rowToken.getSize(); ++row)
    EXPECT_TRUE(sorted.rowToken.isUntouched(row));
}

std::vector<int64_t> makeIds(int64_t count, int64_t ids) {
  std::mt19937 random(count);
  std::vector<int64_t> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(random() % ids);
  return result;
}

TEST(Sort, Shapes) {
  for (auto [experts, k, tokens] : {std::tuple{4, 2, 0},
                                    {4, 2, 1},
                                    {8, 2, 3},
                                    {5, 5, 7},
                                    {3, 1, 129},
                                    {16, 4, 200},
                                    {300, 3, 100}})
    expectSorted(experts, k, makeIds(tokens * k, experts));
}

TEST(Sort, AllOnOneExpert) {
  expectSorted(6, 1, std::vector<int64_t>(300, 5));
  expectSorted(6, 2, std::vector<int64_t>(24, 0));
}

TEST(Sort, ManyExperts) { expectSorted(1024, 2, makeIds(600, 1024)); }

TEST(Sort, OtherKindsHaveNoRows) {
  std::vector<int64_t> ids = makeIds(150, 14);
  for (int64_t &id : ids)
    --id; // some are -1, some beyond all kinds
  expectSorted(7, 3, ids,
               {{ExpertKind::Zero, 1},
                {ExpertKind::FFN, 4},
                {ExpertKind::Copy, 2},
                {ExpertKind::FFN, 3},
                {ExpertKind::Elsewhere, 1}});
}

TEST(Combine, AddsInTheOrderOfChoices) {
  for (auto [hidden, k, tokens] : {std::tuple{50, 2, 5},
                                   {72, 1, 3},
                                   {600, 9, 4},
                                   {7, 17, 2},
                                   {64, 3, 0}}) {
    int64_t rows = tokens * k;
    Buffer data(Element::F32, {rows, hidden}),
        out(Element::F32, {tokens, hidden});
    Buffer rowOf(Element::I32, {tokens, k}), weights(Element::F32, {tokens, k});
    std::mt19937 random(hidden);
    std::normal_distribution<double> normal;
    for (int64_t i = 0; i < data.getSize(); ++i)
      data.set(i, normal(random));
    for (int64_t i = 0; i < rows; ++i) {
      rowOf.set(i, i % 5 == 3 ? -1 : (i * 7) % rows);
      weights.set(i, normal(random));
    }
    Harness harness(KernelSet::SM80);
    Value dataValue = harness.add(data), rowOfValue = harness.add(rowOf);
    Value weightsValue = harness.add(weights), outValue = harness.add(out);
    emitCombine(harness.getEmitter(), hidden, k, dataValue, rowOfValue,
                weightsValue, outValue, harness.add(tokens));
    harness.run();
    for (int64_t token = 0; token < tokens; ++token)
      for (int64_t column = 0; column < hidden; ++column) {
        float sum = 0;
        for (int64_t j = token * k; j < (token + 1) * k; ++j)
          if (rowOf.get(j) >= 0)
            sum = std::fma(
                static_cast<float>(weights.get(j)),
                static_cast<float>(data.get(rowOf.get(j) * hidden + column)),
                sum);
        EXPECT_EQ(out.get(token * hidden + column), sum);
      }
  }
}

TEST(ConvertRows, RoundsAndPads) {
  for (Element from : {Element::F32, Element::BF16, Element::F16})
    for (Element to : {Element::F32, Element::BF16, Element::F16})
      for (int64_t columns : {50, 64}) {
        int64_t rows = 5, stride = device::getRowStride(columns);
        Buffer source(from, {rows, columns}), target(to, {rows, stride});
        std::mt19937 random(columns);
        std::normal_distribution<double> normal;
        for (int64_t i = 0; i < source.getSize(); ++i)
          source.set(i, normal(random));
        source.set(3, INFINITY);
        source.set(4, 1e-39);
        Harness harness(KernelSet::SM80);
        Value sourceValue = harness.add(source),
              targetValue = harness.add(target);
        emitConvertRows(harness.getEmitter(), sourceValue, targetValue,
                        harness.add(rows));
        harness.run();
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < stride; ++j)
            EXPECT_EQ(target.get(i * stride + j),
                      j < columns ? roundTo(to, source.get(i * columns + j))
                                  : 0)
                << getName(from) << " to " << getName(to) << " at " << j;
      }
}

} // namespace
