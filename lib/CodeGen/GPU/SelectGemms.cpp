//===- SelectGemms.cpp - Dense products as generated kernels --------------===//
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
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/CodeGen/Common/WeightProducts.h"
#include "moe/CodeGen/GPU/Kernels.h"
#include "moe/CodeGen/GPU/Passes.h"

namespace mlir::moe::gpu {
#define GEN_PASS_DEF_GPUSELECTGEMMS
#include "moe/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::moe::gpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The weight [K, N] as rows of its columns, in the type that kernels multiply.
Value packRows(ImplicitLocOpBuilder &b, Value source, Type element) {
  auto type = cast<weights::WeightTensorType>(source.getType());
  if (type.getElementType() != element)
    source =
        weights::CastOp::create(b,
                                weights::WeightTensorType::get(
                                    b.getContext(), type.getShape(), element),
                                source);
  int64_t k = type.getShape()[0], n = type.getShape()[1];
  int64_t elements = n * device::getRowStride(k);
  Value packed = weights::PackOp::create(
      b, weights::WeightTensorType::get(b.getContext(), elements, element),
      source, weights::Layout::Rows);
  return weights::MaterializeOp::create(b, MemRefType::get({elements}, element),
                                        packed);
}

void rewriteProduct(const WeightProduct &product, moe::gpu::KernelSet set,
                    Type element) {
  linalg::MatmulOp op = product.op;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value source = product.weight->getOperand(0);
  auto weight = cast<weights::WeightTensorType>(source.getType());
  int64_t k = weight.getShape()[0], n = weight.getShape()[1];
  Value w = packRows(b, source, element);

  moe::gpu::Emitter emitter{b, op->getParentOfType<ModuleOp>(), set};
  Value lhs = op.getInputs()[0];
  Value rows = tensor::DimOp::create(b, lhs, 0);
  Value a = product.getRowsBuffer(b, lhs);
  int64_t stride = device::getRowStride(k);
  if (element != b.getF32Type() || stride != k) {
    Value converted = memref::AllocOp::create(
        b, MemRefType::get({ShapedType::kDynamic, stride}, element), rows);
    moe::gpu::emitConvertRows(emitter, a, converted, rows);
    a = converted;
  }
  Value c = product.allocateResult(b);
  moe::gpu::emitGemm(emitter, k, n, element, a, w, withDynamicRows(b, c), rows);
  product.replaceWith(b, c);
}

class GPUSelectGemms
    : public moe::gpu::impl::GPUSelectGemmsBase<GPUSelectGemms> {
  void runOnOperation() override {
    FailureOr<moe::gpu::KernelSet> set = moe::gpu::getKernelSet(getOperation());
    FailureOr<Type> element = moe::gpu::getWeightsType(getOperation());
    if (failed(set) || failed(element))
      return signalPassFailure();
    for (const WeightProduct &product : findWeightProducts(getOperation())) {
      rewriteProduct(product, *set, *element);
      ++numSelected;
    }
  }
};

} // namespace
