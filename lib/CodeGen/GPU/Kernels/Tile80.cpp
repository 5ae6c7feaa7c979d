//===- Tile80.cpp - Tiles with cp.async, mma.sync and FMA -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block computes a tile of rows x columns. Steps of 128 bytes along k go
// through a ring in shared memory, each row being 128 bytes there whose eight
// 16-byte chunks are permuted by the row, so that neither copies nor reads of
// eight rows meet in a bank.
//
//===----------------------------------------------------------------------===//

#include "Product.h"
#include "TileSchedule.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static constexpr int64_t kChunkBytes = 16;
static constexpr int64_t kChunks = kSharedRowBytes / kChunkBytes;

namespace {

/// How the threads of a warp share the sums of a step.
class Multiplier {
public:
  Multiplier(KernelBuilder &b, const Product &product,
             const TileSchedule &schedule)
      : b(b), product(product), schedule(schedule) {
    Value warp = b.warpId();
    warpRow =
        b.mul(b.div(warp, schedule.warpColumns), schedule.getRowsOfWarp());
    warpColumn =
        b.mul(b.rem(warp, schedule.warpColumns), schedule.getColumnsOfWarp());
  }
  virtual ~Multiplier() = default;

  virtual int64_t getNumSums() const = 0;
  /// sums + rows x columns of one step; both are in shared memory.
  virtual SmallVector<Value> multiply(Value rows, Value columns,
                                      ValueRange sums) = 0;
  /// The thread's rows, and the first of its columns of each group of 8 rows of
  /// the weights, within the tile.
  virtual SmallVector<Value> getRows() = 0;
  SmallVector<Value> getColumns();
  /// The sums at row i and group j of these, neighbouring columns.
  virtual SmallVector<int64_t> getSums(int64_t i, int64_t j) const = 0;

protected:
  /// Where the thread's columns begin within each group of 8.
  virtual Value getColumnInGroup() = 0;
  int64_t getGroups() const { return schedule.getColumnsOfWarp() / 8; }

  KernelBuilder &b;
  const Product &product;
  const TileSchedule &schedule;
  Value warpRow, warpColumn;
};

/// bf16 and f16: mma.sync m16n8k16.
class TensorCores : public Multiplier {
public:
  TensorCores(KernelBuilder &b, const Product &product,
              const TileSchedule &schedule)
      : Multiplier(b, product, schedule), lane(b.laneId()) {}

  int64_t getNumSums() const override { return getBlocks() * getGroups() * 4; }
  SmallVector<Value> multiply(Value rows, Value columns,
                              ValueRange sums) override;
  SmallVector<Value> getRows() override;
  SmallVector<int64_t> getSums(int64_t i, int64_t j) const override {
    int64_t first = (i / 2 * getGroups() + j) * 4 + i % 2 * 2;
    return {first, first + 1};
  }

private:
  Value getColumnInGroup() override {
    return b.shiftLeft(b.bitAnd(lane, 3), 1);
  }
  /// Blocks of 16 rows.
  int64_t getBlocks() const { return schedule.getRowsOfWarp() / 16; }

  Value lane;
};

/// f32: every thread has rows that are 4 apart and columns that are 8 apart.
class FMAs : public Multiplier {
public:
  FMAs(KernelBuilder &b, const Product &product, const TileSchedule &schedule)
      : Multiplier(b, product, schedule), lane(b.laneId()) {}

  int64_t getNumSums() const override { return getNumRows() * getGroups(); }
  SmallVector<Value> multiply(Value rows, Value columns,
                              ValueRange sums) override;
  SmallVector<Value> getRows() override;
  SmallVector<int64_t> getSums(int64_t i, int64_t j) const override {
    return {i * getGroups() + j};
  }

private:
  Value getColumnInGroup() override { return b.bitAnd(lane, 7); }
  int64_t getNumRows() const { return schedule.getRowsOfWarp() / 4; }

  Value lane;
};

} // namespace

SmallVector<Value> Multiplier::getColumns() {
  SmallVector<Value> columns;
  Value first = b.add(warpColumn, getColumnInGroup());
  for (int64_t j = 0; j < getGroups(); ++j)
    columns.push_back(b.add(first, j * 8));
  return columns;
}

SmallVector<Value> TensorCores::multiply(Value rows, Value columns,
                                         ValueRange sums) {
  // Lanes address rows of 8x8 matrices. Of rows: 16 rows at two chunks; of
  // columns: 8 at two chunks, then the next 8.
  Value eighth = b.shiftRight(lane, 3);
  Value rowOfLane = b.bitAnd(lane, 15);
  Value rowChunk = b.shiftRight(lane, 4);
  Value columnOfLane = b.add(b.mul(rowChunk, 8), b.bitAnd(lane, 7));
  Value columnChunk = b.bitAnd(eighth, 1);
  Value permutation = b.bitAnd(lane, 7);
  Value rowStart = b.mul(b.add(warpRow, rowOfLane), kSharedRowBytes);
  Value columnStart = b.mul(b.add(warpColumn, columnOfLane), kSharedRowBytes);
  auto address = [&](Value base, Value start, Value chunk, int64_t k) {
    Value permuted = b.bitXor(b.add(chunk, k * 2), permutation);
    return b.atByte(base, b.add(start, b.mul(permuted, kChunkBytes)));
  };

  SmallVector<Value> next(sums.begin(), sums.end());
  for (int64_t k = 0; k < kChunks / 2; ++k) {
    Value rowAddress = address(rows, rowStart, rowChunk, k);
    Value columnAddress = address(columns, columnStart, columnChunk, k);
    SmallVector<SmallVector<Value>> a, w;
    for (int64_t i = 0; i < getBlocks(); ++i)
      a.push_back(
          b.loadMatrices(b.atByte(rowAddress, i * 16 * kSharedRowBytes), 4));
    for (int64_t j = 0; j < getGroups(); j += 2) {
      SmallVector<Value> pair =
          b.loadMatrices(b.atByte(columnAddress, j * 8 * kSharedRowBytes), 4);
      w.push_back({pair[0], pair[1]});
      w.push_back({pair[2], pair[3]});
    }
    for (int64_t i = 0; i < getBlocks(); ++i)
      for (int64_t j = 0; j < getGroups(); ++j) {
        MutableArrayRef<Value> c =
            MutableArrayRef(next).slice((i * getGroups() + j) * 4, 4);
        llvm::copy(b.mma(product.element, a[i], w[j], ArrayRef<Value>(c)),
                   c.begin());
      }
  }
  return next;
}

SmallVector<Value> TensorCores::getRows() {
  SmallVector<Value> rows;
  Value first = b.add(warpRow, b.shiftRight(lane, 2));
  for (int64_t i = 0; i < 2 * getBlocks(); ++i)
    rows.push_back(b.add(first, i * 8));
  return rows;
}

SmallVector<Value> FMAs::multiply(Value rows, Value columns, ValueRange sums) {
  VectorType type = b.vectorType(4, b.getF32Type());
  Value rowOfLane = b.add(warpRow, b.shiftRight(lane, 3));
  Value columnOfLane = b.add(warpColumn, getColumnInGroup());
  Value rowStart = b.atByte(rows, b.mul(rowOfLane, kSharedRowBytes));
  Value columnStart = b.atByte(columns, b.mul(columnOfLane, kSharedRowBytes));
  // Rows are 4 apart: two permutations.
  Value columnPermutation = b.bitAnd(columnOfLane, 7);
  Value rowPermutation = b.bitAnd(rowOfLane, 7);
  Value rowPermutation4 = b.bitXor(rowPermutation, b.i32(4));
  auto load = [&](Value start, Value chunk, Value permutation, int64_t row) {
    Value offset = b.mul(b.bitXor(chunk, permutation), kChunkBytes);
    Value vector = b.load(
        type, b.atByte(b.atByte(start, offset), row * kSharedRowBytes), 16);
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < 4; ++i)
      lanes.push_back(b.extract(vector, i));
    return lanes;
  };
  return b.fold(
      b.i32(0), b.i32(kChunks), 1, sums, [&](Value chunk, ValueRange carried) {
        SmallVector<SmallVector<Value>> x, w;
        for (int64_t i = 0; i < getNumRows(); ++i)
          x.push_back(load(rowStart, chunk,
                           i % 2 ? rowPermutation4 : rowPermutation, i * 4));
        for (int64_t j = 0; j < getGroups(); ++j)
          w.push_back(load(columnStart, chunk, columnPermutation, j * 8));
        SmallVector<Value> next(carried.begin(), carried.end());
        for (int64_t k = 0; k < 4; ++k)
          for (int64_t i = 0; i < getNumRows(); ++i)
            for (int64_t j = 0; j < getGroups(); ++j) {
              Value &sum = next[i * getGroups() + j];
              sum = b.fma(x[i][k], w[j][k], sum);
            }
        return next;
      });
}

SmallVector<Value> FMAs::getRows() {
  SmallVector<Value> rows;
  Value first = b.add(warpRow, b.shiftRight(lane, 3));
  for (int64_t i = 0; i < getNumRows(); ++i)
    rows.push_back(b.add(first, i * 4));
  return rows;
}

namespace {

/// Copies steps of a block's rows or columns to shared memory. Thread t copies
/// chunk t % 8 of the rows t / 8, t / 8 + threads / 8, ...
class Copier {
public:
  /// `pointer(i)` is the start of row i.
  Copier(KernelBuilder &b, const Product &product, const TileSchedule &schedule,
         int64_t rows, llvm::function_ref<Value(Value)> pointer)
      : b(b), product(product), step(schedule.getThreads() / kChunks) {
    Value thread = b.threadId();
    Value row = b.div(thread, kChunks);
    chunk = b.rem(thread, kChunks);
    // The step is a multiple of 8: one permutation for all rows.
    Value permuted = b.bitXor(chunk, b.rem(row, kChunks));
    to = b.add(b.mul(row, kSharedRowBytes), b.mul(permuted, kChunkBytes));
    for (int64_t i = 0; i < rows; i += step)
      from.push_back(pointer(b.add(row, i)));
  }

  /// Step `k` (i32) to the shared memory at `stage`.
  void copy(Value stage, Value k) {
    int64_t chunks = product.getRowBytes() / kChunkBytes;
    Value index = b.add(b.mul(k, kChunks), chunk);
    Value bytes;
    if (chunks % kChunks != 0) {
      // The last step is zeros beyond the row.
      Value inside = b.less(index, chunks);
      bytes = b.select(inside, b.i32(kChunkBytes), b.i32(0));
      index = b.select(inside, index, b.i32(0));
    }
    Value offset = b.mul(b.toI64(index), kChunkBytes);
    Value target = b.atByte(stage, to);
    for (auto [i, pointer] : llvm::enumerate(from))
      b.copyAsync(b.atByte(target, i * step * kSharedRowBytes),
                  b.atByte(pointer, offset), bytes);
  }

private:
  KernelBuilder &b;
  const Product &product;
  int64_t step;
  Value chunk, to;
  SmallVector<Value> from;
};

/// Writes the kernel of a tile.
class TileKernel {
public:
  TileKernel(KernelBuilder &b, const Product &product,
             const TileSchedule &schedule, ValueRange parameters)
      : b(b), product(product), schedule(schedule),
        tile(b, product, parameters, b.blockX()),
        firstColumn(b.mul(b.blockY(), schedule.columns)) {
    if (product.element.isF32())
      multiplier = std::make_unique<FMAs>(b, product, schedule);
    else
      multiplier = std::make_unique<TensorCores>(b, product, schedule);
  }

  void run() {
    b.when(tile.isValid(), [&] { storeSums(emitSums()); });
  }

private:
  SmallVector<Value> emitSums();
  void storeSums(ArrayRef<Value> sums);
  void storeColumns(ArrayRef<Value> rows, Value column, int64_t group,
                    ArrayRef<Value> sums);

  KernelBuilder &b;
  const Product &product;
  const TileSchedule &schedule;
  ProductTile tile;
  Value firstColumn; // a row of the weights
  std::unique_ptr<Multiplier> multiplier;
};

} // namespace

SmallVector<Value> TileKernel::emitSums() {
  int64_t stages = schedule.stages;
  int64_t steps = llvm::divideCeil(product.getRowBytes(), kSharedRowBytes);
  Value shared = b.dynamicShared();
  // Rows and columns that do not exist repeat the last: nobody stores them.
  Value lastRow = b.sub(tile.getRows(), 1);
  Value lastColumn = b.i32(product.weightRows - 1);
  Copier rows(b, product, schedule, schedule.rows,
              [&](Value i) { return tile.getInputRow(b.minS(i, lastRow)); });
  Copier columns(b, product, schedule, schedule.columns, [&](Value i) {
    return tile.getWeightRow(b.minS(b.add(firstColumn, i), lastColumn));
  });
  auto stageAt = [&](Value stage) {
    return b.atByte(shared, b.mul(stage, schedule.getStageBytes()));
  };
  auto columnsOf = [&](Value stage) {
    return b.atByte(stage, schedule.rows * kSharedRowBytes);
  };
  auto copy = [&](Value stage, Value step) {
    rows.copy(stage, step);
    columns.copy(columnsOf(stage), step);
  };

  for (int64_t i = 0; i < stages - 1; ++i) {
    if (i < steps)
      copy(stageAt(b.i32(i)), b.i32(i));
    b.commitCopies();
  }
  SmallVector<Value> carried(multiplier->getNumSums(), b.f32(0.0));
  carried.push_back(b.i32(0));
  SmallVector<Value> results = b.fold(
      b.i32(0), b.i32(steps), 1, carried,
      [&](Value step, ValueRange values) -> SmallVector<Value> {
        Value stage = values.back();
        b.waitCopies(stages - 2);
        // Everyone's copies of this step are there, and nobody reads the stage
        // of the step before, which is filled next.
        b.barrier();
        Value ahead = b.add(step, stages - 1);
        Value free =
            b.select(b.equal(stage, 0), b.i32(stages - 1), b.sub(stage, 1));
        b.when(b.less(ahead, steps), [&] { copy(stageAt(free), ahead); });
        b.commitCopies();
        Value start = stageAt(stage);
        SmallVector<Value> next =
            multiplier->multiply(start, columnsOf(start), values.drop_back());
        Value after = b.add(stage, 1);
        next.push_back(b.select(b.equal(after, stages), b.i32(0), after));
        return next;
      });
  b.waitCopies(0);
  results.pop_back();
  return results;
}

void TileKernel::storeSums(ArrayRef<Value> sums) {
  SmallVector<Value> rows = multiplier->getRows();
  SmallVector<Value> columns = multiplier->getColumns();
  // When gated, groups of 8 rows of the weights are gate and up by turns.
  int64_t step = product.gated ? 2 : 1;
  for (int64_t j = 0; j < static_cast<int64_t>(columns.size()); j += step) {
    Value column = b.add(firstColumn, columns[j]);
    if (product.gated) {
      Value within = b.bitAnd(column, device::kInterleave - 1);
      column = b.add(b.shiftRight(b.sub(column, within), 1), within);
    }
    storeColumns(rows, column, j, sums);
  }
}

void TileKernel::storeColumns(ArrayRef<Value> rows, Value column, int64_t group,
                              ArrayRef<Value> sums) {
  SmallVector<ProductTile::Bias> biases;
  for (size_t lane = 0; lane < multiplier->getSums(0, group).size(); ++lane)
    biases.push_back(tile.loadBias(b.add(column, lane)));
  auto take = [&](int64_t i, int64_t j) {
    return llvm::map_to_vector(multiplier->getSums(i, j),
                               [&](int64_t index) { return sums[index]; });
  };
  for (auto [i, row] : llvm::enumerate(rows)) {
    if (product.gated)
      tile.store(row, column, take(i, group), take(i, group + 1), biases);
    else
      tile.store(row, column, {}, take(i, group), biases);
  }
}

static void emitTile(Emitter e, const Product &product) {
  TileSchedule schedule = TileSchedule::choose(
      product.element, product.tileRows, product.weightRows);
  Launch launch;
  launch.name = product.name + "_" + schedule.getName();
  launch.threads = schedule.getThreads();
  launch.grid[0] = product.tiles;
  launch.grid[1] =
      emitIndex(e, llvm::divideCeil(product.weightRows, schedule.columns));
  launch.sharedBytes = schedule.getSharedBytes();
  launch.operands = product.operands;
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    TileKernel(b, product, schedule, parameters).run();
  });
}

void mlir::moe::gpu::emitTileUp80(Emitter e, const ExpertLayerSpec &spec,
                                  const SortedRows &rows, const Wave &wave,
                                  Value x, Value h, Value tokens,
                                  int64_t tileRows) {
  emitTile(e, makeUp(e, spec, rows, wave, x, h, tokens, tileRows));
}

void mlir::moe::gpu::emitTileDown80(Emitter e, const ExpertLayerSpec &spec,
                                    const SortedRows &rows, const Wave &wave,
                                    Value h, Value out, Value tokens,
                                    int64_t tileRows) {
  emitTile(e, makeDown(e, spec, rows, wave, h, out, tokens, tileRows));
}

void mlir::moe::gpu::emitTileGemm80(Emitter e, int64_t k, int64_t n,
                                    Type element, Value a, Value w, Value c,
                                    Value rows, int64_t tileRows) {
  emitTile(e, makeDense(e, k, n, element, a, w, c, rows, tileRows));
}
