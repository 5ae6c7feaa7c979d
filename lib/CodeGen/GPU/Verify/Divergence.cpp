//===- Divergence.cpp - What differs between the threads of a block -------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Divergence.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

using namespace mlir;
using namespace mlir::moe::gpu;

Divergence::Divergence(LLVM::LLVMFuncOp function)
    : function(function), postDominance(function) {
  // A branch decides what runs up to where its ways meet again.
  for (Block &block : function.getBody()) {
    if (block.getNumSuccessors() < 2)
      continue;
    for (Block &other : function.getBody()) {
      bool always =
          &other != &block && postDominance.postDominates(&other, &block);
      bool sometimes = llvm::any_of(block.getSuccessors(), [&](Block *next) {
        return postDominance.postDominates(&other, next);
      });
      if (sometimes && !always)
        controls[&other].insert(&block);
    }
  }
  bool changed = true;
  while (changed) {
    changed = false;
    for (Block &block : function.getBody()) {
      for (BlockArgument argument : block.getArguments())
        if (!block.isEntryBlock())
          changed |= update(argument, computeArgument(argument));
      for (Operation &op : block)
        for (Value result : op.getResults())
          changed |= update(result, compute(&op));
    }
  }
}

bool Divergence::update(Value value, Uniformity uniformity) {
  if (uniformity >= get(value))
    return false;
  values[value] = uniformity;
  return true;
}

Uniformity Divergence::get(Value value) const {
  auto it = values.find(value);
  return it == values.end() ? Uniformity::Block : it->second;
}

Uniformity Divergence::getControl(Block *block) {
  // What decides on the deciding blocks counts too.
  SetVector<Block *> all(controls[block]);
  for (size_t i = 0; i < all.size(); ++i)
    all.insert(controls[all[i]].begin(), controls[all[i]].end());
  Uniformity result = Uniformity::Block;
  for (Block *decides : all)
    if (auto branch = dyn_cast<LLVM::CondBrOp>(decides->getTerminator()))
      result = std::min(result, get(branch.getCondition()));
    else
      result = std::min(result, get(decides->getTerminator()->getOperand(0)));
  return result;
}

/// A constant that is a multiple of the lanes of a warp.
static bool isWholeWarps(Value value) {
  APInt constant;
  return matchPattern(value, m_ConstantInt(&constant)) &&
         constant.urem(32) == 0;
}

static bool isThreadIndex(Value value) {
  return value.getDefiningOp<NVVM::ThreadIdXOp>() != nullptr;
}

/// Forms in which the thread's index gives one value for the warp.
static bool isOfWarp(Operation *op) {
  APInt constant;
  if (auto divide = dyn_cast<LLVM::UDivOp>(op))
    return isThreadIndex(divide.getLhs()) && isWholeWarps(divide.getRhs());
  if (auto shift = dyn_cast<LLVM::LShrOp>(op))
    return isThreadIndex(shift.getLhs()) &&
           matchPattern(shift.getRhs(), m_ConstantInt(&constant)) &&
           constant.uge(5);
  if (auto compare = dyn_cast<LLVM::ICmpOp>(op)) {
    using P = LLVM::ICmpPredicate;
    P forms[] = {P::ult, P::uge, P::slt, P::sge};
    return llvm::is_contained(forms, compare.getPredicate()) &&
           isThreadIndex(compare.getLhs()) && isWholeWarps(compare.getRhs());
  }
  if (auto shuffle = dyn_cast<NVVM::ShflOp>(op))
    return shuffle.getKind() == NVVM::ShflKind::idx &&
           matchPattern(shuffle.getOffset(), m_ConstantInt(&constant));
  return isa<NVVM::VoteSyncOp, NVVM::ReduxOp, NVVM::WarpIdOp>(op);
}

Uniformity Divergence::compute(Operation *op) const {
  if (isOfWarp(op))
    return Uniformity::Warp;
  // Every thread gets its own.
  if (isa<NVVM::ThreadIdXOp, NVVM::ThreadIdYOp, NVVM::ThreadIdZOp,
          NVVM::LaneIdOp, NVVM::ElectSyncOp, NVVM::ShflOp, LLVM::AtomicRMWOp,
          LLVM::AtomicCmpXchgOp, NVVM::LdMatrixOp, NVVM::MmaOp>(op))
    return Uniformity::Thread;
  Uniformity result = Uniformity::Block;
  for (Value operand : op->getOperands())
    result = std::min(result, get(operand));
  return result;
}

/// What comes in, and which way it comes.
Uniformity Divergence::computeArgument(BlockArgument argument) {
  Block *block = argument.getOwner();
  Uniformity result = Uniformity::Block;
  for (auto it = block->pred_begin(), end = block->pred_end(); it != end;
       ++it) {
    auto branch = cast<BranchOpInterface>((*it)->getTerminator());
    Value incoming = branch.getSuccessorOperands(
        it.getSuccessorIndex())[argument.getArgNumber()];
    if (incoming)
      result = std::min(result, get(incoming));
    // Ways that part between the predecessor and here.
    SetVector<Block *> deciding(controls[*it]);
    if ((*it)->getNumSuccessors() > 1)
      deciding.insert(*it);
    for (Block *decides : deciding)
      if (!controls[block].contains(decides))
        if (auto condition = dyn_cast<LLVM::CondBrOp>(decides->getTerminator()))
          result = std::min(result, get(condition.getCondition()));
  }
  return result;
}
