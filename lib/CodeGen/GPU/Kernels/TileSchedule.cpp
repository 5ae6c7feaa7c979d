//===- TileSchedule.cpp - How a block computes a tile ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileSchedule.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

bool TileSchedule::operator==(const TileSchedule &other) const {
  return rows == other.rows && columns == other.columns &&
         stages == other.stages && warpRows == other.warpRows &&
         warpColumns == other.warpColumns;
}

std::string TileSchedule::getName() const {
  return (Twine(rows) + "x" + Twine(columns) + "_s" + Twine(stages) + "_w" +
          Twine(warpRows) + "x" + Twine(warpColumns))
      .str();
}

TileSchedule TileSchedule::choose(Type element, int64_t tileRows,
                                  int64_t weightRows) {
  // Narrow weights would leave half of the tile empty.
  int64_t columns = weightRows <= 64 ? 64 : 128;
  TileSchedule schedule = {tileRows, columns, 4, 1, 4};
  if (tileRows >= 64) {
    schedule.warpRows = 2;
    // FMAs of a thread share more operands when its sums are nearly square.
    if (element.isF32() && tileRows >= 128)
      schedule.warpRows = 4, schedule.warpColumns = 2;
  }
  // Smaller blocks hide each other's barriers: two fit into the 164 KiB of
  // compute capability 8.0, three into the 228 KiB of 9.0.
  int64_t shared = tileRows >= 128 ? kSharedBytes80 : kSharedBytes80 * 3 / 4;
  while (schedule.stages > 2 && schedule.getSharedBytes() > shared)
    --schedule.stages;
  return schedule;
}
