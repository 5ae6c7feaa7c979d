//===- ExpertLoop.cpp - One expert after the other ------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A loop over all experts, unrolled by tracing: for each expert e the tokens
// that chose it are gathered, go through its matrices, and are added to the
// result. Matched from the last addition backwards; Reshapes and Casts may be
// anywhere:
//
//   mask_e [k, T] or [T]: who chose expert e, see ExpertMasks.h
//   NonZero(mask_e) -> token [n], choice [n]: its rows (Slice or Gather)
//   x_e = Gather(x [T, H], token)
//   y_e = MatMul(act(MatMul(x_e, gate_e)) * MatMul(x_e, up_e), down_e) (+ bias)
//   w_e = Gather(w [T * k], token * k + choice), GatherND(w, [token, choice]),
//         or Gather(column of combine weights, token)
//   result = result + ScatterElements(zeros, token, y_e * w_e, axis 0),
//            ScatterElements(result, ..., add), ScatterND(result, ..., add), or
//            ScatterND(result, token, Gather(result, token) + y_e * w_e)
//
// The additions of one layer form a chain; every expert must be in it once, in
// any order. What the chain starts from, when not zeros, is added.
//
//===----------------------------------------------------------------------===//

#include "ExpertMasks.h"

using namespace mlir;
using namespace mlir::moe;
using onnx::Poly;
using weights::Role;

namespace {

/// What one expert adds.
struct Term {
  ExpertMask mask;
  onnx::NodeOp nonZero;
  Value tokens;  // [T, H]
  Value weights; // k for each token
  Value gate, up, down, gateBias, upBias, downBias;
  Activation activation;
};

class ExpertLoop : public MatchTrace {
public:
  explicit ExpertLoop(llvm::DenseSet<Operation *> &seen) : seen(seen) {}

  SmallVector<Term> terms; // in the order of the chain, last first
  Value base;              // what the chain starts from, null for zeros
  Poly numTokens;
  int64_t hidden = 0, choices = 0;
  bool onlyPositive = false; // weights that are not above 0 do not count

  bool match(onnx::NodeOp last);

private:
  llvm::DenseSet<Operation *> &seen;

  /// Splits an addition into the earlier sum and the term it adds.
  bool matchStep(onnx::NodeOp node, Value &earlier, Term &term, bool &isStep);
  bool matchScatter(Value value, Value &earlier, Term &term, bool &isStep);
  bool matchTerm(Value contribution, Value token, Term &term);
  bool matchFFN(Value y, Term &term);
  Value matchRows(Value value, const Term &term);
  Value matchWeights(Value value, const Term &term);
  bool isToken(Value value, const Term &term);
  bool isChoice(Value value, const Term &term);
  bool checkTogether(Value at);
};

/// A gather of rows by one index each, or null.
onnx::NodeOp matchRowGather(Value value) {
  auto gather = getNode(value, "Gather");
  if (gather && gather.getInt("axis", 0) == 0)
    return gather;
  return getNode(value, "GatherND");
}

/// A gather of the rows that the step behind it writes back.
bool isPartOfStep(Operation *user, const llvm::DenseSet<Operation *> &seen) {
  auto gather = matchRowGather(user->getResult(0));
  return gather && gather->hasOneUse() &&
         llvm::all_of(gather->getUsers(), [&](Operation *sum) {
           return llvm::all_of(sum->getUsers(), [&](Operation *scatter) {
             return seen.contains(scatter);
           });
         });
}

bool ExpertLoop::isToken(Value value, const Term &term) {
  auto at = matchCoordinate(value);
  return at && at->nonZero == term.nonZero && at->row == term.mask.tokenDim;
}
bool ExpertLoop::isChoice(Value value, const Term &term) {
  auto at = matchCoordinate(value);
  return at && term.mask.hasChoice && at->nonZero == term.nonZero &&
         at->row != term.mask.tokenDim;
}

/// The [T, H] of which `value` has the rows of the tokens, or null.
Value ExpertLoop::matchRows(Value value, const Term &term) {
  value = skipReshapes(value);
  auto node = getNode(value, "Gather");
  bool isND = false;
  if (!node) {
    node = getNode(value, "GatherND");
    isND = true;
    if (!node || node.getInt("batch_dims", 0) != 0)
      return {};
  }
  auto data = onnx::getPolyDims(node.getInputs()[0]);
  auto indices = onnx::getPolyDims(node.getInputs()[1]);
  if (!data || !indices || !isToken(node.getInputs()[1], term) ||
      getElementCount(node.getInputs()[0]) != numTokens * Poly(hidden))
    return {};
  // [.. 1, T, H], along T.
  size_t axis = isND ? 0 : node.getInt("axis", 0);
  if (isND && (indices->size() != 2 || indices->back() != Poly(1)))
    return {};
  if (axis >= data->size() || (*data)[axis] != numTokens)
    return {};
  for (size_t d = 0; d < axis; ++d)
    if ((*data)[d] != Poly(1))
      return {};
  return skipReshapes(node.getInputs()[0]);
}

/// The [T, k] of which `value` has the element of each (token, choice).
Value ExpertLoop::matchWeights(Value value, const Term &term) {
  value = skipReshapes(value);
  auto picked = getNode(value, "Gather");
  if (!picked)
    picked = getNode(value, "GatherND");
  if (picked && isToken(picked.getInputs()[1], term) &&
      getElementCount(picked.getInputs()[0]) == numTokens) {
    auto column = matchCombineColumn(picked.getInputs()[0]);
    if (column && column->ids == term.mask.ids &&
        column->expert == term.mask.expert)
      return column->weights;
  }
  auto isMatrix = [&](Value data) {
    return getElementCount(data) == numTokens * Poly(choices);
  };
  if (auto gather = getNode(value, "Gather")) {
    Value data = gather.getInputs()[0];
    auto sum = getNode(skipReshapesAndCasts(gather.getInputs()[1]), "Add");
    auto dims = onnx::getPolyDims(data);
    if (!sum || !dims || dims->empty() || gather.getInt("axis", 0) != 0 ||
        (*dims)[0] != numTokens * Poly(choices) || !isMatrix(data))
      return {};
    bool found = eitherOrder(sum, [&](Value scaled, Value choice) {
      if (!isChoice(choice, term))
        return false;
      scaled = skipReshapesAndCasts(scaled);
      if (choices == 1 && isToken(scaled, term))
        return true;
      auto product = getNode(scaled, "Mul");
      return product && eitherOrder(product, [&](Value token, Value factor) {
               return isToken(token, term) && getSplat(factor) == choices;
             });
    });
    return found ? skipReshapes(data) : Value();
  }
  if (auto gather = getNode(value, "GatherND")) {
    Value data = gather.getInputs()[0];
    auto dims = onnx::getPolyDims(data);
    auto pair = getNode(gather.getInputs()[1], "Concat");
    if (dims && dims->size() >= 2 && (*dims)[0] == numTokens &&
        (*dims)[1] == Poly(choices) && isMatrix(data) && pair &&
        gather.getInt("batch_dims", 0) == 0 && pair.getInputs().size() == 2 &&
        pair.getInt("axis", 0) == 1 && isToken(pair.getInputs()[0], term) &&
        isChoice(pair.getInputs()[1], term))
      return skipReshapes(data);
  }
  return {};
}

/// x * weight (+ bias).
bool matchLinear(Value value, Value &input, Value &weight, Value &bias) {
  value = skipReshapes(value);
  if (auto sum = getNode(value, "Add"))
    eitherOrder(sum, [&](Value product, Value vector) {
      if (!isWeight(vector) || weightShape(vector).size() != 1 ||
          !getNode(skipReshapes(product), "MatMul"))
        return false;
      bias = vector;
      value = skipReshapes(product);
      return true;
    });
  auto product = getNode(value, "MatMul");
  if (!product || !isWeight(product.getInputs()[1]) ||
      weightShape(product.getInputs()[1]).size() != 2)
    return false;
  input = product.getInputs()[0];
  weight = product.getInputs()[1];
  return !bias || weightShape(bias)[0] == weightShape(weight)[1];
}

bool ExpertLoop::matchFFN(Value y, Term &term) {
  Value h, x;
  if (!matchLinear(y, h, term.down, term.downBias))
    return stop(y, "not a product with the expert's weights");
  auto activated = matchActivation(skipReshapes(h));
  if (!activated)
    return stop(skipReshapes(h), "no known activation");
  term.activation = activated->kind;
  if (!matchLinear(activated->up, x, term.up, term.upBias))
    return stop(activated->up, "not a product with the expert's weights");
  term.tokens = matchRows(x, term);
  if (!term.tokens)
    return stop(x, "not the rows of the tokens that chose the expert");
  if (activated->gate) {
    if (!matchLinear(activated->gate, x, term.gate, term.gateBias))
      return stop(activated->gate, "not a product with the expert's weights");
    if (matchRows(x, term) != term.tokens)
      return stop(x, "gate and up read different tokens");
  }
  ArrayRef<int64_t> up = weightShape(term.up), down = weightShape(term.down);
  if (up[0] != hidden || down[1] != hidden || up[1] != down[0] ||
      (term.gate && weightShape(term.gate) != up) ||
      (term.gate && bool(term.gateBias) != bool(term.upBias)))
    return stop(y, "the projections' shapes do not fit together");
  return true;
}

/// y_e * w_e at the rows `token`.
bool ExpertLoop::matchTerm(Value contribution, Value token, Term &term) {
  auto at = matchCoordinate(token);
  auto product = getNode(skipReshapes(contribution), "Mul");
  if (!at || !product)
    return false;
  auto mask = matchExpertMask(at->nonZero.getInputs()[0]);
  if (!mask)
    return stop(at->nonZero.getResult(0),
                "its mask is not that of the tokens that chose one expert");
  term.mask = *mask;
  term.nonZero = at->nonZero;
  auto ids = onnx::getPolyDims(mask->ids);
  auto k = ids && ids->size() >= 2 ? ids->back().asConstant() : std::nullopt;
  if (!k || getElementCount(mask->ids) != numTokens * Poly(*k))
    return stop(mask->ids, "not k experts for each token");
  choices = *k;
  if (!isToken(token, term))
    return stop(token, "adds to the choices, not to the tokens");
  Value y;
  eitherOrder(product, [&](Value output, Value weight) {
    // One weight for each row.
    auto rows = onnx::getPolyDims(output), factors = onnx::getPolyDims(weight);
    if (!rows || !factors || rows->size() != 2 || factors->size() != 2 ||
        rows->back() != Poly(hidden) || factors->back() != Poly(1) ||
        rows->front() != factors->front() ||
        !haveSameDims(contribution, output))
      return false;
    term.weights = matchWeights(weight, term);
    y = output;
    return bool(term.weights);
  });
  if (!term.weights)
    return stop(product.getResult(0),
                "not times the weight of each token's choice");
  return matchFFN(y, term);
}

/// ScatterElements or ScatterND of a term; `earlier` is what it adds to.
bool ExpertLoop::matchScatter(Value value, Value &earlier, Term &term,
                              bool &isStep) {
  auto node = getNode(value, "ScatterElements");
  bool isND = false;
  if (!node) {
    node = getNode(value, "ScatterND");
    isND = true;
  }
  if (!node)
    return false;
  Value indices = node.getInputs()[1];
  auto dims = onnx::getPolyDims(indices);
  if (!dims || dims->size() != 2)
    return false;
  if (isND) {
    if (dims->back() != Poly(1))
      return false;
  } else {
    // The same row index for all columns.
    auto expand = getNode(indices, "Expand");
    if (node.getInt("axis", 0) != 0 || dims->back() != Poly(hidden))
      return false;
    auto from = expand ? onnx::getPolyDims(expand.getInputs()[0])
                       : std::optional<SmallVector<Poly>>();
    if (from && from->size() == 2 && from->back() == Poly(1))
      indices = expand.getInputs()[0];
    else if (hidden != 1)
      return false;
  }
  if (!matchCoordinate(indices))
    return false;
  isStep = true;
  seen.insert(node);
  StringRef reduction = node.getString("reduction", "none");
  earlier = node.getInputs()[0];
  Value contribution = node.getInputs()[2];
  if (reduction != "none" && reduction != "add")
    return stop(value, "neither writes nor adds");
  // Without a reduction, rows are written over: by the sum of what was there
  // and the contribution, or of zeros. No token has an expert twice.
  auto sum = reduction == "none" ? getNode(skipReshapes(contribution), "Add")
                                 : onnx::NodeOp();
  bool isUpdate = sum && eitherOrder(sum, [&](Value old, Value added) {
                    auto gather = matchRowGather(skipReshapes(old));
                    auto there = gather ? matchCoordinate(gather.getInputs()[1])
                                        : std::nullopt;
                    auto here = matchCoordinate(indices);
                    contribution = added;
                    return there && gather.getInputs()[0] == earlier &&
                           there->nonZero == here->nonZero &&
                           there->row == here->row;
                  });
  if (!isUpdate)
    contribution = node.getInputs()[2];
  if (reduction == "none" && !isUpdate && !isZeros(earlier))
    return stop(value, "writes over the sum of the other experts");
  return matchTerm(contribution, indices, term);
}

bool ExpertLoop::matchStep(onnx::NodeOp node, Value &earlier, Term &term,
                           bool &isStep) {
  isStep = false;
  if (!node.isStandard("Add"))
    return matchScatter(node.getResult(0), earlier, term, isStep);
  return eitherOrder(node, [&](Value sum, Value scattered) {
    Value zeros;
    if (isStep)
      return false; // it failed
    bool matched = matchScatter(scattered, zeros, term, isStep);
    // Into more than zeros: the end of the chain, added to something else.
    isStep &= zeros && isZeros(zeros);
    earlier = sum;
    return matched && isStep;
  });
}

bool ExpertLoop::match(onnx::NodeOp last) {
  auto dims = onnx::getPolyDims(last.getResult(0));
  if (!dims || dims->size() != 2 || !dims->back().asConstant())
    return false;
  numTokens = (*dims)[0];
  hidden = *dims->back().asConstant();
  base = last.getResult(0);
  while (auto node = base.getDefiningOp<onnx::NodeOp>()) {
    // Another user than the next step would see a part of the sum.
    if (!terms.empty() && !llvm::all_of(base.getUsers(), [&](Operation *user) {
          return seen.contains(user) || isPartOfStep(user, seen);
        }))
      break;
    Value earlier;
    Term term;
    bool isStep;
    bool matched = matchStep(node, earlier, term, isStep);
    if (!isStep)
      break;
    // What breaks the match is reported once for the whole chain.
    seen.insert(node);
    if (!matched)
      stop(base, "no known step of the loop");
    terms.push_back(term);
    base = skipReshapes(earlier);
  }
  if (terms.empty() || !getReason().empty())
    return false;
  if (isZeros(base))
    base = {};
  else if (getElementCount(base) != numTokens * Poly(hidden))
    return stop(base, "starts from a value of another shape");
  return checkTogether(last.getResult(0));
}

/// All terms belong to one layer, and none is missing.
bool ExpertLoop::checkTogether(Value at) {
  const Term &first = terms.front();
  auto topK = getNode(first.mask.ids, "TopK");
  auto scores = topK && first.mask.ids == topK.getResult(1)
                    ? onnx::getPolyDims(topK.getInputs()[0])
                    : std::optional<SmallVector<Poly>>();
  auto experts =
      scores && !scores->empty() ? scores->back().asConstant() : std::nullopt;
  if (!experts)
    return stop(first.mask.ids,
                "the ids are not those of a TopK, which are distinct");
  SmallVector<const Term *> byExpert(*experts, nullptr);
  for (const Term &term : terms) {
    if (term.mask.ids != first.mask.ids || term.tokens != first.tokens ||
        term.weights != first.weights)
      return stop(term.nonZero->getResult(0),
                  "belongs to another layer than the experts behind it");
    if (weightShape(term.up) != weightShape(first.up) ||
        bool(term.gate) != bool(first.gate) ||
        term.activation != first.activation ||
        bool(term.upBias) != bool(first.upBias) ||
        bool(term.downBias) != bool(first.downBias))
      return stop(term.nonZero->getResult(0),
                  "expert " + Twine(term.mask.expert) +
                      " is of another form than the experts behind it");
    onlyPositive |= term.mask.isPositive;
    if (term.mask.expert < 0 || term.mask.expert >= *experts)
      return stop(term.nonZero->getResult(0), "no such expert");
    if (byExpert[term.mask.expert])
      return stop(term.nonZero->getResult(0),
                  "expert " + Twine(term.mask.expert) + " is there twice");
    byExpert[term.mask.expert] = &term;
  }
  for (auto [e, term] : llvm::enumerate(byExpert))
    if (!term)
      return stop(at, "only " + Twine(terms.size()) + " of " + Twine(*experts) +
                          " experts are in the file, expert " + Twine(e) +
                          " is missing: it was traced with tokens that did "
                          "not choose all of them");
  llvm::sort(terms, [](const Term &a, const Term &b) {
    return a.mask.expert < b.mask.expert;
  });
  return true;
}

/// The experts' tensors of one role, side by side.
Value stack(ImplicitLocOpBuilder &b, ArrayRef<Term> terms,
            Value Term::*member) {
  SmallVector<Value> values;
  for (const Term &term : terms)
    values.push_back(term.*member);
  SmallVector<int64_t> shape = {int64_t(values.size())};
  llvm::append_range(shape, weightShape(values[0]));
  auto type = weights::WeightTensorType::get(b.getContext(), shape,
                                             onnx::getElementTypeOf(values[0]));
  return weights::StackOp::create(b, type, values);
}

} // namespace

Match moe::raiseExpertLoop(onnx::NodeOp op, llvm::DenseSet<Operation *> &seen) {
  if (seen.contains(op))
    return Match::No;
  auto module = op->getParentOfType<ModuleOp>();
  ExpertLoop m(seen);
  if (!m.match(op)) {
    if (m.getReason().empty())
      return Match::No;
    reportUnraised(module, op.getName(), m.getReason());
    return Match::Near;
  }
  ImplicitLocOpBuilder b(withoutProvenance(op.getLoc()), op);
  constexpr std::pair<Role, Value Term::*> kMembers[] = {
      {Role::Gate, &Term::gate},     {Role::Up, &Term::up},
      {Role::Down, &Term::down},     {Role::GateBias, &Term::gateBias},
      {Role::UpBias, &Term::upBias}, {Role::DownBias, &Term::downBias}};
  SmallVector<std::pair<Role, Value>> tensors;
  for (auto &[role, member] : kMembers)
    if (m.terms[0].*member)
      tensors.push_back({role, stack(b, m.terms, member)});
  int64_t experts = m.terms.size();
  const Term &first = m.terms.front();
  RouterMatch router =
      makeRouting(b, op.getName(), first.mask.ids, first.weights, m.numTokens,
                  experts, m.choices);
  auto route = router.routing.getDefiningOp<RouteOp>();
  if (m.onlyPositive && (!route || !route.getScale().isNonZero() ||
                         route.getScale().isNegative())) {
    reportUnraised(module, op.getName(),
                   "leaves out weights that are not above 0, which the router "
                   "may give");
    return Match::Near;
  }
  weights::BankOp bank = makeBank(b, op.getName(), experts, tensors);
  auto kind =
      ExpertsOfKindAttr::get(b.getContext(), ExpertKind::FFN, experts, 0);
  Value tokens =
      reshapeTo(b, op.getName(), first.tokens, {m.numTokens, Poly(m.hidden)});
  Value y = makeExperts(b, tokens, router.routing, bank, Attribute(kind),
                        first.activation);
  if (m.base) {
    Value base =
        reshapeTo(b, op.getName(), m.base, {m.numTokens, Poly(m.hidden)});
    y = makeNode(b, op.getName(), "Add", {base, y}, {});
  }
  replaceNode(op, y);
  reportRaised(module, {op.getName(),
                        "expert-loop",
                        router.name,
                        experts,
                        m.choices,
                        {{"ffn", experts}}});
  return Match::Raised;
}
