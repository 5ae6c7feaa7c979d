//===- Gemm.cpp - Rows times a packed weight ------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MicroKernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/CodeGen/CPU/Kernels.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;
using packed::kPanelColumns;

/// Stores a tile to rows of C, of which `valid` columns from the panel's first
/// on exist.
static void storeTile(KernelBuilder &b, const Schedule &schedule,
                      const Tile &tile, ArrayRef<Value> rows, Value valid) {
  auto storeAll = [&](llvm::function_ref<void(Value, Value, int64_t)> store) {
    for (auto [row, pointer] : llvm::enumerate(rows))
      for (auto [i, offset] : llvm::enumerate(tile.offsets))
        store(tile.getSum(row, i), b.at(pointer, offset), i);
  };
  auto storePlain = [&] {
    storeAll([&](Value sum, Value pointer, int64_t) { b.store(sum, pointer); });
  };
  auto storeMasked = [&] {
    auto columns = b.vectorType(schedule.lanes, b.getI32Type());
    SmallVector<Value> masks;
    for (int64_t offset : tile.offsets) {
      SmallVector<int32_t> numbers;
      for (int64_t lane = 0; lane < schedule.lanes; ++lane)
        numbers.push_back(offset + lane);
      Value number = arith::ConstantOp::create(
          b, columns, DenseIntElementsAttr::get(columns, numbers));
      Value limit = vector::BroadcastOp::create(b, columns,
                                                b.cast(b.getI32Type(), valid));
      masks.push_back(b.compare(arith::CmpIPredicate::slt, number, limit));
    }
    storeAll([&](Value sum, Value pointer, int64_t i) {
      LLVM::MaskedStoreOp::create(b, sum, pointer, masks[i], 4u);
    });
  };
  Value whole =
      b.compare(arith::CmpIPredicate::uge, valid, b.index(kPanelColumns));
  b.when(whole, storePlain, storeMasked);
}

func::FuncOp mlir::moe::cpu::getGemmKernel(ModuleOp module,
                                           const Schedule &schedule, int64_t k,
                                           int64_t n) {
  OpBuilder types(module.getContext());
  Type f32 = types.getF32Type();
  constexpr int64_t dynamic = ShapedType::kDynamic;
  SmallVector<Type> inputs = {
      MemRefType::get({dynamic, k}, f32),
      MemRefType::get({packed::getPackedElements(k, n)}, f32),
      MemRefType::get({dynamic, n}, f32)};
  std::string name = ("gemm_f32_" + Twine(k) + "x" + Twine(n)).str();

  // (a, panel, k, c, n, valid)
  auto makeMicro = [&](KernelBuilder &b, int64_t rows, ValueRange args) {
    Value a = args[0], panel = args[1], k = args[2], c = args[3], n = args[4];
    int64_t vectors = schedule.getVectorsPerPass(rows);
    for (int64_t first = 0; first < kPanelColumns;
         first += vectors * schedule.lanes) {
      SmallVector<int64_t> offsets;
      for (int64_t i = 0; i < vectors; ++i)
        offsets.push_back(first + i * schedule.lanes);
      Tile tile = emitTile(b, schedule, {rows, k, k, a, panel}, offsets);
      storeTile(b, schedule, tile, getRowPointers(b, c, n, rows), args[5]);
    }
  };

  return getOrCreateKernel(
      module, name, inputs, [&](KernelBuilder &b, ValueRange args) {
        Value rows = memref::DimOp::create(b, args[0], 0);
        Value a = b.pointer(args[0]), packed = b.pointer(args[1]);
        Value c = b.pointer(args[2]);
        Type i64 = b.getI64Type();
        emitPanelLoop(
            b, schedule, packed::getNumPanels(n), k, rows,
            [&](Value panel, Value row, Value count) {
              Value column = b.mul(panel, b.index(kPanelColumns));
              // The last panel may reach beyond C.
              Value valid = b.sub(b.index(n), column);
              SmallVector<Value> operands = {
                  b.at(a, b.mul(row, b.index(k))),
                  b.at(packed,
                       b.mul(panel, b.index(packed::getPanelElements(k)))),
                  b.integer(i64, k),
                  b.at(c, b.add(b.mul(row, b.index(n)), column)),
                  b.integer(i64, n),
                  valid};
              emitRowSwitch(b, module, schedule, "gemm_f32", count, operands,
                            makeMicro);
            });
      });
}
