//===- ONNXToMoE.cpp - Raise routers and experts --------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "moe/Conversion/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTONNXTOMOE
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

Value moe::transposeWeight(ImplicitLocOpBuilder &b, Value weight,
                           ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> shape;
  for (int64_t from : permutation)
    shape.push_back(weightShape(weight)[from]);
  auto type = weights::WeightTensorType::get(b.getContext(), shape,
                                             onnx::getElementTypeOf(weight));
  return weights::TransposeOp::create(b, type, weight, permutation);
}

Value moe::viewWeight(ImplicitLocOpBuilder &b, Value weight,
                      ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes) {
  auto type = weights::WeightTensorType::get(b.getContext(), sizes,
                                             onnx::getElementTypeOf(weight));
  return weights::ViewOp::create(b, type, weight, offsets, sizes);
}

Value moe::reshapeWeight(ImplicitLocOpBuilder &b, Value weight,
                         ArrayRef<int64_t> shape) {
  auto type = weights::WeightTensorType::get(b.getContext(), shape,
                                             onnx::getElementTypeOf(weight));
  return weights::ReshapeOp::create(b, type, weight);
}

weights::BankOp
moe::makeBank(ImplicitLocOpBuilder &b, StringRef name, int64_t experts,
              ArrayRef<std::pair<weights::Role, Value>> tensors) {
  SmallVector<Value> values;
  SmallVector<int32_t> roles;
  for (auto &[role, value] : tensors) {
    values.push_back(value);
    roles.push_back(static_cast<int32_t>(role));
  }
  return weights::BankOp::create(
      b, weights::BankType::get(b.getContext(), experts), b.getStringAttr(name),
      values, b.getDenseI32ArrayAttr(roles), IntegerAttr());
}

Value moe::makeNode(ImplicitLocOpBuilder &b, StringRef name, StringRef opType,
                    ValueRange inputs, ArrayRef<NamedAttribute> attrs) {
  auto node = onnx::NodeOp::create(
      b, onnx::ValueType::get(b.getContext()), inputs, opType, "", name, 23,
      b.getDictionaryAttr(attrs), ArrayAttr(), ArrayAttr(), 0);
  (void)onnx::inferNode(node);
  return node.getResult(0);
}

void moe::replaceNode(onnx::NodeOp op, Value value) {
  inheritProvenance(op.getLoc(), value);
  op.getResult(0).replaceAllUsesWith(value);
}

static NamedAttribute shapeAttr(ImplicitLocOpBuilder &b,
                                ArrayRef<onnx::Poly> dims, Value like) {
  SmallVector<AffineExpr> exprs;
  for (const onnx::Poly &dim : dims)
    exprs.push_back(dim.toAffine(b.getContext()));
  auto module = like.getParentRegion()->getParentOfType<ModuleOp>();
  return b.getNamedAttr(
      "shape", AffineMapAttr::get(AffineMap::get(0, onnx::getNumSymbols(module),
                                                 exprs, b.getContext())));
}

Value moe::flattenTokens(ImplicitLocOpBuilder &b, StringRef name, Value x) {
  auto dims = onnx::getPolyDims(x);
  if (!dims || dims->size() < 2)
    return {};
  if (dims->size() == 2)
    return x;
  onnx::Poly rows(1);
  for (const onnx::Poly &dim : ArrayRef<onnx::Poly>(*dims).drop_back())
    rows = rows * dim;
  return makeNode(b, name, "Reshape", x, shapeAttr(b, {rows, dims->back()}, x));
}

Value moe::unflattenTokens(ImplicitLocOpBuilder &b, StringRef name, Value x,
                           Value like) {
  auto dims = onnx::getPolyDims(like);
  if (dims->size() == 2)
    return x;
  return makeNode(b, name, "Reshape", x, shapeAttr(b, *dims, like));
}

namespace {

class ConvertONNXToMoE
    : public moe::impl::ConvertONNXToMoEBase<ConvertONNXToMoE> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    bool ok = true;
    auto count = [&](Match match) {
      layersRaised += match == Match::Raised;
      layersUnraised += match == Match::Near;
      ok &= match != Match::Error;
      return match == Match::Raised;
    };
    SmallVector<onnx::NodeOp> nodes(
        main.getBody().front().getOps<onnx::NodeOp>());
    for (onnx::NodeOp op : nodes) {
      if (op.is("com.microsoft", "MoE"))
        count(raiseFusedMoE(op));
      else if (op.isStandard("ReduceSum"))
        count(raiseDenseAll(op)) || count(raiseBatchedGather(op));
      else if (op.isStandard("MatMul"))
        count(raiseBatchedGather(op));
    }
    // A chain of additions is met at its end.
    llvm::DenseSet<Operation *> seen;
    for (onnx::NodeOp op : llvm::reverse(nodes))
      if (op.isStandard("Add") || op.isStandard("ScatterElements") ||
          op.isStandard("ScatterND"))
        count(raiseExpertLoop(op, seen));
    if (!ok)
      return signalPassFailure();
    // What only the dense form needed.
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(main.getBody().front())))
      if (op.use_empty() && isMemoryEffectFree(&op) &&
          !op.hasTrait<OpTrait::IsTerminator>())
        op.erase();
  }
};

} // namespace
