//===- TileKernels.h - GEMMs over tiles of rows -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Kernels.h dispatches to when there are more rows than streaming kernels
// take. Operands are those of the functions of Kernels.h of the same name;
// `tileRows` is the one that the sorted rows were cut by, a multiple of 16.
// Both sets take these kernels: sm_90a has none of its own for tiles yet.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_KERNELS_TILEKERNELS_H
#define MOE_LIB_CODEGEN_GPU_KERNELS_TILEKERNELS_H

#include "moe/CodeGen/GPU/Kernels.h"

namespace mlir::moe::gpu {

class KernelBuilder;

void emitTileUp80(Emitter e, const ExpertLayerSpec &spec,
                  const SortedRows &rows, const Wave &wave, Value x, Value h,
                  Value tokens, int64_t tileRows);
void emitTileDown80(Emitter e, const ExpertLayerSpec &spec,
                    const SortedRows &rows, const Wave &wave, Value h,
                    Value out, Value tokens, int64_t tileRows);
void emitTileGemm80(Emitter e, int64_t k, int64_t n, Type element, Value a,
                    Value w, Value c, Value rows, int64_t tileRows);

/// Rows of tiles, ascending: of streaming kernels and of tile kernels.
ArrayRef<int64_t> getStreamRows();
ArrayRef<int64_t> getTileRows();
/// One of these, an index value: for few rows a streaming kernel's, else the
/// tile that holds `rowsOfTile` rows.
Value emitTileRows(Emitter e, Value rows, Value rowsOfTile);

/// Tiles that these tokens give at most, an index value: the grid of kernels
/// over tiles. Blocks from SortedRows::tiles[0] on have nothing to do.
Value emitTileBound(Emitter e, const ExpertLayerSpec &spec, Value tokens,
                    Value tileRows);

/// What a block over a tile has to know, from SortedRows and Wave.
struct ExpertTile {
  Value valid; // i1: there is such a tile and its expert is in the wave
  // i32, to be used only when valid.
  Value expert;
  Value slot;
  Value row;  // the tile's first row among the sorted rows
  Value rows; // from 1 to tileRows
};
/// Kernel operands of a tile: counts, offsets, tiles, slotOf, in this order.
SmallVector<Value> getTileOperands(const SortedRows &rows, const Wave &wave);
/// Reads tile `index` (i32) through the parameters of these operands.
ExpertTile loadTile(KernelBuilder &b, ValueRange parameters, Value index,
                    int64_t tileRows);

/// A column of h from the float32 sums of gate (null when there is none) and
/// up, biases added: limits, activation, product.
Value emitIntermediate(KernelBuilder &b, const ExpertLayerSpec &spec,
                       Value gate, Value up);
/// Names that: `silu_alpha...`; and the layer: `bf16_64x96_e8...`.
std::string getActivationName(const ExpertLayerSpec &spec);
std::string getLayerName(const ExpertLayerSpec &spec);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_KERNELS_TILEKERNELS_H
