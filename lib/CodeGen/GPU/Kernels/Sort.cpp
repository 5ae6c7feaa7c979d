//===- Sort.cpp - Rows by expert ------------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "TileKernels.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static constexpr int64_t kThreads = 256;

/// The bank's expert for an id of the routing, or -1 when it needs no row.
static Value emitBankExpert(KernelBuilder &b, ArrayRef<ExpertsOfKindAttr> kinds,
                            Value id) {
  Value expert = b.i32(-1);
  int64_t first = 0, bankFirst = 0;
  for (ExpertsOfKindAttr run : kinds) {
    if (run.getKind() == ExpertKind::FFN) {
      // Unsigned: ids below the run wrap around.
      Value inRun = b.sub(id, first);
      Value inside =
          b.compare(arith::CmpIPredicate::ult, inRun, b.i32(run.getCount()));
      expert = b.select(inside, b.add(inRun, bankFirst), expert);
      bankFirst += run.getCount();
    }
    first += run.getCount();
  }
  return expert;
}

namespace {

/// Writes the sort: every block counts the rows of all experts for itself, in
/// shared memory, and then places the rows of its own expert. That reads the
/// ids once per expert, from the second-level cache, but needs one launch and
/// no memory, and nothing depends on the order of blocks.
class Sorter {
public:
  Sorter(KernelBuilder &b, int64_t experts, int64_t k,
         ArrayRef<ExpertsOfKindAttr> kinds, ValueRange parameters)
      : b(b), experts(experts), k(k), kinds(kinds), ids(parameters[0]),
        counts(parameters[1]), offsets(parameters[2]), rowToken(parameters[3]),
        rowOf(parameters[4]), tiles(parameters[5]), i32(b.getI32Type()),
        tileRows(b.toI32(parameters[6])),
        choices(b.mul(b.toI32(parameters[7]), k)), thread(b.threadId()),
        expert(b.blockX()), histogram(b.staticShared(i32, experts)) {}

  void run() {
    count();
    findPlace();
    writeTiles();
    b.when(b.compare(arith::CmpIPredicate::ne, rows, b.i32(0)),
           [&] { scatter(); });
  }

private:
  void count();
  void findPlace();
  void writeTiles();
  void scatter();

  Value loadExpert(Value choice) {
    return emitBankExpert(b, kinds, b.load(i32, b.at(ids, i32, choice)));
  }
  Value tilesOf(Value count) {
    return b.div(b.add(count, b.sub(tileRows, 1)), tileRows);
  }

  KernelBuilder &b;
  int64_t experts, k;
  ArrayRef<ExpertsOfKindAttr> kinds;
  Value ids, counts, offsets, rowToken, rowOf, tiles;
  Type i32;
  Value tileRows, choices, thread, expert, histogram;
  Value rows, row, tile; // of this expert: their number, where they begin
};

} // namespace

/// histogram[x] = rows of expert x. Block 0 also marks choices without a row.
void Sorter::count() {
  b.forEach(thread, b.i32(experts), kThreads,
            [&](Value x) { b.store(b.i32(0), b.at(histogram, i32, x)); });
  b.barrier();
  b.forEach(thread, choices, kThreads, [&](Value choice) {
    Value x = loadExpert(choice);
    b.when(
        b.less(x, 0),
        [&] {
          b.when(b.equal(expert, 0),
                 [&] { b.store(b.i32(-1), b.at(rowOf, i32, choice)); });
        },
        [&] { b.atomicAdd(b.at(histogram, i32, x), b.i32(1)); });
  });
  b.barrier();
}

void Sorter::findPlace() {
  SmallVector<Value> before =
      b.fold(thread, expert, kThreads, {b.i32(0), b.i32(0)},
             [&](Value x, ValueRange sums) -> SmallVector<Value> {
               Value count = b.load(i32, b.at(histogram, i32, x));
               return {b.add(sums[0], count), b.add(sums[1], tilesOf(count))};
             });
  constexpr int64_t kWarps = kThreads / kWarpThreads;
  row = b.blockSum(before[0], kThreads, b.staticShared(i32, kWarps));
  tile = b.blockSum(before[1], kThreads, b.staticShared(i32, kWarps));
  rows = b.load(i32, b.at(histogram, i32, expert));
}

void Sorter::writeTiles() {
  Value ownTiles = tilesOf(rows);
  b.when(b.equal(thread, 0), [&] {
    b.store(rows, b.at(counts, i32, expert));
    b.store(row, b.at(offsets, i32, expert));
    b.when(b.equal(expert, experts - 1), [&] {
      b.store(b.add(row, rows), b.at(offsets, i32, experts));
      b.store(b.add(tile, ownTiles), tiles);
    });
  });
  b.forEach(thread, ownTiles, kThreads, [&](Value i) {
    Value entry = b.at(tiles, i32, b.add(b.shiftLeft(b.add(tile, i), 1), 1));
    b.store(expert, entry);
    b.store(b.mul(i, tileRows), b.at(entry, i32, 1));
  });
}

/// Places the expert's rows in the order of choices: in each round, a thread
/// looks at one choice and counts those in front of it.
void Sorter::scatter() {
  constexpr int64_t kWarps = kThreads / kWarpThreads;
  Value scratch = b.staticShared(i32, kWarps);
  Value lane = b.laneId(), warp = b.warpId();
  Value lower = b.sub(b.shiftLeft(b.i32(1), lane), 1);
  auto popCount = [&](Value bits) -> Value {
    return math::CtPopOp::create(b, bits);
  };
  b.fold(b.i32(0), choices, kThreads, row,
         [&](Value first, ValueRange next) -> SmallVector<Value> {
           Value choice = b.add(first, thread);
           auto load = [&]() -> SmallVector<Value> {
             return {loadExpert(choice)};
           };
           auto none = [&]() -> SmallVector<Value> { return {b.i32(-1)}; };
           Value x = b.choose(b.less(choice, choices), i32, load, none).front();
           Value own = b.equal(x, expert);
           Value bits = b.ballot(own);
           b.when(b.equal(lane, 0),
                  [&] { b.store(popCount(bits), b.at(scratch, i32, warp)); });
           b.barrier();
           Value place = b.add(next[0], popCount(b.bitAnd(bits, lower)));
           Value end = next[0];
           for (int64_t i = 0; i < kWarps; ++i) {
             Value count = b.load(i32, b.at(scratch, i32, i));
             Value inFront = b.less(b.i32(i), warp);
             place = b.add(place, b.select(inFront, count, b.i32(0)));
             end = b.add(end, count);
           }
           // The next round writes the scratch memory.
           b.barrier();
           b.when(own, [&] {
             b.store(b.div(choice, k), b.at(rowToken, i32, place));
             b.store(place, b.at(rowOf, i32, choice));
           });
           return {end};
         });
}

void mlir::moe::gpu::emitSort(Emitter e, const ExpertLayerSpec &spec,
                              ArrayRef<ExpertsOfKindAttr> kinds, Value ids,
                              const SortedRows &rows, Value tokens) {
  Launch launch;
  launch.name = ("sort_k" + Twine(spec.k)).str();
  for (ExpertsOfKindAttr run : kinds)
    launch.name +=
        ("_" + stringifyExpertKind(run.getKind()) + Twine(run.getCount()))
            .str();
  launch.threads = kThreads;
  launch.grid[0] = emitIndex(e, spec.experts);
  launch.operands = {ids,        rows.counts, rows.offsets,  rows.rowToken,
                     rows.rowOf, rows.tiles,  rows.tileRows, tokens};
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    Sorter(b, spec.experts, spec.k, kinds, parameters).run();
  });
}
