//===- OutlineLayers.cpp - Identical layers share one body ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Pager/IR/Pager.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUOUTLINELAYERS
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Computations without effects are not part of a piece: each piece makes what
/// it needs of them again.
bool isFree(Operation *op) {
  return isMemoryEffectFree(op) && op->getNumRegions() == 0 &&
         !op->hasTrait<OpTrait::IsTerminator>() && !isa<weights::PlaceOp>(op);
}

/// Operands in which layers may differ: where a buffer is, and what it is
/// called.
bool isParameter(OpOperand &operand) {
  if (auto buffer = dyn_cast<pager::BufferOp>(operand.getOwner())) {
    bool bySlot = buffer.getSpace() == pager::Space::State;
    return operand.get() == (bySlot ? buffer.getSlot() : buffer.getOffset()) &&
           operand.getOperandNumber() == (bySlot ? 0u : 1u);
  }
  if (isa<pager::StateCapacityOp>(operand.getOwner()))
    return true;
  if (isa<pager::ObserveOp>(operand.getOwner()))
    return operand.getOperandNumber() == 0;
  return isa<weights::BankType>(operand.get().getType());
}

/// A run of the entry's operations with effects, described so that two pieces
/// with equal text have equal code: operations by name, attributes and types,
/// free computations by their expression, parameters by a placeholder. The
/// values at the placeholders are the arguments.
class Piece {
public:
  SmallVector<Operation *> ops;
  std::string text;
  SmallVector<Value> parameters;
  bool outlinable = true;

  void describe() {
    llvm::raw_string_ostream stream(text);
    for (Operation *op : ops)
      describe(op, stream);
    outlinable &= !escapes();
  }

private:
  /// Whether an operation outside uses a result, itself or through free
  /// computations.
  bool escapes() {
    llvm::SmallPtrSet<Operation *, 32> inside(ops.begin(), ops.end());
    SmallVector<Operation *> worklist(ops);
    llvm::SmallPtrSet<Operation *, 32> seen;
    while (!worklist.empty())
      for (Operation *user : worklist.pop_back_val()->getUsers()) {
        Operation *top = ops.front()->getBlock()->findAncestorOpInBlock(*user);
        if (inside.contains(top))
          continue;
        if (!isFree(top))
          return true;
        if (seen.insert(top).second)
          worklist.push_back(top);
      }
    return false;
  }

  /// Numbers of values already described in this piece.
  DenseMap<Value, unsigned> numbers;

  void number(Value value) { numbers.try_emplace(value, numbers.size()); }

  void describe(Operation *op, raw_ostream &stream) {
    // Operands first, so that free computations get their numbers; then the
    // parameters, in the order in which LayerBuilder takes them.
    SmallVector<unsigned> operandNumbers;
    for (OpOperand &operand : op->getOpOperands())
      operandNumbers.push_back(
          isParameter(operand) ? ~0u : reference(operand.get(), stream));
    for (OpOperand &operand : op->getOpOperands())
      if (isParameter(operand))
        parameters.push_back(operand.get());
    stream << op->getName() << '(';
    for (unsigned n : operandNumbers)
      stream << (n == ~0u ? std::string("?") : std::to_string(n)) << ',';
    stream << ')' << op->getDiscardableAttrDictionary()
           << op->getPropertiesAsAttribute() << ':';
    for (Value result : op->getResults()) {
      stream << result.getType() << ',';
      number(result);
    }
    for (Region &region : op->getRegions()) {
      stream << '{';
      for (Block &block : region) {
        stream << '^';
        for (BlockArgument argument : block.getArguments()) {
          stream << argument.getType() << ',';
          number(argument);
        }
        for (Operation &inner : block)
          describe(&inner, stream);
      }
      stream << '}';
    }
    stream << '\n';
  }

  unsigned reference(Value value, raw_ostream &stream) {
    auto known = numbers.find(value);
    if (known != numbers.end())
      return known->second;
    Operation *def = value.getDefiningOp();
    if (def && isFree(def) && !isa<weights::WeightsDialect>(def->getDialect()))
      describe(def, stream);
    else
      outlinable = false; // a value with effects made by another piece
    number(value);
    return numbers.lookup(value);
  }
};

/// Builds the shared function of a group of equal pieces from the first one.
class LayerBuilder {
public:
  LayerBuilder(Piece &piece, func::FuncOp function) : piece(piece) {
    builder.emplace(function.getContext());
    builder->setInsertionPointToStart(function.addEntryBlock());
    arguments = function.getArguments();
  }

  void build() {
    for (Operation *op : piece.ops)
      clone(op);
    Location loc = piece.ops.back()->getLoc();
    Value ok = arith::ConstantIntOp::create(*builder, loc, 0, 32);
    func::ReturnOp::create(*builder, loc, ok);
  }

private:
  /// Clones in the order in which the piece was described, so that the next
  /// argument always belongs to the next parameter.
  void clone(Operation *op) {
    prepare(op);
    Operation *copy = builder->clone(*op, mapping);
    replaceParameters(op, copy);
  }

  /// Makes the free computations that `op` or operations in it use.
  void prepare(Operation *op) {
    for (OpOperand &operand : op->getOpOperands()) {
      if (isParameter(operand))
        continue;
      Operation *def = operand.get().getDefiningOp();
      if (def && !mapping.contains(operand.get()) && isFree(def) &&
          def->getBlock() == piece.ops.front()->getBlock())
        clone(def);
    }
    // Parameters of `op` come behind those of its operands and before those of
    // its regions.
    for (OpOperand &operand : op->getOpOperands())
      if (isParameter(operand))
        values[{op, operand.getOperandNumber()}] = arguments[next++];
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          prepare(&inner);
  }

  void replaceParameters(Operation *op, Operation *copy) {
    for (OpOperand &operand : op->getOpOperands())
      if (isParameter(operand))
        copy->setOperand(operand.getOperandNumber(),
                         values.lookup({op, operand.getOperandNumber()}));
    for (auto [region, copied] :
         llvm::zip(op->getRegions(), copy->getRegions()))
      for (auto [block, copiedBlock] : llvm::zip(region, copied))
        for (auto [inner, copiedInner] : llvm::zip(block, copiedBlock))
          replaceParameters(&inner, &copiedInner);
  }

  Piece &piece;
  std::optional<OpBuilder> builder;
  ArrayRef<BlockArgument> arguments;
  unsigned next = 0;
  IRMapping mapping;
  DenseMap<std::pair<Operation *, unsigned>, Value> values;
};

class CPUOutlineLayers
    : public cpu::impl::CPUOutlineLayersBase<CPUOutlineLayers> {
  void runOnOperation() override;
};

void CPUOutlineLayers::runOnOperation() {
  auto entry = getOperation().lookupSymbol<func::FuncOp>("moe_run");
  if (!entry)
    return;
  std::vector<Piece> pieces(1);
  for (Operation &op : entry.getBody().front().without_terminator()) {
    if (isFree(&op) || isa<weights::PlaceOp>(op))
      continue;
    pieces.back().ops.push_back(&op);
    if (isa<pager::ForEachReadyOp>(op)) {
      ++layersFound;
      pieces.emplace_back();
    }
  }
  pieces.pop_back(); // what follows the last stream is not a layer

  llvm::MapVector<StringRef, SmallVector<Piece *>> groups;
  for (Piece &piece : pieces) {
    piece.describe();
    if (piece.outlinable)
      groups[piece.text].push_back(&piece);
  }
  SymbolTable symbols(getOperation());
  llvm::SmallPtrSet<Operation *, 32> moved;
  for (auto &[text, group] : groups) {
    if (group.size() < 2)
      continue;
    Piece &first = *group.front();
    SmallVector<Type> types =
        llvm::to_vector(ValueRange(first.parameters).getTypes());
    OpBuilder builder(entry);
    auto function = func::FuncOp::create(
        first.ops.front()->getLoc(), "layer",
        builder.getFunctionType(types, builder.getI32Type()));
    function.setPrivate();
    symbols.insert(function);
    LayerBuilder(first, function).build();
    for (Piece *piece : group) {
      builder.setInsertionPoint(piece->ops.front());
      auto call = func::CallOp::create(builder, piece->ops.front()->getLoc(),
                                       function, piece->parameters);
      call->setAttr("cpu.layer", builder.getUnitAttr());
      moved.insert(piece->ops.begin(), piece->ops.end());
      ++layersOutlined;
    }
  }
  // From the end: free computations on what was moved go before it.
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(entry.getBody().front())))
    if (moved.contains(&op) || (isFree(&op) && op.use_empty() &&
                                !isa<weights::WeightsDialect>(op.getDialect())))
      op.erase();
}

} // namespace
