//===- Symbolic.h - Dimensions as polynomials over named sizes --*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_IR_SYMBOLIC_H
#define MOE_DIALECTS_ONNX_IR_SYMBOLIC_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include <map>
#include <optional>

namespace mlir::moe::onnx {

/// A polynomial with integer coefficients over the module's symbols: the value
/// of a dimension or of an element of a shape tensor. Arithmetic that overflows
/// gives an invalid polynomial, which compares unequal to everything.
class Poly {
public:
  Poly() = default;
  Poly(int64_t constant) { add({}, constant); }
  static Poly symbol(unsigned position);
  /// Sums and products of constants and symbols; anything else is invalid.
  static Poly fromAffine(AffineExpr expr);
  static Poly invalid();

  /// The canonical expression: equal polynomials give the same one.
  AffineExpr toAffine(MLIRContext *context) const;

  Poly operator+(const Poly &other) const;
  Poly operator-(const Poly &other) const;
  Poly operator*(const Poly &other) const;
  /// The quotient, when the division leaves no rest.
  std::optional<Poly> dividedBy(const Poly &other) const;
  bool operator==(const Poly &other) const {
    return valid && other.valid && terms == other.terms;
  }
  bool operator!=(const Poly &other) const { return !(*this == other); }

  bool isValid() const { return valid; }
  std::optional<int64_t> asConstant() const;
  /// True when no coefficient is negative: then no dimensions make it negative.
  bool isNonNegative() const;

private:
  using Monomial = llvm::SmallVector<unsigned, 4>; // sorted symbols
  void add(const Monomial &monomial, int64_t coefficient);

  std::map<Monomial, int64_t> terms;
  bool valid = true;
};

/// The dimensions of a ranked tensor or of a weight. A dynamic dimension
/// without a name is a null expression.
llvm::SmallVector<AffineExpr> getDims(Type type, MLIRContext *context);

/// A tensor type with these dimensions: constants become static sizes, the rest
/// is recorded in the encoding.
RankedTensorType getTensorType(Type elementType,
                               llvm::ArrayRef<AffineExpr> dims,
                               unsigned symbols);

/// The same type without names.
Type withoutNames(Type type);

/// The same type with names out of a list of `symbols`.
Type withSymbols(Type type, unsigned symbols);

/// Number of symbols the module names, bound or not.
unsigned getNumSymbols(ModuleOp module);

/// Appends a symbol to the module's list and returns its position.
unsigned addSymbol(ModuleOp module, llvm::StringRef name);

/// The expression with symbol names, as an ONNX file writes it.
std::string toString(AffineExpr expr, ModuleOp module);

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_IR_SYMBOLIC_H
