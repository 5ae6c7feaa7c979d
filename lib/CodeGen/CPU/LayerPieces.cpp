//===- LayerPieces.cpp - What layers have in common -----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerPieces.h"
#include "dialects/Pager/IR/Pager.h"
#include "dialects/Weights/IR/Weights.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

bool cpu::isFree(Operation *op) {
  return isMemoryEffectFree(op) && op->getNumRegions() == 0 &&
         !op->hasTrait<OpTrait::IsTerminator>() && !isa<weights::PlaceOp>(op);
}

/// Operands in which pieces may differ: where a buffer is, and what it is
/// called.
static bool isParameter(OpOperand &operand) {
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

void Piece::describe(Operation *op, raw_ostream &stream) {
  // Operands first, so that free computations get their numbers.
  SmallVector<std::string> operands;
  for (OpOperand &operand : op->getOpOperands())
    operands.push_back(reference(operand, stream));
  stream << op->getName() << '(' << llvm::join(operands, ",") << ')'
         << op->getDiscardableAttrDictionary() << op->getPropertiesAsAttribute()
         << ':';
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

std::string Piece::reference(OpOperand &operand, raw_ostream &stream) {
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

/// Whether an operation outside uses a result, itself or through free
/// computations.
static bool escapes(Operation *op) {
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

namespace {

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

} // namespace

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
