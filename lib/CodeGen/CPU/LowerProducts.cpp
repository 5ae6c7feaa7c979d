//===- LowerProducts.cpp - Sums of products in vectors --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenericLowering.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

/// Columns of a sum of products that are kept in registers, and how often the
/// other operand is read to have them all.
static constexpr int64_t kColumns = 64;
static constexpr int64_t kMaxColumnBlocks = 4;

bool GenericLowering::isSumOfProducts() {
  if (reductions.size() != 1 || op->getNumOperands() != 3 ||
      op.getNumDpsInits() != 1)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type || !type.getElementType().isF32() || type.getRank() == 0 ||
        !type.isLastDimUnitStride() ||
        !op.getMatchingIndexingMap(&operand).isProjectedPermutation(true))
      return false;
  }
  Block *body = op.getBody();
  auto sum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || body->getOperations().size() != 3 ||
      sum.getLhs() != body->getArgument(2) ||
      sum.getFastmath() != arith::FastMathFlags::reassoc)
    return false;
  auto times = sum.getRhs().getDefiningOp<arith::MulFOp>();
  return times && times.getLhs() == body->getArgument(0) &&
         times.getRhs() == body->getArgument(1);
}

bool GenericLowering::isRowsOfDots(unsigned dim) {
  if (!isSumOfProducts())
    return false;
  AffineMap a = op.getMatchingIndexingMap(&op->getOpOperand(0)),
            b = op.getMatchingIndexingMap(&op->getOpOperand(1)),
            c = op.getMatchingIndexingMap(&op->getOpOperand(2));
  return a.isFunctionOfDim(dim) != b.isFunctionOfDim(dim) &&
         a.isFunctionOfDim(reductions[0]) && b.isFunctionOfDim(reductions[0]) &&
         c.getResults().back() == builder.getAffineDimExpr(dim);
}

std::optional<int64_t> GenericLowering::getColumns(unsigned dim) {
  std::optional<int64_t> columns = getConstantIntValue(extents[dim]);
  if (!columns || *columns == 0 || *columns > kColumns * kMaxColumnBlocks ||
      !isSumOfProducts())
    return std::nullopt;
  AffineExpr column = builder.getAffineDimExpr(dim);
  AffineMap a = op.getMatchingIndexingMap(&op->getOpOperand(0)),
            b = op.getMatchingIndexingMap(&op->getOpOperand(1)),
            c = op.getMatchingIndexingMap(&op->getOpOperand(2));
  if (a.isFunctionOfDim(dim) || b.getResults().back() != column ||
      c.getResults().back() != column)
    return std::nullopt;
  return columns;
}

/// Elements from the current point on in the operand's row; zeros where the
/// mask, if there is one, is off.
Value GenericLowering::loadRow(OpOperand &operand, Value mask) {
  auto type = VectorType::get(kLanes, builder.getF32Type());
  if (!mask)
    return vector::LoadOp::create(builder, loc, type, operand.get(),
                                  indices(operand));
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return vector::MaskedLoadOp::create(builder, loc, type, operand.get(),
                                      indices(operand), mask, zero);
}

/// On for the first `count` elements.
Value GenericLowering::makeMask(Value count) {
  return vector::CreateMaskOp::create(
      builder, loc, VectorType::get(kLanes, builder.getI1Type()), count);
}

void GenericLowering::emitDots(unsigned dim) {
  auto type = VectorType::get(kLanes, builder.getF32Type());
  bool first =
      op.getMatchingIndexingMap(&op->getOpOperand(0)).isFunctionOfDim(dim);
  OpOperand &rows = op->getOpOperand(first ? 0 : 1),
            &shared = op->getOpOperand(first ? 1 : 0),
            &output = op->getOpOperand(2);
  Value group = ivs[dim];
  auto accumulate = [&](ValueRange sums, Value at, Value mask) {
    SmallVector<Value> results;
    ivs[reductions[0]] = at;
    Value x = loadRow(shared, mask);
    for (auto [i, sum] : llvm::enumerate(sums)) {
      ivs[dim] = arith::AddIOp::create(builder, loc, group, constant(i));
      Value y = loadRow(rows, mask);
      results.push_back(vector::FMAOp::create(builder, loc, x, y, sum));
    }
    ivs[dim] = group;
    return results;
  };
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  Value extent = extents[reductions[0]];
  Value rest = arith::RemSIOp::create(builder, loc, extent, constant(kLanes));
  Value whole = arith::SubIOp::create(builder, loc, extent, rest);
  auto loop =
      scf::ForOp::create(builder, loc, constant(0), whole, constant(kLanes),
                         SmallVector<Value>(kLanes, zero));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> sums =
        accumulate(loop.getRegionIterArgs(), loop.getInductionVar(), Value());
    scf::YieldOp::create(builder, loc, sums);
  }
  SmallVector<Value> sums(loop.getResults());
  std::optional<int64_t> size = getConstantIntValue(extent);
  if (!size || *size % kLanes != 0)
    sums = accumulate(sums, whole, makeMask(rest));
  Value total =
      vector::LoadOp::create(builder, loc, type, output.get(), indices(output));
  total = arith::AddFOp::create(builder, loc, total, addAcross(sums));
  vector::StoreOp::create(builder, loc, total, output.get(), indices(output));
}

/// The sums of the elements of eight vectors of eight, as one vector.
Value GenericLowering::addAcross(ArrayRef<Value> x) {
  auto add = [&](Value a, Value b, ArrayRef<int64_t> even,
                 ArrayRef<int64_t> odd) -> Value {
    return arith::AddFOp::create(
        builder, loc, vector::ShuffleOp::create(builder, loc, a, b, even),
        vector::ShuffleOp::create(builder, loc, a, b, odd));
  };
  auto neighbours = [&](Value a, Value b) {
    return add(a, b, {0, 2, 8, 10, 4, 6, 12, 14}, {1, 3, 9, 11, 5, 7, 13, 15});
  };
  Value low = neighbours(neighbours(x[0], x[1]), neighbours(x[2], x[3]));
  Value high = neighbours(neighbours(x[4], x[5]), neighbours(x[6], x[7]));
  return add(low, high, {0, 1, 2, 3, 8, 9, 10, 11},
             {4, 5, 6, 7, 12, 13, 14, 15});
}

/// Accumulates a row of the result in registers, a block after the other.
void GenericLowering::emitColumns(int64_t columns) {
  openParallel(product({reductions[0], *innermost}));
  for (int64_t begin = 0; begin < columns; begin += kColumns)
    emitColumnBlock(begin, std::min(begin + kColumns, columns));
}

void GenericLowering::emitColumnBlock(int64_t begin, int64_t end) {
  OpOperand &scalar = op->getOpOperand(0), &rows = op->getOpOperand(1),
            &output = op->getOpOperand(2);
  Value rest = end % kLanes ? makeMask(constant(end % kLanes)) : Value();
  auto forVectors = [&](function_ref<void(size_t, Value)> body) {
    for (int64_t at = begin; at < end; at += kLanes) {
      ivs[*innermost] = constant(at);
      body((at - begin) / kLanes, at + kLanes > end ? rest : Value());
    }
  };
  SmallVector<Value> sums;
  forVectors(
      [&](size_t, Value mask) { sums.push_back(loadRow(output, mask)); });
  auto loop = scf::ForOp::create(builder, loc, constant(0),
                                 extents[reductions[0]], constant(1), sums);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    ivs[reductions[0]] = loop.getInductionVar();
    Value x = vector::BroadcastOp::create(
        builder, loc, VectorType::get(kLanes, builder.getF32Type()),
        load(scalar));
    forVectors([&](size_t i, Value mask) {
      sums[i] = vector::FMAOp::create(builder, loc, x, loadRow(rows, mask),
                                      loop.getRegionIterArgs()[i]);
    });
    scf::YieldOp::create(builder, loc, sums);
  }
  forVectors([&](size_t i, Value mask) {
    if (mask)
      vector::MaskedStoreOp::create(builder, loc, output.get(), indices(output),
                                    mask, loop.getResult(i));
    else
      vector::StoreOp::create(builder, loc, loop.getResult(i), output.get(),
                              indices(output));
  });
}
