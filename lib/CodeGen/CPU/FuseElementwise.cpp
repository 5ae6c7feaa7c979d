//===- FuseElementwise.cpp - Point-by-point operations into their users ---===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe/Support/Provenance.h"
#include "llvm/Support/Regex.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUFUSEELEMENTWISE
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Operations in the body of a generic; 0 for other operations.
size_t getBodySize(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic ? generic.getBody()->getOperations().size() : 0;
}

class CPUFuseElementwise
    : public cpu::impl::CPUFuseElementwiseBase<CPUFuseElementwise> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    llvm::Regex kept(keep);
    if (std::string problem; !keep.empty() && !kept.isValid(problem)) {
      emitError(getOperation().getLoc())
          << "'" << keep << "' is no regular expression: " << problem;
      return signalPassFailure();
    }
    auto isKept = [&](Operation *op) {
      auto provenance = getProvenance(op->getLoc());
      return !keep.empty() && provenance &&
             llvm::any_of(provenance->tensors, [&](StringAttr tensor) {
               return kept.match(tensor.getValue());
             });
    };
    auto hasOneUse = [&](OpOperand *operand) {
      Operation *producer = operand->get().getDefiningOp();
      return producer && producer->hasOneUse() && !isKept(producer);
    };
    // Every fusion copies both bodies: without a limit a long chain takes
    // quadratic time, and the code of its one loop no registers can hold.
    auto staysSmall = [&](OpOperand *operand) {
      return hasOneUse(operand) && getBodySize(operand->get().getDefiningOp()) +
                                           getBodySize(operand->getOwner()) <=
                                       maxBody;
    };
    linalg::populateElementwiseOpsFusionPatterns(patterns, staysSmall);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, hasOneUse);
    linalg::populateConstantFoldLinalgOperations(patterns, hasOneUse);
    tensor::populateBubbleUpExpandShapePatterns(patterns);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    context->getLoadedDialect<linalg::LinalgDialect>()
        ->getCanonicalizationPatterns(patterns);
    // Top-down, so that a chain is met at its start.
    if (failed(applyPatternsGreedily(
            getOperation(), std::move(patterns),
            GreedyRewriteConfig().setUseTopDownTraversal())))
      signalPassFailure();
  }
};

} // namespace
