//===- ExpertLayers.cpp - What every schedule of experts shares -----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertLayers.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::moe;

/// Layers that this conversion cannot schedule are all reported before any is
/// converted.
static LogicalResult checkRouting(Operation *op, Type values) {
  Type element = getElementTypeOrSelf(values);
  if (element.isF32())
    return success();
  return op->emitError("routing in ")
         << element << " is not supported: the router computes in float32";
}

static LogicalResult checkRoutingFrom(RoutingFromOp op) {
  LogicalResult result = checkRouting(op, op.getWeights().getType());
  Type element = getElementTypeOrSelf(op.getIds().getType());
  if (element.isSignlessInteger(32) || element.isSignlessInteger(64))
    return result;
  return op.emitError("expert ids in ")
         << element << " are not supported: cast them to int64";
}

static LogicalResult checkExperts(ExpertsOp op) {
  bool ok = true;
  auto report = [&]() {
    ok = false;
    return op.emitError();
  };
  if (!getElementTypeOrSelf(op.getTokens().getType()).isF32())
    report() << "experts on tokens of "
             << getElementTypeOrSelf(op.getTokens().getType())
             << " are not supported: only float32 is";
  if (!op.getRouting().getDefiningOp<RouteOp>() &&
      !op.getRouting().getDefiningOp<RoutingFromOp>())
    report() << "the routing must come from moe.route or moe.routing_from";
  auto bank = op.getBank().getDefiningOp<weights::BankOp>();
  if (!bank) {
    report() << "the bank must come from weights.bank";
    return failure();
  }
  int64_t hidden =
      cast<RankedTensorType>(op.getTokens().getType()).getDimSize(1);
  if (hidden != bank.getHidden())
    report() << "tokens have " << hidden
             << " features, the experts of the bank " << bank.getHidden();
  for (auto [value, role] : llvm::zip(bank.getTensors(), bank.getRoles())) {
    auto type = cast<weights::WeightTensorType>(value.getType());
    if (!type.getElementType().isF32())
      report() << "expert weights '"
               << weights::stringifyRole(static_cast<weights::Role>(role))
               << "' in " << type.getElementType()
               << " are not supported: cast them to float32";
  }
  for (auto run : op.getKinds().getAsRange<ExpertsOfKindAttr>()) {
    if (run.getKind() == ExpertKind::Copy ||
        run.getKind() == ExpertKind::Constant)
      report() << "experts of kind '" << stringifyExpertKind(run.getKind())
               << "' cannot be scheduled: eliminate them first";
    if (run.getWidth() != 0 && run.getWidth() != bank.getIntermediate())
      report() << "experts of width " << run.getWidth()
               << " in a bank of width " << bank.getIntermediate()
               << " are not supported";
  }
  return success(ok);
}

LogicalResult moe::checkLayers(ModuleOp module) {
  bool ok = true;
  module.walk([&](Operation *op) {
    LogicalResult result = success();
    if (auto route = dyn_cast<RouteOp>(op))
      result = checkRouting(op, route.getLogits().getType());
    else if (auto from = dyn_cast<RoutingFromOp>(op))
      result = checkRoutingFrom(from);
    else if (auto experts = dyn_cast<ExpertsOp>(op))
      result = checkExperts(experts);
    ok &= succeeded(result);
  });
  return success(ok);
}

void moe::hoistBank(ExpertsOp op) {
  Operation *routing = op.getRouting().getDefiningOp();
  Operation *bank = op.getBank().getDefiningOp();
  if (bank->getBlock() != routing->getBlock() || bank->isBeforeInBlock(routing))
    return;
  llvm::SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *candidate) {
    return candidate->getBlock() == routing->getBlock() &&
           !candidate->isBeforeInBlock(routing);
  };
  // Recipes are pure and use nothing but recipes.
  (void)getBackwardSlice(bank, &slice, options);
  for (Operation *recipe : slice)
    recipe->moveBefore(routing);
}

Value moe::getRowsBuffer(ImplicitLocOpBuilder &b, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value result = bufferization::ToBufferOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType()), tensor,
      /*read_only=*/true);
  if (type.isDynamicDim(0))
    return result;
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = ShapedType::kDynamic;
  return memref::CastOp::create(
      b, MemRefType::get(shape, type.getElementType()), result);
}

void moe::convertLayers(Operation *function,
                        function_ref<void(RouteOp)> convertRoute,
                        function_ref<void(RoutingFromOp)> convertRoutingFrom,
                        function_ref<void(ExpertsOp)> convertExperts) {
  SmallVector<Operation *> producers;
  SmallVector<ExpertsOp> layers;
  function->walk([&](Operation *op) {
    if (isa<RouteOp, RoutingFromOp>(op))
      producers.push_back(op);
    if (auto experts = dyn_cast<ExpertsOp>(op))
      layers.push_back(experts);
  });
  for (Operation *op : producers) {
    if (auto route = dyn_cast<RouteOp>(op))
      convertRoute(route);
    else
      convertRoutingFrom(cast<RoutingFromOp>(op));
  }
  for (ExpertsOp op : layers)
    convertExperts(op);
  for (Operation *op : producers)
    op->erase();
}

void moe::replaceExperts(ImplicitLocOpBuilder &b, ExpertsOp op, Value out) {
  auto type = cast<RankedTensorType>(op.getType());
  if (!type.isDynamicDim(0))
    out = memref::CastOp::create(
        b, MemRefType::get(type.getShape(), type.getElementType()), out);
  Value result =
      bufferization::ToTensorOp::create(b, type, out, /*restrict=*/true,
                                        /*writable=*/true);
  op.getResult().replaceAllUsesWith(result);
  op.erase();
}
