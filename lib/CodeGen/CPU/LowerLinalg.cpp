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
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
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
  delinearize(linear, outer);
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

void GenericLowering::emitElementwise() {
  auto point = [&] { store(computeBody(loadOutputs())); };
  if (outer.size() < 2) {
    openParallel(constant(1));
    return point();
  }
  innermost = outer.pop_back_val();
  openParallel(extents[*innermost]);
  forLoop(*innermost, point);
}

/// Accumulates in registers over the reduction dimensions, for one point after
/// the other of a block.
void GenericLowering::emitDot() {
  Value begin, end;
  auto dim = openParallelBlocks(product(reductions), begin, end);
  if (!dim)
    return reduceInOrder();
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
  reduceInOrder();
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
    store(computeBody(outputs));
  });
}

LogicalResult GenericLowering::run() {
  if (failed(classify()))
    return failure();
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
    if (failed(generalizeNamedOps(getOperation())))
      return signalPassFailure();
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics)
      if (failed(GenericLowering(op).run()))
        return signalPassFailure();
  }
};

} // namespace
