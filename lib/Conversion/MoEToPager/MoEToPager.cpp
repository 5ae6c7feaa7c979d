//===- MoEToPager.cpp - Expert layers as streams of resident experts ------===//
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
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/CodeGen/CPU/Kernels.h"
#include "moe/Conversion/Passes.h"
#include "moe/Support/BankLayout.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOETOPAGER
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static cpu::ExpertKernelSpec getKernelSpec(ExpertsOp op) {
  cpu::ExpertKernelSpec spec;
  spec.shape =
      packed::getExpertShape(op.getBank().getDefiningOp<weights::BankOp>());
  spec.activation = op.getActivation();
  spec.alpha = op.getAlpha().convertToFloat();
  spec.beta = op.getBeta().convertToFloat();
  spec.limit = op.getLimit().convertToFloat();
  return spec;
}

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

/// A routing as buffers. `weights` stays a tensor when it came as one: it is
/// made a buffer where it is read.
struct RoutingBuffers {
  Value tokens; // their number
  Value ids, weights;
  bool distinct; // no token chooses an expert twice
};

/// The rows of a layer's tokens by expert.
struct RowBuffers {
  Value counts, offsets, rowToken, rowOf;
};

/// Converts one function, routings first, then the layers that use them.
class Scheduler {
public:
  Scheduler(func::FuncOp function, const cpu::Schedule &schedule)
      : module(function->getParentOfType<ModuleOp>()), function(function),
        schedule(schedule), b(function.getLoc(), function.getContext()) {}
  void run();

private:
  void convertRoute(RouteOp op);
  void convertRoutingFrom(RoutingFromOp op);
  RowBuffers dispatch(ExpertsOp op, const RoutingBuffers &routing);
  void convertExperts(ExpertsOp op);
  void emitStream(ExpertsOp op, const RoutingBuffers &routing,
                  const RowBuffers &rows, Value rowData);

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value toIndex(Value value) {
    return arith::IndexCastOp::create(b, b.getIndexType(), value);
  }
  Value alloc(ArrayRef<int64_t> shape, Type element, ValueRange sizes = {}) {
    return memref::AllocOp::create(b, MemRefType::get(shape, element), sizes);
  }
  /// The first dimension of a tensor.
  Value size(Value tensor) { return tensor::DimOp::create(b, tensor, 0); }
  Value buffer(Value tensor) { return getRowsBuffer(b, tensor); }

  ModuleOp module;
  func::FuncOp function;
  const cpu::Schedule &schedule;
  ImplicitLocOpBuilder b;
  llvm::DenseMap<Value, RoutingBuffers> routings;
};

} // namespace

void Scheduler::convertRoute(RouteOp op) {
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  RoutingType type = op.getType();
  cpu::RouteSpec spec = {type.getExperts(), type.getK(), op.getScore(),
                         op.getNormalize(), op.getScale().convertToFloat()};
  func::FuncOp kernel = cpu::getRouteKernel(module, spec);
  RoutingBuffers routing;
  routing.tokens = size(op.getLogits());
  auto allocRows = [&](int64_t columns, Type element) {
    return alloc({kDynamic, columns}, element, routing.tokens);
  };
  Value scores = allocRows(spec.experts, b.getF32Type());
  Value keys = allocRows(spec.experts, b.getI64Type());
  routing.ids = allocRows(spec.k, b.getI32Type());
  routing.weights = allocRows(spec.k, b.getF32Type());
  routing.distinct = true;
  func::CallOp::create(b, kernel,
                       ValueRange{buffer(op.getLogits()), scores, keys,
                                  routing.ids, routing.weights});
  routings[op.getResult()] = routing;
}

void Scheduler::convertRoutingFrom(RoutingFromOp op) {
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  RoutingType type = op.getType();
  auto idType = cast<IntegerType>(getElementTypeOrSelf(op.getIds().getType()));
  func::FuncOp kernel =
      cpu::getRoutingFromKernel(module, type.getExperts(), type.getK(), idType);
  RoutingBuffers routing;
  routing.tokens = size(op.getIds());
  routing.ids = alloc({kDynamic, type.getK()}, b.getI32Type(), routing.tokens);
  routing.weights = op.getWeights();
  routing.distinct = false;
  func::CallOp::create(b, kernel, ValueRange{buffer(op.getIds()), routing.ids});
  routings[op.getResult()] = routing;
}

RowBuffers Scheduler::dispatch(ExpertsOp op, const RoutingBuffers &routing) {
  hoistBank(op);
  // Where the routing is known, not where the experts run.
  b.setInsertionPoint(op.getRouting().getDefiningOp());
  b.setLoc(op.getLoc());
  int64_t experts = op.getBank().getType().getExperts();
  int64_t k = op.getRouting().getType().getK();
  auto kinds = llvm::to_vector(op.getKinds().getAsRange<ExpertsOfKindAttr>());
  func::FuncOp kernel = cpu::getDispatchKernel(module, kinds, experts, k);
  Type i32 = b.getI32Type();
  RowBuffers rows;
  rows.counts = alloc({experts}, i32);
  rows.offsets = alloc({experts + 1}, i32);
  Value choices = arith::MulIOp::create(b, routing.tokens, index(k));
  rows.rowToken = alloc({kDynamic}, i32, choices);
  rows.rowOf = alloc({kDynamic, k}, i32, routing.tokens);
  func::CallOp::create(b, kernel,
                       ValueRange{routing.ids, rows.counts, rows.offsets,
                                  rows.rowToken, rows.rowOf});
  pager::PrefetchOp::create(b, op.getBank(), rows.counts);
  return rows;
}

/// Every expert that became resident takes its rows through both of its
/// matrices. Its output replaces its input in `rowData`.
void Scheduler::emitStream(ExpertsOp op, const RoutingBuffers &routing,
                           const RowBuffers &rows, Value rowData) {
  cpu::ExpertKernelSpec spec = getKernelSpec(op);
  func::FuncOp up = cpu::getExpertUpKernel(module, schedule, spec);
  func::FuncOp down = cpu::getExpertDownKernel(module, schedule, spec);
  Value most = routing.tokens;
  if (!routing.distinct)
    most =
        arith::MulIOp::create(b, most, index(op.getRouting().getType().getK()));
  Value h =
      alloc({kDynamic, spec.getIntermediateStride()}, b.getF32Type(), most);

  auto stream = pager::ForEachReadyOp::create(b, op.getBank(), rows.counts,
                                              routing.tokens);
  OpBuilder::InsertionGuard guard(b);
  Block *body = &stream.getBody().emplaceBlock();
  Value expert = body->addArgument(b.getIndexType(), op.getLoc());
  b.setInsertionPointToStart(body);
  Value begin = toIndex(memref::LoadOp::create(b, rows.offsets, expert));
  Value count = toIndex(memref::LoadOp::create(b, rows.counts, expert));
  auto part = [&](int64_t number) -> Value {
    Value resident = pager::WaitPartOp::create(
        b, pager::PartType::get(b.getContext()), expert, number);
    auto type =
        MemRefType::get({spec.shape.getPartElements(number)}, b.getF32Type());
    return pager::PartViewOp::create(b, type, resident);
  };
  func::CallOp::create(b, up, ValueRange{rowData, part(0), h, begin, count});
  func::CallOp::create(b, down, ValueRange{h, part(1), rowData, begin, count});
  // A row of an expert is counted once.
  pager::CountOp::create(b, up.getName(), count);
  pager::CountOp::create(b, down.getName(), index(0));
  pager::YieldOp::create(b);
}

void Scheduler::convertExperts(ExpertsOp op) {
  const RoutingBuffers &routing = routings.lookup(op.getRouting());
  RowBuffers rows = dispatch(op, routing);
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  cpu::ExpertKernelSpec spec = getKernelSpec(op);
  int64_t hidden = spec.shape.hidden, stride = spec.getRowStride();
  int64_t k = op.getRouting().getType().getK();
  Type f32 = b.getF32Type();

  Value choices = arith::MulIOp::create(b, routing.tokens, index(k));
  Value rowData = alloc({kDynamic, stride}, f32, choices);
  Value last = index(op.getBank().getType().getExperts());
  Value rowCount = toIndex(memref::LoadOp::create(b, rows.offsets, last));
  func::CallOp::create(
      b, cpu::getGatherKernel(module, schedule, hidden, stride),
      ValueRange{buffer(op.getTokens()), rows.rowToken, rowCount, rowData});
  emitStream(op, routing, rows, rowData);

  Value out = alloc({kDynamic, hidden}, f32, routing.tokens);
  Value weights = isa<TensorType>(routing.weights.getType())
                      ? buffer(routing.weights)
                      : routing.weights;
  func::CallOp::create(
      b, cpu::getCombineKernel(module, schedule, hidden, stride, k),
      ValueRange{rowData, rows.rowOf, weights, out});
  replaceExperts(b, op, out);
}

void Scheduler::run() {
  convertLayers(
      function, [&](RouteOp op) { convertRoute(op); },
      [&](RoutingFromOp op) { convertRoutingFrom(op); },
      [&](ExpertsOp op) { convertExperts(op); });
}

namespace {

class ConvertMoEToPager
    : public mlir::moe::impl::ConvertMoEToPagerBase<ConvertMoEToPager> {
  void runOnOperation() override {
    FailureOr<cpu::Schedule> schedule = cpu::getSchedule(getOperation());
    if (failed(checkLayers(getOperation())) || failed(schedule))
      return signalPassFailure();
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal())
        Scheduler(function, *schedule).run();
  }
};

} // namespace
