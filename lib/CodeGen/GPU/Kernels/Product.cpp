//===- Product.cpp - Rows times packed weights, by tiles ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Product.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// Where the operands of a launch are.
namespace {
enum : unsigned { kWeights = 4, kInput, kOutput, kRowToken };
enum : unsigned { kDenseRows, kDenseWeights, kDenseInput, kDenseOutput };
} // namespace

static Product makeExpertProduct(Emitter e, const ExpertLayerSpec &spec,
                                 const SortedRows &rows, const Wave &wave,
                                 Value in, Value out, Value tokens,
                                 int64_t tileRows) {
  Product product;
  product.element = spec.element;
  product.spec = spec;
  product.operands = getTileOperands(rows, wave);
  product.operands.append({wave.slots, in, out});
  product.tileRows = tileRows;
  product.tiles = emitTileBound(e, spec, tokens, emitIndex(e, tileRows));
  return product;
}

Product mlir::moe::gpu::makeUp(Emitter e, const ExpertLayerSpec &spec,
                               const SortedRows &rows, const Wave &wave,
                               Value x, Value h, Value tokens,
                               int64_t tileRows) {
  Product product =
      makeExpertProduct(e, spec, rows, wave, x, h, tokens, tileRows);
  product.role = Role::Up;
  product.columns = spec.layout.getColumns(0);
  product.weightRows = spec.layout.getRows(0);
  product.outColumns = spec.layout.getIntermediate();
  product.gated = spec.layout.shape.gated;
  product.name = "up_" + getLayerName(spec) + "_" + getActivationName(spec);
  product.operands.push_back(rows.rowToken);
  return product;
}

Product mlir::moe::gpu::makeDown(Emitter e, const ExpertLayerSpec &spec,
                                 const SortedRows &rows, const Wave &wave,
                                 Value h, Value out, Value tokens,
                                 int64_t tileRows) {
  Product product =
      makeExpertProduct(e, spec, rows, wave, h, out, tokens, tileRows);
  product.role = Role::Down;
  product.columns = spec.layout.getColumns(1);
  product.weightRows = product.outColumns = spec.layout.getRows(1);
  product.name = "down_" + getLayerName(spec);
  return product;
}

Product mlir::moe::gpu::makeDense(Emitter e, int64_t k, int64_t n, Type element,
                                  Value a, Value w, Value c, Value rows,
                                  int64_t tileRows) {
  Product product;
  product.role = Role::Dense;
  product.element = element;
  product.columns = device::getRowStride(k);
  product.weightRows = product.outColumns = n;
  product.name = ("gemm_" + getTypeName(element) + "_" + Twine(n) + "x" +
                  Twine(product.columns))
                     .str();
  product.operands = {rows, w, a, c};
  product.tileRows = tileRows;
  product.tiles = emitCeilDiv(e, rows, tileRows);
  return product;
}

ProductTile::ProductTile(KernelBuilder &b, const Product &product,
                         ValueRange parameters, Value index)
    : b(b), product(product) {
  if (product.role == Role::Dense) {
    weights = parameters[kDenseWeights];
    input = parameters[kDenseInput];
    output = parameters[kDenseOutput];
    row = b.mul(index, product.tileRows);
    rows = b.minS(b.sub(b.toI32(parameters[kDenseRows]), row),
                  b.i32(product.tileRows));
    valid = b.boolean(true);
    return;
  }
  ExpertTile tile = loadTile(b, parameters, index, product.tileRows);
  const device::ExpertLayout &layout = product.spec.layout;
  int64_t part = product.role == Role::Up ? 0 : 1;
  Value slot = b.mul(b.toI64(tile.slot), layout.getSlotBytes());
  weights = b.atByte(b.atByte(parameters[kWeights], slot),
                     layout.getPartOffset(part));
  if (layout.hasBias(part))
    biases = b.atByte(weights, layout.getBiasOffset(part));
  input = parameters[kInput];
  output = parameters[kOutput];
  if (product.role == Role::Up)
    rowToken = parameters[kRowToken];
  valid = tile.valid;
  row = tile.row;
  rows = tile.rows;
}

Value ProductTile::getInputRow(Value i) {
  Value index = b.add(row, i);
  if (rowToken)
    index = b.load(b.getI32Type(), b.at(rowToken, b.getI32Type(), index));
  return b.atByte(input, b.mul(b.toI64(index), product.getRowBytes()));
}

Value ProductTile::getWeightRow(Value index) {
  return b.atByte(weights, b.mul(b.toI64(index), product.getRowBytes()));
}

Value ProductTile::getWeightRowOf(Value column) {
  if (!product.gated)
    return column;
  // 8 rows of gate alternate with 8 of up.
  Value within = b.bitAnd(column, device::kInterleave - 1);
  return b.add(b.shiftLeft(b.sub(column, within), 1), within);
}

ProductTile::Bias ProductTile::loadBias(Value column) {
  if (!biases)
    return {};
  Type f32 = b.getF32Type();
  int64_t last = product.weightRows - 1;
  auto load = [&](Value index) {
    return b.load(f32, b.at(biases, f32, b.minS(index, b.i32(last))));
  };
  Value index = getWeightRowOf(column);
  if (!product.gated)
    return {Value(), load(index)};
  return {load(index), load(b.add(index, device::kInterleave))};
}

void ProductTile::store(Value i, Value column, ArrayRef<Value> gates,
                        ArrayRef<Value> ups, ArrayRef<Bias> columnBiases) {
  SmallVector<Value> values;
  for (auto [lane, up] : llvm::enumerate(ups)) {
    Bias bias = columnBiases[lane];
    Value sum = bias.up ? b.addF(up, bias.up) : up;
    if (product.role == Role::Up) {
      Value gate = product.gated ? gates[lane] : Value();
      if (bias.gate)
        gate = b.addF(gate, bias.gate);
      sum = emitIntermediate(b, product.spec, gate, sum);
    }
    values.push_back(sum);
  }
  Value inside = b.bitAnd(b.less(i, rows), b.less(column, product.outColumns));
  b.when(inside, [&] {
    Type type =
        product.role == Role::Up ? product.element : Type(b.getF32Type());
    Value start = b.mul(b.toI64(b.add(row, i)), product.outColumns);
    Value pointer = b.at(output, type, b.add(start, b.toI64(column)));
    if (product.role == Role::Up)
      storeIntermediate(pointer, column, values);
    else
      storeSums(pointer, column, values);
  });
}

/// Rows of h are whole multiples of 8 columns, zeros beyond the intermediate.
void ProductTile::storeIntermediate(Value pointer, Value column,
                                    ArrayRef<Value> values) {
  int64_t intermediate = product.spec.layout.shape.intermediate;
  SmallVector<Value> lanes;
  for (auto [lane, sum] : llvm::enumerate(values)) {
    Value value = sum;
    if (intermediate != product.outColumns)
      value = b.select(b.less(b.add(column, lane), intermediate), value,
                       b.f32(0.0));
    lanes.push_back(b.convert(product.element, value));
  }
  if (lanes.size() == 1)
    return b.store(lanes.front(), pointer);
  b.store(b.pack(lanes), pointer, lanes.size() * product.getElementBytes());
}

void ProductTile::storeSums(Value pointer, Value column,
                            ArrayRef<Value> values) {
  if (values.size() == 1)
    return b.store(values.front(), pointer);
  // Whole vectors are aligned and inside when rows are multiples of them.
  int64_t lanes = values.size();
  if (product.outColumns % lanes == 0)
    return b.store(b.pack(values), pointer, 4 * lanes);
  for (auto [lane, value] : llvm::enumerate(values))
    b.when(b.less(b.add(column, lane), product.outColumns),
           [&, lane = lane, value = value] {
             b.store(value, b.at(pointer, b.getF32Type(), lane));
           });
}
