//===- OutlineLayers.cpp - Equal parts of layers share one body -----------===//
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
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

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

/// Operands in which pieces may differ: where a buffer is, and what it is
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
/// free computations by their expression, parameters by a placeholder.
class Piece {
public:
  explicit Piece(ArrayRef<Operation *> ops) : ops(ops) {
    llvm::raw_string_ostream stream(text);
    for (Operation *op : ops)
      describe(op, stream);
  }

  ArrayRef<Operation *> ops;
  std::string text;
  /// Operands at the placeholders, in the order of the text.
  SmallVector<OpOperand *> parameters;

private:
  /// Numbers of values already described in this piece.
  DenseMap<Value, unsigned> numbers;

  void number(Value value) { numbers.try_emplace(value, numbers.size()); }

  void describe(Operation *op, raw_ostream &stream) {
    // Operands first, so that free computations get their numbers.
    SmallVector<std::string> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(reference(operand, stream));
    stream << op->getName() << '(' << llvm::join(operands, ",") << ')'
           << op->getDiscardableAttrDictionary()
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

  std::string reference(OpOperand &operand, raw_ostream &stream) {
    Value value = operand.get();
    Operation *def = value.getDefiningOp();
    bool isExpression = def && isFree(def) &&
                        def->getBlock() == ops.front()->getBlock() &&
                        !isa<weights::WeightsDialect>(def->getDialect());
    auto known = numbers.find(value);
    if (known != numbers.end() && !(isExpression && isParameter(operand)))
      return std::to_string(known->second);
    if (isExpression && !isParameter(operand)) {
      describe(def, stream);
      return std::to_string(numbers.lookup(value));
    }
    // A place, or what an operation of another piece computed.
    parameters.push_back(&operand);
    std::string placeholder = "?";
    llvm::raw_string_ostream(placeholder) << value.getType();
    return placeholder;
  }
};

/// Whether an operation outside uses a result, itself or through free
/// computations.
bool escapes(Operation *op) {
  SmallVector<Operation *> worklist = {op};
  llvm::DenseSet<Operation *> seen;
  while (!worklist.empty())
    for (Operation *user : worklist.pop_back_val()->getUsers()) {
      Operation *top = op->getBlock()->findAncestorOpInBlock(*user);
      if (top == op)
        continue;
      if (!isFree(top))
        return true;
      if (seen.insert(top).second)
        worklist.push_back(top);
    }
  return false;
}

/// Cuts a sequence of operations, given by numbers of which equal operations
/// have the same, where it goes on differently in different places. Between two
/// cuts each context has one continuation: every place that has the start of
/// such a run has all of it, so each run is a piece that layers share as a
/// whole, whatever the order of the layers.
class Cutter {
public:
  Cutter(ArrayRef<unsigned> names, size_t context) {
    SmallVector<unsigned> backward(llvm::reverse(names));
    before = contexts(names, context);
    after = contexts(backward, context);
    std::reverse(after.begin(), after.end());
    for (size_t i = 0; i < names.size(); ++i) {
      note(next, before[i], i + 1 < names.size() ? names[i + 1] : kEnd);
      note(previous, after[i], i > 0 ? names[i - 1] : kEnd);
    }
  }

  bool cutsBefore(size_t i) const {
    return next.lookup(before[i - 1]) == kSeveral ||
           previous.lookup(after[i]) == kSeveral;
  }

private:
  static constexpr unsigned kEnd = ~0u - 2, kSeveral = ~0u - 3;
  using Neighbours = DenseMap<unsigned, unsigned>;

  /// Numbers the runs of `context` operations that end at each, by doubling.
  static SmallVector<unsigned> contexts(ArrayRef<unsigned> names,
                                        size_t context) {
    SmallVector<unsigned> runs(names);
    for (size_t length = 1; length < context; length *= 2) {
      DenseMap<std::pair<unsigned, unsigned>, unsigned> pairs;
      SmallVector<unsigned> longer;
      for (size_t i = 0; i < runs.size(); ++i) {
        unsigned first = i >= length ? runs[i - length] : kEnd;
        longer.push_back(
            pairs.try_emplace({first, runs[i]}, pairs.size()).first->second);
      }
      runs = std::move(longer);
    }
    return runs;
  }

  static void note(Neighbours &neighbours, unsigned run, unsigned neighbour) {
    auto [known, isNew] = neighbours.try_emplace(run, neighbour);
    if (!isNew && known->second != neighbour)
      known->second = kSeveral;
  }

  SmallVector<unsigned> before, after;
  Neighbours next, previous;
};

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

/// The entry's operations with effects, cut to pieces.
class Sequence {
public:
  explicit Sequence(func::FuncOp entry);
  std::vector<Piece> cut() const;

private:
  SmallVector<ArrayRef<unsigned>> cut(size_t context) const;

  SmallVector<Operation *> ops;
  /// Equal for operations of equal text.
  SmallVector<unsigned> names;
  /// Of an operation whose result others use: it is no part of a piece.
  SmallVector<bool> stays;
};

Sequence::Sequence(func::FuncOp entry) {
  for (Operation &op : entry.getBody().front().without_terminator())
    if (!isFree(&op) && !isa<weights::PlaceOp>(op))
      ops.push_back(&op);
  llvm::StringMap<unsigned> known;
  for (auto [i, op] : llvm::enumerate(ops)) {
    stays.push_back(escapes(op));
    std::string text = stays.back() ? std::to_string(i)
                                    : Piece(ArrayRef(ops).slice(i, 1)).text;
    names.push_back(known.try_emplace(text, known.size()).first->second);
  }
}

SmallVector<ArrayRef<unsigned>> Sequence::cut(size_t context) const {
  Cutter cutter(names, context);
  SmallVector<ArrayRef<unsigned>> runs;
  size_t begin = 0;
  for (size_t end = 1; end <= names.size(); ++end)
    if (end == names.size() || stays[end - 1] || stays[end] ||
        cutter.cutsBefore(end)) {
      runs.push_back(ArrayRef(names).slice(begin, end - begin));
      begin = end;
    }
  return runs;
}

/// With a short context an operation that occurs twice in a layer cuts it; with
/// a long one layers do not share what is shorter. Takes the context that
/// leaves the least code.
std::vector<Piece> Sequence::cut() const {
  // An operation takes about as many bytes as this many calls of layers.
  constexpr size_t kCalls = 8;
  SmallVector<ArrayRef<unsigned>> best;
  size_t bestCost = 0;
  for (size_t context : {1, 2, 4, 8, 16}) {
    SmallVector<ArrayRef<unsigned>> runs = cut(context);
    size_t cost = runs.size();
    llvm::DenseSet<ArrayRef<unsigned>> distinct;
    for (ArrayRef<unsigned> run : runs)
      if (distinct.insert(run).second)
        cost += kCalls * run.size();
    if (best.empty() || cost < bestCost) {
      best = std::move(runs);
      bestCost = cost;
    }
  }
  std::vector<Piece> pieces;
  for (ArrayRef<unsigned> run : best) {
    size_t begin = run.begin() - names.begin();
    if (!stays[begin])
      pieces.emplace_back(ArrayRef(ops).slice(begin, run.size()));
  }
  return pieces;
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
