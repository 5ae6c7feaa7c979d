//===- Combine.cpp - Rows to and from tokens ------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// Elements that a thread reads and writes at once: 16 bytes when rows are
/// whole multiples of that.
static int64_t getLanes(int64_t columns, int64_t elementBytes) {
  int64_t lanes = 16 / elementBytes;
  return columns % lanes == 0 ? lanes : 1;
}

/// Choices whose rows are read at once, to hide the latency of the reads.
static constexpr int64_t kChoicesAtOnce = 8;

/// sum + weights[j] * rows[rowOf[j]][column] for some choices from `first` on.
static Value emitWeightedRows(KernelBuilder &b, VectorType type, int64_t hidden,
                              ValueRange parameters, Value choice,
                              int64_t choices, Value column, Value sum) {
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  SmallVector<Value> chosen, values, weights;
  for (int64_t j = 0; j < choices; ++j) {
    Value index = b.add(choice, j);
    Value row = b.load(i32, b.at(parameters[1], i32, index));
    chosen.push_back(b.compare(arith::CmpIPredicate::sge, row, b.i32(0)));
    weights.push_back(b.load(f32, b.at(parameters[2], f32, index)));
    auto load = [&]() -> SmallVector<Value> {
      Value element = b.add(b.mul(b.toI64(row), hidden), b.toI64(column));
      return {b.load(type, b.at(parameters[0], f32, element),
                     4 * type.getNumElements())};
    };
    auto none = [&]() -> SmallVector<Value> { return {b.real(type, 0.0)}; };
    values.push_back(
        b.choose(chosen.back(), TypeRange(type), load, none).front());
  }
  for (int64_t j = 0; j < choices; ++j) {
    SmallVector<Value> lanes(type.getNumElements(), weights[j]);
    sum = b.select(chosen[j], b.fma(b.pack(lanes), values[j], sum), sum);
  }
  return sum;
}

void mlir::moe::gpu::emitCombine(Emitter e, int64_t hidden, int64_t k,
                                 Value rowData, Value rowOf, Value weights,
                                 Value out, Value tokens) {
  int64_t lanes = getLanes(hidden, 4);
  Launch launch;
  launch.name = ("combine_" + Twine(hidden) + "_k" + Twine(k)).str();
  launch.threads = 128;
  launch.grid[0] = tokens;
  launch.grid[1] = emitIndex(
      e,
      llvm::divideCeil(hidden, static_cast<int64_t>(launch.threads * lanes)));
  launch.operands = {rowData, rowOf, weights, out};
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    VectorType type = b.vectorType(lanes, b.getF32Type());
    Value thread = b.add(b.mul(b.blockY(), launch.threads), b.threadId());
    Value column = b.mul(thread, lanes);
    Value token = b.toI64(b.blockX());
    b.when(b.less(column, hidden), [&] {
      Value first = b.mul(token, k);
      Value sum = b.real(type, 0.0);
      int64_t whole = k / kChoicesAtOnce * kChoicesAtOnce;
      if (whole > 0)
        sum = b.fold(b.i64(0), b.i64(whole), kChoicesAtOnce, sum,
                     [&](Value j, ValueRange sums) -> SmallVector<Value> {
                       return {emitWeightedRows(b, type, hidden, parameters,
                                                b.add(first, j), kChoicesAtOnce,
                                                column, sums[0])};
                     })
                  .front();
      if (k > whole)
        sum = emitWeightedRows(b, type, hidden, parameters, b.add(first, whole),
                               k - whole, column, sum);
      Value element = b.add(b.mul(token, hidden), b.toI64(column));
      b.store(sum, b.at(parameters[3], b.getF32Type(), element), 4 * lanes);
    });
  });
}

void mlir::moe::gpu::emitConvertRows(Emitter e, Value from, Value to,
                                     Value rows) {
  auto fromType = cast<MemRefType>(from.getType());
  auto toType = cast<MemRefType>(to.getType());
  Type source = fromType.getElementType(), target = toType.getElementType();
  int64_t columns = fromType.getDimSize(1), stride = toType.getDimSize(1);
  constexpr int64_t kElements = 8; // of a row, for each thread
  int64_t lanes = getLanes(columns, source.getIntOrFloatBitWidth() / 8);
  int64_t pieces = stride / kElements;
  Launch launch;
  launch.name = ("convert_" + getTypeName(source) + "_" + Twine(columns) +
                 "_to_" + getTypeName(target) + "_" + Twine(stride))
                    .str();
  launch.threads = 128;
  Value count = emitMul(e, rows, pieces);
  launch.grid[0] = emitCeilDiv(e, count, launch.threads);
  launch.operands = {from, to, count};
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    Value piece = b.add(b.mul(b.toI64(b.blockX()), launch.threads),
                        b.toI64(b.threadId()));
    b.when(b.less(piece, parameters[2]), [&] {
      Value row = b.div(piece, pieces);
      Value column = b.toI32(b.mul(b.rem(piece, pieces), kElements));
      Value pointer = b.at(parameters[0], source,
                           b.add(b.mul(row, columns), b.toI64(column)));
      VectorType type = b.vectorType(lanes, source);
      SmallVector<Value> elements;
      for (int64_t i = 0; i < kElements; i += lanes) {
        auto load = [&]() -> SmallVector<Value> {
          return {b.load(type, b.at(pointer, source, i),
                         lanes * source.getIntOrFloatBitWidth() / 8)};
        };
        auto none = [&]() -> SmallVector<Value> { return {b.real(type, 0.0)}; };
        Value inside = b.less(b.add(column, i), columns);
        Value vector = b.choose(inside, TypeRange(type), load, none).front();
        for (int64_t lane = 0; lane < lanes; ++lane)
          elements.push_back(b.convert(target, b.extract(vector, lane)));
      }
      Value start = b.at(parameters[1], target, b.mul(piece, kElements));
      int64_t atOnce = 16 / (target.getIntOrFloatBitWidth() / 8);
      for (int64_t i = 0; i < kElements; i += atOnce)
        b.store(b.pack(ArrayRef(elements).slice(i, atOnce)),
                b.at(start, target, i), 16);
    });
  });
}
