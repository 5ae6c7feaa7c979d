//===- Symbolic.cpp - Dimensions as polynomials over named sizes ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/IR/Symbolic.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// Longer sums are not sizes anyone wrote; hostile files must not make them.
static constexpr size_t kMaxTerms = 256;

Poly Poly::invalid() {
  Poly result;
  result.valid = false;
  return result;
}

void Poly::add(const Monomial &monomial, int64_t coefficient) {
  int64_t &sum = terms[monomial];
  if (llvm::AddOverflow(sum, coefficient, sum))
    valid = false;
  if (sum == 0)
    terms.erase(monomial);
}

Poly Poly::symbol(unsigned position) {
  Poly result;
  result.add({position}, 1);
  return result;
}

Poly Poly::fromAffine(AffineExpr expr) {
  if (!expr)
    return invalid();
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Poly(constant.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return Poly::symbol(symbol.getPosition());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return invalid();
  if (expr.getKind() == AffineExprKind::Add)
    return fromAffine(binary.getLHS()) + fromAffine(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul)
    return fromAffine(binary.getLHS()) * fromAffine(binary.getRHS());
  return invalid();
}

AffineExpr Poly::toAffine(MLIRContext *context) const {
  if (!valid)
    return {};
  // The affine builder folds and reorders, but deterministically: the map's
  // order makes the result canonical. The constant term comes last.
  AffineExpr sum;
  int64_t constant = 0;
  for (auto &[monomial, coefficient] : terms) {
    if (monomial.empty()) {
      constant = coefficient;
      continue;
    }
    AffineExpr product;
    for (unsigned symbol : monomial) {
      AffineExpr factor = getAffineSymbolExpr(symbol, context);
      product = product ? product * factor : factor;
    }
    product = product * coefficient;
    sum = sum ? sum + product : product;
  }
  if (!sum)
    return getAffineConstantExpr(constant, context);
  return constant ? sum + constant : sum;
}

Poly Poly::operator+(const Poly &other) const {
  if (!valid || !other.valid)
    return invalid();
  Poly result = *this;
  for (auto &[monomial, coefficient] : other.terms)
    result.add(monomial, coefficient);
  return result.terms.size() > kMaxTerms ? invalid() : result;
}

Poly Poly::operator-(const Poly &other) const {
  return *this + other * Poly(-1);
}

Poly Poly::operator*(const Poly &other) const {
  if (!valid || !other.valid || terms.size() * other.terms.size() > kMaxTerms)
    return invalid();
  Poly result;
  for (auto &[a, ca] : terms)
    for (auto &[b, cb] : other.terms) {
      Monomial monomial(a);
      monomial.append(b.begin(), b.end());
      llvm::sort(monomial);
      int64_t coefficient;
      if (monomial.size() > 16 || llvm::MulOverflow(ca, cb, coefficient))
        return invalid();
      result.add(monomial, coefficient);
    }
  return result;
}

/// Long division by the leading terms in graded lexicographic order.
std::optional<Poly> Poly::dividedBy(const Poly &other) const {
  if (!valid || !other.valid || other.terms.empty())
    return std::nullopt;
  auto leading = [](const Poly &poly) {
    return *std::max_element(poly.terms.begin(), poly.terms.end(),
                             [](auto &a, auto &b) {
                               return a.first.size() != b.first.size()
                                          ? a.first.size() < b.first.size()
                                          : a.first < b.first;
                             });
  };
  auto [divisor, divisorCoefficient] = leading(other);
  Poly quotient, rest = *this;
  while (rest.valid && !rest.terms.empty()) {
    auto [monomial, coefficient] = leading(rest);
    if (coefficient % divisorCoefficient != 0 ||
        !std::includes(monomial.begin(), monomial.end(), divisor.begin(),
                       divisor.end()))
      return std::nullopt;
    Monomial symbols;
    std::set_difference(monomial.begin(), monomial.end(), divisor.begin(),
                        divisor.end(), std::back_inserter(symbols));
    Poly term;
    term.add(symbols, coefficient / divisorCoefficient);
    quotient = quotient + term;
    rest = rest - term * other;
  }
  return rest.valid ? std::optional<Poly>(quotient) : std::nullopt;
}

std::optional<int64_t> Poly::asConstant() const {
  if (!valid || terms.size() > 1)
    return std::nullopt;
  if (terms.empty())
    return 0;
  if (!terms.begin()->first.empty())
    return std::nullopt;
  return terms.begin()->second;
}

bool Poly::isNonNegative() const {
  return valid &&
         llvm::all_of(terms, [](auto &term) { return term.second >= 0; });
}

SmallVector<AffineExpr> onnx::getDims(Type type, MLIRContext *context) {
  SmallVector<AffineExpr> dims;
  if (auto weight = dyn_cast<weights::WeightTensorType>(type)) {
    for (int64_t dim : weight.getShape())
      dims.push_back(getAffineConstantExpr(dim, context));
    return dims;
  }
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return dims;
  auto names = dyn_cast_or_null<AffineMapAttr>(tensor.getEncoding());
  for (auto [i, dim] : llvm::enumerate(tensor.getShape())) {
    if (!ShapedType::isDynamic(dim))
      dims.push_back(getAffineConstantExpr(dim, context));
    else
      dims.push_back(names ? names.getValue().getResult(i) : AffineExpr());
  }
  return dims;
}

RankedTensorType onnx::getTensorType(Type elementType,
                                     ArrayRef<AffineExpr> dims,
                                     unsigned symbols) {
  SmallVector<int64_t> shape;
  bool dynamic = false;
  for (AffineExpr dim : dims) {
    auto constant = dyn_cast<AffineConstantExpr>(dim);
    shape.push_back(constant ? constant.getValue() : ShapedType::kDynamic);
    dynamic |= !constant;
  }
  Attribute encoding;
  if (dynamic)
    encoding = AffineMapAttr::get(
        AffineMap::get(0, symbols, dims, elementType.getContext()));
  return RankedTensorType::get(shape, elementType, encoding);
}

Type onnx::withoutNames(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return RankedTensorType::get(tensor.getShape(), tensor.getElementType());
  return type;
}

Type onnx::withSymbols(Type type, unsigned symbols) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type;
  auto names = dyn_cast_or_null<AffineMapAttr>(tensor.getEncoding());
  if (!names || names.getValue().getNumSymbols() == symbols)
    return type;
  return RankedTensorType::get(
      tensor.getShape(), tensor.getElementType(),
      AffineMapAttr::get(AffineMap::get(
          0, symbols, names.getValue().getResults(), type.getContext())));
}

unsigned onnx::getNumSymbols(ModuleOp module) {
  auto names = module->getAttrOfType<ArrayAttr>(ONNXDialect::kSymbols);
  return names ? names.size() : 0;
}

unsigned onnx::addSymbol(ModuleOp module, StringRef name) {
  SmallVector<Attribute> names;
  if (auto old = module->getAttrOfType<ArrayAttr>(ONNXDialect::kSymbols))
    names.assign(old.begin(), old.end());
  names.push_back(StringAttr::get(module.getContext(), name));
  module->setAttr(ONNXDialect::kSymbols,
                  ArrayAttr::get(module.getContext(), names));
  return names.size() - 1;
}

std::string onnx::toString(AffineExpr expr, ModuleOp module) {
  if (!expr)
    return "?";
  auto names = module->getAttrOfType<ArrayAttr>(ONNXDialect::kSymbols);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return std::to_string(constant.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    if (names && symbol.getPosition() < names.size())
      return cast<StringAttr>(names[symbol.getPosition()]).getValue().str();
    return "s" + std::to_string(symbol.getPosition());
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return "?";
  StringRef op = expr.getKind() == AffineExprKind::Add ? " + " : "*";
  return toString(binary.getLHS(), module) + op.str() +
         toString(binary.getRHS(), module);
}
