//===- LinalgPoints.cpp - The points of a structured operation ------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/Common/LinalgPoints.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult LinalgPoints::classify() {
  for (auto [dim, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::parallel ? outer : reductions).push_back(dim);
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
  return success();
}

SmallVector<Value> LinalgPoints::indices(OpOperand &operand) {
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

Value LinalgPoints::load(OpOperand &operand) {
  if (!isa<MemRefType>(operand.get().getType()))
    return operand.get();
  return memref::LoadOp::create(builder, loc, operand.get(), indices(operand));
}

void LinalgPoints::store(ValueRange values) {
  for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), values))
    memref::StoreOp::create(builder, loc, value, output.get(), indices(output));
}

SmallVector<Value> LinalgPoints::loadOutputs() {
  SmallVector<Value> outputs;
  for (OpOperand &output : op.getDpsInitsMutable()) {
    BlockArgument argument = op.getMatchingBlockArgument(&output);
    outputs.push_back(argument.use_empty() ? Value() : load(output));
  }
  return outputs;
}

SmallVector<Value> LinalgPoints::computeBody(ValueRange outputs) {
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

void LinalgPoints::reduceInOrder() {
  SmallVector<Value> carried;
  for (OpOperand &output : op.getDpsInitsMutable())
    carried.push_back(load(output));
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<scf::ForOp> loops;
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
  store(results);
}

bool LinalgPoints::isUnitStrideInInnermostReduction() {
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

Value LinalgPoints::product(ArrayRef<unsigned> dims) {
  Value result = constant(1);
  for (unsigned dim : dims)
    result = arith::MulIOp::create(builder, loc, result, extents[dim]);
  return result;
}

void LinalgPoints::delinearize(Value linear, ArrayRef<unsigned> dims) {
  for (unsigned dim : llvm::reverse(dims)) {
    if (dim == dims.front()) {
      ivs[dim] = linear;
      break;
    }
    ivs[dim] = arith::RemUIOp::create(builder, loc, linear, extents[dim]);
    linear = arith::DivUIOp::create(builder, loc, linear, extents[dim]);
  }
}

LogicalResult moe::generalizeNamedOps(ModuleOp module) {
  SmallVector<linalg::LinalgOp> named;
  module.walk([&](linalg::LinalgOp op) {
    if (!isa<linalg::GenericOp>(op))
      named.push_back(op);
  });
  IRRewriter rewriter(module.getContext());
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::generalizeNamedOp(rewriter, op)))
      return op->emitError("cannot be written as linalg.generic");
  }
  return success();
}
