//===- Tiles.cpp - Tiles of sorted rows -----------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "TileKernels.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// Up to so many tokens, tiles have so many rows: the streaming kernels'.
static constexpr int64_t kStreamRows[] = {1, 4, 8};
/// With at most so many rows per expert on average, tiles have as many rows.
/// Below the balance of arithmetic and memory the rows that are missing in a
/// tile cost nothing, but a second tile of an expert reads its weights again.
static constexpr int64_t kTileRows[] = {16, 64, 128};

ArrayRef<int64_t> mlir::moe::gpu::getStreamRows() { return kStreamRows; }
ArrayRef<int64_t> mlir::moe::gpu::getTileRows() { return kTileRows; }

/// The first of `choices` that is at least `value`, or the last.
static Value emitAtLeast(Emitter e, ArrayRef<int64_t> choices, Value value) {
  Value result = emitIndex(e, choices.back());
  for (int64_t choice : llvm::reverse(choices.drop_back())) {
    Value fits = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ule, value,
                                       emitIndex(e, choice));
    result = arith::SelectOp::create(e.b, fits, emitIndex(e, choice), result);
  }
  return result;
}

Value mlir::moe::gpu::emitTileRows(Emitter e, Value rows, Value rowsOfTile) {
  Value few = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ule, rows,
                                    emitIndex(e, getStreamRows().back()));
  return arith::SelectOp::create(e.b, few,
                                 emitAtLeast(e, getStreamRows(), rows),
                                 emitAtLeast(e, getTileRows(), rowsOfTile));
}

Value mlir::moe::gpu::chooseTileRows(Emitter e, const ExpertLayerSpec &spec,
                                     Value tokens) {
  Value average = emitCeilDiv(e, emitMul(e, tokens, spec.k), spec.experts);
  return emitTileRows(e, tokens, average);
}

Value mlir::moe::gpu::emitTileBound(Emitter e, const ExpertLayerSpec &spec,
                                    Value tokens, Value tileRows) {
  // Each expert that has rows fills its last tile with at least one of them.
  Value rows = emitMul(e, tokens, spec.k);
  Value experts = arith::MinUIOp::create(e.b, rows, emitIndex(e, spec.experts));
  Value missing = e.b.createOrFold<arith::SubIOp>(tileRows, emitIndex(e, 1));
  Value filled = e.b.createOrFold<arith::AddIOp>(
      rows, e.b.createOrFold<arith::MulIOp>(experts, missing));
  return e.b.createOrFold<arith::DivUIOp>(filled, tileRows);
}

Value mlir::moe::gpu::getTilesSize(Emitter e, const ExpertLayerSpec &spec,
                                   Value tokens) {
  Value bound = emitTileBound(e, spec, tokens, chooseTileRows(e, spec, tokens));
  return e.b.createOrFold<arith::AddIOp>(emitMul(e, bound, 2), emitIndex(e, 1));
}

SmallVector<Value> mlir::moe::gpu::getTileOperands(const SortedRows &rows,
                                                   const Wave &wave) {
  return {rows.counts, rows.offsets, rows.tiles, wave.slotOf};
}

ExpertTile mlir::moe::gpu::loadTile(KernelBuilder &b, ValueRange parameters,
                                    Value index, int64_t tileRows) {
  Type i32 = b.getI32Type();
  Value counts = parameters[0], offsets = parameters[1], tiles = parameters[2];
  Value slotOf = parameters[3];
  Value none = b.i32(-1), zero = b.i32(0);
  SmallVector<Value> tile = b.choose(
      b.less(index, b.load(i32, tiles)), {i32, i32, i32},
      [&]() -> SmallVector<Value> {
        Value entry = b.at(tiles, i32, b.add(b.shiftLeft(index, 1), 1));
        Value expert = b.load(i32, entry);
        return {b.load(i32, b.at(slotOf, i32, expert)), expert,
                b.load(i32, b.at(entry, i32, 1))};
      },
      [&] {
        return SmallVector<Value>{none, zero, zero};
      });
  ExpertTile result;
  result.slot = tile[0];
  result.expert = tile[1];
  result.valid = b.compare(arith::CmpIPredicate::sge, result.slot, zero);
  SmallVector<Value> place = b.choose(
      result.valid, {i32, i32},
      [&]() -> SmallVector<Value> {
        Value offset = b.load(i32, b.at(offsets, i32, result.expert));
        Value count = b.load(i32, b.at(counts, i32, result.expert));
        return {b.add(offset, tile[2]),
                b.minS(b.sub(count, tile[2]), b.i32(tileRows))};
      },
      [&] {
        return SmallVector<Value>{zero, zero};
      });
  result.row = place[0];
  result.rows = place[1];
  return result;
}
