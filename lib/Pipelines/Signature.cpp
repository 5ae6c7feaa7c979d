//===- Signature.cpp - Inputs, outputs and states of a model --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Signature.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/IR/Symbolic.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::moe;
namespace json = llvm::json;

/// The metadata's name of an element type, or empty.
static StringRef typeName(Type type) {
  if (type.isF32())
    return "f32";
  if (type.isF64())
    return "f64";
  if (type.isF16())
    return "f16";
  if (type.isBF16())
    return "bf16";
  if (type.isInteger(1))
    return "bool";
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 8:
      return isUnsigned ? "u8" : "i8";
    case 16:
      return isUnsigned ? "u16" : "i16";
    case 32:
      return isUnsigned ? "u32" : "i32";
    case 64:
      return isUnsigned ? "u64" : "i64";
    }
  }
  return "";
}

/// Adds the terms of a polynomial: each is a coefficient and symbol numbers.
static void addTerms(AffineExpr expr, json::Array factors, int64_t coefficient,
                     json::Array &terms) {
  if (expr.getKind() == AffineExprKind::Add) {
    auto sum = cast<AffineBinaryOpExpr>(expr);
    addTerms(sum.getLHS(), factors, coefficient, terms);
    addTerms(sum.getRHS(), factors, coefficient, terms);
    return;
  }
  SmallVector<AffineExpr> product = {expr};
  while (!product.empty()) {
    AffineExpr factor = product.pop_back_val();
    if (auto constant = dyn_cast<AffineConstantExpr>(factor)) {
      coefficient *= constant.getValue();
    } else if (auto symbol = dyn_cast<AffineSymbolExpr>(factor)) {
      factors.push_back(int64_t(symbol.getPosition()));
    } else {
      auto binary = cast<AffineBinaryOpExpr>(factor);
      product.push_back(binary.getRHS());
      product.push_back(binary.getLHS());
    }
  }
  json::Array term;
  term.push_back(coefficient);
  for (json::Value &factor : factors)
    term.push_back(std::move(factor));
  terms.push_back(std::move(term));
}

static json::Value dimension(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  // The canonical form is a sum of products.
  json::Array terms;
  addTerms(onnx::Poly::fromAffine(expr).toAffine(expr.getContext()), {}, 1,
           terms);
  return terms;
}

static FailureOr<json::Object> describe(func::FuncOp main, StringRef kind,
                                        unsigned number, Type type,
                                        StringAttr name) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  StringRef element = tensor ? typeName(tensor.getElementType()) : "";
  if (element.empty())
    return main.emitError() << kind << " '" << (name ? name.getValue() : "?")
                            << "' has no type this target supports";
  json::Array shape;
  for (AffineExpr expr : onnx::getDims(type, type.getContext()))
    shape.push_back(dimension(expr));
  return json::Object{{"name", name ? name.getValue() : "?"},
                      {"type", element},
                      {"shape", std::move(shape)},
                      {"state", -1}};
}

FailureOr<json::Object> moe::takeSignature(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("there is no graph");
  json::Array inputs, outputs, states, symbols;
  auto names = module->getAttrOfType<ArrayAttr>(onnx::ONNXDialect::kSymbols);
  int64_t bound = names ? names.size() : 0;
  if (auto attr = module->getAttrOfType<IntegerAttr>("onnx.bound_symbols"))
    bound = attr.getInt();
  for (int64_t i = 0; i < bound; ++i)
    symbols.push_back(cast<StringAttr>(names[i]).getValue());

  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    Type type = main.getArgumentTypes()[i];
    auto input = describe(
        main, "input", i, type,
        main.getArgAttrOfType<StringAttr>(i, onnx::ONNXDialect::kName));
    if (failed(input))
      return failure();
    SmallVector<AffineExpr> dims = onnx::getDims(type, main.getContext());
    main.setArgAttr(i, "cpu.dims",
                    AffineMapAttr::get(AffineMap::get(
                        0, names ? names.size() : 0, dims, main.getContext())));
    if (auto output = main.getArgAttrOfType<IntegerAttr>(
            i, onnx::ONNXDialect::kStateOutput)) {
      auto axis =
          main.getArgAttrOfType<IntegerAttr>(i, onnx::ONNXDialect::kStateAxis);
      (*input)["state"] = int64_t(states.size());
      states.push_back(json::Object{{"input", int64_t(i)},
                                    {"output", output.getInt()},
                                    {"axis", axis.getInt()}});
    }
    inputs.push_back(std::move(*input));
  }
  for (unsigned i = 0; i < main.getNumResults(); ++i) {
    auto name =
        main.getResultAttrOfType<StringAttr>(i, onnx::ONNXDialect::kName);
    Type type = main.getResultTypes()[i];
    // An output may be an initializer.
    if (auto weight = dyn_cast<weights::WeightTensorType>(type))
      type = RankedTensorType::get(weight.getShape(), weight.getElementType());
    auto output = describe(main, "output", i, type, name);
    if (failed(output))
      return failure();
    for (AffineExpr expr : onnx::getDims(type, main.getContext())) {
      StringAttr free;
      expr.walk([&](AffineExpr inner) {
        auto symbol = dyn_cast<AffineSymbolExpr>(inner);
        if (symbol && int64_t(symbol.getPosition()) >= bound)
          free = cast<StringAttr>(names[symbol.getPosition()]);
      });
      if (free)
        return main.emitError()
               << "the size '" << free.getValue() << "' of output '"
               << (name ? name.getValue() : "?")
               << "' depends on data, or on which of two sizes is smaller; "
                  "only sums and products of the inputs' sizes are supported";
    }
    for (auto [s, state] : llvm::enumerate(states))
      if (state.getAsObject()->getInteger("output") == int64_t(i))
        (*output)["state"] = int64_t(s);
    outputs.push_back(std::move(*output));
  }
  // What the compiled code relies on and no input's own shape says.
  json::Array equal;
  if (auto pairs = module->getAttrOfType<ArrayAttr>("onnx.equal_dims"))
    for (auto pair : pairs.getAsRange<AffineMapAttr>())
      equal.push_back(json::Array{dimension(pair.getValue().getResult(0)),
                                  dimension(pair.getValue().getResult(1))});
  return json::Object{{"symbols", std::move(symbols)},
                      {"equal", std::move(equal)},
                      {"inputs", std::move(inputs)},
                      {"outputs", std::move(outputs)},
                      {"states", std::move(states)}};
}

json::Array moe::getRequiredSizes(ModuleOp module) {
  json::Array positive;
  if (auto dims =
          module->getAttrOfType<ArrayAttr>(onnx::ONNXDialect::kPositiveDims))
    for (auto dim : dims.getAsRange<AffineMapAttr>())
      positive.push_back(dimension(dim.getValue().getResult(0)));
  return positive;
}

json::Array moe::getPoints(ModuleOp module) {
  json::Array points;
  if (auto list = module->getAttrOfType<ArrayAttr>("cpu.points"))
    for (auto point : list.getAsRange<ArrayAttr>()) {
      auto text = [&](unsigned i) {
        return cast<StringAttr>(point[i]).getValue();
      };
      auto type = cast<RankedTensorType>(cast<TypeAttr>(point[3]).getValue());
      points.push_back(json::Object{{"tensor", text(0)},
                                    {"node", text(1)},
                                    {"op", text(2)},
                                    {"type", typeName(type.getElementType())},
                                    {"rank", type.getRank()}});
    }
  return points;
}
