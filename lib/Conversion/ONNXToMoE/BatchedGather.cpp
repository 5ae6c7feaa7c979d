//===- BatchedGather.cpp - Weights gathered for each choice ---------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Exporters that gather the matrices of the chosen experts, one set for each of
// the P = T * k (token, choice) pairs, and multiply in a batch. Matched from
// the sum backwards; Reshapes may be anywhere, as only the row-major order of
// elements counts:
//
//   x [T, H] -> Expand [T, k, H] (Tile, or Gather by pair / k) -> [P, H, 1]
//   ids [T, k] -> GatherND or Gather of W13 [E, 2I, H] -> [P, 2I, H]
//     MatMul(gathered, x) -> [P, 2I] (+ a gathered bias)
//     -> Slice, Slice (gate, up; halves or interleaved), or two MatMuls, or one
//        without a gate
//   act(gate) * up -> MatMul(W2 [E, H, I] gathered, h) -> o [P, H]
//   w [T, k] -> [P, 1]
//   ReduceSum((o * w) [T, k, H], axis 1) -> [T, H]
//
// Weights may stand on the right, [E, H, 2I] with x [P, 1, H]; the weighted sum
// may be the product w [T, 1, k] * o [T, k, H].
//
//===----------------------------------------------------------------------===//

#include "Matchers.h"

using namespace mlir;
using namespace mlir::moe;
using onnx::Poly;
using weights::Role;

namespace {

/// Matrices or vectors of the experts, gathered by the ids.
struct Gathered {
  Value weight; // [E, N, K], [E, K, N] or [E, N]
  Value ids;
  bool swapped = false; // a Transpose swaps the last two dimensions behind it
};

std::optional<Gathered> matchGathered(Value value, unsigned rank) {
  Gathered match;
  Value swapped; // what the Transpose takes
  value = skipReshapes(value);
  if (auto transpose = getNode(value, "Transpose"); transpose && rank == 3) {
    auto perm = dyn_cast<DenseI64ArrayAttr>(transpose.getNodeAttr("perm"));
    int64_t last = perm ? perm.size() - 1 : 0;
    for (int64_t i = 0; i < last - 1; ++i)
      if (perm[i] != i)
        return std::nullopt;
    if (last < 2 || perm[last] != last - 1 || perm[last - 1] != last)
      return std::nullopt;
    match.swapped = true;
    swapped = transpose.getInputs()[0];
    value = skipReshapes(swapped);
  }
  auto gather = getNode(value, "Gather");
  if (gather) {
    if (gather.getInt("axis", 0) != 0)
      return std::nullopt;
  } else {
    gather = getNode(value, "GatherND");
    auto indices = gather ? onnx::getPolyDims(gather.getInputs()[1])
                          : std::optional<SmallVector<Poly>>();
    if (!indices || indices->empty() || indices->back() != Poly(1) ||
        gather.getInt("batch_dims", 0) != 0)
      return std::nullopt;
  }
  match.weight = gather.getInputs()[0];
  if (!isWeight(match.weight) || weightShape(match.weight).size() != rank)
    return std::nullopt;
  if (swapped) {
    // Whole matrices are transposed, not pieces of them.
    ArrayRef<int64_t> shape = weightShape(match.weight);
    auto dims = onnx::getPolyDims(swapped);
    if (!dims || (*dims)[dims->size() - 2] != Poly(shape[1]) ||
        dims->back() != Poly(shape[2]))
      return std::nullopt;
  }
  match.ids = skipReshapesAndCasts(gather.getInputs()[1]);
  return match;
}

/// One product with gathered matrices, seen as rows [P, N] times [E, K, N].
struct Projection {
  Value input; // P rows of K, or T rows when it is stretched over the choices
  Value weight, bias;
  bool transposed = false; // the weight is [E, N, K]
  int64_t k = 0, n = 0;
  int64_t offset = 0, step = 1, count = 0; // the columns that are used
};

struct BatchedGather : MatchTrace {
  Value tokens, ids, weights;
  Projection gate, up, down;
  Activation activation = Activation::Identity;
  bool gated = false;
  Poly numTokens, numPairs;
  int64_t experts = 0, choices = 0;

  bool matchSum(onnx::NodeOp sum);
  bool matchProduct(onnx::NodeOp product);

private:
  bool matchWeighted(Value out, Value weight, ArrayRef<Poly> dims);
  bool matchExperts(Value out, int64_t hidden);
  bool matchProjection(Value value, Projection &p);
  bool matchSide(onnx::NodeOp product, unsigned side, Projection &p);
  bool matchTokens(Value input, int64_t hidden);
};

/// ReduceSum over the choices of o * w.
bool BatchedGather::matchSum(onnx::NodeOp sum) {
  auto axes = dyn_cast_or_null<DenseI64ArrayAttr>(sum.getNodeAttr("axes"));
  auto dims = onnx::getPolyDims(sum.getInputs()[0]);
  if (!axes || !dims || dims->size() < 2 || axes.size() != 1 ||
      axes[0] != int64_t(dims->size()) - 2)
    return false;
  auto product = getNode(skipReshapes(sum.getInputs()[0]), "Mul");
  if (!product)
    return false;
  return eitherOrder(product, [&](Value out, Value weight) {
    if (!getReason().empty())
      return false; // the other order looked like it
    // A weight for each row of `out`: 1 where out has H.
    auto o = onnx::getPolyDims(out), w = onnx::getPolyDims(weight);
    if (!o || !w || o->size() != w->size())
      return false;
    Poly row(1);
    size_t lead = o->size();
    while (lead > 0 && row != dims->back() && (*w)[lead - 1] == Poly(1))
      row = row * (*o)[--lead];
    if (row != dims->back() || ArrayRef<Poly>(*o).take_front(lead) !=
                                   ArrayRef<Poly>(*w).take_front(lead))
      return false;
    return matchWeighted(out, weight, *dims);
  });
}

/// w [T, 1, k] * o [T, k, H].
bool BatchedGather::matchProduct(onnx::NodeOp product) {
  Value weight = product.getInputs()[0], out = product.getInputs()[1];
  auto w = onnx::getPolyDims(weight), o = onnx::getPolyDims(out);
  if (!w || !o || w->size() < 3 || w->size() != o->size() ||
      (*w)[w->size() - 2] != Poly(1) ||
      ArrayRef<Poly>(*w).drop_back(2) != ArrayRef<Poly>(*o).drop_back(2))
    return false;
  return matchWeighted(out, weight, *o);
}

/// `dims` are [tokens..., k, H].
bool BatchedGather::matchWeighted(Value out, Value weight,
                                  ArrayRef<Poly> dims) {
  auto k = dims[dims.size() - 2].asConstant();
  auto hidden = dims.back().asConstant();
  if (!k || !hidden)
    return false;
  choices = *k;
  numTokens = Poly(1);
  for (const Poly &dim : dims.drop_back(2))
    numTokens = numTokens * dim;
  numPairs = numTokens * Poly(choices);
  if (!matchExperts(out, *hidden))
    return false;
  weights = skipReshapes(weight);
  if (getElementCount(weights) != numPairs)
    return stop(weight, "not one weight for each choice");
  return true;
}

bool BatchedGather::matchExperts(Value out, int64_t hidden) {
  if (!matchProjection(out, down))
    return false;
  // From here on it looks like the pattern: say what breaks it.
  experts = weightShape(down.weight)[0];
  if (getElementCount(ids) != numPairs)
    return stop(ids, "not one expert for each choice of each token");
  auto activated = moe::matchActivation(skipReshapes(down.input));
  if (!activated)
    return stop(skipReshapes(down.input), "no known activation");
  activation = activated->kind;
  gated = bool(activated->gate);
  if (!matchProjection(activated->up, up) ||
      (gated && !matchProjection(activated->gate, gate)))
    return stop(activated->up, "not a product with gathered weights");
  if (down.n != hidden || down.offset != 0 || down.count != hidden ||
      up.count != down.k || (gated && gate.count != down.k))
    return stop(out, "the widths of the projections do not fit together");
  if (up.k != hidden || (gated && gate.k != hidden))
    return stop(up.input, "the experts do not read what they write");
  if (!matchTokens(up.input, hidden))
    return stop(up.input, "not the tokens, one row for each choice");
  Value first = tokens;
  if (gated && (!matchTokens(gate.input, hidden) || tokens != first))
    return stop(gate.input, "gate and up read different tokens");
  return true;
}

/// Columns of a product with gathered weights, perhaps with a bias.
bool BatchedGather::matchProjection(Value value, Projection &p) {
  value = skipReshapes(value);
  std::optional<SliceMatch> columns = matchSlice(value);
  if (columns) {
    // Along N: whatever follows has one element.
    auto whole = onnx::getPolyDims(columns->source);
    for (const Poly &dim : ArrayRef<Poly>(*whole).drop_front(columns->dim + 1))
      if (dim != Poly(1))
        return stop(value, "not a range of columns");
    p.n = (*whole)[columns->dim].asConstant().value_or(0);
    value = skipReshapes(columns->source);
  }
  int64_t sliced = p.n;
  Value biasIds;
  if (auto sum = getNode(value, "Add"))
    eitherOrder(sum, [&](Value product, Value bias) {
      auto gathered = matchGathered(bias, 2);
      if (!gathered)
        return false;
      biasIds = gathered->ids;
      p.bias = gathered->weight;
      value = skipReshapes(product);
      return true;
    });
  auto product = getNode(value, "MatMul");
  if (!product || (!matchSide(product, 0, p) && !matchSide(product, 1, p)))
    return false;
  if (biasIds && biasIds != ids)
    return stop(value, "its bias is gathered by other ids");
  if (columns && sliced != p.n)
    return stop(value, "not a range of columns");
  if (p.bias &&
      weightShape(p.bias) != ArrayRef<int64_t>{weightShape(p.weight)[0], p.n})
    return stop(value, "its bias does not fit");
  p.offset = columns ? columns->offset : 0;
  p.step = columns ? columns->step : 1;
  p.count = columns ? columns->size : p.n;
  return true;
}

/// The gathered matrices as operand `side` of the product.
bool BatchedGather::matchSide(onnx::NodeOp product, unsigned side,
                              Projection &p) {
  auto gathered = matchGathered(product.getInputs()[side], 3);
  auto matrix = onnx::getPolyDims(product.getInputs()[side]);
  Value other = product.getInputs()[1 - side];
  auto vector = onnx::getPolyDims(other);
  if (!gathered || !matrix || !vector || matrix->size() < 3 ||
      vector->size() != matrix->size())
    return false;
  if (!ids)
    ids = gathered->ids;
  if (ids != gathered->ids)
    return stop(product.getInputs()[side], "gathers by other ids");
  ArrayRef<Poly> m(*matrix), v(*vector);
  // [.., N, K] * [.., K, 1], or [.., 1, K] * [.., K, N].
  bool left = side == 0;
  if (v[left ? v.size() - 1 : v.size() - 2] != Poly(1))
    return stop(other, "more than one row for each choice");
  ArrayRef<int64_t> shape = weightShape(gathered->weight);
  int64_t rows = shape[gathered->swapped ? 2 : 1],
          columns = shape[gathered->swapped ? 1 : 2];
  if (m[m.size() - 2] != Poly(rows) || m.back() != Poly(columns))
    return stop(product.getInputs()[side], "takes the matrices apart");
  // Lead dimensions are the pairs, in order; the tokens may be stretched.
  Poly pairs(1);
  for (size_t d = 0; d + 2 < m.size(); ++d) {
    pairs = pairs * m[d];
    if (v[d] != m[d] && v[d] != Poly(1))
      return stop(other, "not one row for each choice");
  }
  if (pairs != numPairs)
    return stop(product.getInputs()[side], "not one matrix for each choice");
  p.input = other;
  p.weight = gathered->weight;
  p.transposed = left != gathered->swapped;
  p.k = left ? columns : rows;
  p.n = left ? rows : columns;
  return true;
}

/// True for an index tensor whose pair p has p / k.
bool isTokenOfPair(Value index, const Poly &numTokens, int64_t k) {
  auto isCount = [](Value value, const Poly &count) {
    auto range = getNode(value, "Range");
    auto start =
        range ? dyn_cast_or_null<AffineMapAttr>(range.getNodeAttr("start"))
              : AffineMapAttr();
    return start && range.getInt("step", 1) == 1 &&
           Poly::fromAffine(start.getValue().getResult(0)) == Poly(0) &&
           getElementCount(value) == count;
  };
  index = skipReshapesAndCasts(index);
  if (k == 1 && isCount(index, numTokens))
    return true;
  if (auto division = getNode(index, "Div"))
    return isCount(skipReshapesAndCasts(division.getInputs()[0]),
                   numTokens * Poly(k)) &&
           getSplat(division.getInputs()[1]) == double(k);
  auto expand = getNode(index, "Expand");
  if (!expand)
    return false;
  auto from = onnx::getPolyDims(expand.getInputs()[0]),
       to = onnx::getPolyDims(index);
  return from && to && from->size() == to->size() && to->size() > 1 &&
         from->back() == Poly(1) && to->back() == Poly(k) &&
         ArrayRef<Poly>(*from).drop_back() == ArrayRef<Poly>(*to).drop_back() &&
         isCount(skipReshapesAndCasts(expand.getInputs()[0]), numTokens);
}

/// Sets `tokens` to what has numTokens rows of `hidden`, each for k pairs.
bool BatchedGather::matchTokens(Value input, int64_t hidden) {
  Value value = skipReshapes(input);
  auto isRows = [&](Value v) {
    return getElementCount(v) == numTokens * Poly(hidden);
  };
  if (auto expand = getNode(value, "Expand")) {
    Value source = expand.getInputs()[0];
    auto from = onnx::getPolyDims(source), to = onnx::getPolyDims(value);
    if (!from || !to || from->size() != to->size() || !isRows(source))
      return false;
    // One dimension of 1 becomes k, behind the tokens and before the rest.
    Poly before(1);
    for (size_t d = 0; d < to->size(); ++d) {
      if ((*from)[d] == (*to)[d]) {
        before = before * (*to)[d];
        continue;
      }
      bool rest = ArrayRef<Poly>(*from).drop_front(d + 1) ==
                  ArrayRef<Poly>(*to).drop_front(d + 1);
      if ((*from)[d] != Poly(1) || (*to)[d] != Poly(choices) ||
          before != numTokens || !rest)
        return false;
      tokens = skipReshapes(source);
      return true;
    }
    return false;
  }
  if (auto gather = getNode(value, "Gather")) {
    auto dims = onnx::getPolyDims(gather.getInputs()[0]);
    if (dims && *dims == SmallVector<Poly>{numTokens, Poly(hidden)} &&
        gather.getInt("axis", 0) == 0 &&
        isTokenOfPair(gather.getInputs()[1], numTokens, choices)) {
      tokens = skipReshapes(gather.getInputs()[0]);
      return true;
    }
  }
  // Stretched by the product, [tokens..., 1, ...], or the only choice.
  if (!isRows(value))
    return false;
  auto dims = onnx::getPolyDims(input);
  Poly before(1);
  for (const Poly &dim : ArrayRef<Poly>(*dims).drop_back(3))
    before = before * dim;
  if (choices != 1 &&
      (before != numTokens || (*dims)[dims->size() - 3] != Poly(1)))
    return false;
  tokens = value;
  return true;
}

} // namespace

Match moe::raiseBatchedGather(onnx::NodeOp op) {
  auto module = op->getParentOfType<ModuleOp>();
  BatchedGather m;
  if (op.isStandard("MatMul") ? !m.matchProduct(op) : !m.matchSum(op)) {
    if (m.getReason().empty())
      return Match::No;
    reportUnraised(module, op.getName(), m.getReason());
    return Match::Near;
  }
  ImplicitLocOpBuilder b(withoutProvenance(op.getLoc()), op);
  SmallVector<std::pair<Role, Value>> tensors;
  auto addMatrix = [&](Role role, const Projection &p) {
    tensors.push_back({role, takeColumns(b, p.weight, p.transposed, p.offset,
                                         p.step, p.count)});
  };
  auto addBias = [&](Role role, const Projection &p) {
    if (p.bias)
      tensors.push_back(
          {role, takeColumns(b, p.bias, false, p.offset, p.step, p.count)});
  };
  if (m.gated)
    addMatrix(Role::Gate, m.gate);
  addMatrix(Role::Up, m.up);
  addMatrix(Role::Down, m.down);
  if (m.gated)
    addBias(Role::GateBias, m.gate);
  addBias(Role::UpBias, m.up);
  addBias(Role::DownBias, m.down);
  if (llvm::any_of(tensors, [](auto &entry) { return !entry.second; })) {
    reportUnraised(module, op.getName(), "its columns cannot be taken apart");
    return Match::Near;
  }

  int64_t hidden = m.down.n;
  RouterMatch router = makeRouting(b, op.getName(), m.ids, m.weights,
                                   m.numTokens, m.experts, m.choices);
  weights::BankOp bank = makeBank(b, op.getName(), m.experts, tensors);
  auto kind =
      ExpertsOfKindAttr::get(b.getContext(), ExpertKind::FFN, m.experts, 0);
  Value tokens =
      reshapeTo(b, op.getName(), m.tokens, {m.numTokens, Poly(hidden)});
  Value y = makeExperts(b, tokens, router.routing, bank, Attribute(kind),
                        m.activation);
  replaceNode(
      op, reshapeTo(b, op.getName(), y, *onnx::getPolyDims(op.getResult(0))));
  reportRaised(module, {op.getName(),
                        "batched-gather",
                        router.name,
                        m.experts,
                        m.choices,
                        {{"ffn", m.experts}}});
  return Match::Raised;
}
