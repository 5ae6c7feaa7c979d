//===- WeightProducts.h - Products with resident weights --------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_COMMON_WEIGHTPRODUCTS_H
#define MOE_CODEGEN_COMMON_WEIGHTPRODUCTS_H

#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::moe {

/// A fresh product of float32 rows with a resident weight [K, N]: what packed
/// kernels compute.
struct WeightProduct {
  linalg::MatmulOp op;
  weights::MaterializeOp weight;

  /// A read-only buffer of `rows`, with a dynamic first dimension.
  Value getRowsBuffer(ImplicitLocOpBuilder &b, Value rows) const;
  /// A fresh buffer for the product, [rows, N].
  Value allocateResult(ImplicitLocOpBuilder &b) const;
  /// Takes `c`, such a buffer that was filled in front of `b`, as the product,
  /// and erases what only the product used.
  void replaceWith(ImplicitLocOpBuilder &b, Value c) const;
};

/// `buffer` with a dynamic first dimension.
Value withDynamicRows(ImplicitLocOpBuilder &b, Value buffer);

/// All of them, in the module's order.
SmallVector<WeightProduct> findWeightProducts(ModuleOp module);

} // namespace mlir::moe

#endif // MOE_CODEGEN_COMMON_WEIGHTPRODUCTS_H
