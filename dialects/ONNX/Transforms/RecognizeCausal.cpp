//===- RecognizeCausal.cpp - Causal masks built from shapes ---------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Exporters compute the mask of causal attention from nothing but positions:
//
//   Mul(Cast(Not(LessOrEqual(Range(L), Range(S) + past))), lowest)
//   Trilu(Expand(lowest), 1)                                         upper
//   Where(Equal(Trilu(Expand(1), 0), 0), -inf, 0)
//   Mul(Trilu(Expand(lowest), 1), Cast(Greater(Range(L), Range(S))))
//
// with reshapes and stretches between them. Rather than these chains, what they
// compute is known: an element's value as a function of its row and column.
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/RecognizeDense.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

/// The element at a row and a column, the positions in the last two dimensions.
struct Element {
  /// number + row * rows + column * columns, when it is no choice.
  int64_t rows = 0, columns = 0;
  Poly number;
  /// `seen` where column <= row + offset, `hidden` elsewhere; the same number
  /// everywhere without an offset.
  bool isChoice = false;
  double seen = 0, hidden = 0;
  std::optional<Poly> offset;

  static Element choice(double seen, double hidden,
                        std::optional<Poly> offset = std::nullopt) {
    Element result;
    result.isChoice = true;
    result.seen = seen;
    result.hidden = hidden;
    result.offset = offset;
    return result;
  }
  bool readsRow() const { return isChoice ? offset.has_value() : rows != 0; }
  bool readsColumn() const {
    return isChoice ? offset.has_value() : columns != 0;
  }
};

class Evaluator {
public:
  std::optional<Element> evaluate(Value value);

private:
  std::optional<Element> evaluateConstant(Value value);
  std::optional<Element> evaluateReshape(NodeOp op);
  std::optional<Element> evaluateTriangle(NodeOp op);
  std::optional<Element> combine(NodeOp op, ArrayRef<Element> operands);

  /// Values are visited once for each use; masks need a dozen.
  unsigned budget = 64;
};

bool isBool(Value value) {
  Type type = getElementTypeOf(value);
  return type && type.isInteger(1);
}

std::optional<Element> Evaluator::evaluateConstant(Value value) {
  auto number = getSplat(value);
  if (!number)
    number = getScalar(value);
  if (number && (isF32(value) || isBool(value))) {
    double same = isBool(value) ? *number != 0 : *number;
    return Element::choice(same, same);
  }
  auto elements = getElements(value);
  if (!elements || elements->size() != 1)
    return std::nullopt;
  Element result;
  result.number = elements->front();
  return result;
}

/// Dimensions of one element come and go.
std::optional<Element> Evaluator::evaluateReshape(NodeOp op) {
  auto element = evaluate(op.getInputs()[0]);
  auto from = getPolyDims(op.getInputs()[0]), to = getPolyDims(op.getResult(0));
  if (!element || !from || !to)
    return std::nullopt;
  if (!element->readsRow() && !element->readsColumn())
    return element;
  size_t count = to->size();
  if (count >= 2 && from->size() >= 2 &&
      ArrayRef<Poly>(*from).take_back(2) == ArrayRef<Poly>(*to).take_back(2))
    return element;
  // A vector of positions, along the columns or the rows.
  if (element->readsRow() || getElementCount(op.getInputs()[0]) != from->back())
    return std::nullopt;
  if (to->back() == from->back())
    return element;
  if (count < 2 || (*to)[count - 2] != from->back() || to->back() != Poly(1))
    return std::nullopt;
  std::swap(element->rows, element->columns);
  return element;
}

std::optional<Element> Evaluator::evaluateTriangle(NodeOp op) {
  auto element = evaluate(op.getInputs()[0]);
  Poly diagonal(0);
  if (op.hasInput(1)) {
    auto k = getElements(op.getInputs()[1]);
    if (!k || k->size() != 1)
      return std::nullopt;
    diagonal = k->front();
  }
  bool upper = op.getInt("upper", 1);
  Poly offset = upper ? diagonal - Poly(1) : diagonal;
  if (!element || !element->isChoice ||
      (element->offset && element->offset != offset))
    return std::nullopt;
  return upper ? Element::choice(0, element->hidden, offset)
               : Element::choice(element->seen, 0, offset);
}

std::optional<double> compute(StringRef opType, ArrayRef<double> x) {
  using Function = double (*)(ArrayRef<double>);
  auto function =
      llvm::StringSwitch<Function>(opType)
          .Case("Add", [](ArrayRef<double> x) { return x[0] + x[1]; })
          .Case("Sub", [](ArrayRef<double> x) { return x[0] - x[1]; })
          .Case("Mul", [](ArrayRef<double> x) { return x[0] * x[1]; })
          .Case("And", [](ArrayRef<double> x) { return double(x[0] && x[1]); })
          .Case("Or", [](ArrayRef<double> x) { return double(x[0] || x[1]); })
          .Case("Not", [](ArrayRef<double> x) { return double(!x[0]); })
          .Case("Equal",
                [](ArrayRef<double> x) { return double(x[0] == x[1]); })
          .Case("Where", [](ArrayRef<double> x) { return x[0] ? x[1] : x[2]; })
          .Case("Cast", [](ArrayRef<double> x) { return x[0]; })
          .Default(nullptr);
  if (!function)
    return std::nullopt;
  return function(x);
}

/// seen where a <= b (or a < b, when `strict`), hidden elsewhere.
std::optional<Element> compare(const Element &a, const Element &b,
                               bool strict) {
  int64_t rows = a.rows - b.rows, columns = a.columns - b.columns;
  Poly difference = a.number - b.number;
  // column <= row - difference, or row <= column - difference: the opposite.
  if (rows == -1 && columns == 1)
    return Element::choice(1, 0, Poly(strict ? -1 : 0) - difference);
  if (rows == 1 && columns == -1)
    return Element::choice(0, 1, difference - Poly(strict ? 0 : 1));
  return std::nullopt;
}

std::optional<Element> Evaluator::combine(NodeOp op,
                                          ArrayRef<Element> operands) {
  auto isPosition = [](const Element &e) { return !e.isChoice; };
  if (operands.size() == 2 && llvm::all_of(operands, isPosition)) {
    const Element &a = operands[0], &b = operands[1];
    if (op.isStandard("Less") || op.isStandard("LessOrEqual"))
      return compare(a, b, op.isStandard("Less"));
    if (op.isStandard("Greater") || op.isStandard("GreaterOrEqual"))
      return compare(b, a, op.isStandard("Greater"));
    int64_t sign = op.isStandard("Sub") ? -1 : 1;
    if (sign > 0 && !op.isStandard("Add"))
      return std::nullopt;
    Element sum;
    sum.rows = a.rows + sign * b.rows;
    sum.columns = a.columns + sign * b.columns;
    sum.number = a.number + Poly(sign) * b.number;
    return sum;
  }
  if (!isF32(op.getResult(0)) && !isBool(op.getResult(0)))
    return std::nullopt;
  std::optional<Poly> offset;
  SmallVector<double, 3> seen, hidden;
  for (const Element &e : operands) {
    if (!e.isChoice || (offset && e.offset && e.offset != offset))
      return std::nullopt;
    offset = e.offset ? e.offset : offset;
    seen.push_back(e.seen);
    hidden.push_back(e.hidden);
  }
  auto a = compute(op.getOpType(), seen), b = compute(op.getOpType(), hidden);
  if (!a || !b)
    return std::nullopt;
  bool toBool = isBool(op.getResult(0));
  auto round = [&](double x) { return toBool ? double(x != 0) : float(x); };
  return Element::choice(round(*a), round(*b), offset);
}

std::optional<Element> Evaluator::evaluate(Value value) {
  if (budget == 0)
    return std::nullopt;
  --budget;
  if (auto constant = evaluateConstant(value))
    return constant;
  auto node = value.getDefiningOp<NodeOp>();
  auto dims = node ? getPolyDims(value) : std::nullopt;
  if (!dims)
    return std::nullopt;
  if (node.isStandard("Range")) {
    auto start = dyn_cast_or_null<AffineMapAttr>(node.getNodeAttr("start"));
    if (!start || node.getInt("step", 1) != 1)
      return std::nullopt;
    Element result;
    result.columns = 1;
    result.number = Poly::fromAffine(start.getValue().getResult(0));
    return result;
  }
  if (node.isStandard("Reshape"))
    return evaluateReshape(node);
  if (node.isStandard("Trilu"))
    return evaluateTriangle(node);
  bool isStretch = node.isStandard("Expand");
  auto inputs = node.getInputs();
  if (inputs.empty() || inputs.size() > 3)
    return std::nullopt;
  SmallVector<Element, 3> operands;
  for (Value operand : isStretch ? inputs.take_front() : inputs) {
    auto element = evaluate(operand);
    auto own = getPolyDims(operand);
    // Along what it reads, an operand has the result's size: not stretched.
    if (!element || !own ||
        (element->readsColumn() && own->back() != dims->back()) ||
        (element->readsRow() && (own->size() < 2 || dims->size() < 2 ||
                                 own->end()[-2] != dims->end()[-2])))
      return std::nullopt;
    operands.push_back(*element);
  }
  return isStretch ? operands[0] : combine(node, operands);
}

} // namespace

std::optional<CausalMask> onnx::matchCausalMask(Value mask, const Poly &rows,
                                                const Poly &columns) {
  auto dims = getPolyDims(mask);
  if (!dims || dims->size() < 2 || dims->back() != columns ||
      dims->end()[-2] != rows || !isF32(mask))
    return std::nullopt;
  auto element = Evaluator().evaluate(mask);
  if (!element || !element->isChoice || !element->offset ||
      !element->offset->isValid() || element->seen != 0)
    return std::nullopt;
  return CausalMask{*element->offset, element->hidden};
}

std::optional<Recognized> onnx::recognizeCausal(NodeOp op) {
  if (op.getNumOperands() != 4 || op.getNumResults() != 1 ||
      op.getInt("is_causal", 0) || op.getNodeAttr("masked"))
    return std::nullopt;
  auto q = getPolyDims(op.getInputs()[0]), k = getPolyDims(op.getInputs()[1]);
  if (!q || !k || q->size() != 4 || k->size() != 4)
    return std::nullopt;
  auto causal = matchCausalMask(op.getInputs()[3], (*q)[2], (*k)[2]);
  if (!causal)
    return std::nullopt;
  NodeRewriter r(op);
  SmallVector<NamedAttribute> attrs;
  for (NamedAttribute attr : op.getNodeAttrs())
    if (attr.getName() != "is_causal")
      attrs.push_back(attr);
  addCausalAttrs(r, *causal, attrs);
  Value y = r.create("Attention", op.getInputs().take_front(3), attrs);
  return y ? std::optional<Recognized>({op.getResult(0), y}) : std::nullopt;
}

void onnx::addCausalAttrs(NodeRewriter &r, const CausalMask &mask,
                          SmallVectorImpl<NamedAttribute> &attrs) {
  attrs.push_back(r.attr("is_causal", 1));
  attrs.push_back(r.attr("causal_offset", r.map(mask.offset)));
  attrs.push_back(r.attr("masked", r.builder.getF32FloatAttr(mask.hidden)));
}
