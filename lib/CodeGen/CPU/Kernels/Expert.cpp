//===- Expert.cpp - The two phases of an expert ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MicroKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/CodeGen/CPU/Kernels.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;
using packed::ExpertShape;
using packed::kHalfColumns;
using packed::kPanelColumns;

/// A cache line keeps the stride from being a multiple of 4096 bytes, which
/// would put all rows of a block on one set of the cache.
static constexpr int64_t kStridePadding = 16;

int64_t ExpertKernelSpec::getRowStride() const {
  return shape.getNumDownPanels() * kPanelColumns + kStridePadding;
}

int64_t ExpertKernelSpec::getIntermediateStride() const {
  return shape.getNumUpPanels() * shape.getUpColumns() + kStridePadding;
}

/// The bits of a parameter, for names.
static std::string getBits(float value) {
  return llvm::utohexstr(llvm::bit_cast<uint32_t>(value), /*LowerCase=*/true);
}

/// What the arithmetic of the first phase depends on.
static std::string getActivationName(const ExpertKernelSpec &spec) {
  std::string name = stringifyActivation(spec.activation).str();
  if (spec.alpha != 1.0f)
    name += "_alpha" + getBits(spec.alpha);
  if (spec.beta != 0.0f)
    name += "_beta" + getBits(spec.beta);
  if (spec.limit != 0.0f)
    name += "_limit" + getBits(spec.limit);
  return name;
}

/// The activation of a vector. NaN stays NaN.
static Value emitActivation(KernelBuilder &b, const ExpertKernelSpec &spec,
                            Value x) {
  Type type = x.getType();
  auto mul = [&](Value l, Value r) -> Value {
    return arith::MulFOp::create(b, l, r);
  };
  auto add = [&](Value l, Value r) -> Value {
    return arith::AddFOp::create(b, l, r);
  };
  auto constant = [&](double value) { return b.real(type, value); };
  // x / 2 * (1 + y)
  auto halfOf = [&](Value y) {
    return mul(mul(x, constant(0.5)), add(constant(1.0), y));
  };
  switch (spec.activation) {
  case Activation::Identity:
    return x;
  case Activation::ReLU: {
    Value zero = constant(0.0);
    return b.select(b.compare(arith::CmpFPredicate::OLT, x, zero), zero, x);
  }
  case Activation::SiLU: {
    Value negated = mul(x, constant(-spec.alpha));
    Value exponential = math::ExpOp::create(b, negated);
    return arith::DivFOp::create(b, x, add(exponential, constant(1.0)));
  }
  case Activation::GELU:
    return halfOf(math::ErfOp::create(b, mul(x, constant(0.7071067811865476))));
  case Activation::GELUTanh: {
    Value cube = mul(mul(x, x), x);
    Value inner = add(x, mul(cube, constant(0.044715)));
    return halfOf(
        math::TanhOp::create(b, mul(inner, constant(0.7978845608028654))));
  }
  }
  return x;
}

/// min(x, limit), and max(., -limit) when `both`; NaN stays NaN.
static Value emitLimit(KernelBuilder &b, Value x, float limit, bool both) {
  Value high = b.real(x.getType(), limit);
  x = b.select(b.compare(arith::CmpFPredicate::OGT, x, high), high, x);
  if (!both)
    return x;
  Value low = b.real(x.getType(), -limit);
  return b.select(b.compare(arith::CmpFPredicate::OLT, x, low), low, x);
}

/// What a row of h is, from the sums of gate (null when there is none) and up.
static Value emitIntermediate(KernelBuilder &b, const ExpertKernelSpec &spec,
                              Value gate, Value up) {
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
    up = arith::AddFOp::create(b, up, b.real(up.getType(), spec.beta));
  return arith::MulFOp::create(b, emitActivation(b, spec, gate), up);
}

/// The vectors of each pass over an up panel. When gated, every pass has the up
/// vectors that belong to its gate vectors, behind them.
static SmallVector<SmallVector<int64_t>>
getUpPasses(const Schedule &schedule, const ExpertShape &shape, int64_t rows) {
  int64_t vectors = schedule.getVectorsPerPass(rows);
  int64_t columns = shape.getUpColumns();
  int64_t step = schedule.lanes * (shape.gated ? vectors / 2 : vectors);
  SmallVector<SmallVector<int64_t>> passes;
  for (int64_t first = 0; first < columns; first += step) {
    SmallVector<int64_t> &pass = passes.emplace_back();
    for (int64_t i = first; i < first + step; i += schedule.lanes)
      pass.push_back(i);
    if (shape.gated)
      for (int64_t i = first; i < first + step; i += schedule.lanes)
        pass.push_back(kHalfColumns + i);
  }
  return passes;
}

/// What every micro-kernel of a phase is given, see emitPhase.
namespace {
struct MicroArguments {
  Value from, fromStride, panel, k, to, toStride, gateBias, upBias;
  MicroArguments(ValueRange args)
      : from(args[0]), fromStride(args[1]), panel(args[2]), k(args[3]),
        to(args[4]), toStride(args[5]), gateBias(args[6]), upBias(args[7]) {}
};
} // namespace

/// The sums of a panel of gate and up, biased, activated and stored.
static void emitUpMicro(KernelBuilder &b, const Schedule &schedule,
                        const ExpertKernelSpec &spec, int64_t rows,
                        const MicroArguments &args) {
  const ExpertShape &shape = spec.shape;
  VectorType type = b.vectorType(schedule.lanes);
  for (ArrayRef<int64_t> pass : getUpPasses(schedule, shape, rows)) {
    Tile tile =
        emitTile(b, schedule,
                 {rows, args.k, args.fromStride, args.from, args.panel}, pass);
    SmallVector<Value> to = getRowPointers(b, args.to, args.toStride, rows);
    int64_t outputs = shape.gated ? pass.size() / 2 : pass.size();
    for (int64_t i = 0; i < outputs; ++i) {
      Value gateBias, upBias;
      if (shape.upBias) {
        upBias = b.load(type, b.at(args.upBias, pass[i]));
        if (shape.gated)
          gateBias = b.load(type, b.at(args.gateBias, pass[i]));
      }
      for (int64_t row = 0; row < rows; ++row) {
        Value gate = shape.gated ? tile.getSum(row, i) : Value();
        Value up = tile.getSum(row, shape.gated ? outputs + i : i);
        if (upBias)
          up = arith::AddFOp::create(b, up, upBias);
        if (gateBias)
          gate = arith::AddFOp::create(b, gate, gateBias);
        b.store(emitIntermediate(b, spec, gate, up), b.at(to[row], pass[i]));
      }
    }
  }
}

/// The sums of a panel of down, biased and stored.
static void emitDownMicro(KernelBuilder &b, const Schedule &schedule,
                          const ExpertKernelSpec &spec, int64_t rows,
                          const MicroArguments &args) {
  VectorType type = b.vectorType(schedule.lanes);
  int64_t vectors = schedule.getVectorsPerPass(rows);
  for (int64_t first = 0; first < kPanelColumns;
       first += vectors * schedule.lanes) {
    SmallVector<int64_t> offsets;
    for (int64_t i = 0; i < vectors; ++i)
      offsets.push_back(first + i * schedule.lanes);
    Tile tile = emitTile(b, schedule,
                         {rows, args.k, args.fromStride, args.from, args.panel},
                         offsets);
    SmallVector<Value> to = getRowPointers(b, args.to, args.toStride, rows);
    for (auto [i, offset] : llvm::enumerate(offsets)) {
      Value bias;
      if (spec.shape.downBias)
        bias = b.load(type, b.at(args.upBias, offset));
      for (int64_t row = 0; row < rows; ++row) {
        Value sum = tile.getSum(row, i);
        if (bias)
          sum = arith::AddFOp::create(b, sum, bias);
        b.store(sum, b.at(to[row], offset));
      }
    }
  }
}

/// One phase: rows of `from` times the panels of a part, to rows of `to`.
namespace {
struct Phase {
  std::string microName;
  int64_t panels, k, columns, gateBiasOffset, upBiasOffset, fromStride,
      toStride;
};
} // namespace

static void
emitPhase(KernelBuilder &b, ModuleOp module, const Schedule &schedule,
          const Phase &phase, Value from, Value part, Value to, Value count,
          llvm::function_ref<void(KernelBuilder &, int64_t, MicroArguments)>
              makeMicro) {
  emitPanelLoop(
      b, schedule, phase.panels, phase.k, count,
      [&](Value panel, Value row, Value rows) {
        Type i64 = b.getI64Type();
        Value column = b.mul(panel, b.index(phase.columns));
        Value panelOffset =
            b.mul(panel, b.index(packed::getPanelElements(phase.k)));
        SmallVector<Value> operands = {
            b.at(from, b.mul(row, b.index(phase.fromStride))),
            b.integer(i64, phase.fromStride),
            b.at(part, panelOffset),
            b.integer(i64, phase.k),
            b.at(to, b.add(b.mul(row, b.index(phase.toStride)), column)),
            b.integer(i64, phase.toStride),
            b.at(b.at(part, phase.gateBiasOffset), column),
            b.at(b.at(part, phase.upBiasOffset), column)};
        emitRowSwitch(b, module, schedule, phase.microName, rows, operands,
                      makeMicro);
      });
}

static SmallVector<Type> getPhaseInputs(ModuleOp module, int64_t fromStride,
                                        int64_t partElements,
                                        int64_t toStride) {
  OpBuilder types(module.getContext());
  constexpr int64_t dynamic = ShapedType::kDynamic;
  Type f32 = types.getF32Type(), index = types.getIndexType();
  return {MemRefType::get({dynamic, fromStride}, f32),
          MemRefType::get({partElements}, f32),
          MemRefType::get({dynamic, toStride}, f32), index, index};
}

func::FuncOp mlir::moe::cpu::getExpertUpKernel(ModuleOp module,
                                               const Schedule &schedule,
                                               const ExpertKernelSpec &spec) {
  const ExpertShape &shape = spec.shape;
  std::string activation = getActivationName(spec);
  std::string name = "expert_up_f32_" + shape.getName() + "_" + activation;
  Phase phase = {"expert_up_f32" + std::string(shape.gated ? "" : "_plain") +
                     (shape.upBias ? "_bu_" : "_") + activation,
                 shape.getNumUpPanels(),
                 shape.hidden,
                 shape.getUpColumns(),
                 shape.getGateBiasOffset(),
                 shape.getUpBiasOffset(),
                 spec.getRowStride(),
                 spec.getIntermediateStride()};
  return getOrCreateKernel(
      module, name,
      getPhaseInputs(module, phase.fromStride, shape.getPartElements(0),
                     phase.toStride),
      [&](KernelBuilder &b, ValueRange args) {
        Value rows =
            b.at(b.pointer(args[0]), b.mul(args[3], b.index(phase.fromStride)));
        emitPhase(
            b, module, schedule, phase, rows, b.pointer(args[1]),
            b.pointer(args[2]), args[4],
            [&](KernelBuilder &inner, int64_t m, MicroArguments arguments) {
              emitUpMicro(inner, schedule, spec, m, arguments);
            });
      });
}

func::FuncOp mlir::moe::cpu::getExpertDownKernel(ModuleOp module,
                                                 const Schedule &schedule,
                                                 const ExpertKernelSpec &spec) {
  const ExpertShape &shape = spec.shape;
  std::string name = "expert_down_f32_" + shape.getName();
  Phase phase = {shape.downBias ? "expert_down_f32_bd" : "expert_down_f32",
                 shape.getNumDownPanels(),
                 shape.intermediate,
                 kPanelColumns,
                 shape.getDownBiasOffset(),
                 shape.getDownBiasOffset(),
                 spec.getIntermediateStride(),
                 spec.getRowStride()};
  return getOrCreateKernel(
      module, name,
      getPhaseInputs(module, phase.fromStride, shape.getPartElements(1),
                     phase.toStride),
      [&](KernelBuilder &b, ValueRange args) {
        Value rows =
            b.at(b.pointer(args[2]), b.mul(args[3], b.index(phase.toStride)));
        emitPhase(
            b, module, schedule, phase, b.pointer(args[0]), b.pointer(args[1]),
            rows, args[4],
            [&](KernelBuilder &inner, int64_t m, MicroArguments arguments) {
              emitDownMicro(inner, schedule, spec, m, arguments);
            });
      });
}
