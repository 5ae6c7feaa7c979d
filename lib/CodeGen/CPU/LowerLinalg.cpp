//===- LowerLinalg.cpp - Structured operations to parallel loops ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenericLowering.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "moe/CodeGen/CPU/Passes.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPULOWERLINALG
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

/// Innermost iterations that pay for handing a chunk to another thread.
static constexpr int64_t kChunkWork = 16384;

/// Results of reductions that are computed one after the other: taking the
/// number of a point apart costs as much as a short reduction.
static constexpr int64_t kBlock = 16;

void GenericLowering::classify() {
  for (auto [dim, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::parallel ? outer : reductions).push_back(dim);
}

Value GenericLowering::product(ArrayRef<unsigned> dims) {
  Value result = constant(1);
  for (unsigned dim : dims)
    result = arith::MulIOp::create(builder, loc, result, extents[dim]);
  return result;
}

void GenericLowering::openParallel(Value innerWork) {
  Value n = product(outer);
  Value one = constant(1);
  Value work = arith::MaxSIOp::create(builder, loc, innerWork, one);
  Value grain =
      arith::DivSIOp::create(builder, loc, constant(kChunkWork), work);
  grain = arith::MaxSIOp::create(builder, loc, grain, one);
  auto loop = pager::ParallelOp::create(builder, loc, n, grain);
  Block &body = loop.getBody().emplaceBlock();
  Value linear = body.addArgument(builder.getIndexType(), loc);
  builder.setInsertionPointToStart(&body);
  for (unsigned dim : llvm::reverse(outer)) {
    if (dim == outer.front()) {
      ivs[dim] = linear;
      break;
    }
    ivs[dim] = arith::RemUIOp::create(builder, loc, linear, extents[dim]);
    linear = arith::DivUIOp::create(builder, loc, linear, extents[dim]);
  }
}

std::optional<unsigned>
GenericLowering::openParallelBlocks(Value innerWork, Value &begin, Value &end) {
  auto last = llvm::find_if(llvm::reverse(outer), [&](unsigned dim) {
    return !isConstantIntValue(extents[dim], 1);
  });
  if (last == outer.rend()) {
    openParallel(innerWork);
    return std::nullopt;
  }
  unsigned dim = *last;
  Value extent = extents[dim], one = constant(1);
  // No larger than what is handed to a thread anyway.
  Value work = arith::MaxSIOp::create(builder, loc, innerWork, one);
  Value size = arith::DivSIOp::create(builder, loc, constant(kChunkWork), work);
  size = arith::MaxSIOp::create(builder, loc, size, one);
  size = arith::MinSIOp::create(builder, loc, size, constant(kBlock));
  extents[dim] = arith::CeilDivSIOp::create(builder, loc, extent, size);
  openParallel(arith::MulIOp::create(builder, loc, work, size));
  extents[dim] = extent;
  begin = arith::MulIOp::create(builder, loc, ivs[dim], size);
  end = arith::AddIOp::create(builder, loc, begin, size);
  end = arith::MinSIOp::create(builder, loc, extent, end);
  return dim;
}

void GenericLowering::forLoop(unsigned dim, function_ref<void()> body) {
  auto loop =
      scf::ForOp::create(builder, loc, constant(0), extents[dim], constant(1));
  ivs[dim] = loop.getInductionVar();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body();
}

void GenericLowering::nest(ArrayRef<unsigned> dims, function_ref<void()> body) {
  if (dims.empty())
    return body();
  forLoop(dims.front(), [&] { nest(dims.drop_front(), body); });
}

SmallVector<Value> GenericLowering::indices(OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<Value> result;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      result.push_back(ivs[dim.getPosition()]);
    else
      result.push_back(affine::expandAffineExpr(builder, loc, expr, ivs, {}));
  }
  return result;
}

Value GenericLowering::load(OpOperand &operand) {
  if (!isa<MemRefType>(operand.get().getType()))
    return operand.get();
  return memref::LoadOp::create(builder, loc, operand.get(), indices(operand));
}

SmallVector<Value> GenericLowering::computeBody(ValueRange outputs) {
  Block *body = op.getBody();
  IRMapping mapping;
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = body->getArgument(input->getOperandNumber());
    if (!argument.use_empty())
      mapping.map(argument, load(*input));
  }
  for (auto [output, value] : llvm::zip(op.getRegionOutputArgs(), outputs))
    mapping.map(output, value);
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      mapping.map(index.getResult(), ivs[index.getDim()]);
    else
      builder.clone(inner, mapping);
  }
  SmallVector<Value> results;
  for (Value value : body->getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(value));
  return results;
}

void GenericLowering::emitElementwise() {
  auto point = [&] {
    SmallVector<Value> outputs;
    for (OpOperand &output : op.getDpsInitsMutable()) {
      BlockArgument argument = op.getMatchingBlockArgument(&output);
      outputs.push_back(argument.use_empty() ? Value() : load(output));
    }
    SmallVector<Value> results = computeBody(outputs);
    for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), results))
      memref::StoreOp::create(builder, loc, value, output.get(),
                              indices(output));
  };
  if (outer.size() < 2) {
    openParallel(constant(1));
    return point();
  }
  innermost = outer.pop_back_val();
  openParallel(extents[*innermost]);
  forLoop(*innermost, point);
}

/// True when consecutive steps of the last reduction dimension read consecutive
/// elements of every input that depends on it.
bool GenericLowering::isUnitStrideInInnermostReduction() {
  unsigned dim = reductions.back();
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto type = dyn_cast<MemRefType>(input->get().getType());
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!type || !map.isFunctionOfDim(dim))
      continue;
    auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
    if (!last || last.getPosition() != dim)
      return false;
  }
  return true;
}

/// Accumulates in registers over the reduction dimensions, for one point after
/// the other of a block.
void GenericLowering::emitDot() {
  Value begin, end;
  auto dim = openParallelBlocks(product(reductions), begin, end);
  if (!dim)
    return emitPoint();
  if (isRowsOfDots(*dim)) {
    // Whole groups, then the rest.
    Value rest = arith::RemSIOp::create(
        builder, loc, arith::SubIOp::create(builder, loc, end, begin),
        constant(kLanes));
    Value whole = arith::SubIOp::create(builder, loc, end, rest);
    OpBuilder::InsertionGuard guard(builder);
    auto loop =
        scf::ForOp::create(builder, loc, begin, whole, constant(kLanes));
    ivs[*dim] = loop.getInductionVar();
    builder.setInsertionPointToStart(loop.getBody());
    emitDots(*dim);
    begin = whole;
  }
  auto loop = scf::ForOp::create(builder, loc, begin, end, constant(1));
  ivs[*dim] = loop.getInductionVar();
  builder.setInsertionPointToStart(loop.getBody());
  emitPoint();
}

void GenericLowering::emitPoint() {
  SmallVector<Value> initial;
  for (OpOperand &output : op.getDpsInitsMutable())
    initial.push_back(load(output));
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<scf::ForOp> loops;
  SmallVector<Value> carried = initial;
  for (unsigned dim : reductions) {
    auto loop = scf::ForOp::create(builder, loc, constant(0), extents[dim],
                                   constant(1), carried);
    ivs[dim] = loop.getInductionVar();
    carried.assign(loop.getRegionIterArgs().begin(),
                   loop.getRegionIterArgs().end());
    loops.push_back(loop);
    builder.setInsertionPointToEnd(loop.getBody());
  }
  SmallVector<Value> results = computeBody(carried);
  for (scf::ForOp loop : llvm::reverse(loops)) {
    builder.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(builder, loc, results);
    results.assign(loop.getResults().begin(), loop.getResults().end());
  }
  builder.setInsertionPointAfter(loops.front());
  for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), results))
    memref::StoreOp::create(builder, loc, value, output.get(), indices(output));
}

/// Accumulates in memory, a row of the result at a time.
void GenericLowering::emitAxpy() {
  innermost = outer.pop_back_val();
  if (auto columns = getColumns(*innermost))
    return emitColumns(*columns);
  SmallVector<unsigned> inner(reductions);
  inner.push_back(*innermost);
  openParallel(product(inner));
  nest(inner, [&] {
    SmallVector<Value> outputs;
    for (OpOperand &output : op.getDpsInitsMutable())
      outputs.push_back(load(output));
    SmallVector<Value> results = computeBody(outputs);
    for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), results))
      memref::StoreOp::create(builder, loc, value, output.get(),
                              indices(output));
  });
}

LogicalResult GenericLowering::run() {
  classify();
  // The extent of a dimension, read off the first operand that has it.
  unsigned dims = op.getNumLoops();
  extents.resize(dims);
  ivs.resize(dims);
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (!extents[dim.getPosition()])
          extents[dim.getPosition()] =
              builder.createOrFold<memref::DimOp>(loc, operand.get(), i);
  }
  if (llvm::is_contained(extents, Value()))
    return op.emitError("a loop dimension has no extent");
  if (reductions.empty())
    emitElementwise();
  else if (outer.empty() || isUnitStrideInInnermostReduction())
    emitDot();
  else
    emitAxpy();
  op.erase();
  return success();
}

namespace {

class CPULowerLinalg : public cpu::impl::CPULowerLinalgBase<CPULowerLinalg> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> named;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp>(op))
        named.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op))) {
        op->emitError("cannot be written as linalg.generic");
        return signalPassFailure();
      }
    }
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics)
      if (failed(GenericLowering(op).run()))
        return signalPassFailure();
  }
};

} // namespace
