//===- AttentionTest.cpp - Attention against float64 ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Queries and results are stored [batch, position, head], keys and values as in
// a state: with room behind the last position, which is full of NaNs.
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/GPU/Attention.h"
#include "Harness.h"
#include "Ptx.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/FileSystem.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace mlir::moe::gpu;
using namespace moe_test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kLowest = std::numeric_limits<float>::lowest();

enum class Mask { None, Floats, Booleans };

struct Problem {
  Element element = Element::F32;
  int64_t batch = 1, heads = 1, keyHeads = 1, size = 16, valueSize = 16;
  int64_t queries = 1, past = 0;
  bool causal = false;
  int64_t offset = 0; // of a causal mask, beyond `past`
  double masked = -kInfinity;
  double softcap = 0;
  AttentionRows emptyRows = AttentionRows::Zero;
  Mask mask = Mask::None;
  bool stretched = false; // one mask for all batches and heads
  bool hidesRow = false;  // the mask hides every key of a row
  double atQuery = 0;     // an element of a query, when not 0
};

int64_t getKeys(const Problem &p) { return p.queries + p.past; }
int64_t getCapacity(const Problem &p) { return getKeys(p) + 5; }

/// All buffers of a problem, with fixed pseudo-random contents.
struct Data {
  explicit Data(const Problem &p);
  double getMask(const Problem &p, int64_t batch, int64_t head, int64_t query,
                 int64_t key) const;
  Buffer q, k, v, out, mask;
};

Data::Data(const Problem &p)
    : q(p.element, {p.batch, p.queries, p.heads, p.size}),
      k(p.element, {p.batch, p.keyHeads, getCapacity(p), p.size}),
      v(p.element, {p.batch, p.keyHeads, getCapacity(p), p.valueSize}),
      out(p.element, {p.batch, p.queries, p.heads, p.valueSize}) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < q.getSize(); ++i)
    q.set(i, normal(random));
  if (p.atQuery != 0)
    q.set((p.queries / 2 * p.heads + p.heads - 1) * p.size + 1, p.atQuery);
  for (Buffer *state : {&k, &v})
    for (int64_t i = 0; i < state->getSize(); ++i)
      if (i / state->getShape()[3] % getCapacity(p) < getKeys(p))
        state->set(i, normal(random));
  if (p.mask == Mask::None)
    return;
  mask = Buffer(p.mask == Mask::Floats ? Element::F32 : Element::I8,
                {p.stretched ? 1 : p.batch, p.stretched ? 1 : p.heads,
                 p.queries, getKeys(p)});
  for (int64_t i = 0; i < mask.getSize(); ++i) {
    bool isHidden = random() % 4 == 0 ||
                    (p.hidesRow && i / getKeys(p) % p.queries == p.queries / 2);
    if (p.mask == Mask::Booleans)
      mask.set(i, !isHidden);
    else
      mask.set(i, isHidden ? p.masked : normal(random));
  }
}

double Data::getMask(const Problem &p, int64_t batch, int64_t head,
                     int64_t query, int64_t key) const {
  int64_t at = p.stretched ? 0 : batch * p.heads + head;
  return mask.get((at * p.queries + query) * getKeys(p) + key);
}

/// The scores of a row as convert-onnx-to-linalg computes them. What is far
/// below every other score swallows it, as it does in float32.
std::vector<double> getScores(const Problem &p, const Data &data, int64_t batch,
                              int64_t head, int64_t query) {
  int64_t keyHead = head / (p.heads / p.keyHeads);
  std::vector<double> scores;
  auto hide = [&](double &score, double by) {
    score = std::isfinite(by) && by < -1e30 ? by : score + by;
  };
  for (int64_t key = 0; key < getKeys(p); ++key) {
    double score = 0;
    for (int64_t d = 0; d < p.size; ++d)
      score +=
          data.q.get(((batch * p.queries + query) * p.heads + head) * p.size +
                     d) *
          data.k.get(((batch * p.keyHeads + keyHead) * getCapacity(p) + key) *
                         p.size +
                     d);
    score /= std::sqrt(double(p.size));
    if (p.softcap != 0)
      score = std::tanh(score / p.softcap) * p.softcap;
    if (p.causal && key > query + p.past + p.offset)
      hide(score, p.masked);
    if (p.mask == Mask::Floats)
      hide(score, data.getMask(p, batch, head, query, key));
    if (p.mask == Mask::Booleans &&
        data.getMask(p, batch, head, query, key) == 0)
      score = p.masked;
    scores.push_back(score);
  }
  return scores;
}

/// Scores to weights that add up to 1, or what takes their place.
void applySoftmax(const Problem &p, std::vector<double> &scores) {
  double largest = -kInfinity, sum = 0;
  for (double score : scores)
    largest = std::isnan(largest) || largest > score ? largest : score;
  if (largest == -kInfinity && p.emptyRows == AttentionRows::Zero)
    largest = 0;
  bool isNothing =
      p.emptyRows == AttentionRows::NaNToZero && !std::isfinite(largest);
  for (double &score : scores) {
    score = isNothing ? 0 : std::exp(score - largest);
    sum += score;
  }
  if (sum == 0 && p.emptyRows != AttentionRows::NaN)
    sum = 1;
  for (double &score : scores)
    score /= sum;
}

double getTolerance(Element element) {
  // Weights of 16-bit elements are rounded, and so is the result.
  return element == Element::F32 ? 4e-6 : element == Element::F16 ? 2e-3 : 1e-2;
}

void check(const Problem &p, const Data &data) {
  double tolerance = getTolerance(p.element);
  for (int64_t batch = 0; batch < p.batch; ++batch)
    for (int64_t query = 0; query < p.queries; ++query)
      for (int64_t head = 0; head < p.heads; ++head) {
        std::vector<double> weights = getScores(p, data, batch, head, query);
        applySoftmax(p, weights);
        int64_t keyHead = head / (p.heads / p.keyHeads);
        for (int64_t d = 0; d < p.valueSize; ++d) {
          double expected = 0;
          for (int64_t key = 0; key < getKeys(p); ++key)
            expected +=
                weights[key] *
                data.v.get(
                    ((batch * p.keyHeads + keyHead) * getCapacity(p) + key) *
                        p.valueSize +
                    d);
          double value = data.out.get(
              ((batch * p.queries + query) * p.heads + head) * p.valueSize + d);
          if (std::isnan(expected))
            ASSERT_TRUE(std::isnan(value))
                << value << " at " << batch << " " << query << " " << head;
          else
            ASSERT_NEAR(value, expected, tolerance)
                << "at " << batch << " " << query << " " << head << " " << d;
        }
      }
}

/// The buffer as a memref of these sizes and strides.
Value getView(Harness &harness, const Buffer &buffer, ArrayRef<int64_t> sizes,
              ArrayRef<int64_t> strides) {
  Value view = harness.add(buffer);
  view.setType(MemRefType::get(
      sizes, harness.getType(buffer.getElement()),
      StridedLayoutAttr::get(harness.getContext(), 0, strides)));
  return view;
}

AttentionSpec getSpec(Harness &harness, const Problem &p) {
  AttentionSpec spec;
  spec.element = harness.getType(p.element);
  spec.heads = p.heads;
  spec.keyHeads = p.keyHeads;
  spec.size = p.size;
  spec.valueSize = p.valueSize;
  spec.scale = 1 / std::sqrt(double(p.size));
  spec.softcap = p.softcap;
  spec.causal = p.causal;
  spec.masked = p.masked;
  spec.emptyRows = p.emptyRows;
  if (p.mask == Mask::Floats)
    spec.mask = harness.getType(Element::F32);
  if (p.mask == Mask::Booleans)
    spec.mask = IntegerType::get(harness.getContext(), 1);
  return spec;
}

/// As many elements as the emitter asks for.
Buffer getWorkspace(Emitter e, const AttentionSpec &spec, const Problem &p) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(e.b, value);
  };
  Value size = getAttentionWorkspace(
      e, spec,
      {constant(p.batch), constant(p.queries), constant(getKeys(p)), Value()});
  return Buffer(Element::F32,
                {std::max<int64_t>(1, *getConstantIntValue(size))});
}

/// Emits the launches of the problem.
void emit(Harness &harness, const Problem &p, const Data &data) {
  Emitter e = harness.getEmitter();
  AttentionSpec spec = getSpec(harness, p);
  AttentionSizes sizes = {harness.add(p.batch), harness.add(p.queries),
                          harness.add(getKeys(p)),
                          p.causal ? harness.add(p.past + p.offset) : Value()};
  auto getRows = [&](const Buffer &rows, int64_t size) {
    return getView(harness, rows, {p.batch, p.heads, p.queries, size},
                   {p.queries * p.heads * size, size, p.heads * size, 1});
  };
  auto getState = [&](const Buffer &state, int64_t size) {
    int64_t head = getCapacity(p) * size;
    return getView(harness, state, {p.batch, p.keyHeads, getKeys(p), size},
                   {p.keyHeads * head, head, size, 1});
  };
  Value mask;
  if (p.mask != Mask::None) {
    auto &shape = data.mask.getShape();
    mask = getView(
        harness, data.mask, shape,
        {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1});
  }
  Value q = getRows(data.q, p.size), k = getState(data.k, p.size),
        v = getState(data.v, p.valueSize), out = getRows(data.out, p.valueSize);
  emitAttention(e, spec, q, k, v, mask, out,
                harness.add(getWorkspace(e, spec, p)), sizes);
}

/// Runs the problem; gives the kernels that did it.
std::vector<std::string> run(const Problem &p,
                             KernelSet set = KernelSet::SM80) {
  Data data(p);
  Harness harness(set);
  emit(harness, p, data);
  harness.run();
  check(p, data);
  return harness.getLaunched();
}

bool isLaunched(ArrayRef<std::string> kernels, StringRef part) {
  return llvm::any_of(kernels,
                      [&](StringRef name) { return name.contains(part); });
}

TEST(Attention, OneQuery) {
  for (int64_t group : {1, 2, 4, 8})
    for (int64_t size : {12, 64, 80, 128}) {
      SCOPED_TRACE(testing::Message() << group << " " << size);
      Problem p;
      p.batch = 2;
      p.heads = 2 * group;
      p.keyHeads = 2;
      p.size = p.valueSize = size;
      p.past = 6;
      p.causal = true;
      EXPECT_FALSE(isLaunched(run(p), "merge"));
    }
}

TEST(Attention, PartsOfKeysAreAddedUp) {
  for (int64_t past : {128, 699}) {
    Problem p;
    p.heads = 8;
    p.keyHeads = 1;
    p.size = p.valueSize = 64;
    p.past = past;
    p.causal = true;
    EXPECT_TRUE(isLaunched(run(p), "merge"));
  }
  // Few blocks of many rows.
  Problem p;
  p.queries = 40;
  p.past = 1000;
  p.causal = true;
  p.valueSize = 20;
  EXPECT_TRUE(isLaunched(run(p), "merge"));
}

TEST(Attention, Prompts) {
  Problem p;
  p.batch = 2;
  p.heads = 4;
  p.keyHeads = 2;
  p.queries = 7;
  p.causal = true;
  for (int64_t size : {12, 64, 80, 128}) {
    SCOPED_TRACE(testing::Message() << size);
    p.size = size;
    p.valueSize = size == 80 ? 64 : size;
    p.past = size == 64 ? 0 : 30;
    run(p);
  }
  p.batch = p.keyHeads = 1;
  p.heads = 2;
  p.queries = 129;
  for (int64_t size : {12, 80}) {
    SCOPED_TRACE(testing::Message() << size);
    p.size = p.valueSize = size;
    p.past = size == 12 ? 30 : 0;
    run(p);
  }
}

TEST(Attention, LongRows) {
  for (int64_t queries : {2, 33})
    for (Element element : {Element::F32, Element::F16}) {
      Problem p;
      p.element = element;
      p.size = p.valueSize = 256;
      p.queries = queries;
      p.past = 9;
      p.causal = true;
      run(p);
    }
}

TEST(Attention, TensorCores) {
  for (Element element : {Element::BF16, Element::F16}) {
    Problem p;
    p.element = element;
    p.batch = 2;
    p.heads = 4;
    p.keyHeads = 2;
    p.causal = true;
    for (int64_t size : {12, 64, 80, 128}) {
      SCOPED_TRACE(testing::Message() << getName(element) << " " << size);
      p.size = size;
      p.valueSize = size == 12 ? 20 : size;
      p.queries = size == 64 ? 1 : 20;
      p.past = 11;
      EXPECT_EQ(isLaunched(run(p), "mma"), p.queries > 8);
    }
    p.batch = 1;
    p.heads = p.keyHeads;
    p.size = p.valueSize = element == Element::F16 ? 64 : 80;
    p.queries = 129;
    p.past = 0;
    EXPECT_TRUE(isLaunched(run(p), "mma"));
  }
}

TEST(Attention, Masks) {
  for (Element element : {Element::F32, Element::BF16})
    for (Mask mask : {Mask::Floats, Mask::Booleans}) {
      Problem p;
      p.element = element;
      p.batch = 2;
      p.heads = 4;
      p.keyHeads = 2;
      p.queries = 20;
      p.past = 50;
      p.mask = mask;
      run(p);
      p.causal = true;
      p.stretched = true;
      run(p);
      p.queries = 2;
      run(p);
    }
}

TEST(Attention, RowsThatSeeNothing) {
  for (Element element : {Element::F32, Element::F16})
    for (auto rows :
         {AttentionRows::NaN, AttentionRows::Zero, AttentionRows::NaNToZero})
      for (double masked : {-kInfinity, double(kLowest)}) {
        SCOPED_TRACE(testing::Message() << int(rows) << " " << masked);
        Problem p;
        p.element = element;
        p.heads = 2;
        p.queries = 40;
        p.past = 3;
        p.masked = masked;
        p.emptyRows = rows;
        p.hidesRow = true;
        p.mask = Mask::Floats;
        if (element == Element::F32 || std::isinf(masked))
          run(p);
        p.mask = Mask::Booleans;
        run(p);
        p.mask = Mask::None;
        p.causal = true;
        p.offset = -5; // the first two queries see no key
        run(p);
        p.queries = 3;
        run(p);
      }
}

TEST(Attention, HiddenKeysThatCount) {
  for (int64_t queries : {5, 70})
    for (int64_t offset : {-2, 0, 3}) {
      Problem p;
      p.heads = 2;
      p.queries = queries;
      p.causal = true;
      p.offset = offset;
      p.masked = -3;
      run(p);
    }
}

TEST(Attention, NoNumbers) {
  for (Element element : {Element::F32, Element::BF16})
    for (double value : {kInfinity, double(NAN)})
      for (auto rows : {AttentionRows::NaN, AttentionRows::Zero,
                        AttentionRows::NaNToZero}) {
        Problem p;
        p.element = element;
        p.heads = 2;
        p.queries = std::isnan(value) ? 3 : 20;
        p.past = 2;
        p.emptyRows = rows;
        p.atQuery = value;
        run(p);
      }
}

TEST(Attention, Softcap) {
  for (Element element : {Element::F32, Element::F16})
    for (int64_t queries : {1, 33}) {
      Problem p;
      p.element = element;
      p.size = p.valueSize = 32;
      p.heads = 2;
      p.queries = queries;
      p.past = 9;
      p.causal = true;
      p.softcap = 2;
      run(p);
    }
}

TEST(Attention, HopperSet) {
  Problem p;
  p.element = Element::BF16;
  p.queries = 20;
  p.causal = true;
  run(p, KernelSet::SM90a);
}

void expectAssembles(StringRef ptx) {
  EXPECT_EQ(ptx.count(".extern .func"), 0u);
  if (!llvm::sys::fs::can_execute(MOE_TEST_PTXAS))
    return;
  std::string log = assemble(ptx, "sm_80");
  StringRef spills = "bytes spill stores";
  EXPECT_GT(StringRef(log).count(spills), 0u);
  EXPECT_EQ(StringRef(log).count(spills),
            StringRef(log).count("0 bytes stack frame, 0 bytes spill stores"))
      << log;
}

TEST(Attention, Assembles) {
  for (Element element : {Element::F32, Element::BF16, Element::F16})
    for (int64_t size : {12, 128, 256}) {
      SCOPED_TRACE(testing::Message() << getName(element) << " " << size);
      Problem p;
      p.element = element;
      p.heads = 4;
      p.size = p.valueSize = size;
      p.causal = size != 128;
      p.softcap = size == 256 ? 2 : 0;
      p.mask = size == 128 ? Mask::Floats : Mask::None;
      Data data(p);
      Harness harness(KernelSet::SM80);
      emit(harness, p, data);
      expectAssembles(harness.compileToPtx());
    }
}

TEST(Attention, NothingToDo) {
  Problem p;
  p.queries = 0;
  p.past = 4;
  run(p);
}

} // namespace
