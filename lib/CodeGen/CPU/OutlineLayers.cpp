//===- OutlineLayers.cpp - Equal parts of layers share one body -----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerPieces.h"
#include "dialects/Pager/IR/Pager.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUOUTLINELAYERS
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

namespace {

/// What the pieces of a group pass for one parameter. Indices that the compiler
/// knows are numbers; those it does not know are kept in an array of the entry,
/// and the numbers are positions in it. Numbers that differ are a column of a
/// constant table, so a call takes few instructions, whatever the pieces differ
/// in. Values that are no indices are passed.
struct Parameter {
  SmallVector<int64_t> numbers; // by piece; none of a value that is passed
  bool isPlace = false;

  bool isPassed() const { return numbers.empty(); }
  bool isColumn() const { return !isPassed() && !llvm::all_equal(numbers); }
};

/// Builds the shared function of a group of equal pieces from the first one:
/// @layer(row, places, passed values...).
class LayerBuilder {
public:
  LayerBuilder(const Piece &piece, ArrayRef<Parameter> parameters,
               memref::GlobalOp table, func::FuncOp function)
      : piece(piece), parameters(parameters), table(table),
        arguments(function.getArguments()),
        builder(OpBuilder::atBlockBegin(&function.getBody().front())) {
    unsigned column = 0, passed = 2;
    for (auto [operand, parameter] : llvm::zip(piece.parameters, parameters)) {
      Source &source = sources[operand];
      source.parameter = &parameter;
      if (parameter.isPassed())
        source.position = passed++;
      else if (parameter.isColumn())
        source.position = column++;
    }
  }

  void build() {
    for (Operation *op : piece.ops)
      clone(op);
    Value ok = arith::ConstantIntOp::create(builder, piece.ops.back()->getLoc(),
                                            0, 32);
    func::ReturnOp::create(builder, piece.ops.back()->getLoc(), ok);
  }

private:
  /// A parameter, and its column of the table or its argument.
  struct Source {
    const Parameter *parameter;
    unsigned position = 0;
  };

  void clone(Operation *op) {
    prepare(op);
    Operation *copy = builder.clone(*op, mapping);
    replaceParameters(op, copy);
  }

  /// Makes the free computations and parameters that `op` or operations in it
  /// use.
  void prepare(Operation *op) {
    for (OpOperand &operand : op->getOpOperands()) {
      Operation *def = operand.get().getDefiningOp();
      if (sources.contains(&operand))
        values[&operand] = make(sources.at(&operand), op->getLoc());
      else if (def && !mapping.contains(operand.get()) && isFree(def) &&
               def->getBlock() == piece.ops.front()->getBlock())
        clone(def);
    }
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          prepare(&inner);
  }

  Value make(const Source &source, Location loc) {
    const Parameter &parameter = *source.parameter;
    if (parameter.isPassed())
      return arguments[source.position];
    auto index = [&](int64_t value) {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    Value number;
    if (parameter.isColumn()) {
      Value rows = memref::GetGlobalOp::create(builder, loc, table.getType(),
                                               table.getSymName());
      number = memref::LoadOp::create(
          builder, loc, rows, ValueRange{arguments[0], index(source.position)});
      number = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                          number);
    } else {
      number = index(parameter.numbers.front());
    }
    if (parameter.isPlace)
      number = memref::LoadOp::create(builder, loc, arguments[1], number);
    return number;
  }

  void replaceParameters(Operation *op, Operation *copy) {
    for (OpOperand &operand : op->getOpOperands())
      if (Value value = values.lookup(&operand))
        copy->setOperand(operand.getOperandNumber(), value);
    for (auto [region, copied] :
         llvm::zip(op->getRegions(), copy->getRegions()))
      for (auto [block, copiedBlock] : llvm::zip(region, copied))
        for (auto [inner, copiedInner] : llvm::zip(block, copiedBlock))
          replaceParameters(&inner, &copiedInner);
  }

  const Piece &piece;
  ArrayRef<Parameter> parameters;
  memref::GlobalOp table;
  ArrayRef<BlockArgument> arguments;
  OpBuilder builder;
  IRMapping mapping;
  DenseMap<OpOperand *, Source> sources;
  DenseMap<OpOperand *, Value> values;
};

/// Moves groups of equal pieces of the entry to functions.
class Outliner {
public:
  explicit Outliner(func::FuncOp entry)
      : entry(entry), symbols(entry->getParentOp()), builder(entry) {}

  void outline(ArrayRef<const Piece *> group);
  void finish();

private:
  Parameter describe(ArrayRef<const Piece *> group, unsigned position);
  memref::GlobalOp createTable(ArrayRef<Parameter> parameters, size_t rows,
                               StringRef name);
  Value getPlaces();
  int64_t getPlace(Value value);

  func::FuncOp entry;
  SymbolTable symbols;
  OpBuilder builder;
  memref::AllocaOp places;
  llvm::SetVector<Value> inPlaces;
  llvm::DenseSet<Operation *> moved;
};

/// The entry's array of indices that pieces read.
Value Outliner::getPlaces() {
  if (!places) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&entry.getBody().front());
    auto type = MemRefType::get({ShapedType::kDynamic}, builder.getIndexType());
    Value size = arith::ConstantIndexOp::create(builder, entry.getLoc(), 0);
    places = memref::AllocaOp::create(builder, entry.getLoc(), type, size);
  }
  return places;
}

/// The position of `value` in the array, where it is kept from now on.
int64_t Outliner::getPlace(Value value) {
  if (inPlaces.insert(value)) {
    OpBuilder::InsertionGuard guard(builder);
    getPlaces(); // before any value
    builder.setInsertionPointAfterValue(value);
    Value position = arith::ConstantIndexOp::create(builder, value.getLoc(),
                                                    inPlaces.size() - 1);
    memref::StoreOp::create(builder, value.getLoc(), value, getPlaces(),
                            position);
  }
  return llvm::find(inPlaces, value) - inPlaces.begin();
}

Parameter Outliner::describe(ArrayRef<const Piece *> group, unsigned position) {
  SmallVector<Value> values;
  for (const Piece *piece : group)
    values.push_back(piece->parameters[position]->get());
  Parameter result;
  if (!values.front().getType().isIndex())
    return result;
  auto isKnown = [](Value value) {
    return getConstantIntValue(value).has_value();
  };
  result.isPlace = !llvm::all_of(values, isKnown);
  for (Value value : values)
    result.numbers.push_back(result.isPlace ? getPlace(value)
                                            : *getConstantIntValue(value));
  return result;
}

/// A row for each piece.
memref::GlobalOp Outliner::createTable(ArrayRef<Parameter> parameters,
                                       size_t rows, StringRef name) {
  SmallVector<int64_t> numbers;
  for (size_t row = 0; row < rows; ++row)
    for (const Parameter &parameter : parameters)
      if (parameter.isColumn())
        numbers.push_back(parameter.numbers[row]);
  if (numbers.empty())
    return {};
  int64_t columns = numbers.size() / rows;
  SmallVector<int64_t> shape = {int64_t(rows), columns};
  auto values =
      DenseElementsAttr::get(RankedTensorType::get(shape, builder.getI64Type()),
                             ArrayRef<int64_t>(numbers));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(entry);
  return memref::GlobalOp::create(
      builder, entry.getLoc(), (name + "_table").str(),
      builder.getStringAttr("private"),
      MemRefType::get(shape, builder.getI64Type()), values, /*constant=*/true,
      /*alignment=*/IntegerAttr());
}

void Outliner::outline(ArrayRef<const Piece *> group) {
  const Piece &first = *group.front();
  SmallVector<Parameter> parameters;
  for (unsigned i = 0; i < first.parameters.size(); ++i)
    parameters.push_back(describe(group, i));

  Value array = getPlaces();
  SmallVector<Type> types = {builder.getIndexType(), array.getType()};
  for (auto [operand, parameter] : llvm::zip(first.parameters, parameters))
    if (parameter.isPassed())
      types.push_back(operand->get().getType());
  auto function = func::FuncOp::create(
      first.ops.front()->getLoc(), "layer",
      builder.getFunctionType(types, builder.getI32Type()));
  function.setPrivate();
  symbols.insert(function);
  function.addEntryBlock();
  LayerBuilder(first, parameters,
               createTable(parameters, group.size(), function.getName()),
               function)
      .build();

  for (auto [row, piece] : llvm::enumerate(group)) {
    // What the piece reads is computed before its last operation.
    builder.setInsertionPoint(piece->ops.back());
    Location loc = piece->ops.front()->getLoc();
    SmallVector<Value> operands = {
        arith::ConstantIndexOp::create(builder, loc, row), array};
    for (auto [operand, parameter] : llvm::zip(piece->parameters, parameters))
      if (parameter.isPassed())
        operands.push_back(operand->get());
    auto call = func::CallOp::create(builder, loc, function, operands);
    call->setAttr("cpu.layer", builder.getUnitAttr());
    moved.insert(piece->ops.begin(), piece->ops.end());
  }
}

/// Erases what was moved, from the end, and the free computations that only it
/// used.
void Outliner::finish() {
  if (places)
    if (auto size =
            places.getDynamicSizes()[0].getDefiningOp<arith::ConstantIndexOp>())
      size->setAttr("value", builder.getIndexAttr(inPlaces.size()));
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(entry.getBody().front())))
    if (moved.contains(&op) || (isFree(&op) && op.use_empty() &&
                                !isa<weights::WeightsDialect>(op.getDialect())))
      op.erase();
}

class CPUOutlineLayers
    : public cpu::impl::CPUOutlineLayersBase<CPUOutlineLayers> {
  void runOnOperation() override;
};

void CPUOutlineLayers::runOnOperation() {
  auto entry = getOperation().lookupSymbol<func::FuncOp>("moe_run");
  if (!entry)
    return;
  Sequence sequence(entry);
  std::vector<Piece> pieces = sequence.cut();
  llvm::MapVector<StringRef, SmallVector<const Piece *>> groups;
  for (const Piece &piece : pieces)
    groups[piece.text].push_back(&piece);
  Outliner outliner(entry);
  for (auto &[text, group] : groups) {
    if (group.size() < 2)
      continue;
    outliner.outline(group);
    ++functions;
    calls += group.size();
  }
  outliner.finish();
}

} // namespace
