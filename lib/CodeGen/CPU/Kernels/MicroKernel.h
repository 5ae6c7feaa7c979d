//===- MicroKernel.h - Row blocks times packed panels -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pieces that all matrix kernels share. A micro-kernel multiplies a block
// of up to `maxRows` rows of A by one panel over the whole of K, with all sums
// in registers; there is one function for each number of rows, which serves
// products of all sizes. The order of the additions for an element is ascending
// k, whatever the block.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_CPU_KERNELS_MICROKERNEL_H
#define MOE_LIB_CODEGEN_CPU_KERNELS_MICROKERNEL_H

#include "KernelBuilder.h"
#include "moe/CodeGen/CPU/Schedule.h"

namespace mlir::moe::cpu {

/// The product of a block of rows and some vectors of a panel.
struct Tile {
  SmallVector<int64_t> offsets; // of the vectors in a record, in floats
  SmallVector<Value> sums;      // row by row, one for each offset

  Value getSum(int64_t row, int64_t vector) const {
    return sums[row * offsets.size() + vector];
  }
};

/// Which rows and records are multiplied.
struct TileSpec {
  int64_t rows;
  Value k;         // records of the panel, an i64
  Value rowStride; // floats between rows of A, an i64
  Value a, panel;
};

/// The loop over K for the vectors at `offsets` of the panel's records.
Tile emitTile(KernelBuilder &b, const Schedule &schedule, const TileSpec &spec,
              ArrayRef<int64_t> offsets);

/// Runs body(panel, row, rows) for all panels and equal row blocks of `rows`
/// rows in total, in parallel over groups of panels and, when there are many
/// rows, over groups of blocks. All values are of type index.
void emitPanelLoop(KernelBuilder &b, const Schedule &schedule, int64_t panels,
                   int64_t k, Value rows,
                   llvm::function_ref<void(Value, Value, Value)> body);

/// The address of each of `rows` rows, `stride` floats (an i64) apart.
SmallVector<Value> getRowPointers(KernelBuilder &b, Value first, Value stride,
                                  int64_t rows);

/// Calls the micro-kernel @NAME_mROWS for `rows` rows. `make` builds the body
/// of the one for a constant number of rows; `operands` are passed on.
void emitRowSwitch(
    KernelBuilder &b, ModuleOp module, const Schedule &schedule, StringRef name,
    Value rows, ValueRange operands,
    llvm::function_ref<void(KernelBuilder &, int64_t, ValueRange)> make);

} // namespace mlir::moe::cpu

#endif // MOE_LIB_CODEGEN_CPU_KERNELS_MICROKERNEL_H
