//===- Normalize.cpp - Give each operation one spelling -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/Normalize.h"
#include "dialects/ONNX/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

namespace mlir::moe::onnx {
#define GEN_PASS_DEF_ONNXNORMALIZE
#include "dialects/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::moe::onnx

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

AffineMapAttr NodeRewriter::map(ArrayRef<Poly> dims) {
  SmallVector<AffineExpr> exprs;
  for (const Poly &dim : dims)
    exprs.push_back(dim.toAffine(op.getContext()));
  return AffineMapAttr::get(
      AffineMap::get(0, getNumSymbols(op->getParentOfType<ModuleOp>()), exprs,
                     op.getContext()));
}

Value NodeRewriter::create(StringRef opType, ValueRange inputs,
                           ArrayRef<NamedAttribute> attributes) {
  auto node = NodeOp::create(
      builder, getLoc(), ValueType::get(op.getContext()), inputs, opType,
      /*domain=*/"", op.getName(), /*version=*/23,
      builder.getDictionaryAttr(attributes), ArrayAttr(), ArrayAttr(), 0);
  if (failed(inferNode(node)) || isa<ValueType>(node.getResult(0).getType())) {
    node.erase();
    return {};
  }
  return node.getResult(0);
}

Value NodeRewriter::reshape(Value data, ArrayRef<Poly> dims) {
  auto old = getPolyDims(data);
  if (old && ArrayRef<Poly>(*old) == dims)
    return data;
  if (auto weight = dyn_cast<weights::WeightTensorType>(data.getType())) {
    SmallVector<int64_t> shape;
    for (const Poly &dim : dims)
      shape.push_back(dim.asConstant().value_or(0));
    auto type = weights::WeightTensorType::get(op.getContext(), shape,
                                               weight.getElementType());
    return weights::ReshapeOp::create(builder, getLoc(), type, data);
  }
  // A reshape of a reshape is one reshape.
  if (auto inner = data.getDefiningOp<NodeOp>();
      inner && inner.isStandard("Reshape") && inner.getInputs().size() == 1)
    return reshape(inner.getInputs()[0], dims);
  return create("Reshape", data, attr("shape", map(dims)));
}

Value NodeRewriter::transpose(Value data, ArrayRef<int64_t> perm) {
  bool identity = true;
  for (auto [i, from] : llvm::enumerate(perm))
    identity &= int64_t(i) == from;
  if (identity)
    return data;
  if (auto weight = dyn_cast<weights::WeightTensorType>(data.getType())) {
    SmallVector<int64_t> shape;
    for (int64_t from : perm)
      shape.push_back(weight.getShape()[from]);
    auto type = weights::WeightTensorType::get(op.getContext(), shape,
                                               weight.getElementType());
    return weights::TransposeOp::create(builder, getLoc(), type, data, perm);
  }
  if (auto inner = data.getDefiningOp<NodeOp>();
      inner && inner.isStandard("Transpose")) {
    auto first = cast<DenseI64ArrayAttr>(inner.getNodeAttr("perm"));
    SmallVector<int64_t> composed;
    for (int64_t from : perm)
      composed.push_back(first[from]);
    return transpose(inner.getInputs()[0], composed);
  }
  return create("Transpose", data, attr("perm", perm));
}

Value NodeRewriter::scalar(Type element, double value) {
  auto type = RankedTensorType::get({}, element);
  Attribute attribute = isa<FloatType>(element)
                            ? Attribute(builder.getFloatAttr(element, value))
                            : Attribute(builder.getIntegerAttr(
                                  element, static_cast<int64_t>(value)));
  return onnx::ConstantOp::create(
      builder, getLoc(),
      cast<ElementsAttr>(Attribute(DenseElementsAttr::get(type, attribute))));
}

namespace {

class ONNXNormalize : public onnx::impl::ONNXNormalizeBase<ONNXNormalize> {
  void runOnOperation() override;

  /// Replaces an integer result whose elements are all constant.
  bool foldConstant(NodeOp op);
  /// Replaces an integer result whose elements are sizes by a Shape without
  /// operands, so that asking for a size is no use of the tensor.
  bool detachShape(NodeOp op);
  void eraseDead(Block &block);
};

bool ONNXNormalize::foldConstant(NodeOp op) {
  if (op.getNumResults() != 1)
    return false;
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  auto elements = getConstantElements(op.getResult(0));
  if (!type || !type.hasStaticShape() || !elements ||
      !type.getElementType().isInteger() ||
      type.getNumElements() != int64_t(elements->size()))
    return false;
  SmallVector<APInt> values;
  unsigned width = type.getElementType().getIntOrFloatBitWidth();
  for (int64_t element : *elements)
    values.push_back(APInt(64, element).trunc(width));
  OpBuilder builder(op);
  Value constant = onnx::ConstantOp::create(
      builder, op.getLoc(),
      cast<ElementsAttr>(Attribute(DenseElementsAttr::get(
          RankedTensorType::get(type.getShape(), type.getElementType()),
          values))));
  op.getResult(0).replaceAllUsesWith(constant);
  return true;
}

bool ONNXNormalize::detachShape(NodeOp op) {
  if (op.getNumResults() != 1 || op.getInputs().empty())
    return false;
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  AffineMap elements = op.getShapeValue();
  if (!elements || !type || !type.hasStaticShape() ||
      !type.getElementType().isInteger() ||
      type.getNumElements() != elements.getNumResults())
    return false;
  OpBuilder builder(op);
  auto shape = NodeOp::create(builder, op.getLoc(), type, ValueRange(), "Shape",
                              /*domain=*/"", op.getName(), /*version=*/23,
                              builder.getDictionaryAttr({}), ArrayAttr(),
                              ArrayAttr(), 0);
  shape.setShapeValue(0, elements);
  op.getResult(0).replaceAllUsesWith(shape.getResult(0));
  return true;
}

void ONNXNormalize::eraseDead(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (op.use_empty() && isMemoryEffectFree(&op) &&
        !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
}

void ONNXNormalize::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  NormalizeTable table;
  addMovementRules(table);
  addMathRules(table);
  addEinsumRules(table);
  addAttentionRules(table);

  // One walk in order: a rule sees normalized operands, and what it creates is
  // in normal form already.
  Block &block = main.getBody().front();
  bool ok = true;
  SmallVector<NodeOp> nodes(block.getOps<NodeOp>());
  for (NodeOp op : nodes) {
    // Types of operands may have become more precise.
    if (failed(inferNode(op))) {
      ok = false;
      continue;
    }
    if (foldConstant(op) || detachShape(op))
      continue;
    // Behind a node that is not known, rules have no types to go by.
    if (llvm::any_of(op.getInputs(), [](Value input) {
          return isa<ValueType>(input.getType());
        }))
      continue;
    std::string key = op.getDomain().empty()
                          ? op.getOpType().str()
                          : (op.getDomain() + "::" + op.getOpType()).str();
    auto rule = table.find(key);
    if (rule == table.end())
      continue;
    NodeRewriter rewriter(op);
    std::optional<SmallVector<Value>> values = rule->second(rewriter);
    if (!values)
      continue;
    inheritProvenance(op.getLoc(), *values);
    for (auto [result, value] : llvm::zip(op.getResults(), *values))
      if (value)
        result.replaceAllUsesWith(value);
  }
  if (!ok)
    return signalPassFailure();
  eraseDead(block);
  IRRewriter rewriter(&getContext());
  DominanceInfo dominance(main);
  eliminateCommonSubExpressions(rewriter, dominance, main);
  main.setType(FunctionType::get(&getContext(), main.getArgumentTypes(),
                                 block.getTerminator()->getOperandTypes()));
}

} // namespace
