//===- Attention.cpp - Launches of attention ------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/GPU/Attention.h"
#include "AttentionKernel.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

namespace {

/// Rows of a key head that a block of the kernel for few rows computes, and up
/// to how many rows this kernel is taken.
constexpr int64_t kFewRows = 8;
constexpr int64_t kMostFewRows = 16;

/// How keys are split: into parts of at least `leastKeys`, as far as there are
/// fewer than `blocks` blocks.
struct Split {
  int64_t blocks, leastKeys;
};
constexpr Split kFewSplit = {512, 64}, kManySplit = {128, 256};

/// A kernel and how its work is split.
struct Choice {
  AttentionTile tile;
  Split split;
  decltype(emitAttentionFma) *emitKernel;
};

Choice getFew(const AttentionSpec &spec) {
  int64_t size = std::max(spec.size, spec.valueSize);
  return {{kFewRows, size <= 64 ? 64 : 32, 32}, kFewSplit, emitAttentionFma};
}

Choice getMany(const AttentionSpec &spec) {
  // As much as fits the shared memory of every device, see kSharedBytes80.
  int64_t size = std::max(spec.size, spec.valueSize);
  if (!spec.element.isF32())
    return {{64, size <= 128 ? 64 : 32, 4}, kManySplit, emitAttentionMma};
  if (size <= 64)
    return {{64, 64, 8}, kManySplit, emitAttentionFma};
  if (size <= 128)
    return {{64, 32, 8}, kManySplit, emitAttentionFma};
  return {{32, 16, 8}, kManySplit, emitAttentionFma};
}

/// Host values of a launch.
struct Plan {
  Value rows, rowBlocks, parts, partKeys;
};

Plan emitPlan(Emitter e, const AttentionSpec &spec, const AttentionSizes &sizes,
              const Choice &choice) {
  auto &b = e.b;
  auto constant = [&](int64_t value) { return emitIndex(e, value); };
  auto divide = [&](Value x, Value y) -> Value {
    return b.createOrFold<arith::CeilDivUIOp>(x, y);
  };
  auto largest = [&](Value x, int64_t y) -> Value {
    return b.createOrFold<arith::MaxUIOp>(x, constant(y));
  };
  Plan plan;
  plan.rows = emitMul(e, sizes.queries, getGroup(spec));
  plan.rowBlocks = emitCeilDiv(e, plan.rows, choice.tile.rows);
  Value blocks =
      emitMul(e, b.createOrFold<arith::MulIOp>(plan.rowBlocks, sizes.batch),
              spec.keyHeads);
  Value wanted = divide(constant(choice.split.blocks), largest(blocks, 1));
  Value possible = divide(sizes.keys, constant(choice.split.leastKeys));
  Value parts = largest(b.createOrFold<arith::MinUIOp>(wanted, possible), 1);
  Value tiles = divide(divide(sizes.keys, parts), constant(choice.tile.keys));
  plan.partKeys = emitMul(e, largest(tiles, 1), choice.tile.keys);
  plan.parts = largest(divide(sizes.keys, plan.partKeys), 1);
  return plan;
}

Value emitWorkspace(Emitter e, const AttentionSpec &spec,
                    const AttentionSizes &sizes, const Choice &choice) {
  auto &b = e.b;
  Plan plan = emitPlan(e, spec, sizes, choice);
  Value rows = b.createOrFold<arith::MulIOp>(plan.parts, plan.rows);
  rows = b.createOrFold<arith::MulIOp>(rows, sizes.batch);
  Value elements =
      emitMul(e, rows, spec.keyHeads * (spec.valueSize + kPartTail));
  Value isWhole = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                plan.parts, emitIndex(e, 1));
  return b.createOrFold<arith::SelectOp>(isWhole, emitIndex(e, 0), elements);
}

/// i1: there are few rows.
Value emitIsFew(Emitter e, const AttentionSpec &spec,
                const AttentionSizes &sizes) {
  return e.b.createOrFold<arith::CmpIOp>(
      arith::CmpIPredicate::ule, sizes.queries,
      emitIndex(e, std::max<int64_t>(1, kMostFewRows / getGroup(spec))));
}

/// scf.if, or one of its branches.
void emitIf(Emitter e, Value condition, llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise) {
  if (std::optional<int64_t> known = getConstantIntValue(condition)) {
    if (*known)
      then();
    else if (otherwise)
      otherwise();
    return;
  }
  auto branch = scf::IfOp::create(e.b, condition,
                                  /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(&branch.getThenRegion().front());
  then();
  if (otherwise) {
    e.b.setInsertionPointToStart(&branch.getElseRegion().front());
    otherwise();
  }
}

/// Strides of the leading dimensions, index values; 0 where a size of 1
/// stretches.
SmallVector<Value> getStrides(Emitter e, Value buffer, unsigned count,
                              bool stretches = false) {
  auto type = cast<MemRefType>(buffer.getType());
  auto [known, offset] = type.getStridesAndOffset();
  SmallVector<Value> strides;
  memref::ExtractStridedMetadataOp metadata;
  for (unsigned i = 0; i < count; ++i) {
    if (stretches && type.getDimSize(i) == 1) {
      strides.push_back(emitIndex(e, 0));
    } else if (!ShapedType::isDynamic(known[i])) {
      strides.push_back(emitIndex(e, known[i]));
    } else {
      if (!metadata)
        metadata = memref::ExtractStridedMetadataOp::create(e.b, buffer);
      strides.push_back(metadata.getStrides()[i]);
    }
  }
  return strides;
}

/// Strides of a mask as one of four dimensions.
SmallVector<Value> getMaskStrides(Emitter e, Value mask) {
  unsigned rank = cast<MemRefType>(mask.getType()).getRank();
  SmallVector<Value> strides(4 - rank, emitIndex(e, 0));
  strides.append(getStrides(e, mask, rank, /*stretches=*/true));
  return strides;
}

void emitChoice(Emitter e, const AttentionSpec &spec,
                const AttentionSizes &sizes, const Choice &choice,
                AttentionOperands op) {
  Plan plan = emitPlan(e, spec, sizes, choice);
  op.parts = plan.parts;
  op.partKeys = plan.partKeys;
  SmallVector<Value> operands = op.flatten(spec);
  Value heads = emitIndex(e, spec.keyHeads);
  Value blocks = e.b.createOrFold<arith::MulIOp>(plan.rowBlocks, plan.parts);
  choice.emitKernel(e, spec, choice.tile, operands,
                    {blocks, heads, sizes.batch});
  Value isSplit = e.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne,
                                                  plan.parts, emitIndex(e, 1));
  emitIf(
      e, isSplit,
      [&] {
        emitAttentionMerge(e, spec, operands, {plan.rows, heads, sizes.batch});
      },
      nullptr);
}

} // namespace

Value mlir::moe::gpu::getAttentionWorkspace(Emitter e,
                                            const AttentionSpec &spec,
                                            const AttentionSizes &sizes) {
  return e.b.createOrFold<arith::SelectOp>(
      emitIsFew(e, spec, sizes), emitWorkspace(e, spec, sizes, getFew(spec)),
      emitWorkspace(e, spec, sizes, getMany(spec)));
}

void mlir::moe::gpu::emitAttention(Emitter e, const AttentionSpec &spec,
                                   Value q, Value k, Value v, Value mask,
                                   Value out, Value workspace,
                                   const AttentionSizes &sizes) {
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(e.b, e.b.getF32FloatAttr(value));
  };
  AttentionOperands op;
  op.q = q;
  op.k = k;
  op.v = v;
  op.out = out;
  op.workspace = workspace;
  op.mask = mask;
  op.qStrides = getStrides(e, q, 3);
  op.kStrides = getStrides(e, k, 3);
  op.vStrides = getStrides(e, v, 3);
  op.outStrides = getStrides(e, out, 3);
  if (mask)
    op.maskStrides = getMaskStrides(e, mask);
  op.queries = sizes.queries;
  op.keys = sizes.keys;
  op.offset = sizes.offset;
  op.scale = number(spec.scale);
  op.softcap = number(spec.softcap);
  op.masked = number(spec.masked);
  emitIf(
      e, emitIsFew(e, spec, sizes),
      [&] { emitChoice(e, spec, sizes, getFew(spec), op); },
      [&] { emitChoice(e, spec, sizes, getMany(spec), op); });
}
