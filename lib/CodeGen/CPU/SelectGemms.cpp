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
#include "moe/CodeGen/CPU/Kernels.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe/CodeGen/Common/WeightProducts.h"
#include "moe/Support/PackedLayout.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUSELECTGEMMS
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

static void rewriteProduct(const WeightProduct &product, ModuleOp module,
                           const cpu::Schedule &schedule) {
  linalg::MatmulOp op = product.op;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value source = product.weight->getOperand(0);
  auto type = cast<weights::WeightTensorType>(source.getType());
  int64_t k = type.getShape()[0], n = type.getShape()[1];
  func::FuncOp kernel = cpu::getGemmKernel(module, schedule, k, n);

  auto packedType = weights::WeightTensorType::get(
      b.getContext(), packed::getPackedElements(k, n), b.getF32Type());
  Value packed =
      weights::PackOp::create(b, packedType, source, weights::Layout::Panels);
  Value panels =
      weights::MaterializeOp::create(b, kernel.getArgumentTypes()[1], packed);
  Value c = product.allocateResult(b);
  Value a = product.getRowsBuffer(b, op.getInputs()[0]);
  func::CallOp::create(b, kernel, ValueRange{a, panels, withDynamicRows(b, c)});
  // Rows are counted for experts only.
  Value noRows = arith::ConstantIndexOp::create(b, 0);
  pager::CountOp::create(b, kernel.getName(), noRows);
  product.replaceWith(b, c);
}

namespace {

class CPUSelectGemms : public cpu::impl::CPUSelectGemmsBase<CPUSelectGemms> {
  void runOnOperation() override {
    FailureOr<cpu::Schedule> schedule = cpu::getSchedule(getOperation());
    if (failed(schedule))
      return signalPassFailure();
    for (const WeightProduct &product : findWeightProducts(getOperation())) {
      rewriteProduct(product, getOperation(), *schedule);
      ++numSelected;
    }
  }
};

} // namespace
