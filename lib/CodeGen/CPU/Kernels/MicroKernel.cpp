//===- MicroKernel.cpp - Row blocks times packed panels -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MicroKernel.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/Support/PackedLayout.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

SmallVector<Value> mlir::moe::cpu::getRowPointers(KernelBuilder &b, Value first,
                                                  Value stride, int64_t rows) {
  SmallVector<Value> pointers;
  for (int64_t row = 0; row < rows; ++row)
    pointers.push_back(
        row == 0 ? first
                 : b.at(first, b.mul(stride, b.integer(b.getI64Type(), row))));
  return pointers;
}

Tile mlir::moe::cpu::emitTile(KernelBuilder &b, const Schedule &schedule,
                              const TileSpec &spec, ArrayRef<int64_t> offsets) {
  VectorType type = b.vectorType(schedule.lanes);
  auto number = [&](int64_t value) { return b.integer(b.getI64Type(), value); };
  SmallVector<Value> rows =
      getRowPointers(b, spec.a, spec.rowStride, spec.rows);

  // One step of K, `ahead` of `k`.
  auto step = [&](Value k, Value record, int64_t ahead, ArrayRef<Value> sums) {
    SmallVector<Value> columns, next;
    for (int64_t offset : offsets)
      columns.push_back(
          b.load(type, b.at(record, ahead * packed::kPanelColumns + offset),
                 schedule.lanes * sizeof(float)));
    for (Value row : rows) {
      Value element = b.load(b.getF32Type(), b.at(b.at(row, k), ahead));
      Value broadcast = vector::BroadcastOp::create(b, type, element);
      for (Value column : columns)
        next.push_back(
            vector::FMAOp::create(b, broadcast, column, sums[next.size()]));
    }
    return next;
  };
  auto loop = [&](Value begin, Value end, int64_t unroll, ValueRange init) {
    return b.fold(begin, end, unroll, init, [&](Value k, ValueRange carried) {
      Value record = b.at(spec.panel, b.mul(k, number(packed::kPanelColumns)));
      SmallVector<Value> sums(carried);
      for (int64_t i = 0; i < unroll; ++i)
        sums = step(k, record, i, sums);
      return sums;
    });
  };

  Tile tile;
  tile.offsets.assign(offsets.begin(), offsets.end());
  tile.sums.assign(spec.rows * offsets.size(), b.real(type, 0.0));
  Value unrolled = b.sub(spec.k, b.rem(spec.k, number(schedule.unroll)));
  tile.sums = loop(number(0), unrolled, schedule.unroll, tile.sums);
  tile.sums = loop(unrolled, spec.k, 1, tile.sums);
  return tile;
}

void mlir::moe::cpu::emitPanelLoop(
    KernelBuilder &b, const Schedule &schedule, int64_t panels, int64_t k,
    Value rows, llvm::function_ref<void(Value, Value, Value)> body) {
  int64_t perItem = schedule.getPanelsPerItem(panels, k);
  int64_t groups = (panels + perItem - 1) / perItem;
  Value blocks = b.ceilDiv(rows, schedule.maxRows);
  Value rowGroups = b.ceilDiv(blocks, schedule.blocksPerItem);
  // Items of one group of panels follow each other: the panels are read once.
  b.parallel(b.mul(b.index(groups), rowGroups), /*grain=*/1, [&](Value item) {
    Value group = b.div(item, rowGroups);
    Value rowGroup = b.rem(item, rowGroups);
    Value firstBlock = b.div(b.mul(rowGroup, blocks), rowGroups);
    Value endBlock =
        b.div(b.mul(b.add(rowGroup, b.index(1)), blocks), rowGroups);
    Value firstPanel = b.mul(group, b.index(perItem));
    Value endPanel = arith::MinUIOp::create(
        b, b.add(firstPanel, b.index(perItem)), b.index(panels));
    b.forEach(firstPanel, endPanel, [&](Value panel) {
      b.forEach(firstBlock, endBlock, [&](Value block) {
        Value begin = b.div(b.mul(block, rows), blocks);
        Value end = b.div(b.mul(b.add(block, b.index(1)), rows), blocks);
        body(panel, begin, b.sub(end, begin));
      });
    });
  });
}

void mlir::moe::cpu::emitRowSwitch(
    KernelBuilder &b, ModuleOp module, const Schedule &schedule, StringRef name,
    Value rows, ValueRange operands,
    llvm::function_ref<void(KernelBuilder &, int64_t, ValueRange)> make) {
  SmallVector<int64_t> cases;
  for (int64_t count = 1; count <= schedule.maxRows; ++count)
    cases.push_back(count);
  auto choice = scf::IndexSwitchOp::create(b, TypeRange(), rows, cases,
                                           static_cast<unsigned>(cases.size()));
  KernelBuilder::InsertionGuard guard(b);
  for (auto &&[region, number] : llvm::zip(choice.getCaseRegions(), cases)) {
    int64_t count = number;
    std::string microName = (name + "_m" + Twine(count)).str();
    func::FuncOp micro =
        getOrCreateKernel(module, microName, operands.getTypes(),
                          [&](KernelBuilder &inner, ValueRange arguments) {
                            make(inner, count, arguments);
                          });
    // LLVM would inline a dozen large loops into each kernel.
    micro->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    b.setInsertionPointToStart(&region.emplaceBlock());
    func::CallOp::create(b, micro, operands);
    scf::YieldOp::create(b);
  }
  b.setInsertionPointToStart(&choice.getDefaultRegion().emplaceBlock());
  scf::YieldOp::create(b);
}
