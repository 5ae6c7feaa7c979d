//===- ExpertTest.cpp - Expert layers and dense products ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;
using namespace moe_test;
using device::ExpertLayout;

namespace {

struct LayerCase {
  Element element = Element::F32;
  packed::ExpertShape shape = {50, 72, true, false, false};
  int64_t experts = 4, k = 2;
  Activation activation = Activation::SiLU;
  float alpha = 1, beta = 0, limit = 0;
  int64_t tokens = 0;
  std::vector<int64_t> ids = {}; // empty: random
  KernelSet set = KernelSet::SM80;
  int64_t waves = 1; // expert e is in wave e % waves
  int64_t wavesRun = 1;
  double special = 0; // when not 0, an element of the first token
};

double makeNumber(std::mt19937 &random) {
  return std::normal_distribution<double>()(random);
}

/// Weights of an expert as [rows, columns] of the element type.
struct Matrix {
  int64_t columns = 0;
  std::vector<double> values, bias;
  Matrix(Element element, int64_t rows, int64_t columns, std::mt19937 &random)
      : columns(columns) {
    for (int64_t i = 0; i < rows * columns; ++i)
      values.push_back(
          roundTo(element, makeNumber(random) / std::sqrt(columns)));
    for (int64_t i = 0; i < rows; ++i)
      bias.push_back(roundTo(Element::F32, makeNumber(random)));
  }
  double get(int64_t row, int64_t column) const {
    return values[row * columns + column];
  }
};

struct Expert {
  Matrix gate, up, down;
};

/// Writes a slot as DeviceLayout.h has it.
void pack(Buffer &slots, int64_t begin, const ExpertLayout &layout,
          Element element, const Expert &expert) {
  const packed::ExpertShape &shape = layout.shape;
  for (int64_t i = 0; i < layout.getSlotBytes(); ++i)
    slots.setAt(begin + i, Element::I8, 0);
  auto write = [&](int64_t part, int64_t row, const Matrix &matrix,
                   int64_t from, bool bias) {
    int64_t start = begin + layout.getPartOffset(part);
    int64_t rowStart = row * layout.getColumns(part) * layout.elementBytes;
    for (int64_t column = 0; column < matrix.columns; ++column)
      slots.setAt(start + rowStart + column * layout.elementBytes, element,
                  matrix.get(from, column));
    if (bias)
      slots.setAt(start + layout.getBiasOffset(part) + 4 * row, Element::F32,
                  matrix.bias[from]);
  };
  for (int64_t i = 0; i < shape.intermediate; ++i) {
    int64_t row = shape.gated ? i / 8 * 16 + i % 8 : i;
    if (shape.gated)
      write(0, row, expert.gate, i, shape.upBias);
    write(0, shape.gated ? row + 8 : row, expert.up, i, shape.upBias);
  }
  for (int64_t i = 0; i < shape.hidden; ++i)
    write(1, i, expert.down, i, shape.downBias);
}

double activate(const LayerCase &test, double x) {
  switch (test.activation) {
  case Activation::Identity:
    return x;
  case Activation::ReLU:
    return x < 0 ? 0 : x;
  case Activation::SiLU:
    return x / (1 + std::exp(-static_cast<double>(test.alpha) * x));
  case Activation::GELU:
    return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  case Activation::GELUTanh:
    return x / 2 *
           (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  }
  return x;
}

/// A sum and the sum of its terms' magnitudes, which bounds its error.
struct Sum {
  double value = 0, magnitude = 0;
  void add(double term) {
    value += term;
    magnitude += std::abs(term);
  }
  double getError() const { return 2e-6 * magnitude; }
};

double getRoundingError(Element element) {
  return element == Element::F32    ? 4e-6
         : element == Element::BF16 ? 1.0 / 256
                                    : 1.0 / 2048;
}

void expectNear(double actual, double expected, double error,
                const std::string &where) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(actual)) << where << " is " << actual;
  else if (std::isinf(expected))
    EXPECT_EQ(actual, expected) << where;
  else
    EXPECT_LE(std::abs(actual - expected), error)
        << where << ": " << actual << ", not " << expected;
}

/// Runs a layer of kernels, see `run`.
class LayerRun {
public:
  explicit LayerRun(const LayerCase &test)
      : test(test), random(test.tokens * 10 + test.experts) {}

  /// Sorts, runs the waves and compares rows with double.
  void run();
  std::vector<uint8_t> getOutput() const { return out.getContents(); }
  const std::vector<std::string> &getLaunched() const { return launched; }

private:
  void makeInputs();
  void emitWaves(Harness &harness, Sorted &sorted);
  void compare(const Sorted &sorted);
  void compareUp(int64_t expert, int64_t row, int64_t token);
  void compareDown(int64_t expert, int64_t row);
  std::string place(const char *what, int64_t row, int64_t column) const {
    return std::string(what) + " of row " + std::to_string(row) + ", column " +
           std::to_string(column);
  }

  LayerCase test;
  std::mt19937 random;
  ExpertLayerSpec spec;
  std::vector<Expert> experts;
  std::vector<int64_t> ids;
  Buffer x, h, out;
  std::vector<Buffer> slots, slotOf;
  std::vector<std::string> launched;
};

void LayerRun::makeInputs() {
  const packed::ExpertShape &shape = test.shape;
  for (int64_t e = 0; e < test.experts; ++e)
    experts.push_back(
        {Matrix(test.element, shape.intermediate, shape.hidden, random),
         Matrix(test.element, shape.intermediate, shape.hidden, random),
         Matrix(test.element, shape.hidden, shape.intermediate, random)});
  int64_t stride = device::getRowStride(shape.hidden);
  x = Buffer(test.element, {test.tokens, stride});
  for (int64_t i = 0; i < x.getSize(); ++i)
    x.set(i, i % stride < shape.hidden ? makeNumber(random) : 0);
  if (test.special != 0)
    x.set(3, test.special);
  ids = test.ids;
  while (static_cast<int64_t>(ids.size()) < test.tokens * test.k)
    ids.push_back(random() % test.experts);
  int64_t rows = test.tokens * test.k;
  h = Buffer(test.element, {rows, spec.layout.getIntermediate()});
  out = Buffer(Element::F32, {rows, shape.hidden});
}

void LayerRun::emitWaves(Harness &harness, Sorted &sorted) {
  Emitter e = harness.getEmitter();
  Value xValue = harness.add(x), hValue = harness.add(h);
  Value outValue = harness.add(out);
  int64_t slotBytes = spec.layout.getSlotBytes();
  for (int64_t wave = 0; wave < test.wavesRun; ++wave) {
    int64_t count = llvm::divideCeil(test.experts - wave, test.waves);
    Buffer &bytes = slots.emplace_back(Element::I8,
                                       std::vector<int64_t>{count * slotBytes});
    Buffer &table =
        slotOf.emplace_back(Element::I32, std::vector<int64_t>{test.experts});
    for (int64_t expert = 0; expert < test.experts; ++expert) {
      bool here = expert % test.waves == wave;
      // Descending: the slot is not the expert.
      int64_t slot = count - 1 - expert / test.waves;
      table.set(expert, here ? slot : -1);
      if (here)
        pack(bytes, slot * slotBytes, spec.layout, test.element,
             experts[expert]);
    }
    Wave values = {harness.add(bytes), harness.add(count), harness.add(table)};
    emitExpertUp(e, spec, sorted.rows, values, xValue, hValue,
                 sorted.tokensValue);
    emitExpertDown(e, spec, sorted.rows, values, hValue, outValue,
                   sorted.tokensValue);
  }
}

void LayerRun::run() {
  Harness harness(test.set);
  spec.layout = {test.shape, getBytes(test.element)};
  spec.element = harness.getType(test.element);
  spec.experts = test.experts;
  spec.k = test.k;
  spec.activation = test.activation;
  spec.alpha = test.alpha;
  spec.beta = test.beta;
  spec.limit = test.limit;
  makeInputs();
  Sorted sorted(harness, spec, test.tokens);
  for (size_t i = 0; i < ids.size(); ++i)
    sorted.ids.set(i, ids[i]);
  sorted.emit({{ExpertKind::FFN, test.experts}});
  emitWaves(harness, sorted);
  harness.run();
  launched = harness.getLaunched();
  compare(sorted);
}

void LayerRun::compare(const Sorted &sorted) {
  int64_t rows = test.tokens * test.k;
  int64_t real = sorted.offsets.get(test.experts);
  auto isUntouched = [&](const Buffer &buffer, int64_t row) {
    int64_t columns = buffer.getShape()[1];
    for (int64_t i = row * columns; i < (row + 1) * columns; ++i)
      EXPECT_TRUE(buffer.isUntouched(i)) << "row " << row;
  };
  for (int64_t expert = 0; expert < test.experts; ++expert)
    for (int64_t row = sorted.offsets.get(expert);
         row < sorted.offsets.get(expert + 1); ++row) {
      if (expert % test.waves >= test.wavesRun) {
        isUntouched(h, row);
        isUntouched(out, row);
        continue;
      }
      compareUp(expert, row, sorted.rowToken.get(row));
      compareDown(expert, row);
    }
  for (int64_t row = real; row < rows; ++row) {
    isUntouched(h, row);
    isUntouched(out, row);
  }
}

void LayerRun::compareUp(int64_t expert, int64_t row, int64_t token) {
  const Expert &weights = experts[expert];
  const packed::ExpertShape &shape = test.shape;
  int64_t stride = spec.layout.getIntermediate();
  auto dot = [&](const Matrix &matrix, int64_t column) {
    Sum sum;
    for (int64_t i = 0; i < shape.hidden; ++i)
      sum.add(x.get(token * x.getShape()[1] + i) * matrix.get(column, i));
    if (shape.upBias)
      sum.add(matrix.bias[column]);
    return sum;
  };
  double limit = test.limit;
  for (int64_t column = 0; column < shape.intermediate; ++column) {
    Sum up = dot(weights.up, column);
    if (limit != 0 && up.value > limit)
      up.value = limit;
    double expected, error;
    if (shape.gated) {
      Sum gate = dot(weights.gate, column);
      if (limit != 0 && gate.value > limit)
        gate.value = limit;
      if (limit != 0 && up.value < -limit)
        up.value = -limit;
      up.value += test.beta;
      double active = activate(test, gate.value);
      expected = active * up.value;
      error = 2 * (gate.getError() * std::abs(up.value) +
                   up.getError() * std::abs(active));
    } else {
      expected = activate(test, up.value);
      error = 2 * up.getError();
    }
    error += getRoundingError(test.element) * std::abs(expected) + 1e-6;
    expectNear(h.get(row * stride + column), expected, error,
               place("h", row, column));
  }
  for (int64_t column = shape.intermediate; column < stride; ++column)
    EXPECT_EQ(h.get(row * stride + column), 0) << place("h", row, column);
}

void LayerRun::compareDown(int64_t expert, int64_t row) {
  const Matrix &down = experts[expert].down;
  const packed::ExpertShape &shape = test.shape;
  for (int64_t column = 0; column < shape.hidden; ++column) {
    Sum sum;
    for (int64_t i = 0; i < shape.intermediate; ++i)
      sum.add(h.get(row * spec.layout.getIntermediate() + i) *
              down.get(column, i));
    if (shape.downBias)
      sum.add(down.bias[column]);
    expectNear(out.get(row * shape.hidden + column), sum.value,
               sum.getError() + 1e-30, place("out", row, column));
  }
}

constexpr Element kElements[] = {Element::F32, Element::BF16, Element::F16};
constexpr KernelSet kSets[] = {KernelSet::SM80, KernelSet::SM90a};

/// Rows of each kernel: streams of 1, 4 and 8, tiles of 16, 64 and 128.
TEST(Expert, Tokens) {
  for (KernelSet set : kSets)
    for (Element element : kElements)
      for (int64_t tokens : {0, 1, 3, 7, 20, 70, 140}) {
        // Streams are the same in both sets.
        if (set == KernelSet::SM90a && tokens < 20)
          continue;
        LayerCase test;
        test.set = set;
        test.element = element;
        test.tokens = tokens;
        test.experts = tokens == 140 ? 3 : 4;
        LayerRun(test).run();
      }
}

TEST(Expert, OddShapes) {
  for (Element element : kElements)
    for (auto [hidden, intermediate, gated] : {std::tuple{200, 50, true},
                                               {72, 51, false},
                                               {8, 3, true},
                                               {131, 200, false}})
      for (int64_t tokens : {2, 18}) {
        LayerCase test;
        test.element = element;
        test.shape = {hidden, intermediate, gated, true, true};
        test.tokens = tokens;
        LayerRun(test).run();
      }
}

TEST(Expert, Imbalance) {
  for (Element element : {Element::F32, Element::BF16}) {
    LayerCase test;
    test.element = element;
    test.k = 1;
    test.tokens = 129;
    test.ids.assign(129, 2);
    LayerRun(test).run();
    test.k = test.experts;
    test.tokens = 7;
    test.ids.clear();
    for (int64_t i = 0; i < 28; ++i)
      test.ids.push_back(i % 4);
    LayerRun(test).run();
    // Some choices are of no expert, one expert has none.
    test.tokens = 33;
    test.ids.clear();
    for (int64_t i = 0; i < 132; ++i)
      test.ids.push_back(i % 5 == 1 ? 0 : i % 5 - 1);
    LayerRun(test).run();
  }
}

TEST(Expert, Activations) {
  for (Activation activation :
       {Activation::Identity, Activation::ReLU, Activation::SiLU,
        Activation::GELU, Activation::GELUTanh})
    for (bool gated : {true, false}) {
      LayerCase test;
      test.shape = {24, 40, gated, true, true};
      test.activation = activation;
      test.tokens = 4;
      LayerRun(test).run();
    }
  LayerCase test;
  test.shape = {24, 40, true, true, true};
  test.alpha = 1.702f;
  test.beta = 1.0f;
  test.limit = 0.75f;
  for (int64_t tokens : {4, 20})
    for (Element element : kElements) {
      test.tokens = tokens;
      test.element = element;
      LayerRun(test).run();
    }
  test.shape.gated = false;
  LayerRun(test).run();
}

TEST(Expert, NaNAndInfinityStayInTheirRows) {
  for (double special : {NAN, INFINITY, -INFINITY})
    for (int64_t tokens : {5, 20}) {
      LayerCase test;
      test.element = tokens == 5 ? Element::F32 : Element::BF16;
      test.shape = {40, 50, true, false, false};
      test.tokens = tokens;
      test.special = special;
      LayerRun(test).run();
    }
}

TEST(Expert, WavesDoNotChangeBits) {
  for (KernelSet set : kSets)
    for (int64_t tokens : {1, 6, 20, 80}) {
      LayerCase test;
      test.set = set;
      test.element = Element::BF16;
      test.experts = 5;
      test.tokens = tokens;
      LayerRun whole(test);
      whole.run();
      test.waves = test.wavesRun = 2;
      LayerRun waves(test);
      waves.run();
      EXPECT_TRUE(whole.getOutput() == waves.getOutput());
      test.wavesRun = 1;
      LayerRun(test).run();
    }
}

TEST(Gemm, Shapes) {
  for (Element element : kElements)
    for (auto [rows, n, k] : {std::tuple{0, 40, 64},
                              {1, 50, 200},
                              {3, 33, 40},
                              {8, 64, 72},
                              {9, 50, 131},
                              {40, 150, 64},
                              {130, 72, 50}}) {
      int64_t stride = device::getRowStride(k);
      Buffer a(element, {rows, stride}), c(Element::F32, {rows, n});
      Buffer w(element, {n * stride});
      std::mt19937 random(rows);
      for (Buffer *buffer : {&a, &w})
        for (int64_t i = 0; i < buffer->getSize(); ++i)
          buffer->set(i, i % stride < k ? makeNumber(random) : 0);
      Harness harness(KernelSet::SM80);
      Value aValue = harness.add(a), wValue = harness.add(w);
      Value cValue = harness.add(c);
      emitGemm(harness.getEmitter(), k, n, harness.getType(element), aValue,
               wValue, cValue, harness.add(rows));
      harness.run();
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < n; ++j) {
          Sum sum;
          for (int64_t l = 0; l < k; ++l)
            sum.add(a.get(i * stride + l) * w.get(j * stride + l));
          expectNear(c.get(i * n + j), sum.value, sum.getError(),
                     "c[" + std::to_string(i) + ", " + std::to_string(j) + "]");
        }
    }
}

} // namespace
