//===- Stream.cpp - A few rows times weights that are read once -----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Product.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

namespace {

/// How a block streams: each warp makes some columns of all rows of the tile,
/// its lanes taking turns at the 16-byte chunks of the rows of weights.
struct StreamSchedule {
  int64_t warps;
  int64_t columns; // of a warp; divides 8

  static StreamSchedule choose(const Product &product) {
    // Enough reads in flight for one row; registers for the sums of more.
    int64_t weightRows = product.tileRows == 1 ? 8 : 4;
    return {4, product.gated ? weightRows / 2 : weightRows};
  }
};

class Streamer {
public:
  Streamer(KernelBuilder &b, const Product &product,
           const StreamSchedule &schedule, ValueRange parameters)
      : b(b), product(product), schedule(schedule),
        tile(b, product, parameters, b.blockX()), lane(b.laneId()) {
    Value warp = b.add(b.mul(b.blockY(), schedule.warps), b.warpId());
    column = b.mul(warp, schedule.columns);
  }

  void run() {
    Value inside = b.less(column, product.outColumns);
    b.when(b.bitAnd(tile.isValid(), inside), [&] { storeSums(emitSums()); });
  }

private:
  int64_t getWeightRows() const {
    return schedule.columns * (product.gated ? 2 : 1);
  }
  /// Sums of rows x weight rows, the same in all lanes.
  SmallVector<Value> emitSums();
  SmallVector<Value> emitDots(ArrayRef<Value> rows, ArrayRef<Value> weights);
  SmallVector<Value> loadChunk(Value row, Value chunk);
  void storeSums(ArrayRef<Value> sums);

  KernelBuilder &b;
  const Product &product;
  StreamSchedule schedule;
  ProductTile tile;
  Value lane, column;
};

} // namespace

/// 16 bytes of a row, as f32.
SmallVector<Value> Streamer::loadChunk(Value row, Value chunk) {
  int64_t elements = 16 / product.getElementBytes();
  Value vector = b.load(b.vectorType(elements, product.element),
                        b.atByte(row, b.shiftLeft(chunk, 4)), 16);
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < elements; ++i)
    lanes.push_back(b.convert(b.getF32Type(), b.extract(vector, i)));
  return lanes;
}

SmallVector<Value> Streamer::emitDots(ArrayRef<Value> rows,
                                      ArrayRef<Value> weights) {
  SmallVector<Value> zeros(rows.size() * weights.size(), b.f32(0.0));
  SmallVector<Value> sums =
      b.fold(lane, b.i32(product.getRowBytes() / 16), kWarpThreads, zeros,
             [&](Value chunk, ValueRange carried) {
               SmallVector<SmallVector<Value>> factors;
               for (Value weight : weights)
                 factors.push_back(loadChunk(weight, chunk));
               SmallVector<Value> next;
               for (Value row : rows) {
                 SmallVector<Value> elements = loadChunk(row, chunk);
                 for (ArrayRef<Value> weight : factors) {
                   Value sum = carried[next.size()];
                   for (auto [x, w] : llvm::zip_equal(elements, weight))
                     sum = b.fma(x, w, sum);
                   next.push_back(sum);
                 }
               }
               return next;
             });
  for (Value &sum : sums)
    sum = b.warpSum(sum);
  return sums;
}

SmallVector<Value> Streamer::emitSums() {
  // Columns of a warp are neighbours within 8, so their rows are, too.
  SmallVector<Value> weights;
  Value first = tile.getWeightRowOf(column);
  for (int64_t side = 0; side < (product.gated ? 2 : 1); ++side)
    for (int64_t i = 0; i < schedule.columns; ++i) {
      Value row = b.add(first, side * device::kInterleave + i);
      // Sums of columns that do not exist are not stored.
      row = b.minS(row, b.i32(product.weightRows - 1));
      weights.push_back(tile.getWeightRow(row));
    }
  auto rowPointers = [&](int64_t count) {
    SmallVector<Value> rows;
    Value last = b.sub(tile.getRows(), 1);
    for (int64_t i = 0; i < count; ++i)
      rows.push_back(tile.getInputRow(b.minS(b.i32(i), last)));
    return rows;
  };
  if (product.tileRows == 1)
    return emitDots(rowPointers(1), weights);
  // Most tiles of a few tokens have one row.
  SmallVector<Type> types(product.tileRows * weights.size(), b.getF32Type());
  return b.choose(
      b.equal(tile.getRows(), 1), types,
      [&] {
        SmallVector<Value> sums = emitDots(rowPointers(1), weights);
        sums.resize(types.size(), b.f32(0.0));
        return sums;
      },
      [&] { return emitDots(rowPointers(product.tileRows), weights); });
}

/// Lane l stores the l-th of the warp's results.
void Streamer::storeSums(ArrayRef<Value> sums) {
  int64_t columns = schedule.columns, weightRows = getWeightRows();
  int64_t results = product.tileRows * columns;
  for (int64_t first = 0; first < results; first += kWarpThreads) {
    Value index = b.add(lane, first);
    Value gate = sums[0], up = sums[0];
    int64_t count = std::min(results - first, kWarpThreads);
    for (int64_t i = first; i < first + count; ++i) {
      Value own = b.equal(index, i);
      ArrayRef<Value> row = sums.slice(i / columns * weightRows, weightRows);
      gate = b.select(own, row[i % columns], gate);
      up = b.select(own, row[weightRows - columns + i % columns], up);
    }
    Value ownColumn = b.add(column, b.rem(index, columns));
    SmallVector<Value> gates;
    if (product.gated)
      gates.push_back(gate);
    b.when(b.less(index, results), [&] {
      tile.store(b.div(index, columns), ownColumn, gates, up,
                 tile.loadBias(ownColumn));
    });
  }
}

void mlir::moe::gpu::emitStream(Emitter e, const Product &product) {
  StreamSchedule schedule = StreamSchedule::choose(product);
  Launch launch;
  launch.name = product.name + "_stream" + std::to_string(product.tileRows);
  launch.threads = schedule.warps * kWarpThreads;
  launch.grid[0] = product.tiles;
  launch.grid[1] =
      emitIndex(e, llvm::divideCeil(product.outColumns,
                                    schedule.warps * schedule.columns));
  launch.operands = product.operands;
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    Streamer(b, product, schedule, parameters).run();
  });
}
