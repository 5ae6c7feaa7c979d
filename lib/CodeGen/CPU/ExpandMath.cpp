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

class CPUExpandMath : public cpu::impl::CPUExpandMathBase<CPUExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp, ExpandTanh, ExpandSinCos<math::SinOp, false>,
                 ExpandSinCos<math::CosOp, true>>(&getContext(),
                                                  /*benefit=*/10);
    // The rest is upstream's: erf, log, round, powers.
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return llvm::is_contained(
          {"math.erf", "math.log", "math.log1p", "math.expm1", "math.log2"},
          name);
    });
    math::populateExpansionPatterns(
        patterns, {"powf", "round", "rsqrt", "fpowi", "exp2"});
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
