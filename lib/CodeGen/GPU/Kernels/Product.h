//===- Product.h - Rows times packed weights, by tiles ----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the streaming kernels and the sm_80 tile kernels have in common: where
// the rows of a tile come from, which weights they meet, and what becomes of
// the sums. Three roles: the two phases of an expert layer, and a dense GEMM.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_KERNELS_PRODUCT_H
#define MOE_LIB_CODEGEN_GPU_KERNELS_PRODUCT_H

#include "KernelBuilder.h"
#include "TileKernels.h"

namespace mlir::moe::gpu {

enum class Role { Up, Down, Dense };

/// A product, and what its launch needs.
struct Product {
  Role role;
  Type element;              // of weights and rows
  int64_t columns;           // elements between rows of weights and of rows
  int64_t weightRows;        // rows of the weights
  int64_t outColumns;        // columns written
  bool gated = false;        // two rows of weights for each column written
  ExpertLayerSpec spec = {}; // unless Dense
  std::string name;          // of the kernels, without the tile
  SmallVector<Value> operands;
  Value tiles; // index: tiles at most
  int64_t tileRows;

  int64_t getElementBytes() const {
    return element.getIntOrFloatBitWidth() / 8;
  }
  int64_t getRowBytes() const { return columns * getElementBytes(); }
};

Product makeUp(Emitter e, const ExpertLayerSpec &spec, const SortedRows &rows,
               const Wave &wave, Value x, Value h, Value tokens,
               int64_t tileRows);
Product makeDown(Emitter e, const ExpertLayerSpec &spec, const SortedRows &rows,
                 const Wave &wave, Value h, Value out, Value tokens,
                 int64_t tileRows);
Product makeDense(Emitter e, int64_t k, int64_t n, Type element, Value a,
                  Value w, Value c, Value rows, int64_t tileRows);

/// The tile of a block, in the kernel.
class ProductTile {
public:
  /// Tile `index`, i32; `parameters` are those of the product's operands.
  ProductTile(KernelBuilder &b, const Product &product, ValueRange parameters,
              Value index);

  /// Whether there is anything to do. All else may be used only then.
  Value isValid() const { return valid; }
  /// Rows of the tile, i32, at least 1.
  Value getRows() const { return rows; }
  /// The first element of row `i` of the tile, i below getRows().
  Value getInputRow(Value i);
  /// The first element of a row of the weights.
  Value getWeightRow(Value row);
  /// The row of the weights for column `column`: of gate when gated, and then
  /// that of up is 8 rows on.
  Value getWeightRowOf(Value column);

  /// Biases of a column, to be given to `store`.
  struct Bias {
    Value gate, up; // null: none
  };
  Bias loadBias(Value column);
  /// Finishes the sums of columns from `column` on and stores them to row `i`;
  /// nothing happens where there is no such row or column. More than one value
  /// needs an even column. `gates` is empty unless gated.
  void store(Value i, Value column, ArrayRef<Value> gates, ArrayRef<Value> ups,
             ArrayRef<Bias> biases);

private:
  void storeIntermediate(Value pointer, Value column, ArrayRef<Value> values);
  void storeSums(Value pointer, Value column, ArrayRef<Value> values);

  KernelBuilder &b;
  const Product &product;
  Value weights, biases, input, output, rowToken;
  Value valid, row, rows;
};

/// Kernels for tiles of at most 8 rows, which read weights once.
void emitStream(Emitter e, const Product &product);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_KERNELS_PRODUCT_H
