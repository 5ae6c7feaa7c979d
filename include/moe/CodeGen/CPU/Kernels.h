//===- Kernels.h - Generated CPU kernels ------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function adds a kernel to the module and returns it, or returns the one
// that is there under the same name: names hold everything a kernel depends on.
// Kernels are private functions of buffers with identity layout; their parallel
// loops are one-dimensional scf.parallel. They allocate nothing.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_CPU_KERNELS_H
#define MOE_CODEGEN_CPU_KERNELS_H

#include "dialects/MoE/IR/MoE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "moe/CodeGen/CPU/Schedule.h"
#include "moe/Support/PackedLayout.h"

namespace mlir::moe::cpu {

/// @gemm_f32_KxN(a: memref<?xKxf32>, b: memref<PACKEDxf32>,
///               c: memref<?xNxf32>): c = a * b.
func::FuncOp getGemmKernel(ModuleOp module, const Schedule &schedule, int64_t k,
                           int64_t n);

/// What the kernels of an expert layer depend on.
struct ExpertKernelSpec {
  packed::ExpertShape shape;
  Activation activation = Activation::SiLU;
  float alpha = 1.0f;
  float beta = 0.0f;
  float limit = 0.0f;

  /// Floats between rows of the buffers below: whole panels and a cache line,
  /// so that no store needs a mask and rows do not fall on one cache set.
  int64_t getRowStride() const;
  int64_t getIntermediateStride() const;
};

/// @expert_up_...(rows: memref<?xRSxf32>, part0: memref<P0xf32>,
///                h: memref<?xHSxf32>, begin: index, count: index):
/// h[0, count) = act(gate) * up of rows[begin, begin + count).
func::FuncOp getExpertUpKernel(ModuleOp module, const Schedule &schedule,
                               const ExpertKernelSpec &spec);

/// @expert_down_...(h, part1: memref<P1xf32>, rows, begin, count):
/// rows[begin, begin + count) = down of h[0, count).
func::FuncOp getExpertDownKernel(ModuleOp module, const Schedule &schedule,
                                 const ExpertKernelSpec &spec);

/// @gather_...(tokens: memref<?xHxf32>, row_token: memref<?xi32>,
///             row_count: index, rows: memref<?xRSxf32>):
/// rows[i] = tokens[row_token[i]] for i < row_count.
func::FuncOp getGatherKernel(ModuleOp module, const Schedule &schedule,
                             int64_t hidden, int64_t rowStride);

/// @combine_...(rows: memref<?xRSxf32>, row_of: memref<?xKxi32>,
///              weights: memref<?xKxf32>, out: memref<?xHxf32>):
/// out[t] = sum over j, ascending, of weights[t, j] * rows[row_of[t, j]];
/// a row of -1 is no choice.
func::FuncOp getCombineKernel(ModuleOp module, const Schedule &schedule,
                              int64_t hidden, int64_t rowStride, int64_t k);

struct RouteSpec {
  int64_t experts;
  int64_t k;
  Score score = Score::Softmax;
  Normalize normalize = Normalize::None;
  float scale = 1.0f;
};

/// @route_...(logits: memref<?xExf32>, scores: memref<?xExf32> (scratch),
///            keys: memref<?xExi64> (scratch), ids: memref<?xKxi32>,
///            weights: memref<?xKxf32>).
/// A score that is NaN counts as the largest, so that it shows in the result.
func::FuncOp getRouteKernel(ModuleOp module, const RouteSpec &spec);

/// @routing_from_...(ids: memref<?xKxI>, out: memref<?xKxi32>): ids outside of
/// [0, experts) become -1.
func::FuncOp getRoutingFromKernel(ModuleOp module, int64_t experts, int64_t k,
                                  IntegerType idType);

/// @dispatch_...(ids: memref<?xKxi32>, counts: memref<Bxi32>,
///               offsets: memref<B+1xi32>, row_token: memref<?xi32>,
///               row_of: memref<?xKxi32>).
/// Numbers the (token, choice) pairs that need an FFN expert of the bank,
/// sorted by expert and, within one, by token. `kinds` says which ids those
/// are.
func::FuncOp getDispatchKernel(ModuleOp module,
                               ArrayRef<ExpertsOfKindAttr> kinds,
                               int64_t bankExperts, int64_t k);

} // namespace mlir::moe::cpu

#endif // MOE_CODEGEN_CPU_KERNELS_H
