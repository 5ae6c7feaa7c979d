//===- Kernels.h - Generated GPU kernels and their launches -----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each `emit` function adds what it launches to the gpu.module of the module,
// or finds it there under the same name (names hold everything a kernel depends
// on), and emits gpu.launch_func at the builder: host code. Which kernel serves
// which number of tokens is decided there, by scf.if on the host, as a function
// of shapes only. Buffers are memrefs of identity layout in device memory,
// sizes are `index` values.
//
// Kernels are llvm.func with the attributes gpu.kernel and nvvm.kernel. A
// launch operand is one parameter: a memref its first element's address
// (!llvm.ptr<1>), an index an i64, i32 and f32 themselves, a !pager.tensor_map
// a by-value (llvm.byval, nvvm.grid_constant) !llvm.ptr to the map's 128 bytes.
// Bodies mix arith, scf, llvm and nvvm operations, whatever
// `populateNVVMPipeline` lowers.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_KERNELS_H
#define MOE_CODEGEN_GPU_KERNELS_H

#include "dialects/MoE/IR/MoE.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/CodeGen/GPU/KernelSet.h"
#include "moe/Support/DeviceLayout.h"

namespace mlir::moe::gpu {

/// Where launches go and kernels are added.
struct Emitter {
  ImplicitLocOpBuilder &b;
  ModuleOp module;
  KernelSet set;
};

struct RouteSpec {
  int64_t experts;
  int64_t k;
  Score score = Score::Softmax;
  Normalize normalize = Normalize::None;
  float scale = 1.0f;
};

/// ids, weights = the router's choices of logits[tokens, experts], in float32:
/// descending score, equal scores by ascending id, a NaN counts as the largest.
/// logits: memref<?xExf32>, ids: memref<?xKxi32>, weights: memref<?xKxf32>.
void emitRoute(Emitter e, const RouteSpec &spec, Value logits, Value ids,
               Value weights, Value tokens);

/// out = ids, where ids outside of [0, experts) become -1.
/// ids: memref<?xKx integer>, out: memref<?xKxi32>.
void emitRoutingFrom(Emitter e, int64_t experts, int64_t k, Value ids,
                     Value out, Value tokens);

/// An expert layer on the device.
struct ExpertLayerSpec {
  device::ExpertLayout layout;
  Type element;    // of the weights and of `rows` and `h`: f32, bf16, f16
  int64_t experts; // of the bank
  int64_t k;
  Activation activation = Activation::SiLU;
  float alpha = 1.0f;
  float beta = 0.0f;
  float limit = 0.0f;
};

/// The (token, choice) pairs of a bank sorted by expert and, within one, by
/// token.
struct SortedRows {
  Value counts;   // memref<Bxi32>: rows of each expert
  Value offsets;  // memref<B+1xi32>: where they begin
  Value rowToken; // memref<?xi32>: the token of each row
  Value rowOf;    // memref<?xKxi32>: the row of each choice, or -1
  Value tiles;    // memref<?xi32>: [0] their number, then (expert, first row
                  // within the expert) of each
  Value tileRows; // index: rows of a tile, see chooseTileRows
};

/// Rows of a tile of the expert kernels for this many tokens, an index value.
Value chooseTileRows(Emitter e, const ExpertLayerSpec &spec, Value tokens);
/// Elements that SortedRows::tiles needs, an index value that bounds it.
Value getTilesSize(Emitter e, const ExpertLayerSpec &spec, Value tokens);

/// Fills `rows` from ids: memref<?xKxi32>; `kinds` says which ids need an FFN
/// expert of the bank.
void emitSort(Emitter e, const ExpertLayerSpec &spec,
              ArrayRef<ExpertsOfKindAttr> kinds, Value ids,
              const SortedRows &rows, Value tokens);

/// to[i, 0..stride) = from[i, 0..columns), converted, zeros beyond.
/// from: memref<?xCx float>, to: memref<?xSx element>.
void emitConvertRows(Emitter e, Value from, Value to, Value rows);

/// Experts resident now, see moe_rt_abi_wave.
struct Wave {
  Value slots;     // memref<?xi8>
  Value slotCount; // index
  Value slotOf;    // memref<Bxi32>
};

/// h[row] = act(gate) * up of x[rowToken[row]], for the rows of the wave's
/// experts. x: memref<?xXSx element> with XS = getRowStride(hidden),
/// h: memref<?xHSx element> with HS = layout.getIntermediate().
void emitExpertUp(Emitter e, const ExpertLayerSpec &spec,
                  const SortedRows &rows, const Wave &wave, Value x, Value h,
                  Value tokens);
/// out[row] = down of h[row], for the rows of the wave's experts.
/// out: memref<?xHxf32>.
void emitExpertDown(Emitter e, const ExpertLayerSpec &spec,
                    const SortedRows &rows, const Wave &wave, Value h,
                    Value out, Value tokens);

/// out[t] = sum over j, ascending, of weights[t, j] * rowData[rowOf[t, j]]; a
/// row of -1 is no choice. rowData: memref<?xHxf32>, out: memref<?xHxf32>.
void emitCombine(Emitter e, int64_t hidden, int64_t k, Value rowData,
                 Value rowOf, Value weights, Value out, Value tokens);

/// c = a * w. a: memref<?xSx element>, S = getRowStride(k), zeros beyond k;
/// w: memref<N*Sx element>, packed as in DeviceLayout.h; c: memref<?xNxf32>.
void emitGemm(Emitter e, int64_t k, int64_t n, Type element, Value a, Value w,
              Value c, Value rows);

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_KERNELS_H
