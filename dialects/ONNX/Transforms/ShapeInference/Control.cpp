//===- Control.cpp - Shapes of operators with bodies ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Inference.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

/// Infers a body; false when a node in it was contradicted.
bool inferBody(Inference &n, Region &body) {
  bool ok = true;
  for (NodeOp node : body.front().getOps<NodeOp>())
    ok &= succeeded(inferNode(node, n.context));
  return ok;
}

OperandRange yielded(Region &body) {
  return body.front().getTerminator()->getOperands();
}

/// A body whose contradiction was reported makes its node fail without a second
/// message.
LogicalResult inferBodies(Inference &n) {
  bool ok = true;
  for (Region &body : n.op.getBodies()) {
    if (body.empty() || !body.front().mightHaveTerminator())
      return failure();
    ok &= inferBody(n, body);
  }
  if (!ok)
    n.markContradicted();
  return success(ok);
}

/// What both branches give: equal dimensions stay, others depend on the
/// condition.
LogicalResult ifOp(Inference &n) {
  if (failed(inferBodies(n)) || n.op.getBodies().size() != 2)
    return failure();
  OperandRange x = yielded(n.op.getBodies()[0]),
               y = yielded(n.op.getBodies()[1]);
  if (x.size() != n.op.getNumResults() || y.size() != n.op.getNumResults())
    return n.contradict("its branches give " + Twine(x.size()) + " and " +
                        Twine(y.size()) + " values for " +
                        Twine(n.op.getNumResults()) + " results");
  for (unsigned i = 0; i < n.op.getNumResults(); ++i) {
    auto a = getPolyDims(x[i]), b = getPolyDims(y[i]);
    if (!a || !b)
      continue;
    if (getElementTypeOf(x[i]) != getElementTypeOf(y[i]))
      return n.contradict("its branches give different element types for "
                          "result " +
                          Twine(i));
    if (a->size() != b->size())
      continue; // the rank depends on the condition: not known
    for (auto [d, dim] : llvm::enumerate(*a))
      if (dim != (*b)[d])
        dim = n.fresh(i, d);
    if (failed(n.set(i, getElementTypeOf(x[i]), *a)))
      return failure();
  }
  return success();
}

/// A value that a body passes to its next round: any size may change.
void setCarried(Inference &n, BlockArgument argument, Value initial,
                unsigned result) {
  auto dims = initial ? getPolyDims(initial) : std::nullopt;
  if (!dims)
    return;
  for (auto [d, dim] : llvm::enumerate(*dims))
    dim = n.fresh(result, d);
  if (succeeded(n.set(result, getElementTypeOf(initial), *dims)))
    argument.setType(n.op.getResult(result).getType());
}

/// Results that collect one value per round, along `axis`.
LogicalResult setCollected(Inference &n, unsigned result, Value value,
                           const Poly &rounds, int64_t axis) {
  auto dims = getPolyDims(value);
  if (!dims || failed(n.normalizeAxis(axis, dims->size() + 1)))
    return failure();
  dims->insert(dims->begin() + axis, rounds);
  n.makeKnown(result, *dims);
  return n.set(result, getElementTypeOf(value), *dims);
}

/// trip count, condition, initial values; the body takes (iteration, condition,
/// values) and gives (condition, values, collected).
LogicalResult loop(Inference &n) {
  if (n.op.getBodies().size() != 1 || n.op.getInputs().size() < 2)
    return failure();
  Region &body = n.op.getBodies()[0];
  unsigned carried = n.op.getInputs().size() - 2;
  if (body.empty() || body.getNumArguments() != carried + 2 ||
      n.op.getNumResults() < carried)
    return n.contradict(
        "carries " + Twine(carried) + " values, its body takes " +
        Twine(body.empty() ? 0 : body.getNumArguments()) +
        " operands and it has " + Twine(n.op.getNumResults()) + " results");
  body.getArgument(0).setType(RankedTensorType::get({}, n.b.getI64Type()));
  body.getArgument(1).setType(RankedTensorType::get({}, n.b.getI1Type()));
  for (unsigned i = 0; i < carried; ++i)
    setCarried(n, body.getArgument(i + 2), n.op.getInputOrNull(i + 2), i);
  if (failed(inferBodies(n)))
    return failure();
  OperandRange values = yielded(body);
  if (values.size() != n.op.getNumResults() + 1)
    return n.contradict("its body gives " + Twine(values.size()) +
                        " values for " + Twine(n.op.getNumResults()) +
                        " results and a condition");
  for (unsigned i = carried; i < n.op.getNumResults(); ++i)
    if (failed(setCollected(n, i, values[i + 1], Poly::invalid(), 0)))
      return failure();
  return success();
}

int64_t entryOf(Inference &n, StringRef name, unsigned i) {
  auto list = dyn_cast_or_null<DenseI64ArrayAttr>(n.op.getNodeAttr(name));
  return list && i < list.size() ? list[i] : 0;
}

/// Initial values, then sequences, of which each round takes one part.
LogicalResult scan(Inference &n) {
  if (n.op.getBodies().size() != 1)
    return failure();
  Region &body = n.op.getBodies()[0];
  int64_t inputs = n.op.getInputs().size(),
          scanned = n.op.getInt("num_scan_inputs", 0),
          carried = inputs - scanned;
  if (scanned < 1 || carried < 0 || body.empty() ||
      body.getNumArguments() != inputs || n.op.getNumResults() < carried)
    return n.contradict("scans " + Twine(scanned) + " of " + Twine(inputs) +
                        " operands, its body takes " +
                        Twine(body.empty() ? 0 : body.getNumArguments()) +
                        " and it has " + Twine(n.op.getNumResults()) +
                        " results");
  for (int64_t i = 0; i < carried; ++i)
    setCarried(n, body.getArgument(i), n.op.getInputOrNull(i), i);
  Poly rounds = Poly::invalid();
  for (int64_t i = 0; i < scanned; ++i) {
    Dims dims;
    int64_t axis = entryOf(n, "scan_input_axes", i);
    if (!n.dimsOf(carried + i, dims))
      continue;
    if (failed(n.normalizeAxis(axis, dims.size())))
      return failure();
    rounds = dims[axis];
    dims.erase(dims.begin() + axis);
    SmallVector<AffineExpr> exprs;
    for (const Poly &dim : dims)
      exprs.push_back(dim.toAffine(n.op.getContext()));
    body.getArgument(carried + i)
        .setType(getTensorType(n.elementOf(carried + i), exprs,
                               n.context.getNumSymbols()));
  }
  if (failed(inferBodies(n)))
    return failure();
  OperandRange values = yielded(body);
  if (values.size() != n.op.getNumResults())
    return n.contradict("its body gives " + Twine(values.size()) +
                        " values for " + Twine(n.op.getNumResults()) +
                        " results");
  for (unsigned i = carried; i < n.op.getNumResults(); ++i)
    if (failed(setCollected(n, i, values[i], rounds,
                            entryOf(n, "scan_output_axes", i - carried))))
      return failure();
  return success();
}

} // namespace

void onnx::addControlRules(RuleTable &t) {
  t.add("If", 1, ifOp);
  t.add("Loop", 1, loop);
  t.add("Scan", 9, scan);
}
