//===- VerifyProtocol.cpp - Errors of kernels that are seen without running
//===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Divergence.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "moe/CodeGen/GPU/Passes.h"

namespace mlir::moe::gpu {
#define GEN_PASS_DEF_VERIFYNVVMPROTOCOL
#include "moe/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::moe::gpu

using namespace mlir;
using namespace mlir::moe;

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

/// The wgmma whose accumulators `value` may be, through branches.
static void findSources(Value value, DenseSet<Value> &seen,
                        DenseSet<Operation *> &sources) {
  if (!seen.insert(value).second)
    return;
  if (Operation *op = value.getDefiningOp()) {
    if (isa<NVVM::WgmmaMmaAsyncOp>(op))
      sources.insert(op);
    return;
  }
  auto argument = cast<BlockArgument>(value);
  Block *block = argument.getOwner();
  for (auto it = block->pred_begin(), end = block->pred_end(); it != end; ++it)
    if (auto branch = dyn_cast<BranchOpInterface>((*it)->getTerminator()))
      if (Value incoming = branch.getSuccessorOperands(
              it.getSuccessorIndex())[argument.getArgNumber()])
        findSources(incoming, seen, sources);
}

namespace {

/// Walks back from an operation along all ways, up to what ends the wgmma that
/// are in flight there.
class BackwardWalk {
public:
  /// `found` is called for each wgmma that may still be in flight; it outlives
  /// the walk.
  explicit BackwardWalk(function_ref<bool(Operation *)> found) : found(found) {}

  /// Returns the first wgmma for which `found` holds, or null.
  Operation *from(Operation *op) {
    return visit(op->getBlock(), Block::iterator(op), kAny);
  }

private:
  static constexpr int64_t kAny = std::numeric_limits<int64_t>::max();

  /// `groups`: committed groups that a wait on the way leaves in flight.
  Operation *visit(Block *block, Block::iterator end, int64_t groups) {
    for (auto it = end; it != block->begin();) {
      Operation *op = &*--it;
      if (auto wait = dyn_cast<NVVM::WgmmaWaitGroupSyncOp>(op))
        groups = std::min<int64_t>(groups, wait.getGroup());
      if (isa<NVVM::WgmmaGroupSyncAlignedOp>(op) && groups != kAny &&
          groups-- == 0)
        return nullptr;
      if (isa<NVVM::WgmmaMmaAsyncOp>(op) && found(op))
        return op;
    }
    for (Block *before : block->getPredecessors()) {
      auto [known, isNew] = visited.try_emplace(before, groups);
      if (!isNew && known->second >= groups)
        continue;
      known->second = groups;
      if (Operation *op = visit(before, before->end(), groups))
        return op;
    }
    return nullptr;
  }

  function_ref<bool(Operation *)> found;
  DenseMap<Block *, int64_t> visited;
};

} // namespace

/// Operations that pass accumulators on without reading them.
static bool passesOn(Operation *op) {
  return isa<NVVM::WgmmaMmaAsyncOp, BranchOpInterface>(op);
}

static LogicalResult verifyAccumulators(LLVM::LLVMFuncOp function) {
  LogicalResult result = success();
  function.walk([&](Operation *op) {
    if (passesOn(op))
      return;
    DenseSet<Operation *> sources;
    DenseSet<Value> seen;
    for (Value operand : op->getOperands())
      if (isa<LLVM::LLVMStructType>(operand.getType()))
        findSources(operand, seen, sources);
    if (sources.empty())
      return;
    auto isSource = [&](Operation *wgmma) { return sources.contains(wgmma); };
    BackwardWalk walk(isSource);
    if (Operation *wgmma = walk.from(op)) {
      InFlightDiagnostic error =
          op->emitError("uses accumulators of a wgmma that may be in flight: "
                        "commit it and wait for its group first");
      error.attachNote(wgmma->getLoc()) << "the wgmma is here";
      result = failure();
    }
  });
  return result;
}

/// A wait does not cover what was not committed.
static LogicalResult verifyCommits(LLVM::LLVMFuncOp function) {
  LogicalResult result = success();
  function.walk([&](NVVM::WgmmaWaitGroupSyncOp wait) {
    for (Operation *op = wait->getPrevNode(); op; op = op->getPrevNode()) {
      if (isa<NVVM::WgmmaGroupSyncAlignedOp, NVVM::WgmmaWaitGroupSyncOp>(op))
        return;
      if (isa<NVVM::WgmmaMmaAsyncOp>(op)) {
        wait.emitError("waits behind a wgmma that was not committed: put "
                       "wgmma.commit.group between the two");
        result = failure();
        return;
      }
    }
  });
  return result;
}

//===----------------------------------------------------------------------===//
// What threads do together
//===----------------------------------------------------------------------===//

/// Among which threads it must be decided the same whether `op` runs.
static std::optional<moe::gpu::Uniformity> getRequired(Operation *op) {
  using moe::gpu::Uniformity;
  APInt mask;
  auto isWhole = [&](Value value) {
    return matchPattern(value, m_ConstantInt(&mask)) && mask.isAllOnes();
  };
  if (auto barrier = dyn_cast<NVVM::BarrierOp>(op))
    return barrier.getNumberOfThreads() ? Uniformity::Warp : Uniformity::Block;
  if (isa<NVVM::Barrier0Op>(op))
    return Uniformity::Block;
  if (auto sync = dyn_cast<NVVM::SyncWarpOp>(op))
    return isWhole(sync.getMask()) ? std::optional(Uniformity::Warp)
                                   : std::nullopt;
  if (auto shuffle = dyn_cast<NVVM::ShflOp>(op))
    return isWhole(shuffle.getThreadMask()) ? std::optional(Uniformity::Warp)
                                            : std::nullopt;
  if (auto vote = dyn_cast<NVVM::VoteSyncOp>(op))
    return isWhole(vote.getMask()) ? std::optional(Uniformity::Warp)
                                   : std::nullopt;
  if (isa<NVVM::BarrierArriveOp, NVVM::LdMatrixOp, NVVM::StMatrixOp,
          NVVM::MmaOp, NVVM::WgmmaMmaAsyncOp, NVVM::WgmmaFenceAlignedOp,
          NVVM::WgmmaGroupSyncAlignedOp, NVVM::WgmmaWaitGroupSyncOp,
          NVVM::SetMaxRegisterOp>(op))
    return Uniformity::Warp;
  return std::nullopt;
}

static LogicalResult verifyCollectives(LLVM::LLVMFuncOp function) {
  using moe::gpu::Uniformity;
  moe::gpu::Divergence divergence(function);
  LogicalResult result = success();
  function.walk([&](Operation *op) {
    std::optional<Uniformity> required = getRequired(op);
    if (!required || divergence.getControl(op->getBlock()) >= *required)
      return;
    op->emitError("runs under a condition that may differ between threads of "
                  "one ")
        << (*required == Uniformity::Warp ? "warp" : "block");
    result = failure();
  });
  return result;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

static LogicalResult verifyShared(LLVM::GlobalOp global) {
  DataLayout data = DataLayout::closest(global);
  if (global.getAddrSpace() != 3 ||
      data.getTypeSize(global.getGlobalType()).getFixedValue() != 0 ||
      global.getLinkage() == LLVM::Linkage::External)
    return success();
  return global.emitError("'")
         << global.getSymName()
         << "' has no size and no external linkage: NVPTX makes a static "
            "variable of it, not the dynamic shared memory";
}

namespace {

class VerifyNVVMProtocol
    : public moe::gpu::impl::VerifyNVVMProtocolBase<VerifyNVVMProtocol> {
  void runOnOperation() override {
    mlir::gpu::GPUModuleOp device = getOperation();
    bool failedAny = false;
    for (auto global : device.getOps<LLVM::GlobalOp>())
      failedAny |= failed(verifyShared(global));
    for (auto function : device.getOps<LLVM::LLVMFuncOp>()) {
      if (function.isExternal())
        continue;
      failedAny |= failed(verifyAccumulators(function));
      failedAny |= failed(verifyCommits(function));
      failedAny |= failed(verifyCollectives(function));
    }
    if (failedAny)
      signalPassFailure();
  }
};

} // namespace
