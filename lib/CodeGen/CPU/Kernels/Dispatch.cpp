//===- Dispatch.cpp - Rows to experts and back ----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/CodeGen/CPU/Kernels.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

/// Floats moved that pay for handing rows to another thread.
static constexpr int64_t kFloatsPerItem = 16384;

static int64_t getRowGrain(int64_t floatsPerRow) {
  return std::max<int64_t>(1, kFloatsPerItem / floatsPerRow);
}

/// `ffn8_zero1_elsewhere2`: part of a dispatch kernel's name.
static std::string getKindsName(ArrayRef<ExpertsOfKindAttr> kinds) {
  std::string name;
  for (ExpertsOfKindAttr run : kinds)
    name += ("_" + stringifyExpertKind(run.getKind()) + Twine(run.getCount()))
                .str();
  return name;
}

/// The bank's expert for an id of the routing, or -1 when it needs no row.
static Value emitBankExpert(KernelBuilder &b, ArrayRef<ExpertsOfKindAttr> kinds,
                            Value id) {
  Type i32 = b.getI32Type();
  Value expert = b.integer(i32, -1);
  int64_t first = 0, bankFirst = 0;
  for (ExpertsOfKindAttr run : kinds) {
    if (run.getKind() == ExpertKind::FFN) {
      // Unsigned: ids below the run wrap around.
      Value inRun = b.sub(id, b.integer(i32, first));
      Value inside = b.compare(arith::CmpIPredicate::ult, inRun,
                               b.integer(i32, run.getCount()));
      expert =
          b.select(inside, b.add(inRun, b.integer(i32, bankFirst)), expert);
      bankFirst += run.getCount();
    }
    first += run.getCount();
  }
  return expert;
}

func::FuncOp
mlir::moe::cpu::getDispatchKernel(ModuleOp module,
                                  ArrayRef<ExpertsOfKindAttr> kinds,
                                  int64_t bankExperts, int64_t k) {
  OpBuilder types(module.getContext());
  constexpr int64_t dynamic = ShapedType::kDynamic;
  Type i32 = types.getI32Type();
  SmallVector<Type> inputs = {
      MemRefType::get({dynamic, k}, i32), MemRefType::get({bankExperts}, i32),
      MemRefType::get({bankExperts + 1}, i32), MemRefType::get({dynamic}, i32),
      MemRefType::get({dynamic, k}, i32)};
  std::string name = ("dispatch_k" + Twine(k)).str() + getKindsName(kinds);
  return getOrCreateKernel(
      module, name, inputs, [&](KernelBuilder &b, ValueRange args) {
        Value ids = args[0], counts = args[1], offsets = args[2];
        Value rowToken = args[3], rowOf = args[4];
        Value zero = b.index(0), one = b.index(1);
        Value experts = b.index(bankExperts), choices = b.index(k);
        Value none = b.integer(i32, -1), zero32 = b.integer(i32, 0);
        Value one32 = b.integer(i32, 1);
        Value tokens = memref::DimOp::create(b, ids, 0);
        auto forEachChoice = [&](llvm::function_ref<void(Value, Value)> body) {
          b.forEach(zero, tokens, [&](Value token) {
            b.forEach(zero, choices, [&](Value j) { body(token, j); });
          });
        };
        auto clearCounts = [&] {
          b.forEach(zero, experts,
                    [&](Value e) { b.store(zero32, counts, e); });
        };
        /// Adds one to the expert's count and returns the count before.
        auto increment = [&](Value expert) {
          Value e = b.cast(b.getIndexType(), expert);
          Value count = b.load(counts, e);
          b.store(b.add(count, one32), counts, e);
          return count;
        };

        // Count; `row_of` keeps the experts until rows are known.
        clearCounts();
        forEachChoice([&](Value token, Value j) {
          Value expert = emitBankExpert(b, kinds, b.load(ids, {token, j}));
          b.store(expert, rowOf, {token, j});
          Value wanted = b.compare(arith::CmpIPredicate::ne, expert, none);
          b.when(wanted, [&] { increment(expert); });
        });
        b.store(zero32, offsets, zero);
        b.forEach(zero, experts, [&](Value e) {
          b.store(b.add(b.load(offsets, e), b.load(counts, e)), offsets,
                  b.add(e, one));
        });
        // Place in the order of tokens: the counts start again.
        clearCounts();
        forEachChoice([&](Value token, Value j) {
          Value expert = b.load(rowOf, {token, j});
          Value wanted = b.compare(arith::CmpIPredicate::ne, expert, none);
          b.when(wanted, [&] {
            Value e = b.cast(b.getIndexType(), expert);
            Value row = b.add(b.load(offsets, e), increment(expert));
            b.store(row, rowOf, {token, j});
            b.store(b.cast(i32, token), rowToken,
                    b.cast(b.getIndexType(), row));
          });
        });
      });
}

func::FuncOp mlir::moe::cpu::getGatherKernel(ModuleOp module,
                                             const Schedule &schedule,
                                             int64_t hidden,
                                             int64_t rowStride) {
  OpBuilder types(module.getContext());
  constexpr int64_t dynamic = ShapedType::kDynamic;
  Type f32 = types.getF32Type();
  SmallVector<Type> inputs = {MemRefType::get({dynamic, hidden}, f32),
                              MemRefType::get({dynamic}, types.getI32Type()),
                              types.getIndexType(),
                              MemRefType::get({dynamic, rowStride}, f32)};
  std::string name = ("gather_f32_" + Twine(hidden)).str();
  return getOrCreateKernel(
      module, name, inputs, [&](KernelBuilder &b, ValueRange args) {
        Value tokens = b.pointer(args[0]), rows = b.pointer(args[3]);
        VectorType type = b.vectorType(schedule.lanes);
        int64_t main = hidden - hidden % schedule.lanes;
        b.parallel(args[2], getRowGrain(hidden), [&](Value row) {
          Value token = b.cast(b.getIndexType(), b.load(args[1], row));
          Value from = b.at(tokens, b.mul(token, b.index(hidden)));
          Value to = b.at(rows, b.mul(row, b.index(rowStride)));
          b.forEach(
              b.index(0), b.index(main),
              [&](Value i) {
                b.store(b.load(type, b.at(from, i)), b.at(to, i));
              },
              schedule.lanes);
          for (int64_t i = main; i < hidden; ++i)
            b.store(b.load(f32, b.at(from, i)), b.at(to, i));
        });
      });
}

/// The weighted sum of `vectors` vectors from `column` on of a token's rows.
static SmallVector<Value> emitWeightedSum(KernelBuilder &b, VectorType type,
                                          int64_t vectors, int64_t rowStride,
                                          int64_t k, ValueRange buffers,
                                          Value rows, Value token,
                                          Value column) {
  SmallVector<Value> init(vectors, b.real(type, 0.0));
  return b.fold(
      b.index(0), b.index(k), 1, init,
      [&](Value j, ValueRange sums) -> SmallVector<Value> {
        Value row = b.load(buffers[1], {token, j});
        Value chosen = b.compare(arith::CmpIPredicate::sge, row,
                                 b.integer(row.getType(), 0));
        auto branch = scf::IfOp::create(b, sums.getTypes(), chosen,
                                        /*withElseRegion=*/true);
        KernelBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(&branch.getElseRegion().front());
        scf::YieldOp::create(b, sums);
        b.setInsertionPointToStart(&branch.getThenRegion().front());
        Value weight = vector::BroadcastOp::create(
            b, type, b.load(buffers[2], {token, j}));
        Value start =
            b.at(rows,
                 b.add(b.mul(b.cast(b.getIndexType(), row), b.index(rowStride)),
                       column));
        SmallVector<Value> next;
        for (int64_t i = 0; i < vectors; ++i)
          next.push_back(vector::FMAOp::create(
              b, weight, b.load(type, b.at(start, i * type.getNumElements())),
              sums[i]));
        scf::YieldOp::create(b, next);
        return llvm::to_vector_of<Value>(branch.getResults());
      });
}

func::FuncOp mlir::moe::cpu::getCombineKernel(ModuleOp module,
                                              const Schedule &schedule,
                                              int64_t hidden, int64_t rowStride,
                                              int64_t k) {
  OpBuilder types(module.getContext());
  constexpr int64_t dynamic = ShapedType::kDynamic;
  Type f32 = types.getF32Type();
  SmallVector<Type> inputs = {MemRefType::get({dynamic, rowStride}, f32),
                              MemRefType::get({dynamic, k}, types.getI32Type()),
                              MemRefType::get({dynamic, k}, f32),
                              MemRefType::get({dynamic, hidden}, f32)};
  std::string name = ("combine_f32_" + Twine(hidden) + "_k" + Twine(k)).str();
  return getOrCreateKernel(
      module, name, inputs, [&](KernelBuilder &b, ValueRange args) {
        // Enough vectors at once to hide the latency of the additions.
        constexpr int64_t kVectors = 8;
        Value rows = b.pointer(args[0]), out = b.pointer(args[3]);
        Value tokens = memref::DimOp::create(b, args[1], 0);
        VectorType type = b.vectorType(schedule.lanes);
        int64_t block = kVectors * schedule.lanes;
        int64_t main = hidden - hidden % block;
        b.parallel(tokens, getRowGrain(hidden * k), [&](Value token) {
          Value to = b.at(out, b.mul(token, b.index(hidden)));
          auto sumAt = [&](Value column, int64_t vectors) {
            return emitWeightedSum(b, type, vectors, rowStride, k, args, rows,
                                   token, column);
          };
          b.forEach(
              b.index(0), b.index(main),
              [&](Value column) {
                SmallVector<Value> sums = sumAt(column, kVectors);
                for (auto [i, sum] : llvm::enumerate(sums))
                  b.store(sum, b.at(b.at(to, column), i * schedule.lanes));
              },
              block);
          // Rows are padded, so whole vectors can be read; the result is not.
          for (int64_t column = main; column < hidden;
               column += schedule.lanes) {
            Value sum = sumAt(b.index(column), 1).front();
            int64_t left = hidden - column;
            if (left >= schedule.lanes) {
              b.store(sum, b.at(to, column));
              continue;
            }
            for (int64_t i = 0; i < left; ++i)
              b.store(vector::ExtractOp::create(b, sum, i),
                      b.at(to, column + i));
          }
        });
      });
}
