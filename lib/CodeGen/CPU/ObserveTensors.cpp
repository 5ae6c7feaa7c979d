//===- ObserveTensors.cpp - Show the tensors of the file ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe/Support/Provenance.h"
#include "moe_rt/moe_rt.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUOBSERVETENSORS
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// A value that is a tensor of the file, or (without a name) the result of an
/// operation worth its own line in a profile.
struct Point {
  Value value;
  Operation *computed; // by this operation
  StringAttr tensor, node, op;
  bool hasItsShape;
};

/// Whether a value of type `type` has the shape of the tensor of type `wanted`.
bool hasShapeOf(ShapedType type, RankedTensorType wanted) {
  return type.getRank() == wanted.getRank() &&
         llvm::all_of_zip(type.getShape(), wanted.getShape(),
                          [](int64_t a, int64_t b) {
                            return a == b || ShapedType::isDynamic(a) ||
                                   ShapedType::isDynamic(b);
                          });
}

/// What an operation computes: its results, or the buffer that a kernel writes,
/// its last operand. That may be all there is of a product which only kernels
/// read.
SmallVector<Value> getComputed(Operation &op) {
  auto call = dyn_cast<func::CallOp>(op);
  if (call && call.getNumResults() == 0 && call.getNumOperands() > 0)
    return {call.getOperands().back()};
  return SmallVector<Value>(op.getResults());
}

/// The point that a value computed by `op` is, when it is one. Fusion takes
/// reshapes into loops, and products are of matrices: both then give the same
/// elements in another shape. Reshapes that fusion makes of a loop's operands
/// have the loop's location, but are other tensors.
std::optional<Point> getPoint(Operation &op, Value value, StringAttr tensor,
                              const Provenance &provenance) {
  auto type = dyn_cast<ShapedType>(value.getType());
  bool isKernel = isa<func::CallOp>(op);
  if (!type || !type.hasRank() || (isa<MemRefType>(type) && !isKernel))
    return std::nullopt;
  auto wanted = dyn_cast<RankedTensorType>(tensor.getType());
  if (!wanted || type.getElementType() != wanted.getElementType() ||
      type.getElementType().isIndex() || type.getRank() > MOE_RT_MAX_RANK)
    return std::nullopt;
  bool hasItsShape = hasShapeOf(type, wanted);
  if (!hasItsShape && !isKernel && !isa<linalg::GenericOp>(op))
    return std::nullopt;
  return Point{value, &op, tensor, provenance.node, provenance.op, hasItsShape};
}

/// The points of a block, in the order in which they are computed. Of the
/// operations that an operation was split into, the last gives its result.
SmallVector<Point> findPoints(Block &block) {
  llvm::MapVector<std::pair<StringRef, StringRef>, Point> found;
  for (Operation &op : block) {
    std::optional<Provenance> provenance = getProvenance(op.getLoc());
    SmallVector<Value> values = getComputed(op);
    if (!provenance || op.hasTrait<OpTrait::ConstantLike>() ||
        values.size() > provenance->tensors.size())
      continue;
    for (auto [i, value] : llvm::enumerate(values)) {
      std::optional<Point> point =
          getPoint(op, value, provenance->tensors[i], *provenance);
      if (!point)
        continue;
      auto key =
          std::make_pair(point->node.getValue(), point->tensor.getValue());
      auto known = found.find(key);
      if (known != found.end() && known->second.hasItsShape &&
          !point->hasItsShape)
        continue;
      found.erase(key);
      found[key] = *point;
    }
  }
  SmallVector<Point> points;
  for (auto &[key, point] : found)
    points.push_back(point);
  return points;
}

void observe(const Point &point, int64_t number) {
  ImplicitLocOpBuilder b(withoutProvenance(point.value.getLoc()),
                         point.value.getContext());
  b.setInsertionPointAfter(point.computed);
  auto type = cast<ShapedType>(point.value.getType());
  // Of whatever layout, so that nothing is copied for it.
  SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
  auto layout =
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, strides);
  auto seen = MemRefType::get(type.getShape(), type.getElementType(), layout);
  Value buffer;
  if (isa<MemRefType>(type))
    buffer = memref::CastOp::create(b, seen, point.value);
  else
    buffer = bufferization::ToBufferOp::create(b, seen, point.value,
                                               /*read_only=*/true);
  pager::ObserveOp::create(b, arith::ConstantIndexOp::create(b, number),
                           buffer);
}

class CPUObserveTensors
    : public cpu::impl::CPUObserveTensorsBase<CPUObserveTensors> {
  void runOnOperation() override {
    auto entry = getOperation().lookupSymbol<func::FuncOp>("moe_run");
    if (!entry || entry.isExternal())
      return;
    Builder b(&getContext());
    SmallVector<Attribute> list;
    for (const Point &point : findPoints(entry.getBody().front())) {
      observe(point, list.size());
      auto type = cast<ShapedType>(point.value.getType());
      list.push_back(
          b.getArrayAttr({point.tensor, point.node, point.op,
                          TypeAttr::get(RankedTensorType::get(
                              type.getShape(), type.getElementType()))}));
    }
    numPoints += list.size();
    getOperation()->setAttr("cpu.points", b.getArrayAttr(list));
  }
};

} // namespace
