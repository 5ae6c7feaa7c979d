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

static std::string getUpName(const ExpertKernelSpec &spec) {
  std::string name = "expert_up_f32_" + spec.shape.getName() + "_" +
                     stringifyActivation(spec.activation).str();
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

/// (a, panel, bias, h): the sums of a panel, biased, activated and stored.
/// `bias` points to the gate's bias (up's when there is no gate) of these
/// columns.
static void emitUpMicro(KernelBuilder &b, const Schedule &schedule,
                        const ExpertKernelSpec &spec, int64_t rows,
                        ValueRange args) {
  const ExpertShape &shape = spec.shape;
  Value a = args[0], panel = args[1], bias = args[2], h = args[3];
  VectorType type = b.vectorType(schedule.lanes);
  int64_t upBias = shape.getUpBiasOffset() - shape.getGateBiasOffset();
  for (ArrayRef<int64_t> pass : getUpPasses(schedule, shape, rows)) {
    Tile tile = emitTile(
        b, schedule, {rows, shape.hidden, spec.getRowStride(), a, panel}, pass);
    int64_t outputs = shape.gated ? pass.size() / 2 : pass.size();
    for (int64_t i = 0; i < outputs; ++i) {
      Value gateBias, upBiasValue;
      if (shape.upBias) {
        upBiasValue = b.load(type, b.at(bias, upBias + pass[i]));
        if (shape.gated)
          gateBias = b.load(type, b.at(bias, pass[i]));
      }
      for (int64_t row = 0; row < rows; ++row) {
        Value gate = shape.gated ? tile.getSum(row, i) : Value();
        Value up = tile.getSum(row, shape.gated ? outputs + i : i);
        if (upBiasValue)
          up = arith::AddFOp::create(b, up, upBiasValue);
        if (gateBias)
          gate = arith::AddFOp::create(b, gate, gateBias);
        b.store(emitIntermediate(b, spec, gate, up),
                b.at(h, row * spec.getIntermediateStride() + pass[i]));
      }
    }
  }
}

/// (h, panel, bias, rows): the sums of a panel, biased and stored.
static void emitDownMicro(KernelBuilder &b, const Schedule &schedule,
                          const ExpertKernelSpec &spec, int64_t rows,
                          ValueRange args) {
  Value h = args[0], panel = args[1], bias = args[2], out = args[3];
  VectorType type = b.vectorType(schedule.lanes);
  int64_t vectors = schedule.getVectorsPerPass(rows);
  for (int64_t first = 0; first < kPanelColumns;
       first += vectors * schedule.lanes) {
    SmallVector<int64_t> offsets;
    for (int64_t i = 0; i < vectors; ++i)
      offsets.push_back(first + i * schedule.lanes);
    Tile tile = emitTile(
        b, schedule,
        {rows, spec.shape.intermediate, spec.getIntermediateStride(), h, panel},
        offsets);
    for (auto [i, offset] : llvm::enumerate(offsets)) {
      Value biasValue;
      if (spec.shape.downBias)
        biasValue = b.load(type, b.at(bias, offset));
      for (int64_t row = 0; row < rows; ++row) {
        Value sum = tile.getSum(row, i);
        if (biasValue)
          sum = arith::AddFOp::create(b, sum, biasValue);
        b.store(sum, b.at(out, row * spec.getRowStride() + offset));
      }
    }
  }
}

/// One phase: rows of `from` times the panels of a part, to rows of `to`.
namespace {
struct Phase {
  int64_t panels, k, columns, biasOffset, fromStride, toStride;
};
} // namespace

static void emitPhase(
    KernelBuilder &b, ModuleOp module, const Schedule &schedule, StringRef name,
    const Phase &phase, Value from, Value part, Value to, Value count,
    llvm::function_ref<void(KernelBuilder &, int64_t, ValueRange)> makeMicro) {
  emitPanelLoop(
      b, schedule, phase.panels, phase.k, count,
      [&](Value panel, Value row, Value rows) {
        Value column = b.mul(panel, b.index(phase.columns));
        Value panelOffset =
            b.mul(panel, b.index(packed::getPanelElements(phase.k)));
        SmallVector<Value> operands = {
            b.at(from, b.mul(row, b.index(phase.fromStride))),
            b.at(part, panelOffset), b.at(b.at(part, phase.biasOffset), column),
            b.at(to, b.add(b.mul(row, b.index(phase.toStride)), column))};
        emitRowSwitch(b, module, schedule, name, rows, operands, makeMicro);
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
  std::string name = getUpName(spec);
  Phase phase = {shape.getNumUpPanels(), shape.hidden,
                 shape.getUpColumns(),   shape.getGateBiasOffset(),
                 spec.getRowStride(),    spec.getIntermediateStride()};
  return getOrCreateKernel(
      module, name,
      getPhaseInputs(module, phase.fromStride, shape.getPartElements(0),
                     phase.toStride),
      [&](KernelBuilder &b, ValueRange args) {
        Value rows =
            b.at(b.pointer(args[0]), b.mul(args[3], b.index(phase.fromStride)));
        emitPhase(b, module, schedule, name, phase, rows, b.pointer(args[1]),
                  b.pointer(args[2]), args[4],
                  [&](KernelBuilder &inner, int64_t m, ValueRange arguments) {
                    emitUpMicro(inner, schedule, spec, m, arguments);
                  });
      });
}

func::FuncOp mlir::moe::cpu::getExpertDownKernel(ModuleOp module,
                                                 const Schedule &schedule,
                                                 const ExpertKernelSpec &spec) {
  const ExpertShape &shape = spec.shape;
  std::string name = "expert_down_f32_" + shape.getName();
  Phase phase = {shape.getNumDownPanels(),
                 shape.intermediate,
                 kPanelColumns,
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
        emitPhase(b, module, schedule, name, phase, b.pointer(args[0]),
                  b.pointer(args[1]), rows, args[4],
                  [&](KernelBuilder &inner, int64_t m, ValueRange arguments) {
                    emitDownMicro(inner, schedule, spec, m, arguments);
                  });
      });
}
