//===- ReuseOperands.cpp - Results over operands that are read last -------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "moe/CodeGen/CPU/Passes.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUREUSEOPERANDS
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Whether the tensor is a fresh result, which nothing reads behind `op`.
bool isReadLastBy(Value tensor, Operation *op) {
  Operation *def = tensor.getDefiningOp();
  if (!def || def->getBlock() != op->getBlock())
    return false;
  auto buffer = dyn_cast<bufferization::ToTensorOp>(def);
  if (buffer ? !buffer.getWritable() : !isa<linalg::GenericOp>(def))
    return false;
  // Views could be read later.
  return llvm::all_of(tensor.getUsers(), [&](Operation *user) {
    return user == op ||
           (isa<linalg::LinalgOp>(user) && user->getBlock() == op->getBlock() &&
            user->isBeforeInBlock(op));
  });
}

/// The operand of a point-by-point operation that its result can be written
/// over: the element at a point is read for that point only.
OpOperand *findOperand(linalg::GenericOp op) {
  if (op.getNumResults() != 1 || op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getOutputs()[0].getDefiningOp<tensor::EmptyOp>())
    return nullptr;
  OpOperand *init = op.getDpsInitOperand(0);
  AffineMap map = op.getMatchingIndexingMap(init);
  if (!map.isIdentity())
    return nullptr;
  for (OpOperand *operand : op.getDpsInputOperands())
    if (operand->get().getType() == init->get().getType() &&
        op.getMatchingIndexingMap(operand) == map &&
        llvm::count(op.getInputs(), operand->get()) == 1 &&
        isReadLastBy(operand->get(), op))
      return operand;
  return nullptr;
}

/// Makes the operand the initial value of the result.
void reuse(linalg::GenericOp op, OpOperand *operand) {
  Block *body = op.getBody();
  unsigned number = operand->getOperandNumber();
  body->getArgument(number).replaceAllUsesWith(body->getArguments().back());
  body->eraseArgument(number);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps.erase(maps.begin() + number);
  op.setIndexingMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(maps));
  Value tensor = operand->get();
  op.getInputsMutable().erase(number);
  op.getOutputsMutable().assign(tensor);
}

class CPUReuseOperands
    : public cpu::impl::CPUReuseOperandsBase<CPUReuseOperands> {
  void runOnOperation() override {
    getOperation().walk([&](linalg::GenericOp op) {
      if (OpOperand *operand = findOperand(op)) {
        reuse(op, operand);
        ++numReused;
      }
    });
  }
};

} // namespace
