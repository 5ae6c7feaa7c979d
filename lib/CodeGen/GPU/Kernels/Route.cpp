//===- Route.cpp - Logits to choices --------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// Above infinity, and below what bounds the first choice.
static constexpr int64_t kOrderedNaN = 0x7ffffffe;

static constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
static constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

namespace {

/// Writes what a warp does for its token. Lane l has the experts l, l + 32, ...
/// in registers.
class TokenRouter {
public:
  TokenRouter(KernelBuilder &b, const RouteSpec &spec, ValueRange parameters,
              Value token)
      : b(b), spec(spec), lane(b.laneId()), lowest(b.f32(-INFINITY)) {
    Value first = b.toI64(token);
    logits = b.at(parameters[0], b.getF32Type(), b.mul(first, spec.experts));
    ids = b.at(parameters[1], b.getI32Type(), b.mul(first, spec.k));
    weights = b.at(parameters[2], b.getF32Type(), b.mul(first, spec.k));
  }

  void run() {
    loadLogits();
    emitScores();
    emitKeys();
    emitChoice();
    emitNormalize();
  }

private:
  void loadLogits();
  void emitScores();
  void emitKeys();
  void emitChoice();
  void emitNormalize();

  Value orderedBits(Value score);
  Value scoreOf(Value key);
  bool hasWeights() const {
    return spec.normalize != Normalize::None || spec.scale != 1.0f;
  }

  KernelBuilder &b;
  const RouteSpec &spec;
  Value lane, lowest, logits, ids, weights;
  SmallVector<Value> inside; // whether there is such an expert
  SmallVector<Value> scores; // first logits, then scores
  SmallVector<Value> keys;
  Value first, sum; // of the chosen weights, when they are normalised
};

} // namespace

void TokenRouter::loadLogits() {
  Type f32 = b.getF32Type();
  for (int64_t i = 0; i < spec.experts; i += kWarpThreads) {
    Value expert = b.add(lane, i);
    inside.push_back(b.less(expert, spec.experts));
    auto load = [&]() -> SmallVector<Value> {
      return {b.load(f32, b.at(logits, f32, expert))};
    };
    scores.push_back(b.choose(inside.back(), f32, load, [&] {
                        return SmallVector<Value>{lowest};
                      }).front());
  }
}

void TokenRouter::emitScores() {
  if (spec.score == Score::None)
    return;
  Value one = b.f32(1.0), zero = b.f32(0.0);
  if (spec.score == Score::Sigmoid) {
    for (Value &x : scores) {
      Value negated = arith::NegFOp::create(b, x);
      Value exponential = math::ExpOp::create(b, negated);
      x = b.divF(one, b.addF(exponential, one));
    }
    return;
  }
  auto larger = [&](Value x, Value best) {
    return b.select(b.compare(arith::CmpFPredicate::OGT, x, best), x, best);
  };
  // Starting from here, a NaN is never the larger one.
  Value best = lowest;
  for (Value x : scores)
    best = larger(x, best);
  best = b.warpReduce(best, larger);
  Value sum = zero;
  for (auto [x, isInside] : llvm::zip_equal(scores, inside)) {
    x = math::ExpOp::create(b, b.subF(x, best));
    sum = b.addF(sum, b.select(isInside, x, zero));
  }
  sum = b.warpSum(sum);
  for (Value &x : scores)
    x = b.divF(x, sum);
}

/// Signed integers in the order of the floats: NaN above all, -0 equal to 0.
Value TokenRouter::orderedBits(Value score) {
  Value bits = b.bitcast(b.getI32Type(), b.addF(score, b.f32(0.0)));
  Value sign = arith::ShRSIOp::create(b, bits, b.i32(31));
  Value ordered = b.bitXor(bits, b.bitAnd(sign, 0x7fffffff));
  Value isNaN = b.compare(arith::CmpFPredicate::UNO, score, score);
  return b.select(isNaN, b.i32(kOrderedNaN), ordered);
}

/// The inverse of the above, of a whole key.
Value TokenRouter::scoreOf(Value key) {
  Value ordered = b.toI32(b.shiftRight(key, 32));
  Value sign = arith::ShRSIOp::create(b, ordered, b.i32(31));
  return b.bitcast(b.getF32Type(),
                   b.bitXor(ordered, b.bitAnd(sign, 0x7fffffff)));
}

/// A key is the score in the upper half and, below it, what makes the lower id
/// the larger key. All keys of a token differ.
void TokenRouter::emitKeys() {
  for (auto [i, score] : llvm::enumerate(scores)) {
    Value expert = b.add(lane, i * kWarpThreads);
    Value high = b.shiftLeft(b.toI64(orderedBits(score)), 32);
    Value low = b.sub(b.i64(0xffffffff), b.toI64(expert));
    keys.push_back(b.select(inside[i], b.bitOr(high, low), b.i64(kLowest)));
  }
}

/// Choice j is the largest key below that of choice j - 1.
void TokenRouter::emitChoice() {
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  Value none = b.i64(kLowest), zero = b.f32(0.0);
  SmallVector<Value> results = b.fold(
      b.i32(0), b.i32(spec.k), 1, {b.i64(kHighest), zero, zero},
      [&](Value j, ValueRange carried) -> SmallVector<Value> {
        Value best = none;
        for (Value key : keys)
          best = b.maxS(best, b.select(b.less(key, carried[0]), key, none));
        best =
            b.warpReduce(best, [&](Value x, Value y) { return b.maxS(x, y); });
        Value id = b.sub(b.i32(-1), b.toI32(best));
        Value weight = scoreOf(best);
        Value largest = b.select(b.equal(j, 0), weight, carried[1]);
        Value term = weight;
        if (spec.normalize == Normalize::Softmax) {
          term = math::ExpOp::create(b, b.subF(weight, largest));
          weight = term;
        }
        b.when(b.equal(lane, 0), [&] {
          b.store(id, b.at(ids, i32, j));
          b.store(weight, b.at(weights, f32, j));
        });
        return {best, largest, b.addF(carried[2], term)};
      });
  sum = results[2];
}

void TokenRouter::emitNormalize() {
  if (!hasWeights())
    return;
  // The weights come from lane 0.
  b.syncWarp();
  b.forEach(lane, b.i32(spec.k), kWarpThreads, [&](Value j) {
    Value pointer = b.at(weights, b.getF32Type(), j);
    Value weight = b.load(b.getF32Type(), pointer);
    if (spec.normalize != Normalize::None)
      weight = b.divF(weight, sum);
    if (spec.scale != 1.0f)
      weight = b.mulF(weight, b.f32(spec.scale));
    b.store(weight, pointer);
  });
}

void mlir::moe::gpu::emitRoute(Emitter e, const RouteSpec &spec, Value logits,
                               Value ids, Value weights, Value tokens) {
  constexpr int64_t kWarps = 4;
  Launch launch;
  launch.name = ("route_e" + Twine(spec.experts) + "_k" + Twine(spec.k) + "_" +
                 stringifyScore(spec.score))
                    .str();
  if (spec.normalize != Normalize::None)
    launch.name += "_by_" + stringifyNormalize(spec.normalize).str();
  if (spec.scale != 1.0f)
    launch.name += "_scale" + getBits(spec.scale);
  launch.threads = kWarps * kWarpThreads;
  launch.grid[0] = emitCeilDiv(e, tokens, kWarps);
  launch.operands = {logits, ids, weights, tokens};
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    Value token = b.add(b.mul(b.blockX(), kWarps), b.warpId());
    b.when(b.less(b.toI64(token), parameters[3]),
           [&] { TokenRouter(b, spec, parameters, token).run(); });
  });
}

void mlir::moe::gpu::emitRoutingFrom(Emitter e, int64_t experts, int64_t k,
                                     Value ids, Value out, Value tokens) {
  Type idType = cast<MemRefType>(ids.getType()).getElementType();
  Launch launch;
  launch.name =
      ("routing_from_e" + Twine(experts) + "_" + getTypeName(idType)).str();
  launch.threads = 128;
  Value count = emitMul(e, tokens, k);
  launch.grid[0] = emitCeilDiv(e, count, launch.threads);
  launch.operands = {ids, out, count};
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    Value i = b.add(b.mul(b.toI64(b.blockX()), launch.threads),
                    b.toI64(b.threadId()));
    b.when(b.less(i, parameters[2]), [&] {
      Value id = b.toI64(b.load(idType, b.at(parameters[0], idType, i)));
      // Unsigned: negative ids are out of range too.
      Value known = b.compare(arith::CmpIPredicate::ult, id, b.i64(experts));
      b.store(b.select(known, b.toI32(id), b.i32(-1)),
              b.at(parameters[1], b.getI32Type(), i));
    });
  });
}
