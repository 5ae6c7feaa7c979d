//===- Matchers.cpp - What several patterns of layers share ---------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matchers.h"

using namespace mlir;
using namespace mlir::moe;

/// 32 or 64 bits: every id fits, and stays what it is.
static bool isWideInteger(Value value) {
  Type type = onnx::getElementTypeOf(value);
  return type && (type.isSignlessInteger(32) || type.isSignlessInteger(64));
}

Value moe::skipReshapesAndCasts(Value value) {
  for (;;) {
    auto node = getNode(value, "Reshape");
    if (!node)
      node = getNode(value, "Cast");
    if (!node ||
        (node.isStandard("Cast") &&
         (!isWideInteger(value) || !isWideInteger(node.getInputs()[0]))))
      return value;
    value = node.getInputs()[0];
  }
}

bool moe::isZeros(Value value) {
  return isa_and_nonnull<FloatType>(onnx::getElementTypeOf(value)) &&
         getSplat(value) == 0.0;
}

bool moe::haveSameDims(Value a, Value b) {
  auto x = onnx::getPolyDims(a), y = onnx::getPolyDims(b);
  return x && y && *x == *y;
}

/// The argument of a non-linearity, or null.
static Value matchUnary(Value value, Activation &kind) {
  if (auto node = getNode(value, "Relu")) {
    kind = Activation::ReLU;
    return node.getInputs()[0];
  }
  if (auto node = getNode(value, "Gelu")) {
    kind = node.getString("approximate", "none") == "tanh"
               ? Activation::GELUTanh
               : Activation::GELU;
    return node.getInputs()[0];
  }
  Value argument;
  if (auto node = getNode(value, "Mul"))
    eitherOrder(node, [&](Value x, Value s) {
      auto sigmoid = getNode(s, "Sigmoid");
      if (!sigmoid || sigmoid.getInputs()[0] != x)
        return false;
      kind = Activation::SiLU;
      argument = x;
      return true;
    });
  return argument;
}

std::optional<ActivationMatch> moe::matchActivation(Value value) {
  ActivationMatch match;
  if ((match.up = matchUnary(value, match.kind)))
    return match;
  if (auto product = getNode(value, "Mul"))
    if (eitherOrder(product, [&](Value a, Value u) {
          match.gate = matchUnary(a, match.kind);
          match.up = u;
          return bool(match.gate);
        }))
      return match;
  return std::nullopt;
}

Value moe::makeExperts(ImplicitLocOpBuilder &b, Value tokens, Value routing,
                       weights::BankOp bank, ArrayRef<Attribute> kinds,
                       Activation activation) {
  llvm::APFloat none(0.0f);
  return ExpertsOp::create(b, tokens.getType(), tokens, routing, bank,
                           b.getArrayAttr(kinds), activation,
                           /*alpha=*/llvm::APFloat(1.0f), /*beta=*/none,
                           /*limit=*/none);
}

Value moe::reshapeTo(ImplicitLocOpBuilder &b, StringRef name, Value value,
                     ArrayRef<onnx::Poly> dims) {
  auto old = onnx::getPolyDims(value);
  if (old && ArrayRef<onnx::Poly>(*old) == dims)
    return value;
  SmallVector<AffineExpr> exprs;
  for (const onnx::Poly &dim : dims)
    exprs.push_back(dim.toAffine(b.getContext()));
  auto module = value.getParentRegion()->getParentOfType<ModuleOp>();
  auto map =
      AffineMap::get(0, onnx::getNumSymbols(module), exprs, b.getContext());
  return makeNode(b, name, "Reshape", value,
                  b.getNamedAttr("shape", AffineMapAttr::get(map)));
}

Value moe::takeColumns(ImplicitLocOpBuilder &b, Value weight, bool transposed,
                       int64_t offset, int64_t step, int64_t count) {
  SmallVector<int64_t> shape(weightShape(weight));
  size_t at = transposed ? 1 : shape.size() - 1;
  if (offset != 0 || step != 1 || count != shape[at]) {
    // A step is a view of one of `step` columns side by side; the last group
    // may lack some.
    int64_t begin = offset / step * step;
    int64_t groups = std::min(count, (shape[at] - begin) / step);
    if (step > 1 && groups == count) {
      SmallVector<int64_t> split(shape), offsets(shape.size() + 1, 0), sizes;
      if (shape[at] % step != 0) {
        SmallVector<int64_t> from(shape.size(), 0), range(shape);
        range[at] = shape[at] / step * step;
        weight = viewWeight(b, weight, from, range);
        split = range;
      }
      split[at] /= step;
      split.insert(split.begin() + at + 1, step);
      sizes = split;
      offsets[at] = offset / step;
      offsets[at + 1] = offset % step;
      sizes[at] = count;
      sizes[at + 1] = 1;
      weight = viewWeight(b, reshapeWeight(b, weight, split), offsets, sizes);
      shape[at] = count;
      weight = reshapeWeight(b, weight, shape);
    } else if (step == 1) {
      SmallVector<int64_t> offsets(shape.size(), 0);
      offsets[at] = offset;
      shape[at] = count;
      weight = viewWeight(b, weight, offsets, shape);
    } else {
      return {};
    }
  }
  return transposed ? transposeWeight(b, weight, {0, 2, 1}) : weight;
}

bool MatchTrace::stop(Value at, const Twine &why) {
  if (!reason.empty())
    return false;
  auto node = at ? at.getDefiningOp<onnx::NodeOp>() : onnx::NodeOp();
  reason = (node ? "'" + node.getName().str() + "' (" + node.getOpType().str() +
                       "): "
                 : std::string("an input: ")) +
           why.str();
  return false;
}
