//===- DenseAll.cpp - All experts, masked and summed ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Exporters that compute every expert for every token and let the combine
// weights be zero for those not chosen. Matched from the sum backwards:
//
//   x [T, H] -> Reshape [1, T, H]
//     -> MatMul W13 [E, H, 2I] -> Slice, Slice along 2 (gate, up; either order)
//        or two MatMuls, or one without a gate
//     -> act(gate) * up -> MatMul W2 [E, I, H] -> o [E, T, H]
//   c [T, N] = ScatterElements(zeros, ids, w, axis 1), ids of TopK
//     -> Slice columns [a, a + E) -> Transpose -> Reshape [E, T, 1]
//   ReduceSum(o * c, axis 0) -> [T, H]
//
// TopK gives distinct ids, so a row of c holds exactly the weights of the
// chosen experts, and the sum over all experts is the sum over the chosen ones.
// Ids outside of [a, a + E) belong to computations elsewhere in the graph,
// which go on using the dense c.
//
//===----------------------------------------------------------------------===//

#include "Matchers.h"

using namespace mlir;
using namespace mlir::moe;
using weights::Role;

namespace {

struct DenseAll : MatchTrace {
  // Found on the way; tokens are [1, T, H].
  Value tokens, gate, up, down, ids, weights;
  Activation activation = Activation::Identity;
  int64_t gateOffset = -1, upOffset = -1; // columns of w13, or -1
  int64_t experts = 0, first = 0, total = 0, k = 0;

  bool match(onnx::NodeOp sum);

private:
  bool matchCombine(Value c);
  bool matchExperts(Value o);
  bool matchProjection(Value x, Value &weight, int64_t &offset);
};

bool DenseAll::match(onnx::NodeOp sum) {
  auto axes = dyn_cast_or_null<DenseI64ArrayAttr>(sum.getNodeAttr("axes"));
  auto type = dyn_cast<RankedTensorType>(sum.getInputs()[0].getType());
  auto product = getNode(sum.getInputs()[0], "Mul");
  if (!axes || axes.asArrayRef() != ArrayRef<int64_t>{0} || !type ||
      type.getRank() != 3 || sum.getInt("keepdims", 1) || !product)
    return false;
  return eitherOrder(product, [&](Value o, Value c) {
    auto second = getNode(o, "MatMul");
    if (!second || !isWeight(second.getInputs()[1]) ||
        weightShape(second.getInputs()[1]).size() != 3)
      return false;
    down = second.getInputs()[1];
    experts = weightShape(down)[0];
    // From here on it looks like the pattern: say what breaks it.
    return matchCombine(c) && matchExperts(second.getInputs()[0]);
  });
}

/// c as [E, T, 1].
bool DenseAll::matchCombine(Value c) {
  auto column = getNode(c, "Reshape");
  auto swapped = getNode(column ? column.getInputs()[0] : c, "Transpose");
  if (!column || !swapped)
    return stop(c, "the factor is not a transposed column of weights");
  auto perm = dyn_cast<DenseI64ArrayAttr>(swapped.getNodeAttr("perm"));
  auto shape = onnx::getPolyDims(c);
  if (!perm || perm.asArrayRef() != ArrayRef<int64_t>{1, 0} || !shape ||
      shape->size() != 3 || (*shape)[0] != onnx::Poly(experts) ||
      (*shape)[2] != onnx::Poly(1))
    return stop(c, "the factor is not [experts, tokens, 1]");
  Value matrix = swapped.getInputs()[0];
  if (auto columns = matchSlice(matrix)) {
    if (columns->dim != 1 || columns->step != 1)
      return stop(matrix, "not a range of columns");
    first = columns->offset;
    matrix = columns->source;
  }
  auto scatter = getNode(matrix, "ScatterElements");
  if (!scatter)
    return stop(matrix, "the combine weights are not scattered");
  int64_t axis = scatter.getInt("axis", 0);
  auto dims = onnx::getPolyDims(matrix);
  if (!dims || dims->size() != 2 || !(*dims)[1].asConstant() ||
      (axis != 1 && axis != -1) ||
      scatter.getString("reduction", "none") != "none")
    return stop(matrix, "must write, not combine, along the experts");
  total = *(*dims)[1].asConstant();
  if (first + experts > total)
    return stop(matrix, "has fewer columns than experts");
  if (!isZeros(scatter.getInputs()[0]))
    return stop(matrix, "must start from zeros");
  ids = scatter.getInputs()[1];
  weights = scatter.getInputs()[2];
  auto topK = getNode(ids, "TopK");
  if (!topK || ids != topK.getResult(1))
    return stop(ids, "the ids are not those of a TopK, which are distinct");
  auto idDims = onnx::getPolyDims(ids), weightDims = onnx::getPolyDims(weights);
  auto source = onnx::getPolyDims(topK.getInputs()[0]);
  if (!idDims || idDims->size() != 2 || !(*idDims)[1].asConstant() ||
      !weightDims || *weightDims != *idDims || !source || source->size() != 2 ||
      (*source)[1] != onnx::Poly(total))
    return stop(ids,
                "the ids must be [tokens, k] of as many experts as columns");
  k = *(*idDims)[1].asConstant();
  return true;
}

bool DenseAll::matchExperts(Value h) {
  auto activated = matchActivation(h);
  if (!activated)
    return stop(h, "no known activation");
  activation = activated->kind;
  if (!matchProjection(activated->up, up, upOffset) ||
      (activated->gate && !matchProjection(activated->gate, gate, gateOffset)))
    return false;
  auto shape = weightShape(down);
  ArrayRef<int64_t> up1 = weightShape(up);
  int64_t intermediate = shape[1], hidden = shape[2];
  if (up1.size() != 3 || up1[0] != experts || up1[1] != hidden)
    return stop(h, "the projections' shapes do not fit together");
  auto fits = [&](Value weight, int64_t offset) {
    return offset < 0 ? weightShape(weight)[2] == intermediate
                      : offset + intermediate <= weightShape(weight)[2];
  };
  if (!fits(up, upOffset) || (gate && !fits(gate, gateOffset)))
    return stop(h, "the projections' widths do not fit together");
  return true;
}

/// x * weight, or a range of its columns; x must be the tokens [1, T, H].
bool DenseAll::matchProjection(Value x, Value &weight, int64_t &offset) {
  offset = -1;
  if (auto columns = matchSlice(x)) {
    if (columns->dim != 2 || columns->step != 1)
      return stop(x, "not a range of columns");
    offset = columns->offset;
    x = columns->source;
  }
  auto product = getNode(x, "MatMul");
  if (!product || !isWeight(product.getInputs()[1]))
    return stop(x, "not a product with weights");
  Value source = product.getInputs()[0];
  auto dims = onnx::getPolyDims(source);
  if (!dims || dims->size() != 3 || (*dims)[0] != onnx::Poly(1))
    return stop(source, "not the tokens for every expert");
  if (tokens && tokens != source)
    return stop(source, "gate and up read different tokens");
  tokens = source;
  weight = product.getInputs()[1];
  return true;
}

} // namespace

Match moe::raiseDenseAll(onnx::NodeOp op) {
  auto module = op->getParentOfType<ModuleOp>();
  DenseAll m;
  if (!m.match(op)) {
    if (m.getReason().empty())
      return Match::No;
    reportUnraised(module, op.getName(), m.getReason());
    return Match::Near;
  }
  ImplicitLocOpBuilder b(withoutProvenance(op.getLoc()), op);
  int64_t intermediate = weightShape(m.down)[1];
  auto columns = [&](Value weight, int64_t offset) {
    return takeColumns(b, weight, /*transposed=*/false,
                       std::max<int64_t>(offset, 0), /*step=*/1, intermediate);
  };
  SmallVector<std::pair<Role, Value>> tensors;
  if (m.gate)
    tensors.push_back({Role::Gate, columns(m.gate, m.gateOffset)});
  tensors.push_back({Role::Up, columns(m.up, m.upOffset)});
  tensors.push_back({Role::Down, m.down});
  onnx::Poly numTokens = (*onnx::getPolyDims(m.tokens))[1];
  RouterMatch router =
      makeRouting(b, op.getName(), m.ids, m.weights, numTokens, m.total, m.k);
  weights::BankOp bank = makeBank(b, op.getName(), m.experts, tensors);

  SmallVector<Attribute> kinds;
  RaisedLayer layer{op.getName(), "dense-all", router.name,
                    m.total,      m.k,         {{"ffn", m.experts}}};
  auto addKind = [&](ExpertKind kind, int64_t count) {
    if (count > 0)
      kinds.push_back(ExpertsOfKindAttr::get(b.getContext(), kind, count, 0));
  };
  addKind(ExpertKind::Elsewhere, m.first);
  addKind(ExpertKind::FFN, m.experts);
  addKind(ExpertKind::Elsewhere, m.total - m.first - m.experts);
  if (m.total > m.experts)
    layer.kinds.push_back({"elsewhere", m.total - m.experts});
  Value tokens = flattenTokens(b, op.getName(), m.tokens);
  Value y = makeExperts(b, tokens, router.routing, bank, kinds, m.activation);
  replaceNode(op, y);
  reportRaised(module, layer);
  return Match::Raised;
}
