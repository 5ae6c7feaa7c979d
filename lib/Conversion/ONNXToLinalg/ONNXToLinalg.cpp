//===- ONNXToLinalg.cpp - Dense nodes to linalg ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "dialects/MoE/IR/MoE.h"
#include "dialects/Pager/IR/Pager.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe/Conversion/Passes.h"
#include "moe/Support/Provenance.h"
#include "llvm/ADT/BitVector.h"
#include <map>

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTONNXTOLINALG
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Nodes that cannot be lowered, by operator and reason.
class SupportReport {
public:
  void add(onnx::NodeOp op, const std::string &reason) {
    std::string name = op.getDomain().empty()
                           ? op.getOpType().str()
                           : (op.getDomain() + "." + op.getOpType()).str();
    Entry &entry = entries[name + ": " + reason];
    if (entry.count++ == 0) {
      entry.name = name;
      entry.reason = reason;
      entry.first = op.getName().str();
    }
  }
  bool empty() const { return entries.empty(); }
  void emit(Location loc) const {
    InFlightDiagnostic diagnostic = emitError(loc);
    diagnostic << entries.size() << " kind" << (entries.size() > 1 ? "s" : "")
               << " of node cannot be compiled for target cpu";
    for (auto &[key, entry] : entries)
      diagnostic << "\n  " << entry.name << " x" << entry.count << ", first '"
                 << entry.first << "': " << entry.reason;
    diagnostic << "\nhint: docs/Status.md lists the supported operators";
  }

private:
  struct Entry {
    std::string name, reason, first;
    unsigned count = 0;
  };
  std::map<std::string, Entry> entries;
};

class ConvertONNXToLinalg
    : public moe::impl::ConvertONNXToLinalgBase<ConvertONNXToLinalg> {
public:
  using ConvertONNXToLinalgBase::ConvertONNXToLinalgBase;

private:
  void runOnOperation() override;
  void bindArguments(func::FuncOp main, Lowering &lowering);
  void lowerNode(onnx::NodeOp op, Lowering &lowering);
  void nameExperts(Operation *op);
  void keepProvenance(Operation *op, ValueRange values);
  void dropStateOutputs(func::FuncOp main);

  LowerTable table;
  llvm::DenseSet<Value> kept; // results of nodes that stay nodes
  SupportReport report;
};

/// Arguments lose their names; states become states.
void ConvertONNXToLinalg::bindArguments(func::FuncOp main, Lowering &lowering) {
  SmallVector<Type> types;
  for (BlockArgument argument : main.getArguments()) {
    Dims dims = onnx::getDims(argument.getType(), &getContext());
    auto type = cast<RankedTensorType>(argument.getType());
    unsigned i = argument.getArgNumber();
    if (auto axis = main.getArgAttrOfType<IntegerAttr>(
            i, onnx::ONNXDialect::kStateAxis))
      argument.setType(pager::StateType::get(&getContext(), type.getShape(),
                                             type.getElementType(),
                                             axis.getInt()));
    else
      argument.setType(onnx::withoutNames(type));
    lowering.setDims(argument, dims);
    types.push_back(argument.getType());
  }
  main.setType(FunctionType::get(&getContext(), types, main.getResultTypes()));
}

void ConvertONNXToLinalg::lowerNode(onnx::NodeOp op, Lowering &lowering) {
  auto refuse = [&](const std::string &reason) { report.add(op, reason); };
  if (op.use_empty())
    return;
  // A shape that is used as data.
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  if (AffineMap elements = op.getShapeValue();
      elements && type && type.getElementType().isInteger() &&
      type.hasStaticShape() &&
      type.getNumElements() == elements.getNumResults()) {
    SmallVector<Value> values;
    for (AffineExpr expr : elements.getResults())
      values.push_back(arith::IndexCastOp::create(
          lowering.b, type.getElementType(), lowering.size(expr)));
    Value tensor = tensor::FromElementsOp::create(lowering.b, type, values);
    keepProvenance(op, tensor);
    op.getResult(0).replaceAllUsesWith(tensor);
    return;
  }
  auto rule = op.getDomain().empty() ? table.find(op.getOpType()) : table.end();
  if (rule == table.end())
    return refuse("the operator is not supported");
  for (Type type : op.getResultTypes())
    if (!isa<RankedTensorType>(type))
      return refuse("its shape is not known");
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < op.getInputs().size(); ++i) {
    Value input = op.getInputOrNull(i);
    if (input && isa<onnx::ValueType>(input.getType()))
      return refuse("the shape of an operand is not known");
    // A weight is an operand of products as it is, a tensor everywhere else.
    if (input && !op.isStandard("MatMul"))
      input = lowering.materialize(input);
    inputs.push_back(input);
  }
  // A node before this one was refused: its users are not its fault.
  for (Value input : inputs)
    if (input && input.getDefiningOp<onnx::NodeOp>() && !kept.contains(input))
      return;
  Lowered lowered = rule->second(lowering, op, inputs);
  if (lowered.values.empty())
    return refuse(lowered.reason);
  keepProvenance(op, lowered.values);
  for (auto [result, value] : llvm::zip(op.getResults(), lowered.values)) {
    if (!value)
      continue;
    if (value.getDefiningOp<onnx::NodeOp>())
      kept.insert(value);
    result.replaceAllUsesWith(value);
  }
}

/// Experts are known by the node that was raised, also where their result is
/// none of its tensors yet.
void ConvertONNXToLinalg::nameExperts(Operation *op) {
  Provenance provenance;
  if (auto known = getProvenance(op->getLoc()))
    provenance = *known;
  else if (auto name = dyn_cast<NameLoc>(op->getLoc()))
    provenance.node = name.getName();
  else
    return;
  StringRef tensor =
      provenance.tensors.empty() ? "" : provenance.tensors[0].getValue();
  provenance.op = StringAttr::get(&getContext(), "Experts");
  provenance.tensors = {StringAttr::get(tensor, op->getResult(0).getType())};
  op->setLoc(getProvenanceLoc(provenance));
}

/// Tensors of the file have a type from here on.
void ConvertONNXToLinalg::keepProvenance(Operation *op, ValueRange values) {
  std::optional<Provenance> provenance = getProvenance(op->getLoc());
  if (!provenance)
    return;
  auto note = [&](Value value, StringRef tensor) {
    setProvenance(value, *provenance, StringAttr::get(tensor, value.getType()));
  };
  for (auto [value, tensor] : llvm::zip(values, provenance->tensors)) {
    if (!value || tensor.empty())
      continue;
    note(value, tensor);
    // Reshapes of reshapes are folded; the elements are there before.
    if (isa_and_present<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
            value.getDefiningOp()))
      note(value.getDefiningOp()->getOperand(0), tensor);
  }
}

/// What continues a state stays in it.
void ConvertONNXToLinalg::dropStateOutputs(func::FuncOp main) {
  Operation *terminator = main.getBody().front().getTerminator();
  llvm::BitVector drop(main.getNumResults());
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (auto output = main.getArgAttrOfType<IntegerAttr>(
            i, onnx::ONNXDialect::kStateOutput))
      drop.set(output.getInt());
  SmallVector<Value> kept;
  SmallVector<DictionaryAttr> attrs;
  for (auto [i, operand] : llvm::enumerate(terminator->getOperands())) {
    if (drop.test(i))
      continue;
    // Outputs that are inputs, constants or the same tensor twice are copies.
    kept.push_back(operand);
    attrs.push_back(main.getResultAttrDict(i));
  }
  terminator->setOperands(kept);
  main.setType(FunctionType::get(&getContext(), main.getArgumentTypes(),
                                 ValueRange(kept).getTypes()));
  main.setAllResultAttrs(attrs);
}

void ConvertONNXToLinalg::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  addElementwiseLowerings(table);
  addMovementLowerings(table);
  addIndexingLowerings(table);
  addReductionLowerings(table);
  addProductLowerings(table);
  addRotaryLowerings(table);

  Lowering lowering(main, keepAttention);
  bindArguments(main, lowering);
  SmallVector<Operation *> ops;
  for (Operation &op : main.getBody().front())
    ops.push_back(&op);
  for (Operation *op : ops) {
    lowering.b.setLoc(withoutProvenance(op->getLoc()));
    lowering.b.setInsertionPoint(op);
    if (auto node = dyn_cast<onnx::NodeOp>(op)) {
      lowerNode(node, lowering);
    } else if (auto constant = dyn_cast<onnx::ConstantOp>(op)) {
      auto value = dyn_cast<TypedAttr>(constant.getValueAttr());
      if (cast<ShapedType>(constant.getType())
              .getElementType()
              .isUnsignedInteger())
        continue;
      Value tensor = arith::ConstantOp::create(lowering.b, value);
      constant.getResult().replaceAllUsesWith(tensor);
    } else {
      // Operations of the moe dialect keep their operands, without names.
      for (Value result : op->getResults())
        if (isa<RankedTensorType>(result.getType())) {
          lowering.setDims(result,
                           onnx::getDims(result.getType(), &getContext()));
          result.setType(onnx::withoutNames(result.getType()));
        }
      if (isa<MoEDialect>(op->getDialect()))
        for (OpOperand &operand : op->getOpOperands())
          operand.set(lowering.materialize(operand.get()));
      if (isa<ExpertsOp>(op))
        nameExperts(op);
    }
  }
  if (!report.empty()) {
    report.emit(getOperation().getLoc());
    return signalPassFailure();
  }
  lowering.recordRequirements(getOperation());
  Operation *terminator = main.getBody().front().getTerminator();
  lowering.b.setInsertionPoint(terminator);
  for (OpOperand &operand : terminator->getOpOperands())
    operand.set(lowering.materialize(operand.get()));
  for (Operation *op : llvm::reverse(ops))
    if (isa<onnx::ONNXDialect>(op->getDialect()) && op->use_empty())
      op->erase();
  dropStateOutputs(main);
}

} // namespace
