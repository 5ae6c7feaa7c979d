//===- RecognizeDense.cpp - One node for what exporters write in many -----===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/RecognizeDense.h"
#include "dialects/ONNX/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include <cmath>

namespace mlir::moe::onnx {
#define GEN_PASS_DEF_ONNXRECOGNIZEDENSE
#include "dialects/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::moe::onnx

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// Levels of computation that are looked through: what exporters need.
static constexpr unsigned kMaxDepth = 4;

static std::optional<double> getScalar(Value value, unsigned depth) {
  if (auto number = getConstantFloat(value))
    return number;
  auto node = value.getDefiningOp<NodeOp>();
  if (!node || depth == 0 || !isF32(value) ||
      getElementCount(value) != Poly(1) || node.getInputs().empty())
    return std::nullopt;
  Value first = node.getInputs()[0];
  if (node.isStandard("Cast"))
    if (auto elements = getConstantElements(first))
      return float((*elements)[0]);
  auto a = getScalar(first, depth - 1);
  if (!a)
    return std::nullopt;
  if (node.isStandard("Sqrt"))
    return std::sqrt(float(*a));
  if (node.isStandard("Reciprocal"))
    return 1.0f / float(*a);
  bool product = node.isStandard("Mul");
  if (!product && !node.isStandard("Div"))
    return std::nullopt;
  auto b = getScalar(node.getInputs()[1], depth - 1);
  if (!b)
    return std::nullopt;
  return product ? float(*a) * float(*b) : float(*a) / float(*b);
}

std::optional<double> onnx::getScalar(Value value) {
  return ::getScalar(value, kMaxDepth);
}

static void collectFactors(Value value, Factors &factors, unsigned depth) {
  if (auto number = getScalar(value)) {
    factors.constant *= *number;
    return;
  }
  auto node = value.getDefiningOp<NodeOp>();
  bool own = depth == kMaxDepth || value.hasOneUse();
  if (node && depth > 0 && own) {
    if (node.isStandard("Mul")) {
      for (Value factor : node.getInputs())
        collectFactors(factor, factors, depth - 1);
      return;
    }
    auto number = node.isStandard("Div") || node.isStandard("Pow")
                      ? getScalar(node.getInputs()[1])
                      : std::nullopt;
    if (number && node.isStandard("Div")) {
      factors.constant /= *number;
      return collectFactors(node.getInputs()[0], factors, depth - 1);
    }
    if (number == 2.0 || number == 3.0) {
      factors.values.append(size_t(*number), node.getInputs()[0]);
      return;
    }
  }
  factors.values.push_back(value);
}

Factors onnx::getFactors(Value value) {
  Factors factors;
  collectFactors(value, factors, kMaxDepth);
  return factors;
}

bool onnx::isNear(double a, double b) {
  return std::abs(a - b) <= 1e-6 * std::abs(b);
}

namespace {

class ONNXRecognizeDense
    : public onnx::impl::ONNXRecognizeDenseBase<ONNXRecognizeDense> {
  void runOnOperation() override;

  /// Tries what starts from this operator.
  std::optional<Recognized> recognize(NodeOp op);
  void count(StringRef opType);
};

std::optional<Recognized> ONNXRecognizeDense::recognize(NodeOp op) {
  static const std::pair<StringRef, Recognizer> table[] = {
      {"Div", recognizeNorm},        {"Mul", recognizeNorm},
      {"Mul", recognizeGelu},        {"Add", recognizeRotary},
      {"Concat", recognizeRotary},   {"MatMul", recognizeAttention},
      {"Attention", recognizeCausal}};
  for (auto [opType, recognizer] : table)
    if (op.isStandard(opType))
      if (auto found = recognizer(op))
        return found;
  return std::nullopt;
}

void ONNXRecognizeDense::count(StringRef opType) {
  if (opType == "RMSNormalization")
    ++numRMSNorms;
  else if (opType == "LayerNormalization")
    ++numLayerNorms;
  else if (opType == "Gelu")
    ++numGelus;
  else if (opType == "Attention")
    ++numAttentions;
  else if (opType == "RotaryEmbedding")
    ++numRotaries;
}

/// Takes a value that nothing reads, and what only it read, out of use, so that
/// uses of what remains can be counted. Erased once the walk is over.
void dropDead(Value value) {
  SmallVector<Operation *> worklist = {value.getDefiningOp()};
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (!op || !op->use_empty() || !isa<NodeOp>(op))
      continue;
    SmallVector<Value> operands(op->getOperands());
    op->dropAllReferences();
    for (Value operand : operands)
      if (operand)
        worklist.push_back(operand.getDefiningOp());
  }
}

void ONNXRecognizeDense::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  Block &block = main.getBody().front();
  SmallVector<NodeOp> nodes(block.getOps<NodeOp>());
  for (NodeOp op : nodes) {
    if (op.use_empty())
      continue;
    auto found = recognize(op);
    if (!found)
      continue;
    count(skipReshapes(found->value).getDefiningOp<NodeOp>().getOpType());
    inheritProvenance(found->open.getLoc(), found->value);
    found->open.replaceAllUsesWith(found->value);
    dropDead(found->open);
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (op.use_empty() && isMemoryEffectFree(&op) &&
        !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
  // Operands built for several nodes.
  IRRewriter rewriter(&getContext());
  DominanceInfo dominance(main);
  eliminateCommonSubExpressions(rewriter, dominance, main);
  main.setType(FunctionType::get(&getContext(), main.getArgumentTypes(),
                                 block.getTerminator()->getOperandTypes()));
}

} // namespace
