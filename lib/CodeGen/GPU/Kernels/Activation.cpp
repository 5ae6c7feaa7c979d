//===- Activation.cpp - What a column of the intermediate is --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "TileKernels.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

std::string mlir::moe::gpu::getActivationName(const ExpertLayerSpec &spec) {
  std::string name = stringifyActivation(spec.activation).str();
  if (spec.alpha != 1.0f)
    name += "_alpha" + getBits(spec.alpha);
  if (spec.beta != 0.0f)
    name += "_beta" + getBits(spec.beta);
  if (spec.limit != 0.0f)
    name += "_limit" + getBits(spec.limit);
  return name;
}

std::string mlir::moe::gpu::getLayerName(const ExpertLayerSpec &spec) {
  return getTypeName(spec.element) + "_" + spec.layout.shape.getName();
}

/// The activation. NaN stays NaN.
static Value emitActivation(KernelBuilder &b, const ExpertLayerSpec &spec,
                            Value x) {
  // x / 2 * (1 + y)
  auto halfOf = [&](Value y) {
    return b.mulF(b.mulF(x, b.f32(0.5)), b.addF(b.f32(1.0), y));
  };
  switch (spec.activation) {
  case Activation::Identity:
    return x;
  case Activation::ReLU: {
    Value zero = b.f32(0.0);
    return b.select(b.compare(arith::CmpFPredicate::OLT, x, zero), zero, x);
  }
  case Activation::SiLU: {
    Value negated = b.mulF(x, b.f32(-spec.alpha));
    Value exponential = math::ExpOp::create(b, negated);
    return b.divF(x, b.addF(exponential, b.f32(1.0)));
  }
  case Activation::GELU:
    return halfOf(math::ErfOp::create(b, b.mulF(x, b.f32(0.7071067811865476))));
  case Activation::GELUTanh: {
    Value cube = b.mulF(b.mulF(x, x), x);
    Value inner = b.addF(x, b.mulF(cube, b.f32(0.044715)));
    return halfOf(
        math::TanhOp::create(b, b.mulF(inner, b.f32(0.7978845608028654))));
  }
  }
  return x;
}

/// min(x, limit), and max(., -limit) when `both`; NaN stays NaN.
static Value emitLimit(KernelBuilder &b, Value x, float limit, bool both) {
  Value high = b.f32(limit);
  x = b.select(b.compare(arith::CmpFPredicate::OGT, x, high), high, x);
  if (!both)
    return x;
  Value low = b.f32(-limit);
  return b.select(b.compare(arith::CmpFPredicate::OLT, x, low), low, x);
}

Value mlir::moe::gpu::emitIntermediate(KernelBuilder &b,
                                       const ExpertLayerSpec &spec, Value gate,
                                       Value up) {
  if (!gate) {
    if (spec.limit != 0.0f)
      up = emitLimit(b, up, spec.limit, /*both=*/false);
    return emitActivation(b, spec, up);
  }
  if (spec.limit != 0.0f) {
    gate = emitLimit(b, gate, spec.limit, /*both=*/false);
    up = emitLimit(b, up, spec.limit, /*both=*/true);
  }
  if (spec.beta != 0.0f)
    up = b.addF(up, b.f32(spec.beta));
  return b.mulF(emitActivation(b, spec, gate), up);
}
