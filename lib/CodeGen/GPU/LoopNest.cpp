//===- LoopNest.cpp - Loops of host code as threads -----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopNest.h"
#include "HostCode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

namespace {

/// The memory behind views.
Value getBase(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

/// Loops that hold nothing but each other, outermost first.
SmallVector<scf::ForOp> getPerfectNest(scf::ForOp loop) {
  SmallVector<scf::ForOp> nest = {loop};
  while (true) {
    Block *body = nest.back().getBody();
    if (!llvm::hasNItems(*body, 2) || nest.back().getNumResults() != 0)
      return nest;
    auto inner = dyn_cast<scf::ForOp>(body->front());
    if (!inner || inner.getNumResults() != 0)
      return nest;
    nest.push_back(inner);
  }
}

/// Whether iterations touch elements of their own: there is a dimension that
/// the induction variable alone indexes in every access to what is stored.
bool isParallel(scf::ForOp loop, Operation *root) {
  // Of each stored buffer, the dimensions that may be the loop's.
  DenseMap<Value, SmallVector<bool>> dims;
  auto restrict = [&](Value buffer, ValueRange indices) {
    SmallVector<bool> own;
    for (Value index : indices)
      own.push_back(index == loop.getInductionVar());
    auto [known, isNew] = dims.try_emplace(buffer, own);
    if (isNew)
      return;
    for (auto [i, flag] : llvm::enumerate(known->second))
      flag = flag && i < own.size() && own[i];
  };
  llvm::DenseSet<Value> stored;
  bool viewed = false;
  root->walk([&](memref::StoreOp store) {
    stored.insert(getBase(store.getMemRef()));
    restrict(store.getMemRef(), store.getIndices());
  });
  root->walk([&](memref::LoadOp load) {
    if (dims.contains(load.getMemRef()))
      restrict(load.getMemRef(), load.getIndices());
    else // another view of what is stored: which elements, nobody knows
      viewed |= stored.contains(getBase(load.getMemRef()));
  });
  return !viewed && llvm::all_of(dims, [](auto &entry) {
    return llvm::is_contained(entry.second, true);
  });
}

} // namespace

LogicalResult moe::gpu::lowerLoopNest(scf::ForOp root) {
  if (root.getNumResults() != 0)
    return root.emitError("a loop over device memory gives a result");
  Location loc = root.getLoc();
  SmallVector<scf::ForOp> parallel, sequential;
  SmallVector<scf::ForOp> nest = getPerfectNest(root);
  for (scf::ForOp loop : nest)
    (isParallel(loop, root) && isConstantIntValue(loop.getLowerBound(), 0) &&
             isConstantIntValue(loop.getStep(), 1)
         ? parallel
         : sequential)
        .push_back(loop);
  // Bounds that inner loops compute are not known to the host.
  if (llvm::any_of(nest, [&](scf::ForOp loop) {
        return root->isAncestor(
            loop.getUpperBound().getParentBlock()->getParentOp());
      })) {
    sequential = nest;
    parallel.clear();
  }

  OpBuilder builder(root);
  Value points = arith::ConstantIndexOp::create(builder, loc, 1);
  for (scf::ForOp loop : parallel)
    points = arith::MulIOp::create(builder, loc, points, loop.getUpperBound());
  Value linear = openThreads(builder, loc, points);
  IRMapping mapping;
  for (scf::ForOp loop : llvm::reverse(parallel)) {
    Value size = loop.getUpperBound();
    mapping.map(loop.getInductionVar(),
                arith::RemUIOp::create(builder, loc, linear, size));
    linear = arith::DivUIOp::create(builder, loc, linear, size);
  }
  for (scf::ForOp loop : sequential) {
    auto inner = scf::ForOp::create(
        builder, loc, mapping.lookupOrDefault(loop.getLowerBound()),
        mapping.lookupOrDefault(loop.getUpperBound()),
        mapping.lookupOrDefault(loop.getStep()));
    mapping.map(loop.getInductionVar(), inner.getInductionVar());
    builder.setInsertionPointToStart(inner.getBody());
  }
  for (Operation &op : nest.back().getBody()->without_terminator())
    builder.clone(op, mapping);
  root.erase();
  return success();
}
