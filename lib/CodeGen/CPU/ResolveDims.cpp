//===- ResolveDims.cpp - Sizes of buffers from what made them -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe/CodeGen/CPU/Passes.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPURESOLVEDIMS
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The size of dimension `dim` of a buffer as a value that does not depend on
/// the buffer, or null. Arithmetic is created at the builder's point, which
/// every operand dominates because the buffer does.
OpFoldResult resolve(OpBuilder &b, Value buffer, int64_t dim) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dim))
    return b.getIndexAttr(type.getDimSize(dim));
  Operation *op = buffer.getDefiningOp();
  if (!op) {
    // A buffer carried by a loop keeps its size.
    auto argument = cast<BlockArgument>(buffer);
    if (!argument.getOwner()->getParentOp())
      return {};
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || argument.getArgNumber() == 0)
      return {};
    return resolve(b, loop.getInitArgs()[argument.getArgNumber() - 1], dim);
  }
  auto dynamicSize = [&](ValueRange sizes) -> OpFoldResult {
    return sizes[type.getDynamicDimIndex(dim)];
  };
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return dynamicSize(alloc.getDynamicSizes());
  if (auto view = dyn_cast<pager::BufferOp>(op))
    return dynamicSize(view.getSizes());
  if (auto cast = dyn_cast<memref::CastOp>(op))
    return resolve(b, cast.getSource(), dim);
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[dim];
  if (auto subview = dyn_cast<memref::SubViewOp>(op)) {
    // Dropped dimensions have size 1: those left keep their order.
    llvm::SmallBitVector dropped = subview.getDroppedDims();
    SmallVector<OpFoldResult> kept;
    for (auto [i, size] : llvm::enumerate(subview.getMixedSizes()))
      if (!dropped.test(i))
        kept.push_back(size);
    return dim < int64_t(kept.size()) ? kept[dim] : OpFoldResult();
  }
  if (auto reinterpret = dyn_cast<memref::ReinterpretCastOp>(op))
    return reinterpret.getMixedSizes()[dim];
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    Value product;
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t from : group) {
      OpFoldResult size = resolve(b, collapse.getSrc(), from);
      if (!size)
        return {};
      Value factor =
          getValueOrCreateConstantIndexOp(b, collapse.getLoc(), size);
      product =
          product ? arith::MulIOp::create(b, collapse.getLoc(), product, factor)
                        .getResult()
                  : factor;
    }
    return product ? OpFoldResult(product) : OpFoldResult();
  }
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return resolve(
        b, loop.getInitArgs()[cast<OpResult>(buffer).getResultNumber()], dim);
  return {};
}

class CPUResolveDims : public cpu::impl::CPUResolveDimsBase<CPUResolveDims> {
  void runOnOperation() override {
    getOperation().walk([](memref::DimOp op) {
      std::optional<int64_t> dim = op.getConstantIndex();
      if (!dim || !isa<MemRefType>(op.getSource().getType()))
        return;
      OpBuilder b(op);
      OpFoldResult size = resolve(b, op.getSource(), *dim);
      if (!size)
        return;
      op.getResult().replaceAllUsesWith(
          getValueOrCreateConstantIndexOp(b, op.getLoc(), size));
      op.erase();
    });
  }
};

} // namespace
