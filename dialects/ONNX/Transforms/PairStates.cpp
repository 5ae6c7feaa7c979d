//===- PairStates.cpp - Recurrent inputs and the outputs that continue them
//===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/IR/Symbolic.h"
#include "dialects/ONNX/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallSet.h"

namespace mlir::moe::onnx {
#define GEN_PASS_DEF_ONNXPAIRSTATES
#include "dialects/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::moe::onnx

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// True when only the size along `axis` differs: a state has room for more
/// along it and nowhere else.
static bool growsAlong(ArrayRef<AffineExpr> before, ArrayRef<AffineExpr> after,
                       int64_t axis) {
  if (before.size() != after.size())
    return false;
  for (auto [i, dim] : llvm::enumerate(before))
    if (int64_t(i) != axis && dim != after[i])
      return false;
  return true;
}

namespace {

class ONNXPairStates : public onnx::impl::ONNXPairStatesBase<ONNXPairStates> {
  void runOnOperation() override;
};

void ONNXPairStates::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  Operation *terminator = main.getBody().front().getTerminator();
  Builder b(&getContext());
  llvm::SmallSet<unsigned, 16> taken;
  for (BlockArgument argument : main.getArguments()) {
    if (!argument.hasOneUse())
      continue;
    auto concat = dyn_cast<NodeOp>(*argument.user_begin());
    if (!concat || !concat.isStandard("Concat") ||
        concat.getInputs().size() != 2 || concat.getInputs()[0] != argument ||
        concat.getInputs()[1] == argument)
      continue;
    // The axis must have a size of its own: the past length.
    int64_t axis = concat.getInt("axis", 0);
    SmallVector<AffineExpr> dims = getDims(argument.getType(), &getContext());
    if (axis < 0 || axis >= int64_t(dims.size()) ||
        !isa_and_nonnull<AffineSymbolExpr>(dims[axis]) ||
        !growsAlong(dims, getDims(concat.getResult(0).getType(), &getContext()),
                    axis))
      continue;
    std::optional<unsigned> output;
    unsigned returned = 0;
    for (OpOperand &use : concat.getResult(0).getUses())
      if (use.getOwner() == terminator) {
        output = use.getOperandNumber();
        ++returned;
      }
    if (returned != 1 || !taken.insert(*output).second)
      continue;
    unsigned i = argument.getArgNumber();
    main.setArgAttr(i, ONNXDialect::kStateOutput, b.getI64IntegerAttr(*output));
    main.setArgAttr(i, ONNXDialect::kStateAxis, b.getI64IntegerAttr(axis));
  }
}

} // namespace
