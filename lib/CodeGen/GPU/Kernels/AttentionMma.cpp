//===- AttentionMma.cpp - Attention with tensor cores ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each warp computes 16 rows. Scores and sums of values are accumulators of
// m16n8k16; the weights of 16 keys, rounded to the elements' type, are the left
// operand of the products with values without leaving their thread. The sum of
// weights is that of the float32 ones.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

namespace {

/// Rows of a warp, columns of an accumulator, depth of a product.
constexpr int64_t kRows = 16, kColumns = 8, kDepth = 16;
/// Elements of a copy of queries and of padding.
constexpr int64_t kChunk = 4;
constexpr int64_t kElementBytes = 2;

/// Rows of shared memory, as wide as whole fragments, one unit of 16 bytes
/// apart modulo 128, as ldmatrix reads them without conflicts.
struct Rows {
  Rows(int64_t size, int64_t count, int64_t offset)
      : size(size), padded(llvm::alignTo(size, kDepth)), count(count),
        offset(offset), bytes(size * kElementBytes),
        unit(bytes % 16 == 0 ? 16 : 8), pitch(padded * kElementBytes + 16) {}
  int64_t size, padded, count, offset;
  int64_t bytes, unit, pitch; // as emitCopyRows takes them
  int64_t getEnd() const { return offset + count * pitch; }
};

struct Layout {
  Layout(const AttentionSpec &spec, const AttentionTile &tile)
      : queries(spec.size, tile.rows, 0),
        keys(spec.size, tile.keys, queries.getEnd()),
        values(spec.valueSize, tile.keys, keys.getEnd()) {}
  Rows queries, keys, values;
};

class MmaKernel {
public:
  MmaKernel(KernelBuilder &b, const AttentionSpec &spec,
            const AttentionTile &tile, ValueRange parameters)
      : b(b), spec(spec), tile(tile), layout(spec, tile),
        op(AttentionOperands::fromParameters(b, spec, parameters)),
        columns(layout.values.padded / kColumns) {}
  void emit();

private:
  void locate();
  void clearPadding(const Rows &rows);
  void loadQueries();
  void copyRows(const Rows &rows, Value source, Value stride, Value first);
  Value getFragment(const Rows &rows, Value row, Value column);
  SmallVector<Value> computeScores();
  SmallVector<Value> addValues(ArrayRef<Value> weights, ArrayRef<Value> sums);
  SmallVector<Value> emitTile(Value first, ValueRange carried);
  void storeRows(ValueRange carried);
  Value packPair(Value low, Value high);

  KernelBuilder &b;
  const AttentionSpec &spec;
  const AttentionTile &tile;
  const Layout layout;
  const AttentionOperands op;
  const int64_t columns; // accumulators of a row of values

  AttentionBlock block;
  // Row lane / 4 of the warp, and the one 8 behind it.
  AttentionRow row[2];
  Value lane, quad, shared, keySource, valueSource;
  Value query, key, value; // what a lane passes to ldmatrix first
};

Value MmaKernel::packPair(Value low, Value high) {
  SmallVector<Value> pair = {b.convert(spec.element, low),
                             b.convert(spec.element, high)};
  return b.bitcast(b.getI32Type(), b.pack(pair));
}

Value MmaKernel::getFragment(const Rows &rows, Value row, Value column) {
  Value at = b.add(b.mul(row, rows.pitch), b.mul(column, kElementBytes));
  return b.atByte(b.atByte(shared, rows.offset), at);
}

void MmaKernel::locate() {
  block = emitAttentionBlock(b, spec, op, tile);
  lane = b.laneId();
  quad = b.bitAnd(lane, 3);
  shared = b.dynamicShared();
  Value warpRow = b.mul(b.warpId(), kRows);
  for (int64_t i = 0; i < 2; ++i) {
    Value own = b.add(b.add(warpRow, b.shiftRight(lane, 2)), i * 8);
    row[i] = emitAttentionRow(b, spec, op, block, b.add(block.firstRow, own));
  }
  Value zero = b.i32(0);
  keySource = emitRowAddress(b, op.k, spec.element, op.kStrides, block.batch,
                             block.keyHead, zero);
  valueSource = emitRowAddress(b, op.v, spec.element, op.vStrides, block.batch,
                               block.keyHead, zero);
  // Matrix lane / 8 of a fragment, row lane % 8. Queries and, transposed,
  // values go down first, keys along.
  Value low = b.bitAnd(lane, 15), high = b.mul(b.shiftRight(lane, 4), 8);
  query = getFragment(layout.queries, b.add(warpRow, low), high);
  value = getFragment(layout.values, low, high);
  key = getFragment(layout.keys, b.add(high, b.bitAnd(lane, 7)),
                    b.bitAnd(lane, 8));
}

/// Columns behind the last are zeros.
void MmaKernel::clearPadding(const Rows &rows) {
  int64_t chunks = (rows.padded - rows.size) / kChunk;
  if (chunks == 0)
    return;
  Value zeros = b.real(b.vectorType(kChunk, spec.element), 0);
  b.forEach(b.threadId(), b.i32(rows.count * chunks), kAttentionThreads,
            [&](Value i) {
              Value column = b.add(b.mul(b.rem(i, chunks), kChunk), rows.size);
              b.store(zeros, getFragment(rows, b.div(i, chunks), column), 8);
            });
}

void MmaKernel::loadQueries() {
  int64_t chunks = spec.size / kChunk;
  Type type = b.vectorType(kChunk, spec.element);
  b.forEach(
      b.threadId(), b.i32(tile.rows * chunks), kAttentionThreads, [&](Value i) {
        Value at = b.div(i, chunks), column = b.mul(b.rem(i, chunks), kChunk);
        AttentionRow query =
            emitAttentionRow(b, spec, op, block, b.add(block.firstRow, at));
        Value source = emitRowAddress(b, op.q, spec.element, op.qStrides,
                                      block.batch, query.head, query.query);
        Value loaded = b.load(type, b.at(source, spec.element, column), 8);
        b.store(loaded, getFragment(layout.queries, at, column), 8);
      });
}

void MmaKernel::copyRows(const Rows &rows, Value source, Value stride,
                         Value first) {
  emitCopyRows(b, b.atByte(shared, rows.offset), source, stride, first,
               block.end, rows.count, rows.bytes, rows.unit, rows.pitch,
               kElementBytes);
  b.commitCopies();
}

/// q k^T of the warp's rows and the tile: an accumulator for 8 keys each.
SmallVector<Value> MmaKernel::computeScores() {
  SmallVector<Value> zeros(tile.keys / kColumns * 4, b.f32(0));
  return b.fold(b.i32(0), b.i32(layout.keys.padded), kDepth, zeros,
                [&](Value at, ValueRange sums) {
                  SmallVector<Value> next(sums);
                  Value offset = b.mul(at, kElementBytes);
                  SmallVector<Value> q =
                      b.loadMatrices(b.atByte(query, offset), 4);
                  for (int64_t n = 0; n < tile.keys / kColumns; n += 2) {
                    Value from = b.atByte(b.atByte(key, offset),
                                          n * kColumns * layout.keys.pitch);
                    SmallVector<Value> k = b.loadMatrices(from, 4);
                    for (int64_t i = 0; i < 2; ++i) {
                      MutableArrayRef<Value> sum =
                          MutableArrayRef<Value>(next).slice((n + i) * 4, 4);
                      llvm::copy(b.mma(spec.element, q,
                                       ValueRange(k).slice(2 * i, 2), sum),
                                 sum.begin());
                    }
                  }
                  return next;
                });
}

SmallVector<Value> MmaKernel::addValues(ArrayRef<Value> weights,
                                        ArrayRef<Value> sums) {
  SmallVector<Value> next(sums);
  for (int64_t step = 0; step < tile.keys / kDepth; ++step) {
    // Two accumulators of scores, side by side.
    ArrayRef<Value> own = weights.slice(step * 8, 8);
    SmallVector<Value> p;
    for (int64_t i = 0; i < 8; i += 2)
      p.push_back(packPair(own[i], own[i + 1]));
    for (int64_t n = 0; n < columns; n += 2) {
      int64_t at =
          step * kDepth * layout.values.pitch + n * kColumns * kElementBytes;
      SmallVector<Value> v =
          b.loadMatrices(b.atByte(value, at), 4, /*transposed=*/true);
      for (int64_t i = 0; i < 2; ++i) {
        MutableArrayRef<Value> sum =
            MutableArrayRef<Value>(next).slice((n + i) * 4, 4);
        llvm::copy(b.mma(spec.element, p, ValueRange(v).slice(2 * i, 2), sum),
                   sum.begin());
      }
    }
  }
  return next;
}

/// One tile of keys; carried: largest and sum of both rows, then accumulators.
SmallVector<Value> MmaKernel::emitTile(Value first, ValueRange carried) {
  b.waitCopies(0);
  b.barrier();
  copyRows(layout.values, valueSource, op.vStrides[2], first);
  SmallVector<Value> scores = computeScores();
  SmallVector<Value> next(carried);
  MutableArrayRef<Value> sums = MutableArrayRef<Value>(next).drop_front(4);
  Value column = b.add(first, b.mul(quad, 2));
  for (int64_t i = 0; i < 2; ++i) {
    // Registers 0 and 1 of an accumulator are of the first row, 2 and 3 of the
    // second one.
    auto isOwn = [&](int64_t r) { return r / 2 % 2 == i; };
    SmallVector<Value> own;
    for (auto [r, score] : llvm::enumerate(scores))
      if (isOwn(r))
        own.push_back(emitScore(b, spec, op, block, row[i], score,
                                b.add(column, r / 4 * kColumns + r % 2)));
    RowState state = {carried[2 * i], carried[2 * i + 1]};
    Value factor = emitSoftmaxStep(b, tile.lanes, state, own);
    next[2 * i] = state.largest;
    next[2 * i + 1] = state.sum;
    const Value *weight = own.begin();
    for (auto [r, score] : llvm::enumerate(scores))
      if (isOwn(r))
        score = *weight++;
    for (auto [r, sum] : llvm::enumerate(sums))
      if (isOwn(r))
        sum = b.mulF(sum, factor);
  }
  b.waitCopies(0);
  b.barrier();
  Value following = b.add(first, tile.keys);
  b.when(b.less(following, block.end),
         [&] { copyRows(layout.keys, keySource, op.kStrides[2], following); });
  llvm::copy(addValues(scores, sums), sums.begin());
  return next;
}

void MmaKernel::storeRows(ValueRange carried) {
  auto store = [&](Value to, Type element, ArrayRef<Value> values) {
    unsigned alignment = 2 * element.getIntOrFloatBitWidth() / 8;
    for (int64_t n = 0; n * kColumns < spec.valueSize; ++n) {
      Value column = b.add(b.mul(quad, 2), n * kColumns);
      SmallVector<Value> pair = {b.convert(element, values[2 * n]),
                                 b.convert(element, values[2 * n + 1])};
      auto storePair = [&] {
        b.store(b.pack(pair), b.at(to, element, column), alignment);
      };
      if ((n + 1) * kColumns <= spec.valueSize)
        storePair();
      else
        b.when(b.less(column, spec.valueSize), storePair);
    }
  };
  for (int64_t i = 0; i < 2; ++i) {
    SmallVector<Value> values;
    for (int64_t n = 0; n < columns; ++n)
      llvm::append_range(values, carried.slice(4 + n * 4 + 2 * i, 2));
    emitStoreRow(b, spec, op, block, row[i], tile.lanes, quad,
                 {carried[2 * i], carried[2 * i + 1]}, values, store);
  }
}

void MmaKernel::emit() {
  locate();
  clearPadding(layout.queries);
  clearPadding(layout.keys);
  clearPadding(layout.values);
  loadQueries();
  b.when(b.less(block.begin, block.end), [&] {
    copyRows(layout.keys, keySource, op.kStrides[2], block.begin);
  });
  SmallVector<Value> init = {emitLowest(b), b.f32(0), emitLowest(b), b.f32(0)};
  init.append(columns * 4, b.f32(0));
  storeRows(b.fold(block.begin, block.end, tile.keys, init,
                   [&](Value first, ValueRange carried) {
                     return emitTile(first, carried);
                   }));
}

} // namespace

void mlir::moe::gpu::emitAttentionMma(Emitter e, const AttentionSpec &spec,
                                      const AttentionTile &tile,
                                      ArrayRef<Value> operands,
                                      ArrayRef<Value> grid) {
  Launch launch;
  launch.name = "attention_" + getAttentionName(spec) + "_mma" +
                std::to_string(tile.rows) + "x" + std::to_string(tile.keys);
  launch.threads = kAttentionThreads;
  llvm::copy(grid, launch.grid);
  launch.sharedBytes = Layout(spec, tile).values.getEnd();
  assert(launch.sharedBytes <= kSharedBytes80 && "a tile is too large");
  launch.operands.assign(operands.begin(), operands.end());
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    MmaKernel(b, spec, tile, parameters).emit();
  });
}
