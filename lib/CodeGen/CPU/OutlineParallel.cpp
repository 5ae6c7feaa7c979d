//===- OutlineParallel.cpp - Parallel loops as functions ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/CodeGen/CPU/Passes.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUOUTLINEPARALLEL
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// A kernel's 1-D scf.parallel becomes a pager.parallel with its `cpu.grain`.
LogicalResult convertSCFParallel(scf::ParallelOp op) {
  if (op.getNumLoops() != 1 || !op.getInitVals().empty() ||
      getConstantIntValue(op.getLowerBound()[0]) != 0 ||
      getConstantIntValue(op.getStep()[0]) != 1)
    return op.emitError(
        "only one-dimensional parallel loops from 0 by 1 run on "
        "the session's threads");
  OpBuilder builder(op);
  Location loc = op.getLoc();
  int64_t grain = 1;
  if (auto attr = op->getAttrOfType<IntegerAttr>("cpu.grain"))
    grain = attr.getInt();
  Value grainValue = arith::ConstantIndexOp::create(builder, loc, grain);
  auto loop = pager::ParallelOp::create(builder, loc, op.getUpperBound()[0],
                                        grainValue);
  op.getBody()->getTerminator()->erase();
  loop.getBody().takeBody(op.getRegion());
  op.erase();
  return success();
}

/// Moves the body into `@name(captures..., begin, end)` and calls it.
void outline(pager::ParallelOp op, StringRef name, SymbolTable &symbols) {
  MLIRContext *context = op.getContext();
  Location loc = op.getLoc();
  // Constants are cheaper to make again than to pass.
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op.getBody(), captured);
  SmallVector<Value> captures;
  SmallVector<Operation *> constants;
  for (Value value : captured) {
    Operation *def = value.getDefiningOp();
    if (def && def->hasTrait<OpTrait::ConstantLike>())
      constants.push_back(def);
    else
      captures.push_back(value);
  }

  OpBuilder builder(context);
  SmallVector<Type> types = llvm::to_vector(ValueRange(captures).getTypes());
  types.append(2, builder.getIndexType());
  auto function = func::FuncOp::create(
      loc, name, FunctionType::get(context, types, TypeRange()));
  function.setPrivate();
  symbols.insert(function);

  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  IRMapping mapping;
  for (auto [value, argument] : llvm::zip(captures, entry->getArguments()))
    mapping.map(value, argument);
  for (Operation *constant : constants)
    builder.clone(*constant, mapping);
  Value begin = entry->getArgument(captures.size());
  Value end = entry->getArgument(captures.size() + 1);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto loop = scf::ForOp::create(builder, loc, begin, end, one);
  func::ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(loop.getBody());
  mapping.map(op.getBody().getArgument(0), loop.getInductionVar());
  for (Operation &inner : op.getBody().front())
    builder.clone(inner, mapping);

  builder.setInsertionPoint(op);
  pager::ParallelCallOp::create(builder, loc, function.getName(), captures,
                                op.getN(), op.getGrain());
  op.erase();
}

class CPUOutlineParallel
    : public cpu::impl::CPUOutlineParallelBase<CPUOutlineParallel> {
  void runOnOperation() override {
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk([&](scf::ParallelOp op) { loops.push_back(op); });
    for (scf::ParallelOp op : loops)
      if (failed(convertSCFParallel(op)))
        return signalPassFailure();

    SymbolTable symbols(getOperation());
    SmallVector<pager::ParallelOp> parallels;
    bool nested = false;
    getOperation().walk([&](pager::ParallelOp op) {
      if (op->getParentOfType<pager::ParallelOp>()) {
        op.emitError("parallel loops cannot nest");
        nested = true;
      }
      parallels.push_back(op);
    });
    if (nested)
      return signalPassFailure();
    for (pager::ParallelOp op : parallels) {
      auto parent = op->getParentOfType<func::FuncOp>();
      outline(op, (parent.getName() + "_body").str(), symbols);
    }
  }
};

} // namespace
