//===- Route.cpp - Logits to choices --------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/CodeGen/CPU/Kernels.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

/// Comparisons that pay for handing tokens to another thread.
static constexpr int64_t kWorkPerItem = 8192;

static int64_t getTokenGrain(int64_t workPerToken) {
  return std::max<int64_t>(1,
                           kWorkPerItem / std::max<int64_t>(1, workPerToken));
}

/// Above infinity, and below what bounds the first choice.
static constexpr int64_t kOrderedNaN = 0x7ffffffe;

namespace {

/// Writes the body of a route kernel for one token.
class TokenRouter {
public:
  TokenRouter(KernelBuilder &b, const RouteSpec &spec, ValueRange buffers,
              Value token)
      : b(b), spec(spec), logits(buffers[0]), scores(buffers[1]),
        keys(buffers[2]), ids(buffers[3]), weights(buffers[4]), token(token),
        f32(b.getF32Type()), i32(b.getI32Type()), i64(b.getI64Type()),
        zero(b.index(0)), experts(b.index(spec.experts)), k(b.index(spec.k)) {}

  void run() {
    emitScores();
    emitKeys();
    emitChoice();
    emitNormalize();
  }

private:
  void emitScores();
  void emitKeys();
  void emitChoice();
  void emitNormalize();

  /// Sum or maximum over `count` values.
  Value reduceSum(Value count, llvm::function_ref<Value(Value)> value);
  Value reduceMax(Value count, llvm::function_ref<Value(Value)> value);

  Value orderedBits(Value score);
  Value scoreOf(Value key);

  KernelBuilder &b;
  const RouteSpec &spec;
  Value logits, scores, keys, ids, weights, token;
  Type f32, i32, i64;
  Value zero, experts, k;
};

} // namespace

Value TokenRouter::reduceSum(Value count,
                             llvm::function_ref<Value(Value)> value) {
  return b
      .fold(zero, count, 1, b.real(f32, 0.0),
            [&](Value i, ValueRange sum) -> SmallVector<Value> {
              auto next = arith::AddFOp::create(b, sum[0], value(i));
              next.setFastmath(arith::FastMathFlags::reassoc);
              return {next};
            })
      .front();
}

Value TokenRouter::reduceMax(Value count,
                             llvm::function_ref<Value(Value)> value) {
  Value lowest = b.real(f32, -std::numeric_limits<double>::infinity());
  return b
      .fold(zero, count, 1, lowest,
            [&](Value i, ValueRange best) -> SmallVector<Value> {
              Value x = value(i);
              Value greater = b.compare(arith::CmpFPredicate::OGT, x, best[0]);
              return {b.select(greater, x, best[0])};
            })
      .front();
}

void TokenRouter::emitScores() {
  auto logit = [&](Value e) { return b.load(logits, {token, e}); };
  auto storeEach = [&](llvm::function_ref<Value(Value)> value) {
    b.forEach(zero, experts, [&](Value e) {
      b.store(value(e), scores, {token, e});
    });
  };
  if (spec.score == Score::None)
    return storeEach(logit);
  Value one = b.real(f32, 1.0);
  if (spec.score == Score::Sigmoid)
    return storeEach([&](Value e) -> Value {
      Value negated = arith::NegFOp::create(b, logit(e));
      Value exponential = math::ExpOp::create(b, negated);
      return arith::DivFOp::create(b, one,
                                   arith::AddFOp::create(b, exponential, one));
    });
  Value best = reduceMax(experts, logit);
  storeEach([&](Value e) -> Value {
    return math::ExpOp::create(b, arith::SubFOp::create(b, logit(e), best));
  });
  auto score = [&](Value e) { return b.load(scores, {token, e}); };
  Value sum = reduceSum(experts, score);
  storeEach([&](Value e) -> Value {
    return arith::DivFOp::create(b, score(e), sum);
  });
}

/// Signed integers in the order of the floats: NaN above all, -0 equal to 0.
Value TokenRouter::orderedBits(Value score) {
  Value canonical = arith::AddFOp::create(b, score, b.real(f32, 0.0));
  Value bits = arith::BitcastOp::create(b, i32, canonical);
  Value sign = arith::ShRSIOp::create(b, bits, b.integer(i32, 31));
  Value flips = arith::AndIOp::create(b, sign, b.integer(i32, 0x7fffffff));
  Value ordered = arith::XOrIOp::create(b, bits, flips);
  Value isNaN = b.compare(arith::CmpFPredicate::UNO, score, score);
  return b.select(isNaN, b.integer(i32, kOrderedNaN), ordered);
}

/// The inverse of the above, of a whole key.
Value TokenRouter::scoreOf(Value key) {
  Value ordered = arith::TruncIOp::create(
      b, i32, arith::ShRSIOp::create(b, key, b.integer(i64, 32)));
  Value sign = arith::ShRSIOp::create(b, ordered, b.integer(i32, 31));
  Value flips = arith::AndIOp::create(b, sign, b.integer(i32, 0x7fffffff));
  return arith::BitcastOp::create(b, f32,
                                  arith::XOrIOp::create(b, ordered, flips));
}

/// A key is the score in the upper half and, below it, what makes the lower id
/// the larger key. All keys of a token differ.
void TokenRouter::emitKeys() {
  b.forEach(zero, experts, [&](Value e) {
    Value ordered = orderedBits(b.load(scores, {token, e}));
    Value high = arith::ShLIOp::create(
        b, arith::ExtSIOp::create(b, i64, ordered), b.integer(i64, 32));
    Value low = b.sub(b.integer(i64, 0xffffffff), b.cast(i64, e));
    b.store(arith::OrIOp::create(b, high, low), keys, {token, e});
  });
}

/// Choice j is the largest key below that of choice j - 1.
void TokenRouter::emitChoice() {
  Value lowest = b.integer(i64, std::numeric_limits<int64_t>::min());
  Value highest = b.integer(i64, std::numeric_limits<int64_t>::max());
  b.fold(zero, k, 1, highest,
         [&](Value j, ValueRange carried) -> SmallVector<Value> {
           Value bound = carried.front();
           Value best =
               b.fold(zero, experts, 1, lowest,
                      [&](Value e, ValueRange largest) -> SmallVector<Value> {
                        Value key = b.load(keys, {token, e});
                        Value below =
                            b.compare(arith::CmpIPredicate::slt, key, bound);
                        Value candidate = b.select(below, key, lowest);
                        return {arith::MaxSIOp::create(b, candidate,
                                                       largest.front())};
                      })
                   .front();
           Value low =
               arith::AndIOp::create(b, best, b.integer(i64, 0xffffffff));
           Value id = b.sub(b.integer(i64, 0xffffffff), low);
           b.store(arith::TruncIOp::create(b, i32, id), ids, {token, j});
           b.store(scoreOf(best), weights, {token, j});
           return {best};
         });
}

void TokenRouter::emitNormalize() {
  auto weight = [&](Value j) { return b.load(weights, {token, j}); };
  auto update = [&](llvm::function_ref<Value(Value)> value) {
    b.forEach(zero, k, [&](Value j) {
      b.store(value(weight(j)), weights, {token, j});
    });
  };
  if (spec.normalize == Normalize::Softmax) {
    // Choices are in descending order.
    Value best = weight(zero);
    update([&](Value w) -> Value {
      return math::ExpOp::create(b, arith::SubFOp::create(b, w, best));
    });
  }
  if (spec.normalize != Normalize::None) {
    Value sum = reduceSum(k, weight);
    update([&](Value w) -> Value { return arith::DivFOp::create(b, w, sum); });
  }
  if (spec.scale != 1.0f)
    update([&](Value w) -> Value {
      return arith::MulFOp::create(b, w, b.real(f32, spec.scale));
    });
}

func::FuncOp mlir::moe::cpu::getRouteKernel(ModuleOp module,
                                            const RouteSpec &spec) {
  OpBuilder types(module.getContext());
  constexpr int64_t dynamic = ShapedType::kDynamic;
  auto matrix = [&](int64_t columns, Type element) {
    return MemRefType::get({dynamic, columns}, element);
  };
  Type f32 = types.getF32Type();
  SmallVector<Type> inputs = {
      matrix(spec.experts, f32), matrix(spec.experts, f32),
      matrix(spec.experts, types.getI64Type()),
      matrix(spec.k, types.getI32Type()), matrix(spec.k, f32)};
  std::string name = ("route_e" + Twine(spec.experts) + "_k" + Twine(spec.k) +
                      "_" + stringifyScore(spec.score))
                         .str();
  if (spec.normalize != Normalize::None)
    name += "_by_" + stringifyNormalize(spec.normalize).str();
  if (spec.scale != 1.0f)
    name += "_scale" + llvm::utohexstr(llvm::bit_cast<uint32_t>(spec.scale),
                                       /*LowerCase=*/true);
  return getOrCreateKernel(
      module, name, inputs, [&](KernelBuilder &b, ValueRange args) {
        Value tokens = memref::DimOp::create(b, args[0], 0);
        b.parallel(
            tokens, getTokenGrain(spec.experts * spec.k),
            [&](Value token) { TokenRouter(b, spec, args, token).run(); });
      });
}

func::FuncOp mlir::moe::cpu::getRoutingFromKernel(ModuleOp module,
                                                  int64_t experts, int64_t k,
                                                  IntegerType idType) {
  OpBuilder types(module.getContext());
  Type i32 = types.getI32Type(), i64 = types.getI64Type();
  SmallVector<Type> inputs = {
      MemRefType::get({ShapedType::kDynamic, k}, idType),
      MemRefType::get({ShapedType::kDynamic, k}, i32)};
  std::string name = ("routing_from_e" + Twine(experts) + "_k" + Twine(k) +
                      "_i" + Twine(idType.getWidth()))
                         .str();
  return getOrCreateKernel(
      module, name, inputs, [&](KernelBuilder &b, ValueRange args) {
        Value tokens = memref::DimOp::create(b, args[0], 0);
        b.parallel(tokens, getTokenGrain(k), [&](Value token) {
          b.forEach(b.index(0), b.index(k), [&](Value j) {
            Value id = b.load(args[0], {token, j});
            if (idType.getWidth() < 64)
              id = arith::ExtSIOp::create(b, i64, id);
            // Unsigned: negative ids are out of range too.
            Value known = b.compare(arith::CmpIPredicate::ult, id,
                                    b.integer(i64, experts));
            Value narrow = arith::TruncIOp::create(b, i32, id);
            b.store(b.select(known, narrow, b.integer(i32, -1)), args[1],
                    {token, j});
          });
        });
      });
}
