//===- WeightProducts.cpp - Products with resident weights ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/Common/WeightProducts.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::moe;

/// Whether every element of the tensor is zero.
static bool isZero(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs().front(), m_AnyZeroFloat());
  return matchPattern(tensor, m_AnyZeroFloat());
}

/// The weight that is the right-hand side, or null.
static weights::MaterializeOp getPackableWeight(linalg::MatmulOp op) {
  if (op.hasUserDefinedMaps() || op.getNumResults() != 1 ||
      !isZero(op.getOutputs().front()))
    return {};
  for (Value operand : op->getOperands())
    if (!getElementTypeOrSelf(operand.getType()).isF32())
      return {};
  auto weight = op.getInputs()[1].getDefiningOp<weights::MaterializeOp>();
  if (!weight || llvm::is_contained(weight.getSource().getType().getShape(), 0))
    return {};
  return weight;
}

SmallVector<WeightProduct> moe::findWeightProducts(ModuleOp module) {
  SmallVector<WeightProduct> products;
  module.walk([&](linalg::MatmulOp op) {
    if (weights::MaterializeOp weight = getPackableWeight(op))
      products.push_back({op, weight});
  });
  return products;
}

Value moe::withDynamicRows(ImplicitLocOpBuilder &b, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.isDynamicDim(0))
    return buffer;
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = ShapedType::kDynamic;
  return memref::CastOp::create(
      b, MemRefType::get(shape, type.getElementType()), buffer);
}

Value WeightProduct::getRowsBuffer(ImplicitLocOpBuilder &b, Value rows) const {
  auto type = cast<RankedTensorType>(rows.getType());
  return withDynamicRows(
      b, bufferization::ToBufferOp::create(
             b, MemRefType::get(type.getShape(), type.getElementType()), rows,
             /*read_only=*/true));
}

Value WeightProduct::allocateResult(ImplicitLocOpBuilder &b) const {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  int64_t n = cast<ShapedType>(op->getOperand(1).getType()).getDimSize(1);
  SmallVector<Value> sizes;
  if (type.isDynamicDim(0))
    sizes.push_back(tensor::DimOp::create(b, op->getOperand(0), 0));
  return memref::AllocOp::create(
      b, MemRefType::get({type.getDimSize(0), n}, b.getF32Type()), sizes);
}

void WeightProduct::replaceWith(ImplicitLocOpBuilder &b, Value c) const {
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  auto bufferType = cast<MemRefType>(c.getType());
  Value result = bufferization::ToTensorOp::create(
      b, RankedTensorType::get(bufferType.getShape(), b.getF32Type()), c,
      /*restrict=*/true, /*writable=*/true);
  if (result.getType() != resultType)
    result = tensor::CastOp::create(b, resultType, result);
  op->getResult(0).replaceAllUsesWith(result);
  Value init = linalg::MatmulOp(op).getOutputs().front();
  op->erase();
  if (weight->use_empty())
    weight->erase();
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    if (fill->use_empty())
      fill.erase();
}
