//===- PlanArena.cpp - Place every buffer in one arena --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "llvm/ADT/SetVector.h"
#include <map>

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUPLANARENA
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

constexpr int64_t kAlignment = 64;

/// A buffer of the entry: its lifetime in positions of the entry's block, and
/// its size as a polynomial's value at a typical point.
struct Buffer {
  memref::AllocOp alloc;
  int64_t begin, end;
  Value bytes;
  double typical;
};

/// A range of the arena that several buffers use one after the other.
struct Slot {
  int64_t free; // position from which the slot may be taken again
  double typical;
  llvm::SmallSetVector<Value, 4> sizes;
  SmallVector<memref::AllocOp> occupants;
};

/// The value of index arithmetic when every symbol is 64: only used to put
/// buffers of like size into the same slot.
double typicalValue(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return 64;
  if (auto constant = getConstantIntValue(value))
    return *constant;
  if (op->getNumOperands() == 2) {
    double lhs = typicalValue(op->getOperand(0));
    double rhs = typicalValue(op->getOperand(1));
    if (isa<arith::MulIOp>(op))
      return lhs * rhs;
    if (isa<arith::AddIOp>(op))
      return lhs + rhs;
    if (isa<arith::SubIOp>(op))
      return lhs - rhs;
  }
  return 64;
}

class ArenaPlanner {
public:
  ArenaPlanner(func::FuncOp entry)
      : entry(entry), block(entry.getBody().front()),
        builder(entry.getContext()) {}
  LogicalResult run();

private:
  LogicalResult hoistSizes();
  void collect();
  void assignSlots();
  LogicalResult emit();
  LogicalResult emitArenaBytes(Value total);
  int64_t lastUse(Value buffer);
  Value bytesOf(memref::AllocOp alloc);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, entry.getLoc(), value);
  }

  func::FuncOp entry;
  Block &block;
  OpBuilder builder;
  DenseMap<Operation *, int64_t> position;
  std::map<SmallVector<void *>, Value> sizes;
  SmallVector<Buffer> buffers;
  SmallVector<Slot> slots;
};

/// Moves the computation of every buffer's size to the top of the entry, where
/// offsets are computed before anything runs. Fails for a size that depends on
/// data.
LogicalResult ArenaPlanner::hoistSizes() {
  SmallVector<memref::AllocOp> allocs;
  entry.walk([&](memref::AllocOp op) { allocs.push_back(op); });
  llvm::SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.omitBlockArguments = true;
  bool ok = true;
  for (memref::AllocOp alloc : allocs)
    for (Value size : alloc.getDynamicSizes()) {
      if (!size.getDefiningOp()) {
        alloc.emitError("the size of a buffer depends on data");
        ok = false;
        continue;
      }
      (void)getBackwardSlice(size.getDefiningOp(), &slice, options);
      slice.insert(size.getDefiningOp());
    }
  slice = topologicalSort(slice);
  for (Operation *op : llvm::reverse(slice)) {
    if (!isMemoryEffectFree(op) || op->getNumRegions() != 0) {
      op->emitError("a buffer's size depends on this computation, which cannot "
                    "run before the model does");
      ok = false;
      continue;
    }
    op->moveBefore(&block, block.begin());
  }
  return success(ok);
}

Value ArenaPlanner::bytesOf(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  int64_t constant = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t dim : type.getShape())
    if (!ShapedType::isDynamic(dim))
      constant *= dim;
  // Equal sizes are one value, so that buffers of a place compare.
  SmallVector<void *> key = {reinterpret_cast<void *>(constant)};
  for (Value size : alloc.getDynamicSizes())
    key.push_back(size.getAsOpaquePointer());
  Value &known = sizes[key];
  if (known)
    return known;
  Value bytes = index(constant);
  for (Value size : alloc.getDynamicSizes())
    bytes = arith::MulIOp::create(builder, alloc.getLoc(), bytes, size);
  // Round up to the alignment.
  bytes = arith::AddIOp::create(builder, alloc.getLoc(), bytes,
                                index(kAlignment - 1));
  known =
      arith::AndIOp::create(builder, alloc.getLoc(), bytes, index(-kAlignment));
  return known;
}

/// Position of the last operation of the entry that may touch the buffer,
/// through any chain of views.
int64_t ArenaPlanner::lastUse(Value buffer) {
  int64_t last = -1;
  SmallVector<Value> worklist = {buffer};
  llvm::DenseSet<Value> seen;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    for (Operation *user : value.getUsers()) {
      last =
          std::max(last, position.lookup(block.findAncestorOpInBlock(*user)));
      // Results that are buffers may be views of it, whatever the operation.
      for (Value result : user->getResults())
        if (isa<BaseMemRefType>(result.getType()))
          worklist.push_back(result);
      for (Region &region : user->getRegions())
        for (Value argument : region.getArguments())
          if (isa<BaseMemRefType>(argument.getType()))
            worklist.push_back(argument);
      if (user->hasTrait<OpTrait::IsTerminator>())
        for (Value result : user->getParentOp()->getResults())
          worklist.push_back(result);
    }
  }
  return last;
}

void ArenaPlanner::collect() {
  SmallVector<memref::AllocOp> allocs;
  entry.walk([&](memref::AllocOp op) { allocs.push_back(op); });
  SmallVector<Value> bytes;
  // Sizes are computed behind the last value they use.
  Operation *after = nullptr;
  for (memref::AllocOp alloc : allocs)
    for (Value size : alloc.getDynamicSizes())
      if (!after || after->isBeforeInBlock(size.getDefiningOp()))
        after = size.getDefiningOp();
  if (after)
    builder.setInsertionPointAfter(after);
  else
    builder.setInsertionPointToStart(&block);
  for (memref::AllocOp alloc : allocs)
    bytes.push_back(bytesOf(alloc));

  int64_t next = 0;
  for (Operation &op : block)
    position[&op] = next++;
  for (auto [alloc, size] : llvm::zip(allocs, bytes)) {
    Operation *ancestor = block.findAncestorOpInBlock(*alloc);
    int64_t begin = position.lookup(ancestor);
    // Inside of a loop a buffer lives as long as the loop.
    int64_t end = std::max(begin, lastUse(alloc));
    buffers.push_back({alloc, begin, end, size, typicalValue(size)});
  }
  llvm::stable_sort(buffers, [](const Buffer &a, const Buffer &b) {
    return a.begin < b.begin;
  });
}

/// First come, first served: a buffer takes the free slot whose size is
/// nearest, so that few slots grow.
void ArenaPlanner::assignSlots() {
  for (Buffer &buffer : buffers) {
    Slot *best = nullptr;
    double bestCost = 0;
    for (Slot &slot : slots) {
      if (slot.free > buffer.begin)
        continue;
      // Growing a slot costs as much as wasting the same number of bytes.
      double cost = std::abs(slot.typical - buffer.typical);
      if (!best || cost < bestCost) {
        best = &slot;
        bestCost = cost;
      }
    }
    if (!best || bestCost >= buffer.typical) {
      slots.push_back({0, buffer.typical, {}, {}});
      best = &slots.back();
    }
    best->free = buffer.end + 1;
    best->typical = std::max(best->typical, buffer.typical);
    best->sizes.insert(buffer.bytes);
    best->occupants.push_back(buffer.alloc);
  }
}

LogicalResult ArenaPlanner::emit() {
  Location loc = entry.getLoc();
  Operation *after = nullptr;
  for (Buffer &buffer : buffers)
    if (!after || after->isBeforeInBlock(buffer.bytes.getDefiningOp()))
      after = buffer.bytes.getDefiningOp();
  if (after)
    builder.setInsertionPointAfter(after);
  else
    builder.setInsertionPointToStart(&block);

  Value offset = index(0), zero = offset;
  SmallVector<Value> offsets;
  for (Slot &slot : slots) {
    offsets.push_back(offset);
    Value size;
    for (Value candidate : slot.sizes)
      size = size ? arith::MaxSIOp::create(builder, loc, size, candidate)
                        .getResult()
                  : candidate;
    offset = arith::AddIOp::create(builder, loc, offset, size);
  }
  if (failed(emitArenaBytes(offset)))
    return failure();
  for (auto [slot, place] : llvm::zip(slots, offsets))
    for (memref::AllocOp alloc : slot.occupants) {
      builder.setInsertionPoint(alloc);
      Value view = pager::BufferOp::create(
          builder, alloc.getLoc(), alloc.getType(), pager::Space::Arena, zero,
          place, alloc.getDynamicSizes(), ValueRange());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
  return success();
}

/// A function that computes the arena's size from the symbols alone.
LogicalResult ArenaPlanner::emitArenaBytes(Value total) {
  llvm::SetVector<Operation *> slice;
  BackwardSliceOptions options;
  if (failed(getBackwardSlice(total.getDefiningOp(), &slice, options)))
    return failure();
  slice.insert(total.getDefiningOp());
  slice = topologicalSort(slice);
  OpBuilder moduleBuilder(entry);
  auto function = func::FuncOp::create(
      moduleBuilder, entry.getLoc(), "moe_arena_bytes",
      moduleBuilder.getFunctionType({}, moduleBuilder.getIndexType()));
  moduleBuilder.setInsertionPointToStart(function.addEntryBlock());
  IRMapping mapping;
  for (Operation *op : slice)
    moduleBuilder.clone(*op, mapping);
  func::ReturnOp::create(moduleBuilder, entry.getLoc(), mapping.lookup(total));
  return success();
}

LogicalResult ArenaPlanner::run() {
  if (failed(hoistSizes()))
    return failure();
  collect();
  assignSlots();
  return emit();
}

class CPUPlanArena : public cpu::impl::CPUPlanArenaBase<CPUPlanArena> {
  void runOnOperation() override {
    auto entry = getOperation().lookupSymbol<func::FuncOp>("moe_run");
    if (!entry || !entry.getBody().hasOneBlock()) {
      getOperation().emitError("there is no bound entry @moe_run");
      return signalPassFailure();
    }
    if (failed(ArenaPlanner(entry).run()))
      signalPassFailure();
  }
};

} // namespace
