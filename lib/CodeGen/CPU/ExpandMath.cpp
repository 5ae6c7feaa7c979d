//===- ExpandMath.cpp - Elementary functions as arithmetic ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "moe/CodeGen/CPU/Passes.h"
#include <cmath>

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUEXPANDMATH
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Scalar or vector arithmetic of one shape.
struct Emitter {
  ImplicitLocOpBuilder b;
  Type shape; // the type of the expanded operation

  Type like(Type element) {
    if (auto vector = dyn_cast<VectorType>(shape))
      return vector.clone(element);
    return element;
  }
  Value constant(Type element, double value) {
    Type type = like(element);
    TypedAttr attr = b.getFloatAttr(element, value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = SplatElementsAttr::get(vector, attr);
    return arith::ConstantOp::create(b, type, attr);
  }
  Value integer(Type element, int64_t value) {
    Type type = like(element);
    TypedAttr attr = b.getIntegerAttr(element, value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = SplatElementsAttr::get(vector, attr);
    return arith::ConstantOp::create(b, type, attr);
  }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, x, y, z);
  }
  Value select(Value c, Value x, Value y) {
    return arith::SelectOp::create(b, c, x, y);
  }
  Value compare(arith::CmpFPredicate p, Value x, Value y) {
    return arith::CmpFOp::create(b, p, x, y);
  }
  /// c[0] + x (c[1] + x (...)).
  Value horner(Value x, Type element, ArrayRef<double> c) {
    Value sum = constant(element, c.back());
    for (double coefficient : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, constant(element, coefficient));
    return sum;
  }
};

/// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, with the Taylor
/// polynomial of degree 7 (relative error below 2^-24). Scaling in two steps
/// reaches denormals and infinity; NaN passes through.
struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Emitter e{{op.getLoc(), rewriter}, op.getType()};
    Type f32 = rewriter.getF32Type(), i32 = rewriter.getI32Type();
    Value x = op.getOperand();
    Value low = e.constant(f32, -104.0), high = e.constant(f32, 89.0);
    Value clamped =
        e.select(e.compare(arith::CmpFPredicate::OLT, x, low), low, x);
    clamped = e.select(e.compare(arith::CmpFPredicate::OGT, clamped, high),
                       high, clamped);
    Value scaled = arith::MulFOp::create(e.b, clamped,
                                         e.constant(f32, 1.4426950408889634));
    Value n = math::RoundEvenOp::create(e.b, scaled);
    Value r = e.fma(n, e.constant(f32, -0.693359375), clamped);
    r = e.fma(n, e.constant(f32, 2.12194440e-4), r);
    Value p = e.horner(
        r, f32,
        {1.0, 1.0, 0.5, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040});
    Value exponent = arith::FPToSIOp::create(e.b, e.like(i32), n);
    Value half = arith::ShRSIOp::create(e.b, exponent, e.integer(i32, 1));
    Value rest = arith::SubIOp::create(e.b, exponent, half);
    auto power = [&](Value k) -> Value {
      Value biased = arith::AddIOp::create(e.b, k, e.integer(i32, 127));
      Value bits = arith::ShLIOp::create(e.b, biased, e.integer(i32, 23));
      return arith::BitcastOp::create(e.b, e.like(f32), bits);
    };
    p = arith::MulFOp::create(e.b, p, power(half));
    p = arith::MulFOp::create(e.b, p, power(rest));
    Value isNaN = e.compare(arith::CmpFPredicate::UNO, x, x);
    rewriter.replaceOp(op, e.select(isNaN, x, p));
    return success();
  }
};

/// Sine and cosine of an angle of any size met in practice (positions times
/// frequencies): the reduction to [-pi/4, pi/4] runs in double, with pi/2 in
/// two parts, so that the result is right to the last bits of float for |x| <
/// 2^30.
template <typename Op, bool isCos>
struct ExpandSinCos : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Emitter e{{op.getLoc(), rewriter}, op.getType()};
    Type f32 = rewriter.getF32Type(), f64 = rewriter.getF64Type();
    Type i64 = rewriter.getI64Type();
    Value x = arith::ExtFOp::create(e.b, e.like(f64), op.getOperand());
    Value n = math::RoundEvenOp::create(
        e.b,
        arith::MulFOp::create(e.b, x, e.constant(f64, 0.63661977236758134308)));
    Value r = e.fma(n, e.constant(f64, -1.57079632679489655800), x);
    r = e.fma(n, e.constant(f64, -6.12323399573676603587e-17), r);
    Value r2 = arith::MulFOp::create(e.b, r, r);
    Value sine = e.horner(
        r2, f64,
        {1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800});
    sine = arith::MulFOp::create(e.b, sine, r);
    Value cosine = e.horner(r2, f64,
                            {1.0, -0.5, 1.0 / 24, -1.0 / 720, 1.0 / 40320,
                             -1.0 / 3628800, 1.0 / 479001600});
    Value quadrant = arith::FPToSIOp::create(e.b, e.like(i64), n);
    if (isCos)
      quadrant = arith::AddIOp::create(e.b, quadrant, e.integer(i64, 1));
    auto bit = [&](int64_t mask) -> Value {
      Value masked = arith::AndIOp::create(e.b, quadrant, e.integer(i64, mask));
      return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ne, masked,
                                   e.integer(i64, 0));
    };
    Value result = e.select(bit(1), cosine, sine);
    result = e.select(bit(2), arith::NegFOp::create(e.b, result), result);
    Value narrow = arith::TruncFOp::create(e.b, e.like(f32), result);
    // Infinity and NaN have no sine: x - x is NaN for both.
    Value bad = arith::SubFOp::create(e.b, op.getOperand(), op.getOperand());
    Value isBad = e.compare(arith::CmpFPredicate::UNO, bad, bad);
    rewriter.replaceOp(op, e.select(isBad, bad, narrow));
    return success();
  }
};

/// tanh(x) = sign(x) (1 - 2 / (exp(2|x|) + 1)) away from zero, a polynomial
/// near it.
struct ExpandTanh : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::TanhOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Emitter e{{op.getLoc(), rewriter}, op.getType()};
    Type f32 = rewriter.getF32Type();
    Value x = op.getOperand();
    Value magnitude = math::AbsFOp::create(e.b, x);
    Value doubled = arith::AddFOp::create(e.b, magnitude, magnitude);
    Value one = e.constant(f32, 1.0), two = e.constant(f32, 2.0);
    Value exponential = math::ExpOp::create(e.b, doubled);
    Value ratio = arith::DivFOp::create(
        e.b, two, arith::AddFOp::create(e.b, exponential, one));
    Value large = arith::SubFOp::create(e.b, one, ratio);
    large = math::CopySignOp::create(e.b, large, x);
    // Taylor series to x^11: below 2^-24 relative for |x| < 0.35.
    Value x2 = arith::MulFOp::create(e.b, x, x);
    Value small = e.horner(
        x2, f32,
        {1.0, -1.0 / 3, 2.0 / 15, -17.0 / 315, 62.0 / 2835, -1382.0 / 155925});
    small = arith::MulFOp::create(e.b, small, x);
    Value isSmall =
        e.compare(arith::CmpFPredicate::OLT, magnitude, e.constant(f32, 0.35));
    rewriter.replaceOp(op, e.select(isSmall, small, large));
    return success();
  }
};

/// log(x) of a positive, finite double that a float can be: with x = 2^n m and
/// m in [sqrt 1/2, sqrt 2], n ln 2 + 2 atanh((m - 1) / (m + 1)) by the series
/// to the 15th power (below 2^-40 relative).
static Value emitLog(Emitter &e, Value x) {
  Type f64 = e.b.getF64Type(), i64 = e.b.getI64Type();
  auto integer = [&](int64_t value) { return e.integer(i64, value); };
  Value bits = arith::BitcastOp::create(e.b, e.like(i64), x);
  // Adding the distance of 1 from sqrt 1/2 carries into the exponent above
  // sqrt 2.
  constexpr int64_t kOne = 0x3ff0000000000000, kRoot = 0x3fe6a09e667f3bcd;
  Value shifted = arith::AddIOp::create(e.b, bits, integer(kOne - kRoot));
  Value n = arith::SubIOp::create(
      e.b, arith::ShRUIOp::create(e.b, shifted, integer(52)), integer(1023));
  Value mantissa = arith::AddIOp::create(
      e.b, arith::AndIOp::create(e.b, shifted, integer((int64_t(1) << 52) - 1)),
      integer(kRoot));
  Value m = arith::BitcastOp::create(e.b, e.like(f64), mantissa);
  Value one = e.constant(f64, 1.0);
  Value s = arith::DivFOp::create(e.b, arith::SubFOp::create(e.b, m, one),
                                  arith::AddFOp::create(e.b, m, one));
  Value s2 = arith::MulFOp::create(e.b, s, s);
  Value series = e.horner(
      s2, f64,
      {2.0, 2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15});
  series = arith::MulFOp::create(e.b, series, s);
  Value exponent = arith::SIToFPOp::create(e.b, e.like(f64), n);
  return e.fma(exponent, e.constant(f64, 0.69314718055994531), series);
}

/// exp(x) in double, of what stays a float or leaves its range: as ExpandExp,
/// with the Taylor polynomial of degree 10.
static Value emitExp(Emitter &e, Value x) {
  Type f64 = e.b.getF64Type(), i64 = e.b.getI64Type();
  Value low = e.constant(f64, -150.0), high = e.constant(f64, 150.0);
  Value clamped =
      e.select(e.compare(arith::CmpFPredicate::OGT, x, low), x, low);
  clamped = e.select(e.compare(arith::CmpFPredicate::OLT, clamped, high),
                     clamped, high);
  Value n = math::RoundEvenOp::create(
      e.b,
      arith::MulFOp::create(e.b, clamped, e.constant(f64, 1.4426950408889634)));
  Value r = e.fma(n, e.constant(f64, -0.69314718055994531), clamped);
  SmallVector<double> taylor = {1.0};
  for (int i = 1; i <= 10; ++i)
    taylor.push_back(taylor.back() / i);
  Value p = e.horner(r, f64, taylor);
  Value exponent = arith::FPToSIOp::create(e.b, e.like(i64), n);
  Value biased = arith::AddIOp::create(e.b, exponent, e.integer(i64, 1023));
  Value power = arith::ShLIOp::create(e.b, biased, e.integer(i64, 52));
  return arith::MulFOp::create(
      e.b, p, arith::BitcastOp::create(e.b, e.like(f64), power));
}

/// log with all its special values; denormals are numbers.
struct ExpandLog : OpRewritePattern<math::LogOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::LogOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Emitter e{{op.getLoc(), rewriter}, op.getType()};
    Type f32 = rewriter.getF32Type(), f64 = rewriter.getF64Type();
    Value x = op.getOperand();
    Value infinity = e.constant(f32, INFINITY), zero = e.constant(f32, 0.0);
    Value wide = arith::ExtFOp::create(e.b, e.like(f64), x);
    Value result = arith::TruncFOp::create(e.b, e.like(f32), emitLog(e, wide));
    result = e.select(e.compare(arith::CmpFPredicate::OEQ, x, infinity),
                      infinity, result);
    result = e.select(e.compare(arith::CmpFPredicate::OEQ, x, zero),
                      e.constant(f32, -INFINITY), result);
    // Below zero, or NaN.
    Value bad = e.compare(arith::CmpFPredicate::ULT, x, zero);
    rewriter.replaceOp(op, e.select(bad, e.constant(f32, NAN), result));
    return success();
  }
};

/// x^y = exp(y log |x|) in double, with the signs and special values of C's
/// pow.
struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Emitter e{{op.getLoc(), rewriter}, op.getType()};
    Type f32 = rewriter.getF32Type(), f64 = rewriter.getF64Type();
    Value x = op.getLhs(), y = op.getRhs();
    auto equal = [&](Value a, Value b) {
      return e.compare(arith::CmpFPredicate::OEQ, a, b);
    };
    Value zero = e.constant(f32, 0.0), one = e.constant(f32, 1.0);
    Value infinity = e.constant(f32, INFINITY), nan = e.constant(f32, NAN);
    Value magnitude = math::AbsFOp::create(e.b, x);
    Value log = emitLog(e, arith::ExtFOp::create(e.b, e.like(f64), magnitude));
    log = e.select(equal(magnitude, zero), e.constant(f64, -INFINITY), log);
    log = e.select(equal(magnitude, infinity), e.constant(f64, INFINITY), log);
    Value wide = arith::ExtFOp::create(e.b, e.like(f64), y);
    Value product = arith::MulFOp::create(e.b, wide, log);
    Value power =
        arith::TruncFOp::create(e.b, e.like(f32), emitExp(e, product));
    power = e.select(equal(magnitude, one), one, power);

    // An odd exponent keeps the sign, one that is no integer has no power of a
    // negative number.
    Value whole = equal(math::FloorOp::create(e.b, y), y);
    Value half = arith::MulFOp::create(e.b, y, e.constant(f32, 0.5));
    Value even = equal(math::FloorOp::create(e.b, half), half);
    Value odd = arith::AndIOp::create(
        e.b, whole,
        arith::XOrIOp::create(e.b, even, e.integer(e.b.getI1Type(), 1)));
    Value result =
        e.select(odd, math::CopySignOp::create(e.b, power, x), power);
    Value below = e.compare(arith::CmpFPredicate::OLT, x, zero);
    Value finite = e.compare(arith::CmpFPredicate::OLT, magnitude, infinity);
    Value undefined = arith::AndIOp::create(
        e.b, arith::AndIOp::create(e.b, below, finite),
        arith::XOrIOp::create(e.b, whole, e.integer(e.b.getI1Type(), 1)));
    result = e.select(undefined, nan, result);
    result = e.select(e.compare(arith::CmpFPredicate::UNO, x, y), nan, result);
    // Whatever the other one is, also NaN.
    Value always = arith::OrIOp::create(e.b, equal(y, zero), equal(x, one));
    rewriter.replaceOp(op, e.select(always, one, result));
    return success();
  }
};

class CPUExpandMath : public cpu::impl::CPUExpandMathBase<CPUExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns
        .add<ExpandExp, ExpandLog, ExpandPow, ExpandTanh,
             ExpandSinCos<math::SinOp, false>, ExpandSinCos<math::CosOp, true>>(
            &getContext(),
            /*benefit=*/10);
    // The rest is upstream's.
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return llvm::is_contained(
          {"math.erf", "math.log1p", "math.expm1", "math.log2"}, name);
    });
    math::populateExpansionPatterns(patterns,
                                    {"round", "rsqrt", "fpowi", "exp2"});
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
