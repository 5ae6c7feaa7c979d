//===- MoEToWaves.cpp - Expert layers as waves on a device ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ExpertLayers.h"
#include "dialects/MoE/IR/MoE.h"
#include "dialects/Pager/IR/Pager.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/CodeGen/GPU/Kernels.h"
#include "moe/Conversion/Passes.h"
#include "moe/Support/BankLayout.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOETOWAVES
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

/// A routing as buffers. `weights` stays a tensor when it came as one: it is
/// made a buffer where it is read.
struct RoutingBuffers {
  Value tokens; // their number
  Value ids, weights;
};

/// Converts one function, routings first, then the layers that use them.
class WaveScheduler {
public:
  WaveScheduler(func::FuncOp function, moe::gpu::KernelSet set, Type element)
      : function(function), b(function.getLoc(), function.getContext()),
        emitter{b, function->getParentOfType<ModuleOp>(), set},
        element(element) {}
  void run();

private:
  void convertRoute(RouteOp op);
  void convertRoutingFrom(RoutingFromOp op);
  moe::gpu::SortedRows sort(ExpertsOp op, const RoutingBuffers &routing);
  Value getRows(ExpertsOp op, const RoutingBuffers &routing);
  void convertExperts(ExpertsOp op);
  moe::gpu::ExpertLayerSpec getSpec(ExpertsOp op);

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value alloc(ArrayRef<int64_t> shape, Type type, ValueRange sizes = {}) {
    return memref::AllocOp::create(b, MemRefType::get(shape, type), sizes);
  }
  Value getChoices(const RoutingBuffers &routing, int64_t k) {
    return arith::MulIOp::create(b, routing.tokens, index(k));
  }

  func::FuncOp function;
  ImplicitLocOpBuilder b;
  moe::gpu::Emitter emitter;
  Type element;
  llvm::DenseMap<Value, RoutingBuffers> routings;
};

} // namespace

moe::gpu::ExpertLayerSpec WaveScheduler::getSpec(ExpertsOp op) {
  moe::gpu::ExpertLayerSpec spec;
  spec.layout = device::getExpertLayout(
      op.getBank().getDefiningOp<weights::BankOp>(), element);
  spec.element = element;
  spec.experts = op.getBank().getType().getExperts();
  spec.k = op.getRouting().getType().getK();
  spec.activation = op.getActivation();
  spec.alpha = op.getAlpha().convertToFloat();
  spec.beta = op.getBeta().convertToFloat();
  spec.limit = op.getLimit().convertToFloat();
  return spec;
}

void WaveScheduler::convertRoute(RouteOp op) {
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  RoutingType type = op.getType();
  RoutingBuffers routing;
  routing.tokens = tensor::DimOp::create(b, op.getLogits(), 0);
  routing.ids = alloc({kDynamic, type.getK()}, b.getI32Type(), routing.tokens);
  routing.weights =
      alloc({kDynamic, type.getK()}, b.getF32Type(), routing.tokens);
  moe::gpu::emitRoute(emitter,
                      {type.getExperts(), type.getK(), op.getScore(),
                       op.getNormalize(), op.getScale().convertToFloat()},
                      getRowsBuffer(b, op.getLogits()), routing.ids,
                      routing.weights, routing.tokens);
  routings[op.getResult()] = routing;
}

void WaveScheduler::convertRoutingFrom(RoutingFromOp op) {
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  RoutingType type = op.getType();
  RoutingBuffers routing;
  routing.tokens = tensor::DimOp::create(b, op.getIds(), 0);
  routing.ids = alloc({kDynamic, type.getK()}, b.getI32Type(), routing.tokens);
  routing.weights = op.getWeights();
  moe::gpu::emitRoutingFrom(emitter, type.getExperts(), type.getK(),
                            getRowsBuffer(b, op.getIds()), routing.ids,
                            routing.tokens);
  routings[op.getResult()] = routing;
}

/// Where the routing is known, not where the experts run: the counts are on
/// their way to the host while the device computes what lies between.
moe::gpu::SortedRows WaveScheduler::sort(ExpertsOp op,
                                         const RoutingBuffers &routing) {
  hoistBank(op);
  b.setInsertionPoint(op.getRouting().getDefiningOp());
  b.setLoc(op.getLoc());
  moe::gpu::ExpertLayerSpec spec = getSpec(op);
  Type i32 = b.getI32Type();
  moe::gpu::SortedRows rows;
  rows.tileRows = moe::gpu::chooseTileRows(emitter, spec, routing.tokens);
  rows.counts = alloc({spec.experts}, i32);
  rows.offsets = alloc({spec.experts + 1}, i32);
  rows.rowToken = alloc({kDynamic}, i32, getChoices(routing, spec.k));
  rows.rowOf = alloc({kDynamic, spec.k}, i32, routing.tokens);
  rows.tiles = alloc({kDynamic}, i32,
                     moe::gpu::getTilesSize(emitter, spec, routing.tokens));
  auto kinds = llvm::to_vector(op.getKinds().getAsRange<ExpertsOfKindAttr>());
  moe::gpu::emitSort(emitter, spec, kinds, routing.ids, rows, routing.tokens);
  pager::PrefetchOp::create(b, op.getBank(), rows.counts);
  return rows;
}

/// The tokens as kernels read them: in the type of the weights, rows padded.
Value WaveScheduler::getRows(ExpertsOp op, const RoutingBuffers &routing) {
  Value tokens = getRowsBuffer(b, op.getTokens());
  auto type = cast<MemRefType>(tokens.getType());
  int64_t stride = device::getRowStride(type.getDimSize(1));
  if (type.getElementType() == element && stride == type.getDimSize(1))
    return tokens;
  Value rows = alloc({kDynamic, stride}, element, routing.tokens);
  moe::gpu::emitConvertRows(emitter, tokens, rows, routing.tokens);
  return rows;
}

void WaveScheduler::convertExperts(ExpertsOp op) {
  const RoutingBuffers routing = routings.lookup(op.getRouting());
  moe::gpu::SortedRows rows = sort(op, routing);
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  moe::gpu::ExpertLayerSpec spec = getSpec(op);
  int64_t hidden = spec.layout.shape.hidden;
  Type f32 = b.getF32Type();
  Value x = getRows(op, routing), choices = getChoices(routing, spec.k);
  Value h = alloc({kDynamic, spec.layout.getIntermediate()}, element, choices);
  Value results = alloc({kDynamic, hidden}, f32, choices);

  auto stream = pager::ForEachWaveOp::create(b, op.getBank(), rows.counts,
                                             routing.tokens);
  {
    OpBuilder::InsertionGuard guard(b);
    Block *body = &stream.getBody().emplaceBlock();
    moe::gpu::Wave wave;
    wave.slots = body->addArgument(MemRefType::get({kDynamic}, b.getI8Type()),
                                   op.getLoc());
    wave.slotCount = body->addArgument(b.getIndexType(), op.getLoc());
    wave.slotOf = body->addArgument(
        MemRefType::get({spec.experts}, b.getI32Type()), op.getLoc());
    b.setInsertionPointToStart(body);
    moe::gpu::emitExpertUp(emitter, spec, rows, wave, x, h, routing.tokens);
    moe::gpu::emitExpertDown(emitter, spec, rows, wave, h, results,
                             routing.tokens);
    pager::YieldOp::create(b);
  }

  Value out = alloc({kDynamic, hidden}, f32, routing.tokens);
  Value weights = isa<TensorType>(routing.weights.getType())
                      ? getRowsBuffer(b, routing.weights)
                      : routing.weights;
  moe::gpu::emitCombine(emitter, hidden, spec.k, results, rows.rowOf, weights,
                        out, routing.tokens);
  replaceExperts(b, op, out);
}

void WaveScheduler::run() {
  convertLayers(
      function, [&](RouteOp op) { convertRoute(op); },
      [&](RoutingFromOp op) { convertRoutingFrom(op); },
      [&](ExpertsOp op) { convertExperts(op); });
}

namespace {

class ConvertMoEToWaves
    : public mlir::moe::impl::ConvertMoEToWavesBase<ConvertMoEToWaves> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<moe::gpu::KernelSet> set = moe::gpu::getKernelSet(module);
    FailureOr<Type> element = moe::gpu::getWeightsType(module);
    if (failed(checkLayers(module)) || failed(set) || failed(element))
      return signalPassFailure();
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (!function.isExternal())
        WaveScheduler(function, *set, *element).run();
  }
};

} // namespace
