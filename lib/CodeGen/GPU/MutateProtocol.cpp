//===- MutateProtocol.cpp - Breaks the protocol of kernels ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/GPU/MutateProtocol.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "moe/CodeGen/GPU/Passes.h"

namespace mlir::moe::gpu {
#define GEN_PASS_DEF_GPUMUTATEPROTOCOL
#include "moe/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::moe::gpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static bool isBarrier(Operation *op) {
  return isa<NVVM::Barrier0Op, NVVM::BarrierOp, NVVM::BarrierArriveOp,
             NVVM::SyncWarpOp, NVVM::MBarrierInitOp, NVVM::MBarrierArriveOp,
             NVVM::CpAsyncMBarrierArriveOp>(op);
}

static bool isFence(Operation *op) {
  return isa<NVVM::FenceProxyOp, NVVM::FenceProxyAcquireOp,
             NVVM::FenceProxyReleaseOp, NVVM::FenceMbarrierInitOp,
             NVVM::FenceScClusterOp, NVVM::MembarOp, NVVM::WgmmaFenceAlignedOp>(
      op);
}

/// Waits that give whether they succeeded.
static bool isTest(Operation *op) {
  return isa<NVVM::MBarrierTryWaitOp, NVVM::MBarrierTestWaitOp>(op);
}

static bool isWait(Operation *op) {
  return isa<NVVM::CpAsyncWaitGroupOp, NVVM::CpAsyncBulkWaitGroupOp,
             NVVM::WgmmaWaitGroupSyncOp, NVVM::MBarrierTryWaitParityOp>(op) ||
         isTest(op);
}

static bool isCommit(Operation *op) {
  return isa<NVVM::CpAsyncCommitGroupOp, NVVM::CpAsyncBulkCommitGroupOp,
             NVVM::WgmmaGroupSyncAlignedOp>(op);
}

static bool isExpectation(Operation *op) {
  return isa<NVVM::MBarrierExpectTxOp, NVVM::MBarrierArriveExpectTxOp>(op);
}

SmallVector<Operation *> moe::gpu::findProtocol(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk([&](mlir::gpu::GPUModuleOp device) {
    device.walk([&](Operation *op) {
      bool isPart = isBarrier(op) || isFence(op) || isWait(op) ||
                    isCommit(op) || isExpectation(op);
      // A barrier that reduces or a state of an arrival is also a value.
      bool isRemovable = isTest(op) || isExpectation(op) || op->use_empty();
      if (isPart && isRemovable)
        ops.push_back(op);
    });
  });
  return ops;
}

std::string moe::gpu::describeProtocol(Operation *op) {
  auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
  int64_t ordinal = 0;
  function.walk([&](Operation *other) {
    if (other == op)
      return WalkResult::interrupt();
    ordinal += other->getName() == op->getName();
    return WalkResult::advance();
  });
  return (op->getName().getStringRef() + " " + Twine(ordinal) + " of kernel '" +
          function.getName() + "'")
      .str();
}

void moe::gpu::breakProtocol(Operation *op) {
  OpBuilder b(op);
  auto constant = [&](Type type, int64_t value) -> Value {
    return LLVM::ConstantOp::create(b, op->getLoc(), type,
                                    b.getIntegerAttr(type, value));
  };
  if (auto expect = dyn_cast<NVVM::MBarrierArriveExpectTxOp>(op)) {
    expect.getTxcountMutable().assign(
        constant(expect.getTxcount().getType(), 0));
    return;
  }
  if (isTest(op))
    op->getResult(0).replaceAllUsesWith(constant(b.getI1Type(), 1));
  op->erase();
}

namespace {

class GPUMutateProtocol
    : public moe::gpu::impl::GPUMutateProtocolBase<GPUMutateProtocol> {
public:
  using GPUMutateProtocolBase::GPUMutateProtocolBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops = findProtocol(getOperation());
    numOps += ops.size();
    if (index < 0) {
      for (auto [number, op] : llvm::enumerate(ops))
        op->emitRemark("protocol ") << number << ": " << describeProtocol(op);
      return;
    }
    if (index >= static_cast<int64_t>(ops.size())) {
      getOperation().emitError("no operation ")
          << index.getValue() << " of the protocol, there are " << ops.size();
      return signalPassFailure();
    }
    breakProtocol(ops[index]);
  }
};

} // namespace
