//===- ExpandReshapes.cpp - Reshapes of buffers as strided views ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/CodeGen/CPU/Passes.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUEXPANDRESHAPES
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// A view with the sizes that the operation names and, within each group, the
/// strides that follow from them.
void expand(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto metadata =
      memref::ExtractStridedMetadataOp::create(builder, loc, op.getSrc());
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size());
  SmallVector<OpFoldResult> sourceStrides =
      metadata.getConstifiedMixedStrides();
  for (auto [group, stride] :
       llvm::zip(op.getReassociationIndices(), sourceStrides)) {
    OpFoldResult current = stride;
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = current;
      if (dim == group.front())
        break;
      std::optional<int64_t> size = getConstantIntValue(sizes[dim]);
      std::optional<int64_t> known = getConstantIntValue(current);
      if (size && known)
        current = builder.getIndexAttr(*size * *known);
      else
        current = arith::MulIOp::create(
                      builder, loc,
                      getValueOrCreateConstantIndexOp(builder, loc, current),
                      getValueOrCreateConstantIndexOp(builder, loc, sizes[dim]))
                      .getResult();
    }
  }
  // A scalar source has no groups: all sizes are 1.
  for (OpFoldResult &stride : strides)
    if (!stride)
      stride = builder.getIndexAttr(1);
  auto type = cast<MemRefType>(op.getType());
  SmallVector<int64_t> typeStrides;
  int64_t typeOffset;
  (void)type.getStridesAndOffset(typeStrides, typeOffset);
  // The view must say no more and no less than the result type.
  for (auto [stride, expected] : llvm::zip(strides, typeStrides)) {
    if (ShapedType::isDynamic(expected))
      stride = getValueOrCreateConstantIndexOp(builder, loc, stride);
    else
      stride = builder.getIndexAttr(expected);
  }
  OpFoldResult offset = builder.getIndexAttr(typeOffset);
  if (ShapedType::isDynamic(typeOffset))
    offset = metadata.getOffset();
  Value view = memref::ReinterpretCastOp::create(
      builder, loc, type, metadata.getBaseBuffer(), offset, sizes, strides);
  op.replaceAllUsesWith(view);
  op.erase();
}

class CPUExpandReshapes
    : public cpu::impl::CPUExpandReshapesBase<CPUExpandReshapes> {
  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp op) { expand(op); });
  }
};

} // namespace
