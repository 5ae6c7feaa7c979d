//===- LowerLinalg.cpp - Structured operations to threads -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostCode.h"
#include "LoopNest.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe/CodeGen/Common/LinalgPoints.h"
#include "moe/CodeGen/GPU/Passes.h"

namespace mlir::moe::gpu {
#define GEN_PASS_DEF_GPULOWERLINALG
#include "moe/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::moe::gpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// Threads of a block when each computes a point.
static constexpr int64_t kBlock = 256;
/// Threads of a block when warps do, and lanes of a warp.
static constexpr int64_t kWarpBlock = 128;
static constexpr int64_t kLanes = 32;
/// Reductions of at most this many steps are not worth a warp.
static constexpr int64_t kShortReduction = 16;

Value moe::gpu::openThreads(OpBuilder &builder, Location loc, Value points) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value one = index(1), block = index(kBlock);
  Value blocks = arith::CeilDivUIOp::create(builder, loc, points, block);
  auto launch = mlir::gpu::LaunchOp::create(builder, loc, blocks, one, one,
                                            block, one, one);
  builder.setInsertionPointToStart(&launch.getBody().front());
  Value first = arith::MulIOp::create(builder, loc, launch.getBlockIds().x,
                                      index(kBlock));
  Value point =
      arith::AddIOp::create(builder, loc, first, launch.getThreadIds().x);
  Value inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                       point, points);
  auto guard = scf::IfOp::create(builder, loc, inside, /*withElse=*/false);
  mlir::gpu::TerminatorOp::create(builder, loc);
  builder.setInsertionPointToStart(guard.thenBlock());
  return point;
}

namespace {

/// Turns one linalg.generic on buffers into a launch. The order of a reduction
/// is a function of its extents alone.
class ThreadLowering : public LinalgPoints {
public:
  using LinalgPoints::LinalgPoints;
  LogicalResult run();

private:
  bool isForWarps();
  Operation *getCombiner();
  void emitPoints();
  void emitWarps();
  Value combineLanes(Value partial);
  Value combine(Value lhs, Value rhs);
};

} // namespace

/// The operation that adds a step to the only output, when any order of steps
/// is allowed.
Operation *ThreadLowering::getCombiner() {
  if (op.getNumDpsInits() != 1)
    return nullptr;
  BlockArgument output = op.getRegionOutputArgs().front();
  Operation *combiner =
      op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!combiner || !output.hasOneUse() || *output.user_begin() != combiner ||
      !output.getType().isF32())
    return nullptr;
  if (auto add = dyn_cast<arith::AddFOp>(combiner))
    return bitEnumContainsAll(add.getFastmath(), arith::FastMathFlags::reassoc)
               ? combiner
               : nullptr;
  return isa<arith::MaximumFOp, arith::MinimumFOp>(combiner) ? combiner
                                                             : nullptr;
}

bool ThreadLowering::isForWarps() {
  if (reductions.size() != 1 || !getCombiner() ||
      !isUnitStrideInInnermostReduction())
    return false;
  std::optional<int64_t> steps = getConstantIntValue(extents[reductions[0]]);
  return !steps || *steps > kShortReduction;
}

void ThreadLowering::emitPoints() {
  delinearize(openThreads(builder, loc, product(outer)), outer);
  if (reductions.empty())
    return store(computeBody(loadOutputs()));
  reduceInOrder();
}

Value ThreadLowering::combine(Value lhs, Value rhs) {
  IRMapping mapping;
  Operation *combiner = getCombiner();
  mapping.map(combiner->getOperand(0), lhs);
  mapping.map(combiner->getOperand(1), rhs);
  return builder.clone(*combiner, mapping)->getResult(0);
}

/// The butterfly gives every lane the same sum: lane l and l ^ d add the same
/// two numbers.
Value ThreadLowering::combineLanes(Value partial) {
  for (int64_t distance = kLanes / 2; distance > 0; distance /= 2) {
    auto shuffle = mlir::gpu::ShuffleOp::create(
        builder, loc, partial, distance, kLanes, mlir::gpu::ShuffleMode::XOR);
    partial = combine(partial, shuffle.getShuffleResult());
  }
  return partial;
}

/// A warp computes a point: its lanes take every 32nd step.
void ThreadLowering::emitWarps() {
  int64_t warps = kWarpBlock / kLanes;
  Value points = product(outer), one = constant(1);
  Value blocks =
      arith::CeilDivUIOp::create(builder, loc, points, constant(warps));
  auto launch = mlir::gpu::LaunchOp::create(builder, loc, blocks, one, one,
                                            constant(kWarpBlock), one, one);
  builder.setInsertionPointToStart(&launch.getBody().front());
  Value thread = launch.getThreadIds().x, lanes = constant(kLanes);
  Value warp = arith::DivUIOp::create(builder, loc, thread, lanes);
  Value lane = arith::RemUIOp::create(builder, loc, thread, lanes);
  Value point = arith::AddIOp::create(
      builder, loc,
      arith::MulIOp::create(builder, loc, launch.getBlockIds().x,
                            constant(warps)),
      warp);
  Value inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                       point, points);
  auto guard = scf::IfOp::create(builder, loc, inside, /*withElse=*/false);
  mlir::gpu::TerminatorOp::create(builder, loc);
  builder.setInsertionPointToStart(guard.thenBlock());

  delinearize(point, outer);
  unsigned dim = reductions.front();
  TypedAttr neutral;
  if (isa<arith::AddFOp>(getCombiner()))
    neutral = builder.getF32FloatAttr(0.0f);
  else
    neutral = builder.getF32FloatAttr(
        isa<arith::MaximumFOp>(getCombiner()) ? -INFINITY : INFINITY);
  Value start = arith::ConstantOp::create(builder, loc, neutral);
  auto loop =
      scf::ForOp::create(builder, loc, lane, extents[dim], lanes, start);
  ivs[dim] = loop.getInductionVar();
  {
    OpBuilder::InsertionGuard inner(builder);
    builder.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(builder, loc, computeBody(loop.getRegionIterArgs()));
  }
  Value total = combineLanes(loop.getResult(0));
  Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        lane, constant(0));
  auto first = scf::IfOp::create(builder, loc, isFirst, /*withElse=*/false);
  builder.setInsertionPointToStart(first.thenBlock());
  store(combine(load(op.getDpsInitsMutable()[0]), total));
}

LogicalResult ThreadLowering::run() {
  if (failed(classify()))
    return failure();
  if (isForWarps())
    emitWarps();
  else
    emitPoints();
  op.erase();
  return success();
}

namespace {

class GPULowerLinalg
    : public moe::gpu::impl::GPULowerLinalgBase<GPULowerLinalg> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(generalizeNamedOps(module)))
      return signalPassFailure();
    SmallVector<linalg::GenericOp> generics;
    SmallVector<scf::ForOp> loops;
    SmallVector<memref::StoreOp> stores;
    SmallVector<memref::LoadOp> loads;
    for (auto function : module.getOps<func::FuncOp>())
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
          generics.push_back(generic);
          return WalkResult::skip();
        }
        if (auto loop = dyn_cast<scf::ForOp>(op); loop && touchesDevice(loop)) {
          loops.push_back(loop);
          return WalkResult::skip();
        }
        if (auto store = dyn_cast<memref::StoreOp>(op);
            store && isOnDevice(store.getMemRef()))
          stores.push_back(store);
        if (auto load = dyn_cast<memref::LoadOp>(op);
            load && isOnDevice(load.getMemRef()))
          loads.push_back(load);
        return WalkResult::advance();
      });
    for (linalg::GenericOp op : generics)
      if (failed(ThreadLowering(op).run()))
        return signalPassFailure();
    for (scf::ForOp loop : loops)
      if (failed(lowerLoopNest(loop)))
        return signalPassFailure();
    for (memref::StoreOp store : stores) {
      OpBuilder builder(store);
      Value one = arith::ConstantIndexOp::create(builder, store.getLoc(), 1);
      (void)openThreads(builder, store.getLoc(), one);
      store->moveBefore(builder.getInsertionBlock(),
                        builder.getInsertionPoint());
    }
    for (memref::LoadOp load : loads) {
      OpBuilder builder(load);
      Value read = pager::ReadBackOp::create(
          builder, load.getLoc(), load.getMemRef(), load.getIndices());
      load.replaceAllUsesWith(read);
      load.erase();
    }
  }
};

} // namespace
