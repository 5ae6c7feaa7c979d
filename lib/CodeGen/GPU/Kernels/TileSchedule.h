//===- TileSchedule.h - How a block computes a tile -------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_KERNELS_TILESCHEDULE_H
#define MOE_LIB_CODEGEN_GPU_KERNELS_TILESCHEDULE_H

#include "KernelBuilder.h"

namespace mlir::moe::gpu {

/// A tile of the sm_80 kernels: rows x columns of sums, each step of the loop
/// over k being 128 bytes of every row.
struct TileSchedule {
  int64_t rows;
  int64_t columns; // rows of the weights
  int64_t stages;  // steps in shared memory, one of which is computed with
  int64_t warpRows, warpColumns; // warps beside each other

  bool operator==(const TileSchedule &other) const;
  bool operator!=(const TileSchedule &other) const { return !(*this == other); }
  /// `64x128_s3_w2x4`: part of names.
  std::string getName() const;

  int64_t getThreads() const { return warpRows * warpColumns * kWarpThreads; }
  int64_t getStageBytes() const { return (rows + columns) * kSharedRowBytes; }
  int64_t getSharedBytes() const { return stages * getStageBytes(); }
  /// Sums of a warp.
  int64_t getRowsOfWarp() const { return rows / warpRows; }
  int64_t getColumnsOfWarp() const { return columns / warpColumns; }

  /// For tiles of this many rows and weights of so many rows.
  static TileSchedule choose(Type element, int64_t tileRows,
                             int64_t weightRows);
};

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_KERNELS_TILESCHEDULE_H
