//===- AttentionKernel.h - What attention kernels share ---------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row r of a key head is the query at position r / group of head r % group of
// those that share it. Block x computes `rows` of them with part x % parts of
// the keys, block y is the key head, block z the batch. Integers are i32 unless
// they are strides.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_KERNELS_ATTENTIONKERNEL_H
#define MOE_LIB_CODEGEN_GPU_KERNELS_ATTENTIONKERNEL_H

#include "KernelBuilder.h"
#include "moe/CodeGen/GPU/Attention.h"

namespace mlir::moe::gpu {

constexpr int64_t kAttentionThreads = 128;
/// Values behind the weighted values of a row in the workspace: the largest
/// score, the sum of weights, two of padding.
constexpr int64_t kPartTail = 4;

/// What a block of an attention kernel works on at a time.
struct AttentionTile {
  int64_t rows;
  int64_t keys;
  int64_t lanes; // threads that share a row, a part of a warp
};

/// The query heads of a key head.
inline int64_t getGroup(const AttentionSpec &spec) {
  return spec.heads / spec.keyHeads;
}

/// What a kernel is launched with; `Value`s of host code or of the kernel.
struct AttentionOperands {
  Value q, k, v, out, workspace, mask;
  SmallVector<Value> qStrides, kStrides, vStrides, outStrides; // 3 each
  SmallVector<Value> maskStrides;                              // 4
  Value queries, keys, parts, partKeys, offset;
  Value scale, softcap, masked;

  /// All of them in the order of the kernel's parameters.
  SmallVector<Value> flatten(const AttentionSpec &spec) const;
  static AttentionOperands fromParameters(KernelBuilder &b,
                                          const AttentionSpec &spec,
                                          ValueRange parameters);
};

/// Where a block is; its keys are [begin, end).
struct AttentionBlock {
  Value batch, keyHead, firstRow, rows, part, begin, end;
};
AttentionBlock emitAttentionBlock(KernelBuilder &b, const AttentionSpec &spec,
                                  const AttentionOperands &op,
                                  const AttentionTile &tile);

/// A row of the block as one of its threads sees it. Rows behind the last one
/// are computed as the last one and not stored.
struct AttentionRow {
  Value row, isValid, query, head;
  Value lastKey; // that it sees; null when it sees all
  Value mask;    // its address in the mask, or null
};
AttentionRow emitAttentionRow(KernelBuilder &b, const AttentionSpec &spec,
                              const AttentionOperands &op,
                              const AttentionBlock &block, Value row);

/// The address of row (batch, head, position) of a tensor with these strides.
Value emitRowAddress(KernelBuilder &b, Value base, Type element,
                     ArrayRef<Value> strides, Value batch, Value head,
                     Value position);

/// The score of a key: the dot product scaled, capped, masked; -inf from the
/// block's end on.
Value emitScore(KernelBuilder &b, const AttentionSpec &spec,
                const AttentionOperands &op, const AttentionBlock &block,
                const AttentionRow &row, Value dot, Value key);

/// What is known of a row: the largest score, and a thread's part of the sum of
/// weights exp(score - largest).
struct RowState {
  Value largest, sum;
};
/// Takes more scores into a row that `lanes` threads share: they become
/// weights. Gives the factor of what was summed before.
Value emitSoftmaxStep(KernelBuilder &b, int64_t lanes, RowState &state,
                      MutableArrayRef<Value> scores);
/// Results of a row from its weighted values and its whole state.
SmallVector<Value> emitResults(KernelBuilder &b, const AttentionSpec &spec,
                               RowState state, ArrayRef<Value> values);

/// Stores columns of a row at `to`, as `element`.
using StoreColumns =
    llvm::function_ref<void(Value to, Type element, ArrayRef<Value> columns)>;
/// Ends a row: the result where a block had all keys, else what it found, for
/// emitAttentionMerge. `values` are a thread's columns, `lane` is its number
/// among the `lanes` neighbours that share the row.
void emitStoreRow(KernelBuilder &b, const AttentionSpec &spec,
                  const AttentionOperands &op, const AttentionBlock &block,
                  const AttentionRow &row, int64_t lanes, Value lane,
                  RowState state, ArrayRef<Value> values, StoreColumns store);

/// The row's place in the workspace.
Value emitPartAddress(KernelBuilder &b, const AttentionSpec &spec,
                      const AttentionOperands &op, const AttentionBlock &block,
                      Value part, Value row);

/// Copies a tile of rows from `first` on to shared memory, asynchronously, as
/// zeros from the block's end on. `bytes` are those of a row in memory, which
/// are copied in units of `unit` bytes (8 or 16), `pitch` those in shared
/// memory.
void emitCopyRows(KernelBuilder &b, Value to, Value from, Value stride,
                  Value first, Value end, int64_t rows, int64_t bytes,
                  int64_t unit, int64_t pitch, int64_t elementBytes);

/// exp(x) for x <= 0 or a NaN; 0 where it is no normal number.
Value emitExp(KernelBuilder &b, Value x);
/// The larger of two numbers, a NaN when one is a NaN.
Value emitMaximum(KernelBuilder &b, Value x, Value y);
/// The value that scores start from.
Value emitLowest(KernelBuilder &b);

/// Adds the launch of the kernel that computes everything with FMAs in float32.
void emitAttentionFma(Emitter e, const AttentionSpec &spec,
                      const AttentionTile &tile, ArrayRef<Value> operands,
                      ArrayRef<Value> grid);
/// Likewise with tensor cores, from 16-bit elements with sums in float32.
void emitAttentionMma(Emitter e, const AttentionSpec &spec,
                      const AttentionTile &tile, ArrayRef<Value> operands,
                      ArrayRef<Value> grid);
/// Adds up the parts.
void emitAttentionMerge(Emitter e, const AttentionSpec &spec,
                        ArrayRef<Value> operands, ArrayRef<Value> grid);

/// Part of kernel names: what of the spec the code depends on.
std::string getAttentionName(const AttentionSpec &spec);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_KERNELS_ATTENTIONKERNEL_H
