//===- InferShapes.cpp - Propagate shapes through a graph -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/InferShapes.h"
#include "dialects/ONNX/Transforms/Passes.h"
#include "dialects/ONNX/Transforms/ShapeInference/Inference.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::moe::onnx {
#define GEN_PASS_DEF_ONNXINFERSHAPES
#include "dialects/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::moe::onnx

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// Result attribute: the type that the file declares for a graph output.
static constexpr StringLiteral kDeclared = "onnx.declared";

namespace {

class ONNXInferShapes
    : public onnx::impl::ONNXInferShapesBase<ONNXInferShapes> {
  void runOnOperation() override;

  LogicalResult checkDeclared(func::FuncOp main);
  void renumber(func::FuncOp main, unsigned symbols);
};

/// A file may declare other types for its outputs than its nodes give.
LogicalResult ONNXInferShapes::checkDeclared(func::FuncOp main) {
  bool ok = true;
  Operation *end = main.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(end->getOperands())) {
    auto attr = main.getResultAttrOfType<TypeAttr>(i, kDeclared);
    auto name = main.getResultAttrOfType<StringAttr>(i, ONNXDialect::kName);
    main.removeResultAttr(i, StringAttr::get(&getContext(), kDeclared));
    auto declared =
        attr ? dyn_cast<RankedTensorType>(attr.getValue()) : nullptr;
    auto inferred = dyn_cast<RankedTensorType>(value.getType());
    if (!declared || !inferred)
      continue;
    if (declared.getElementType() == inferred.getElementType() &&
        succeeded(
            verifyCompatibleShape(declared.getShape(), inferred.getShape())))
      continue;
    ok = false;
    Operation *producer = value.getDefiningOp();
    InFlightDiagnostic message =
        emitError(producer ? producer->getLoc() : main.getLoc());
    message << "output '" << (name ? name.getValue() : "?") << "'";
    if (auto node = dyn_cast_or_null<NodeOp>(producer))
      message << " of node '" << node.getName() << "' (" << node.getOpType()
              << ")";
    message << " is declared as " << withoutNames(declared) << " but is "
            << withoutNames(inferred);
  }
  return success(ok);
}

/// Gives all maps the final number of symbols, so that equal types are equal
/// wherever they were inferred.
void ONNXInferShapes::renumber(func::FuncOp main, unsigned symbols) {
  auto mapOf = [&](Attribute attr) -> Attribute {
    auto map = dyn_cast<AffineMapAttr>(attr);
    if (!map || map.getValue().getNumSymbols() == symbols)
      return attr;
    return AffineMapAttr::get(
        AffineMap::get(0, symbols, map.getValue().getResults(), &getContext()));
  };
  main.walk([&](Block *block) {
    for (BlockArgument argument : block->getArguments())
      argument.setType(withSymbols(argument.getType(), symbols));
    for (NodeOp node : block->getOps<NodeOp>()) {
      for (Value result : node.getResults())
        result.setType(withSymbols(result.getType(), symbols));
      if (std::optional<ArrayAttr> values = node.getShapeValues())
        node.setShapeValuesAttr(
            ArrayAttr::get(&getContext(), llvm::map_to_vector(*values, mapOf)));
      if (!node.getNodeAttr("offsets"))
        continue;
      NamedAttrList attrs(node.getNodeAttrs());
      for (StringRef name : {"offsets", "sizes"})
        if (Attribute map = attrs.get(name))
          attrs.set(name, mapOf(map));
      node.setNodeAttrsAttr(attrs.getDictionary(&getContext()));
    }
  });
}

void ONNXInferShapes::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return;
  Block &block = main.getBody().front();
  bool ok = true;
  ShapeContext context(getOperation(), /*isImport=*/true);
  for (NodeOp op : block.getOps<NodeOp>())
    ok &= succeeded(inferNode(op, context));
  if (!ok || failed(checkDeclared(main)))
    return signalPassFailure();
  context.writeBack();
  renumber(main, context.getNumSymbols());
  main.setType(FunctionType::get(&getContext(), block.getArgumentTypes(),
                                 block.getTerminator()->getOperandTypes()));
}

} // namespace
