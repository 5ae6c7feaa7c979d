//===- SelectGemms.cpp - Dense products as packed kernels -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Pager/IR/Pager.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "moe/CodeGen/CPU/Kernels.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe/Support/PackedLayout.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUSELECTGEMMS
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

/// Whether every element of the tensor is zero.
static bool isZero(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs().front(), m_AnyZeroFloat());
  return matchPattern(tensor, m_AnyZeroFloat());
}

/// The weight that is the right-hand side, if the product is one that the
/// kernels compute: a fresh float32 product with a resident weight.
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

static void rewriteProduct(linalg::MatmulOp op, weights::MaterializeOp weight,
                           ModuleOp module, const cpu::Schedule &schedule) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  weights::WeightTensorType type = weight.getSource().getType();
  int64_t k = type.getShape()[0], n = type.getShape()[1];
  func::FuncOp kernel = cpu::getGemmKernel(module, schedule, k, n);
  ArrayRef<Type> inputs = kernel.getArgumentTypes();

  auto packedType = weights::WeightTensorType::get(
      b.getContext(), packed::getPackedElements(k, n), b.getF32Type());
  Value packed = weights::PackOp::create(b, packedType, weight.getSource(),
                                         weights::Layout::Panels);
  Value panels = weights::MaterializeOp::create(b, inputs[1], packed);

  Value lhs = op.getInputs()[0];
  auto lhsType = cast<RankedTensorType>(lhs.getType());
  auto resultType = cast<RankedTensorType>(op.getResult(0).getType());
  Value a = bufferization::ToBufferOp::create(
      b, MemRefType::get(lhsType.getShape(), b.getF32Type()), lhs,
      /*read_only=*/true);
  SmallVector<Value> sizes;
  if (resultType.isDynamicDim(0))
    sizes.push_back(tensor::DimOp::create(b, lhs, 0));
  auto bufferType =
      MemRefType::get({resultType.getDimSize(0), n}, b.getF32Type());
  Value c = memref::AllocOp::create(b, bufferType, sizes);
  auto asInput = [&](Value buffer, Type input) -> Value {
    return buffer.getType() == input
               ? buffer
               : memref::CastOp::create(b, input, buffer).getResult();
  };
  func::CallOp::create(
      b, kernel,
      ValueRange{asInput(a, inputs[0]), panels, asInput(c, inputs[2])});
  // Rows are counted for experts only.
  Value noRows = arith::ConstantIndexOp::create(b, 0);
  pager::CountOp::create(b, kernel.getName(), noRows);
  Value result = bufferization::ToTensorOp::create(
      b, RankedTensorType::get(bufferType.getShape(), b.getF32Type()), c,
      /*restrict=*/true, /*writable=*/true);
  if (result.getType() != resultType)
    result = tensor::CastOp::create(b, resultType, result);
  op.getResult(0).replaceAllUsesWith(result);
  Value init = op.getOutputs().front();
  op.erase();
  // What only this product used.
  if (weight->use_empty())
    weight.erase();
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    if (fill->use_empty())
      fill.erase();
}

namespace {

class CPUSelectGemms : public cpu::impl::CPUSelectGemmsBase<CPUSelectGemms> {
  void runOnOperation() override {
    FailureOr<cpu::Schedule> schedule = cpu::getSchedule(getOperation());
    if (failed(schedule))
      return signalPassFailure();
    SmallVector<linalg::MatmulOp> products;
    getOperation().walk([&](linalg::MatmulOp op) { products.push_back(op); });
    for (linalg::MatmulOp op : products)
      if (weights::MaterializeOp weight = getPackableWeight(op)) {
        rewriteProduct(op, weight, getOperation(), *schedule);
        ++numSelected;
      }
  }
};

} // namespace
