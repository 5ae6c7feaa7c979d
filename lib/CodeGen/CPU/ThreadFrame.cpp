//===- ThreadFrame.cpp - Give every function that needs it the frame ------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "moe/CodeGen/CPU/Passes.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUTHREADFRAME
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

class CPUThreadFrame : public cpu::impl::CPUThreadFrameBase<CPUThreadFrame> {
  void runOnOperation() override;
};

void CPUThreadFrame::runOnOperation() {
  ModuleOp module = getOperation();
  SymbolTable symbols(module);
  // Functions that use the frame themselves, then their callers.
  DenseMap<func::FuncOp, SmallVector<func::CallOp>> callers;
  SmallVector<func::FuncOp> worklist;
  for (auto function : module.getOps<func::FuncOp>()) {
    bool uses = false;
    function.walk([&](Operation *op) {
      uses |= isa<pager::PagerDialect>(op->getDialect()) ||
              isa<onnx::SymbolOp, mlir::gpu::LaunchFuncOp>(op);
      if (auto call = dyn_cast<func::CallOp>(op))
        if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()))
          callers[callee].push_back(call);
    });
    if (uses)
      worklist.push_back(function);
  }
  auto pointer = LLVM::LLVMPointerType::get(&getContext());
  llvm::DenseSet<Operation *> threaded;
  while (!worklist.empty()) {
    func::FuncOp function = worklist.pop_back_val();
    if (!threaded.insert(function).second)
      continue;
    (void)function.insertArgument(0, pointer, {}, function.getLoc());
    for (func::CallOp call : callers[function])
      worklist.push_back(call->getParentOfType<func::FuncOp>());
  }
  for (Operation *function : threaded)
    for (func::CallOp call : callers[cast<func::FuncOp>(function)])
      call.getOperandsMutable().assign([&] {
        SmallVector<Value> operands = {
            call->getParentOfType<func::FuncOp>().getArgument(0)};
        llvm::append_range(operands, call.getOperands());
        return operands;
      }());
}

} // namespace
