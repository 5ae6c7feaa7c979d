//===- ONNXOps.cpp - Verifiers, folds and formats -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/IR/ONNX.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe::onnx;

#define GET_OP_CLASSES
#include "dialects/ONNX/IR/ONNXOps.cpp.inc"

int64_t NodeOp::getInt(StringRef attribute, int64_t fallback) {
  auto value = dyn_cast_or_null<IntegerAttr>(getNodeAttr(attribute));
  return value ? value.getInt() : fallback;
}

double NodeOp::getFloat(StringRef attribute, double fallback) {
  auto value = dyn_cast_or_null<FloatAttr>(getNodeAttr(attribute));
  return value ? value.getValueAsDouble() : fallback;
}

StringRef NodeOp::getString(StringRef attribute, StringRef fallback) {
  auto value = dyn_cast_or_null<StringAttr>(getNodeAttr(attribute));
  return value ? value.getValue() : fallback;
}

Value NodeOp::getInputOrNull(unsigned i) {
  if (i >= getInputs().size())
    return {};
  Value input = getInputs()[i];
  return isa<onnx::NoneType>(input.getType()) ? Value() : input;
}

bool NodeOp::hasInput(unsigned i) { return bool(getInputOrNull(i)); }

AffineMap NodeOp::getShapeValue(unsigned i) {
  std::optional<ArrayAttr> values = getShapeValues();
  if (!values || i >= values->size())
    return {};
  auto map = dyn_cast<AffineMapAttr>((*values)[i]);
  return map ? map.getValue() : AffineMap();
}

void NodeOp::setShapeValue(unsigned i, AffineMap map) {
  SmallVector<Attribute> values(getNumResults(), UnitAttr::get(getContext()));
  if (std::optional<ArrayAttr> old = getShapeValues())
    values.assign(old->begin(), old->end());
  values[i] = AffineMapAttr::get(map);
  setShapeValuesAttr(ArrayAttr::get(getContext(), values));
}

LogicalResult NodeOp::verify() {
  if (getOpType().empty())
    return emitOpError("needs an operator name");
  if (getVersion() < 1)
    return emitOpError("needs an opset version of at least 1, has ")
           << getVersion();
  size_t names = getBodyNames() ? getBodyNames()->size() : 0;
  if (names != getBodies().size())
    return emitOpError("has ")
           << getBodies().size() << " bodies but " << names << " body names";
  if (std::optional<ArrayAttr> values = getShapeValues()) {
    if (values->size() != getNumResults())
      return emitOpError("has ") << values->size() << " shape values for "
                                 << getNumResults() << " results";
    for (Attribute value : *values)
      if (!isa<AffineMapAttr, UnitAttr>(value))
        return emitOpError("shape values must be affine maps or unit");
  }
  return success();
}

OpFoldResult OmittedOp::fold(FoldAdaptor) {
  return UnitAttr::get(getContext());
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

Operation *ONNXDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  if (isa<onnx::NoneType>(type))
    return OmittedOp::create(builder, loc);
  if (auto elements = dyn_cast<ElementsAttr>(value))
    if (elements.getType() == type)
      return ConstantOp::create(builder, loc, elements);
  return nullptr;
}
