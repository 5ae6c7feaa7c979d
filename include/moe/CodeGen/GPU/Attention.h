//===- Attention.h - Attention as generated GPU kernels ---------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// softmax(q k^T * scale + mask) v without the matrix of scores: blocks of query
// rows go over tiles of keys and values and keep, for each row, the largest
// score, the sum of its weights and the weighted values so far.
//
// A row of a block is a query at one position of one of the heads that share a
// key head, so that keys and values are read once for all of them. Where there
// are few rows and many keys, the keys are split among blocks, and the parts
// added up in their order: the split depends on shapes only, so the same shapes
// give the same bits.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_ATTENTION_H
#define MOE_CODEGEN_GPU_ATTENTION_H

#include "moe/CodeGen/GPU/Kernels.h"
#include <limits>

namespace mlir::moe::gpu {

/// What the weights of a row are whose largest score is -inf.
enum class AttentionRows {
  NaN,       ///< NaN, as the formula gives it
  Zero,      ///< zeros
  NaNToZero, ///< zeros, also where the largest score is inf or NaN
};

struct AttentionSpec {
  Type element; // of q, k, v and the result: f32, f16, bf16
  int64_t heads;
  int64_t keyHeads; // divides heads; head h reads key head h / (heads/keyHeads)
  int64_t size;     // of a row of q and k: a multiple of 4, at most 256
  int64_t valueSize; // of a row of v: likewise
  float scale = 1.0f;
  float softcap = 0.0f; // not 0: scores become softcap * tanh(score / softcap)
  bool causal = false;  // query i sees keys 0 to i + offset
  /// What is added to the scores of keys that are not seen, and their score
  /// where a mask of booleans is false.
  float masked = -std::numeric_limits<float>::infinity();
  AttentionRows emptyRows = AttentionRows::Zero;
  Type mask; // null, i1, f32 or `element`
};

/// Sizes of a run: index values.
struct AttentionSizes {
  Value batch;
  Value queries;
  Value keys;
  Value offset; // of a causal attention, else null; may be negative
};

/// Elements of `workspace`, an index value that is a function of the sizes.
Value getAttentionWorkspace(Emitter e, const AttentionSpec &spec,
                            const AttentionSizes &sizes);

/// Emits the launches. q: memref<BxHxSxD element>, k: memref<BxKHxLxD>,
/// v: memref<BxKHxLxDv>, out: memref<BxHxSxDv>: any strides, where rows are
/// contiguous and begin at multiples of 16 bytes (8 where a row is no multiple
/// of 16 bytes). mask: null or memref<MBxMHxMSxML mask>, any strides, where a
/// static size of 1 stretches. workspace: memref<?xf32>, overwritten.
///
/// As the formula says, what is not seen counts with a weight of
/// exp(score + masked - largest), and a NaN among scores or values reaches the
/// result. Keys that no row of a block sees are left out where that weight is
/// exactly 0: a NaN or inf in such keys does not reach the result.
void emitAttention(Emitter e, const AttentionSpec &spec, Value q, Value k,
                   Value v, Value mask, Value out, Value workspace,
                   const AttentionSizes &sizes);

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_ATTENTION_H
