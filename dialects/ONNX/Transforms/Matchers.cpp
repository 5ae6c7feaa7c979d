//===- Matchers.cpp - What matchers of nodes share ------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/Matchers.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

Value onnx::skipReshapes(Value value) {
  while (auto node = getNode(value, "Reshape"))
    value = node.getInputs()[0];
  return value;
}

std::optional<double> onnx::getSplat(Value value) {
  if (auto expand = getNode(value, "Expand"))
    value = expand.getInputs()[0];
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue())
                           : DenseElementsAttr();
  if (!elements || !elements.isSplat())
    return std::nullopt;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble();
  return double(elements.getSplatValue<APInt>().getSExtValue());
}

std::optional<Poly> onnx::getElementCount(Value value) {
  auto dims = getPolyDims(value);
  if (!dims)
    return std::nullopt;
  Poly count(1);
  for (const Poly &dim : *dims)
    count = count * dim;
  return count;
}

std::optional<SliceMatch> onnx::matchSlice(Value value) {
  auto slice = getNode(value, "Slice");
  if (!slice)
    return std::nullopt;
  auto offsets = dyn_cast_or_null<AffineMapAttr>(slice.getNodeAttr("offsets"));
  auto steps = dyn_cast_or_null<DenseI64ArrayAttr>(slice.getNodeAttr("steps"));
  auto whole = getPolyDims(slice.getInputs()[0]);
  auto part = getPolyDims(value);
  if (!offsets || !steps || !whole || !part)
    return std::nullopt;
  SliceMatch match{slice.getInputs()[0], -1, 0, 1, 0};
  for (size_t d = 0; d < whole->size(); ++d) {
    auto offset = dyn_cast<AffineConstantExpr>(offsets.getValue().getResult(d));
    if ((*whole)[d] == (*part)[d] && offset && offset.getValue() == 0 &&
        steps[d] == 1)
      continue;
    auto size = (*part)[d].asConstant();
    if (match.dim >= 0 || !offset || !size)
      return std::nullopt;
    match.dim = d;
    match.offset = offset.getValue();
    match.step = steps[d];
    match.size = *size;
  }
  if (match.dim < 0)
    return std::nullopt;
  return match;
}
