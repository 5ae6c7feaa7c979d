//===- AttentionKernel.cpp - What attention kernels share -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static Value emitTanh(KernelBuilder &b, Value x);

/// Below this, no score of ordinary size leaves a hidden key a weight but 0.
static constexpr float kNothing = -1e30f;

/// Whether what a causal attention hides has a weight of exactly 0 in every row
/// that sees a key.
static bool hiddenIsNothing(const AttentionSpec &spec) {
  // What a mask does to seen keys could make them as low.
  return std::isinf(spec.masked) ? spec.masked < 0
                                 : spec.masked < kNothing && !spec.mask;
}

SmallVector<Value> AttentionOperands::flatten(const AttentionSpec &spec) const {
  SmallVector<Value> all = {q, k, v, out, workspace};
  if (spec.mask)
    all.push_back(mask);
  for (const auto *strides :
       {&qStrides, &kStrides, &vStrides, &outStrides, &maskStrides})
    all.append(strides->begin(), strides->end());
  all.append({queries, keys, parts, partKeys});
  if (spec.causal)
    all.push_back(offset);
  all.append({scale, softcap, masked});
  return all;
}

AttentionOperands AttentionOperands::fromParameters(KernelBuilder &b,
                                                    const AttentionSpec &spec,
                                                    ValueRange parameters) {
  AttentionOperands op;
  size_t next = 0;
  auto take = [&] { return parameters[next++]; };
  auto takeStrides = [&](int64_t count) {
    SmallVector<Value> strides;
    while (count-- > 0)
      strides.push_back(take());
    return strides;
  };
  op.q = take();
  op.k = take();
  op.v = take();
  op.out = take();
  op.workspace = take();
  if (spec.mask)
    op.mask = take();
  op.qStrides = takeStrides(3);
  op.kStrides = takeStrides(3);
  op.vStrides = takeStrides(3);
  op.outStrides = takeStrides(3);
  op.maskStrides = takeStrides(spec.mask ? 4 : 0);
  op.queries = b.toI32(take());
  op.keys = b.toI32(take());
  op.parts = b.toI32(take());
  op.partKeys = b.toI32(take());
  if (spec.causal)
    op.offset = b.toI32(take());
  op.scale = take();
  op.softcap = take();
  op.masked = take();
  return op;
}

AttentionBlock mlir::moe::gpu::emitAttentionBlock(KernelBuilder &b,
                                                  const AttentionSpec &spec,
                                                  const AttentionOperands &op,
                                                  const AttentionTile &tile) {
  int64_t group = getGroup(spec);
  AttentionBlock block;
  block.batch = b.blockZ();
  block.keyHead = b.blockY();
  block.rows = b.mul(op.queries, group);
  Value x = b.blockX();
  Value number = b.div(x, op.parts);
  block.part = b.rem(x, op.parts);
  if (spec.causal) {
    // The last rows see most keys: they begin first.
    Value blocks = b.div(b.add(block.rows, tile.rows - 1), tile.rows);
    number = b.sub(b.sub(blocks, 1), number);
  }
  block.firstRow = b.mul(number, tile.rows);
  block.begin = b.mul(block.part, op.partKeys);
  block.end = b.minS(op.keys, b.add(block.begin, op.partKeys));
  if (!spec.causal || !hiddenIsNothing(spec))
    return block;
  Value lastRow = b.minS(b.add(block.firstRow, tile.rows), block.rows);
  Value lastQuery = b.div(b.sub(lastRow, 1), group);
  Value seen = b.maxS(b.add(b.add(lastQuery, op.offset), 1), b.i32(0));
  Value end = b.minS(block.end, seen);
  if (!std::isinf(spec.masked)) {
    // Rows that see nothing weigh what is hidden.
    Value firstQuery = b.div(block.firstRow, group);
    Value seesNothing = b.less(b.add(firstQuery, op.offset), 0);
    end = b.select(seesNothing, block.end, end);
  }
  block.end = end;
  return block;
}

AttentionRow mlir::moe::gpu::emitAttentionRow(KernelBuilder &b,
                                              const AttentionSpec &spec,
                                              const AttentionOperands &op,
                                              const AttentionBlock &block,
                                              Value row) {
  int64_t group = getGroup(spec);
  AttentionRow result;
  result.isValid = b.less(row, block.rows);
  result.row = b.minS(row, b.sub(block.rows, 1));
  result.query = b.div(result.row, group);
  result.head = b.add(b.mul(block.keyHead, group), b.rem(result.row, group));
  if (spec.causal)
    result.lastKey = b.add(result.query, op.offset);
  if (spec.mask)
    result.mask = emitRowAddress(
        b, op.mask, spec.mask.isInteger(1) ? b.getI8Type() : spec.mask,
        op.maskStrides, block.batch, result.head, result.query);
  return result;
}

Value mlir::moe::gpu::emitRowAddress(KernelBuilder &b, Value base, Type element,
                                     ArrayRef<Value> strides, Value batch,
                                     Value head, Value position) {
  Value at = b.mul(b.toI64(batch), strides[0]);
  at = b.add(at, b.mul(b.toI64(head), strides[1]));
  at = b.add(at, b.mul(b.toI64(position), strides[2]));
  return b.at(base, element, at);
}

Value mlir::moe::gpu::emitScore(KernelBuilder &b, const AttentionSpec &spec,
                                const AttentionOperands &op,
                                const AttentionBlock &block,
                                const AttentionRow &row, Value dot, Value key) {
  Value score = b.mulF(dot, op.scale);
  if (spec.softcap != 0) {
    Value ratio = b.divF(score, op.softcap);
    score = b.mulF(emitTanh(b, ratio), op.softcap);
  }
  if (spec.causal) {
    Value seen = b.compare(arith::CmpIPredicate::sle, key, row.lastKey);
    score = b.addF(score, b.select(seen, b.f32(0), op.masked));
  }
  if (spec.mask) {
    // Within the mask, also for keys behind the last.
    Value column = b.minS(key, b.sub(op.keys, 1));
    Type type = spec.mask.isInteger(1) ? b.getI8Type() : spec.mask;
    Value at = b.at(row.mask, type, b.mul(b.toI64(column), op.maskStrides[3]));
    Value bias = b.load(type, at);
    if (spec.mask.isInteger(1))
      score = b.select(b.equal(bias, 0), op.masked, score);
    else
      score = b.addF(score, b.convert(b.getF32Type(), bias));
  }
  return b.select(b.less(key, block.end), score, emitLowest(b));
}

Value mlir::moe::gpu::emitSoftmaxStep(KernelBuilder &b, int64_t lanes,
                                      RowState &state,
                                      MutableArrayRef<Value> scores) {
  Value largest = scores.front();
  for (Value score : scores.drop_front())
    largest = emitMaximum(b, largest, score);
  for (int64_t mask = lanes / 2; mask > 0; mask /= 2)
    largest = emitMaximum(b, largest, b.shuffleXor(largest, mask));
  largest = emitMaximum(b, state.largest, largest);
  // Rows of -inf have weights of 0 until something is larger.
  Value isLowest = b.compare(arith::CmpFPredicate::OEQ, largest, emitLowest(b));
  Value top = b.select(isLowest, b.f32(0), largest);
  Value factor = emitExp(b, b.subF(state.largest, top));
  Value sum = b.mulF(state.sum, factor);
  for (Value &score : scores) {
    score = emitExp(b, b.subF(score, top));
    sum = b.addF(sum, score);
  }
  state = {largest, sum};
  return factor;
}

SmallVector<Value> mlir::moe::gpu::emitResults(KernelBuilder &b,
                                               const AttentionSpec &spec,
                                               RowState state,
                                               ArrayRef<Value> values) {
  Value zero = b.f32(0), sum = state.sum, isNothing;
  // 0 / 0 is the NaN of a row without weights.
  if (spec.emptyRows != AttentionRows::NaN)
    sum = b.select(b.compare(arith::CmpFPredicate::OEQ, sum, zero), b.f32(1),
                   sum);
  if (spec.emptyRows == AttentionRows::NaNToZero) {
    Value rest = b.subF(state.largest, state.largest);
    isNothing = b.compare(arith::CmpFPredicate::UNO, rest, rest);
  }
  SmallVector<Value> results;
  for (Value value : values) {
    Value result = b.divF(value, sum);
    results.push_back(isNothing ? b.select(isNothing, zero, result) : result);
  }
  return results;
}

void mlir::moe::gpu::emitStoreRow(KernelBuilder &b, const AttentionSpec &spec,
                                  const AttentionOperands &op,
                                  const AttentionBlock &block,
                                  const AttentionRow &row, int64_t lanes,
                                  Value lane, RowState state,
                                  ArrayRef<Value> values, StoreColumns store) {
  for (int64_t mask = lanes / 2; mask > 0; mask /= 2)
    state.sum = b.addF(state.sum, b.shuffleXor(state.sum, mask));
  auto storeResult = [&] {
    Value to = emitRowAddress(b, op.out, spec.element, op.outStrides,
                              block.batch, row.head, row.query);
    store(to, spec.element, emitResults(b, spec, state, values));
  };
  auto storePart = [&] {
    Type f32 = b.getF32Type();
    Value to = emitPartAddress(b, spec, op, block, block.part, row.row);
    store(to, f32, values);
    b.when(b.equal(lane, 0), [&] {
      b.store(state.largest, b.at(to, f32, spec.valueSize));
      b.store(state.sum, b.at(to, f32, spec.valueSize + 1));
    });
  };
  b.when(row.isValid,
         [&] { b.when(b.equal(op.parts, 1), storeResult, storePart); });
}

Value mlir::moe::gpu::emitPartAddress(KernelBuilder &b,
                                      const AttentionSpec &spec,
                                      const AttentionOperands &op,
                                      const AttentionBlock &block, Value part,
                                      Value row) {
  Value heads = b.add(b.mul(block.batch, spec.keyHeads), block.keyHead);
  Value parts = b.add(b.mul(b.toI64(heads), b.toI64(op.parts)), b.toI64(part));
  Value rows = b.add(b.mul(parts, b.toI64(block.rows)), b.toI64(row));
  return b.at(op.workspace, b.getF32Type(),
              b.mul(rows, spec.valueSize + kPartTail));
}

void mlir::moe::gpu::emitCopyRows(KernelBuilder &b, Value to, Value from,
                                  Value stride, Value first, Value end,
                                  int64_t rows, int64_t bytes, int64_t unit,
                                  int64_t pitch, int64_t elementBytes) {
  int64_t units = bytes / unit;
  Value rowBytes = b.mul(stride, elementBytes);
  Value last = b.sub(end, 1);
  b.forEach(b.threadId(), b.i32(rows * units), kAttentionThreads, [&](Value i) {
    Value row = b.div(i, units), column = b.mul(b.rem(i, units), unit);
    Value position = b.add(first, row);
    Value isInside = b.less(position, end);
    Value at = b.mul(b.toI64(b.minS(position, last)), rowBytes);
    Value source = b.atByte(from, b.add(at, b.toI64(column)));
    Value target = b.atByte(to, b.add(b.mul(row, pitch), column));
    NVVM::CpAsyncOp::create(b, target, source, unit,
                            unit == 16 ? NVVM::LoadCacheModifierKind::CG
                                       : NVVM::LoadCacheModifierKind::CA,
                            b.select(isInside, b.i32(unit), b.i32(0)));
  });
}

/// 2^n exp(r), n = round(x / ln 2), with the Taylor polynomial of degree 7 of
/// exp(r) (relative error below 2^-24).
Value mlir::moe::gpu::emitExp(KernelBuilder &b, Value x) {
  // Adding this leaves round(x / ln 2) + 127 in the last bits: the exponent of
  // the power of two.
  Value magic = b.f32(0x1.8p23 + 127);
  Value shifted = b.addF(b.mulF(x, b.f32(1.4426950408889634)), magic);
  Value n = b.subF(shifted, magic);
  Value r = b.fma(n, b.f32(-0.693359375), x);
  r = b.fma(n, b.f32(2.12194440e-4), r);
  Value sum = b.f32(1.0 / 5040);
  for (double c : {1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0})
    sum = b.fma(sum, r, b.f32(c));
  Value power = b.shiftLeft(b.bitcast(b.getI32Type(), shifted), 23);
  sum = b.mulF(sum, b.bitcast(b.getF32Type(), power));
  // The smallest normal numbers are the last ones.
  Value vanishes = b.compare(arith::CmpFPredicate::OLT, x, b.f32(-87));
  return b.select(vanishes, b.f32(0), sum);
}

/// The error is that of 1 - tanh(x): absolute, as it is for scores.
static Value emitTanh(KernelBuilder &b, Value x) {
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  Value bits = b.bitcast(i32, x);
  Value magnitude = b.bitcast(f32, b.bitAnd(bits, 0x7fffffff));
  Value e = emitExp(b, b.mulF(magnitude, b.f32(-2)));
  Value one = b.f32(1);
  Value ratio = b.divF(b.subF(one, e), b.addF(one, e));
  Value sign = b.bitAnd(bits, INT32_MIN);
  return b.bitcast(f32, b.bitOr(b.bitcast(i32, ratio), sign));
}

Value mlir::moe::gpu::emitMaximum(KernelBuilder &b, Value x, Value y) {
  return arith::MaximumFOp::create(b, x, y);
}

Value mlir::moe::gpu::emitLowest(KernelBuilder &b) { return b.f32(-INFINITY); }

std::string mlir::moe::gpu::getAttentionName(const AttentionSpec &spec) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << getTypeName(spec.element) << "_h" << spec.heads << "x" << spec.keyHeads
     << "_d" << spec.size << "x" << spec.valueSize;
  if (spec.softcap != 0)
    os << "_softcap";
  if (spec.causal)
    os << (hiddenIsNothing(spec)
               ? std::isinf(spec.masked) ? "_causal" : "_causallow"
               : "_causalall");
  if (spec.mask)
    os << "_mask" << getTypeName(spec.mask);
  os << (spec.emptyRows == AttentionRows::NaN    ? "_nan"
         : spec.emptyRows == AttentionRows::Zero ? "_zero"
                                                 : "_nantozero");
  return name;
}
