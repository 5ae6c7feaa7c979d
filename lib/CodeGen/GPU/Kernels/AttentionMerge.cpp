//===- AttentionMerge.cpp - Attention over parts of the keys --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block adds the parts of one row in ascending order, each thread some of its
// columns.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static void emitMergeKernel(KernelBuilder &b, const AttentionSpec &spec,
                            ValueRange parameters) {
  AttentionOperands op = AttentionOperands::fromParameters(b, spec, parameters);
  Type f32 = b.getF32Type();
  AttentionBlock block;
  block.batch = b.blockZ();
  block.keyHead = b.blockY();
  block.firstRow = b.blockX();
  block.rows = b.mul(op.queries, getGroup(spec));
  AttentionRow row = emitAttentionRow(b, spec, op, block, block.firstRow);
  auto getPart = [&](Value part) {
    return emitPartAddress(b, spec, op, block, part, row.row);
  };
  Value zero = b.i32(0);
  Value largest =
      b.fold(zero, op.parts, 1, emitLowest(b),
             [&](Value part, ValueRange carried) -> SmallVector<Value> {
               Value own =
                   b.load(f32, b.at(getPart(part), f32, spec.valueSize));
               return {emitMaximum(b, carried[0], own)};
             })[0];
  Value isLowest = b.compare(arith::CmpFPredicate::OEQ, largest, emitLowest(b));
  Value top = b.select(isLowest, b.f32(0), largest);
  Value out = emitRowAddress(b, op.out, spec.element, op.outStrides,
                             block.batch, row.head, row.query);
  b.forEach(
      b.threadId(), b.i32(spec.valueSize), kAttentionThreads,
      [&](Value column) {
        SmallVector<Value> sums =
            b.fold(zero, op.parts, 1, {b.f32(0), b.f32(0)},
                   [&](Value part, ValueRange sums) -> SmallVector<Value> {
                     Value from = getPart(part);
                     Value own = b.load(f32, b.at(from, f32, spec.valueSize));
                     Value sum =
                         b.load(f32, b.at(from, f32, spec.valueSize + 1));
                     Value value = b.load(f32, b.at(from, f32, column));
                     Value factor = emitExp(b, b.subF(own, top));
                     return {b.fma(sum, factor, sums[0]),
                             b.fma(value, factor, sums[1])};
                   });
        Value result = emitResults(b, spec, {largest, sums[0]}, {sums[1]})[0];
        b.store(b.convert(spec.element, result),
                b.at(out, spec.element, column));
      });
}

void mlir::moe::gpu::emitAttentionMerge(Emitter e, const AttentionSpec &spec,
                                        ArrayRef<Value> operands,
                                        ArrayRef<Value> grid) {
  Launch launch;
  launch.name = "attention_" + getAttentionName(spec) + "_merge";
  launch.threads = kAttentionThreads;
  llvm::copy(grid, launch.grid);
  launch.operands.assign(operands.begin(), operands.end());
  emitLaunch(e, launch, [&](KernelBuilder &b, ValueRange parameters) {
    emitMergeKernel(b, spec, parameters);
  });
}
