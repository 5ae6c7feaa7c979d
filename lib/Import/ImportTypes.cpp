//===- ImportTypes.cpp - Types of inputs and outputs ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

namespace mlir::moe {

/// Limits that only hostile files meet.
constexpr int64_t kMaxSize = int64_t(1) << 40;
constexpr int kMaxRank = 64;
/// Each size's expression is over all names: their product must stay small.
constexpr size_t kMaxSymbols = 4096;

/// A dimension's name: an identifier is a symbol, a number a size, a sum or
/// product of these a polynomial; anything else a symbol of its own.
AffineExpr Importer::importDim(const onnx_ns::TensorShapeProto::Dimension &dim,
                               StringRef input, int index) {
  if (dim.has_dim_value()) {
    if (dim.dim_value() < 0 || dim.dim_value() > kMaxSize) {
      error() << "input '" << input << "' has size " << dim.dim_value()
              << " in dimension " << index;
      return builder.getAffineConstantExpr(1);
    }
    return builder.getAffineConstantExpr(dim.dim_value());
  }
  StringRef text = StringRef(dim.dim_param()).trim();
  int64_t number;
  if (!text.getAsInteger(10, number) && number >= 0 && number <= kMaxSize)
    return builder.getAffineConstantExpr(number);
  std::string fresh = (input + "_d" + Twine(index)).str();
  if (!checkName("size", text))
    return builder.getAffineConstantExpr(1);
  auto symbol = [&](StringRef name) {
    auto [entry, isNew] = symbols.try_emplace(name, symbolNames.size());
    if (isNew)
      symbolNames.push_back(builder.getStringAttr(name));
    if (isNew && symbolNames.size() == kMaxSymbols + 1)
      error() << "has more than " << kMaxSymbols
              << " different sizes in its inputs";
    return builder.getAffineSymbolExpr(entry->second);
  };
  if (text.empty())
    return symbol(fresh);
  if (!text.contains_insensitive(" ") && !text.contains('*') &&
      !text.contains('+'))
    return symbol(text);
  // A polynomial whose symbols are known already; otherwise a size of its own.
  onnx::Poly sum;
  SmallVector<StringRef> terms, factors;
  text.split(terms, '+');
  for (StringRef term : terms) {
    onnx::Poly product(1);
    factors.clear();
    term.split(factors, '*');
    for (StringRef factor : factors) {
      factor = factor.trim();
      if (!factor.getAsInteger(10, number))
        product = product * onnx::Poly(number);
      else if (symbols.count(factor))
        product = product * onnx::Poly::symbol(symbols[factor]);
      else
        return symbol(fresh);
    }
    sum = sum + product;
    if (!sum.isValid())
      return symbol(fresh);
  }
  return sum.toAffine(context);
}

Type Importer::importInput(const onnx_ns::ValueInfoProto &info) {
  if (!info.type().has_tensor_type()) {
    error() << "input '" << info.name()
            << "' is not a tensor; sequences, maps and optionals are not "
               "supported";
    return {};
  }
  const auto &tensor = info.type().tensor_type();
  Type element = elementType(tensor.elem_type(), context);
  if (!element) {
    error() << "input '" << info.name() << "' has element type "
            << elementTypeName(tensor.elem_type())
            << ", which is not supported";
    return {};
  }
  if (!tensor.has_shape()) {
    error() << "input '" << info.name()
            << "' has no shape: its rank must be known; export the model with "
               "shapes";
    return {};
  }
  if (tensor.shape().dim_size() > kMaxRank) {
    error() << "input '" << info.name() << "' has " << tensor.shape().dim_size()
            << " dimensions, more than " << kMaxRank;
    return {};
  }
  SmallVector<AffineExpr> dims;
  for (int i = 0; i < tensor.shape().dim_size(); ++i)
    dims.push_back(importDim(tensor.shape().dim(i), info.name(), i));
  return onnx::getTensorType(element, dims, 0);
}

/// What the file says of an output, as far as it can be compared with what its
/// node gives; sizes of 0 stand for unknown ones in some files.
Type Importer::importDeclared(const onnx_ns::ValueInfoProto &info) {
  const auto &tensor = info.type().tensor_type();
  Type element = elementType(tensor.elem_type(), context);
  if (!info.type().has_tensor_type() || !element || !tensor.has_shape())
    return {};
  if (tensor.shape().dim_size() > kMaxRank)
    return {};
  SmallVector<int64_t> shape;
  for (const auto &dim : tensor.shape().dim())
    shape.push_back(dim.has_dim_value() && dim.dim_value() > 0
                        ? dim.dim_value()
                        : ShapedType::kDynamic);
  return RankedTensorType::get(shape, element);
}

} // namespace mlir::moe
