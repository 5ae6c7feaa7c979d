//===- AttentionFma.cpp - Attention in exact float32 ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `lanes` neighbouring threads share rows: thread (group, lane) computes rows
// group + i * groups. Of the scores it has keys lane + i * lanes, of the values
// chunks of four columns, likewise. Weights change hands through shared memory.
// While a tile's scores are computed its values are on their way, and while
// these are added up the next keys.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

namespace {

/// Columns of a thread's chunk of values or queries: 16 bytes of float32.
constexpr int64_t kChunk = 4;

/// Bytes of rows of shared memory that lanes read at the same column without
/// conflict: an odd number of units.
int64_t getPitch(int64_t bytes, int64_t unit) {
  int64_t units = bytes / unit;
  return (units % 2 ? units : units + 1) * unit;
}

/// Sizes and places of what is in shared memory.
struct Layout {
  Layout(const AttentionSpec &spec, const AttentionTile &tile);
  int64_t elementBytes;
  int64_t keyBytes, keyUnit, keyPitch;
  int64_t valueBytes, valueUnit, valuePitch;
  int64_t queryPitch, weightPitch; // float32
  int64_t keys, values, weights;   // offsets; the queries are at 0
  int64_t bytes;                   // of everything
};

Layout::Layout(const AttentionSpec &spec, const AttentionTile &tile) {
  elementBytes = spec.element.getIntOrFloatBitWidth() / 8;
  auto place = [&](int64_t size, int64_t &bytes, int64_t &unit,
                   int64_t &pitch) {
    bytes = size * elementBytes;
    unit = bytes % 16 == 0 ? 16 : 8;
    pitch = getPitch(bytes, unit);
  };
  place(spec.size, keyBytes, keyUnit, keyPitch);
  place(spec.valueSize, valueBytes, valueUnit, valuePitch);
  queryPitch = getPitch(spec.size * 4, 16);
  weightPitch = getPitch(tile.keys * 4, 16);
  keys = tile.rows * queryPitch;
  values = llvm::alignTo(keys + tile.keys * keyPitch, 16);
  weights = llvm::alignTo(values + tile.keys * valuePitch, 16);
  bytes = weights + tile.rows * weightPitch;
}

class FmaKernel {
public:
  FmaKernel(KernelBuilder &b, const AttentionSpec &spec,
            const AttentionTile &tile, ValueRange parameters)
      : b(b), spec(spec), tile(tile), layout(spec, tile),
        op(AttentionOperands::fromParameters(b, spec, parameters)),
        groups(kAttentionThreads / tile.lanes), rows(tile.rows / groups),
        keys(tile.keys / tile.lanes), columns(spec.valueSize / kChunk),
        chunks(llvm::divideCeil(columns, tile.lanes)) {}
  void emit();

private:
  void locate();
  void loadQueries();
  void copyKeys(Value first);
  void copyValues(Value first);
  SmallVector<Value> computeScores();
  void storeWeights(ArrayRef<Value> weights);
  SmallVector<Value> addValues(ValueRange sums);
  SmallVector<Value> emitTile(Value first, ValueRange carried);
  void storeRows(ValueRange carried);
  SmallVector<Value> loadFloats(Value pointer, Type element, int64_t count);
  Value getColumn(int64_t chunk);

  KernelBuilder &b;
  const AttentionSpec &spec;
  const AttentionTile &tile;
  const Layout layout;
  const AttentionOperands op;
  const int64_t groups;  // threads in front of rows
  const int64_t rows;    // of a thread
  const int64_t keys;    // of a thread, in a tile
  const int64_t columns; // chunks of a row of values
  const int64_t chunks;  // of a thread; some may be none of the row's

  AttentionBlock block;
  SmallVector<AttentionRow> row;
  Value lane, group, shared, keySource, valueSource;
};

SmallVector<Value> FmaKernel::loadFloats(Value pointer, Type element,
                                         int64_t count) {
  unsigned alignment = count * element.getIntOrFloatBitWidth() / 8;
  Value loaded = b.load(b.vectorType(count, element), pointer, alignment);
  SmallVector<Value> floats;
  for (int64_t i = 0; i < count; ++i)
    floats.push_back(b.convert(b.getF32Type(), b.extract(loaded, i)));
  return floats;
}

void FmaKernel::locate() {
  block = emitAttentionBlock(b, spec, op, tile);
  Value thread = b.threadId();
  lane = b.bitAnd(thread, tile.lanes - 1);
  group = b.div(thread, tile.lanes);
  for (int64_t i = 0; i < rows; ++i)
    row.push_back(emitAttentionRow(
        b, spec, op, block, b.add(block.firstRow, b.add(group, i * groups))));
  shared = b.dynamicShared();
  Value zero = b.i32(0);
  keySource = emitRowAddress(b, op.k, spec.element, op.kStrides, block.batch,
                             block.keyHead, zero);
  valueSource = emitRowAddress(b, op.v, spec.element, op.vStrides, block.batch,
                               block.keyHead, zero);
}

void FmaKernel::loadQueries() {
  int64_t chunks = spec.size / kChunk;
  b.forEach(
      b.threadId(), b.i32(tile.rows * chunks), kAttentionThreads, [&](Value i) {
        Value at = b.div(i, chunks), column = b.mul(b.rem(i, chunks), kChunk);
        AttentionRow query =
            emitAttentionRow(b, spec, op, block, b.add(block.firstRow, at));
        Value source = emitRowAddress(b, op.q, spec.element, op.qStrides,
                                      block.batch, query.head, query.query);
        SmallVector<Value> floats = loadFloats(
            b.at(source, spec.element, column), spec.element, kChunk);
        Value target = b.atByte(shared, b.mul(at, layout.queryPitch));
        b.store(b.pack(floats), b.at(target, b.getF32Type(), column), 16);
      });
}

void FmaKernel::copyKeys(Value first) {
  emitCopyRows(b, b.atByte(shared, layout.keys), keySource, op.kStrides[2],
               first, block.end, tile.keys, layout.keyBytes, layout.keyUnit,
               layout.keyPitch, layout.elementBytes);
  b.commitCopies();
}

void FmaKernel::copyValues(Value first) {
  emitCopyRows(b, b.atByte(shared, layout.values), valueSource, op.vStrides[2],
               first, block.end, tile.keys, layout.valueBytes, layout.valueUnit,
               layout.valuePitch, layout.elementBytes);
  b.commitCopies();
}

/// Dot products of the thread's rows and keys: rows first.
SmallVector<Value> FmaKernel::computeScores() {
  int64_t step = layout.keyUnit / layout.elementBytes;
  Value query = b.atByte(shared, b.mul(group, layout.queryPitch));
  Value key =
      b.atByte(b.atByte(shared, layout.keys), b.mul(lane, layout.keyPitch));
  SmallVector<Value> zeros(rows * keys, b.f32(0));
  return b.fold(
      b.i32(0), b.i32(spec.size), step, zeros, [&](Value at, ValueRange sums) {
        SmallVector<Value> next(sums);
        SmallVector<SmallVector<Value>> q(rows);
        for (int64_t i = 0; i < rows; ++i) {
          Value from = b.at(b.atByte(query, i * groups * layout.queryPitch),
                            b.getF32Type(), at);
          for (int64_t c = 0; c < step; c += kChunk)
            q[i].append(loadFloats(b.at(from, b.getF32Type(), c),
                                   b.getF32Type(), kChunk));
        }
        for (int64_t j = 0; j < keys; ++j) {
          Value from = b.at(b.atByte(key, j * tile.lanes * layout.keyPitch),
                            spec.element, at);
          SmallVector<Value> k = loadFloats(from, spec.element, step);
          for (int64_t i = 0; i < rows; ++i)
            for (int64_t c = 0; c < step; ++c)
              next[i * keys + j] = b.fma(q[i][c], k[c], next[i * keys + j]);
        }
        return next;
      });
}

void FmaKernel::storeWeights(ArrayRef<Value> weights) {
  Value to = b.atByte(b.atByte(shared, layout.weights),
                      b.mul(group, layout.weightPitch));
  to = b.at(to, b.getF32Type(), lane);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < keys; ++j)
      b.store(weights[i * keys + j],
              b.at(b.atByte(to, i * groups * layout.weightPitch),
                   b.getF32Type(), j * tile.lanes));
}

/// The first column of a thread's chunk; the row's first for what is behind it.
Value FmaKernel::getColumn(int64_t chunk) {
  Value number = b.add(lane, chunk * tile.lanes);
  if ((chunk + 1) * tile.lanes > columns)
    number = b.select(b.less(number, columns), number, b.i32(0));
  return b.mul(number, kChunk);
}

/// sums[row][column] += weights * values of the tile.
SmallVector<Value> FmaKernel::addValues(ValueRange sums) {
  Value weight = b.atByte(b.atByte(shared, layout.weights),
                          b.mul(group, layout.weightPitch));
  SmallVector<Value> value;
  for (int64_t j = 0; j < chunks; ++j)
    value.push_back(
        b.at(b.atByte(shared, layout.values), spec.element, getColumn(j)));
  return b.fold(
      b.i32(0), b.i32(tile.keys), kChunk, sums, [&](Value at, ValueRange sums) {
        SmallVector<Value> next(sums);
        SmallVector<SmallVector<Value>> p(rows);
        for (int64_t i = 0; i < rows; ++i)
          p[i] =
              loadFloats(b.at(b.atByte(weight, i * groups * layout.weightPitch),
                              b.getF32Type(), at),
                         b.getF32Type(), kChunk);
        Value offset = b.mul(at, layout.valuePitch);
        for (int64_t key = 0; key < kChunk; ++key)
          for (int64_t j = 0; j < chunks; ++j) {
            Value from =
                b.atByte(b.atByte(value[j], offset), key * layout.valuePitch);
            SmallVector<Value> v = loadFloats(from, spec.element, kChunk);
            for (int64_t i = 0; i < rows; ++i)
              for (int64_t c = 0; c < kChunk; ++c) {
                Value &sum = next[(i * chunks + j) * kChunk + c];
                sum = b.fma(p[i][key], v[c], sum);
              }
          }
        return next;
      });
}

/// One tile of keys; carried: largest and sum of each row, then the sums.
SmallVector<Value> FmaKernel::emitTile(Value first, ValueRange carried) {
  b.waitCopies(0);
  b.barrier();
  copyValues(first);
  SmallVector<Value> scores = computeScores();
  SmallVector<Value> next(carried);
  for (int64_t i = 0; i < rows; ++i) {
    MutableArrayRef<Value> own =
        MutableArrayRef<Value>(scores).slice(i * keys, keys);
    for (auto [j, score] : llvm::enumerate(own))
      score = emitScore(b, spec, op, block, row[i], score,
                        b.add(b.add(first, lane), j * tile.lanes));
    RowState state = {carried[2 * i], carried[2 * i + 1]};
    Value factor = emitSoftmaxStep(b, tile.lanes, state, own);
    next[2 * i] = state.largest;
    next[2 * i + 1] = state.sum;
    for (int64_t c = 0; c < chunks * kChunk; ++c) {
      Value &sum = next[2 * rows + i * chunks * kChunk + c];
      sum = b.mulF(sum, factor);
    }
  }
  storeWeights(scores);
  b.waitCopies(0);
  b.barrier();
  Value following = b.add(first, tile.keys);
  b.when(b.less(following, block.end), [&] { copyKeys(following); });
  SmallVector<Value> sums = addValues(ValueRange(next).drop_front(2 * rows));
  llvm::copy(sums, next.begin() + 2 * rows);
  return next;
}

void FmaKernel::storeRows(ValueRange carried) {
  auto store = [&](Value to, Type element, ArrayRef<Value> columns) {
    unsigned alignment = kChunk * element.getIntOrFloatBitWidth() / 8;
    for (int64_t j = 0; j < chunks; ++j) {
      SmallVector<Value> chunk;
      for (Value value : columns.slice(j * kChunk, kChunk))
        chunk.push_back(b.convert(element, value));
      Value number = b.add(lane, j * tile.lanes);
      b.when(b.less(number, this->columns), [&] {
        b.store(b.pack(chunk), b.at(to, element, b.mul(number, kChunk)),
                alignment);
      });
    }
  };
  for (int64_t i = 0; i < rows; ++i) {
    SmallVector<Value> values(carried.drop_front(2 * rows + i * chunks * kChunk)
                                  .take_front(chunks * kChunk));
    emitStoreRow(b, spec, op, block, row[i], tile.lanes, lane,
                 {carried[2 * i], carried[2 * i + 1]}, values, store);
  }
}

void FmaKernel::emit() {
  locate();
  loadQueries();
  b.when(b.less(block.begin, block.end), [&] { copyKeys(block.begin); });
  SmallVector<Value> init;
  for (int64_t i = 0; i < rows; ++i)
    init.append({emitLowest(b), b.f32(0)});
  init.append(rows * chunks * kChunk, b.f32(0));
  storeRows(b.fold(block.begin, block.end, tile.keys, init,
                   [&](Value first, ValueRange carried) {
                     return emitTile(first, carried);
                   }));
}

} // namespace

void mlir::moe::gpu::emitAttentionFma(Emitter e, const AttentionSpec &spec,
                                      const AttentionTile &tile,
                                      ArrayRef<Value> operands,
                                      ArrayRef<Value> grid) {
  Launch launch;
  launch.name = "attention_" + getAttentionName(spec) + "_" +
                std::to_string(tile.rows) + "x" + std::to_string(tile.keys);
  launch.threads = kAttentionThreads;
  llvm::copy(grid, launch.grid);
  launch.sharedBytes = Layout(spec, tile).bytes;
  assert(launch.sharedBytes <= kSharedBytes80 && "a tile is too large");
  launch.operands.assign(operands.begin(), operands.end());
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    FmaKernel(b, spec, tile, parameters).emit();
  });
}
