//===- SelectAttention.cpp - Attention nodes as generated kernels ---------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/CodeGen/GPU/Attention.h"
#include "moe/CodeGen/GPU/Passes.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

namespace mlir::moe::gpu {
#define GEN_PASS_DEF_GPUSELECTATTENTION
#include "moe/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::moe::gpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// Whether the tensor is a recurrent state, or a reshape of one: it stays where
/// it is, with the capacity among its strides.
static bool isState(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (isa<pager::StateAppendOp>(op))
      return true;
    if (!isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
            op))
      return false;
    tensor = op->getOperand(0);
  }
  return false;
}

/// `perm` with result dimension i = operand dimension perm[i], if the operation
/// copies its operand so and leaves rows as they are.
static std::optional<SmallVector<int64_t>>
getTransposition(linalg::GenericOp op) {
  if (!op || op.getNumDpsInputs() != 1 || op.getNumResults() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getIndexingMapsArray()[1].isIdentity())
    return std::nullopt;
  AffineMap map = op.getIndexingMapsArray()[0];
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  unsigned rank = map.getNumDims();
  if (!map.isPermutation() ||
      yield.getOperand(0) != op.getBody()->getArgument(0) ||
      map.getDimPosition(rank - 1) != rank - 1)
    return std::nullopt;
  SmallVector<int64_t> perm(rank);
  for (unsigned i = 0; i < rank; ++i)
    perm[map.getDimPosition(i)] = i;
  return perm;
}

static Value transpose(ImplicitLocOpBuilder &b, Value buffer,
                       ArrayRef<int64_t> perm) {
  SmallVector<unsigned> positions(perm.begin(), perm.end());
  return memref::TransposeOp::create(
      b, buffer,
      AffineMapAttr::get(
          AffineMap::getPermutationMap(positions, b.getContext())));
}

/// The buffer of a tensor to be read. A transposition is read through.
static Value getBuffer(ImplicitLocOpBuilder &b, Value tensor) {
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  if (auto perm = getTransposition(generic))
    return transpose(b, getBuffer(b, generic.getInputs()[0]), *perm);
  auto type = cast<RankedTensorType>(tensor.getType());
  MemRefLayoutAttrInterface layout;
  if (isState(tensor)) {
    SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
    strides.back() = 1;
    layout =
        StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, strides);
  }
  return bufferization::ToBufferOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType(), layout),
      tensor, /*read_only=*/true);
}

static AttentionSpec getSpec(onnx::NodeOp op, Value mask) {
  auto getShape = [&](unsigned i) {
    return cast<RankedTensorType>(op.getInputs()[i].getType()).getShape();
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  AttentionSpec spec;
  spec.element = getElementTypeOrSelf(op.getInputs()[0].getType());
  spec.heads = getShape(0)[1];
  spec.keyHeads = getShape(1)[1];
  spec.size = getShape(0)[3];
  spec.valueSize = getShape(2)[3];
  spec.scale = cast<FloatAttr>(op.getNodeAttr("scale")).getValueAsDouble();
  spec.softcap = op.getFloat("softcap", 0);
  spec.causal = op.getInt("is_causal", 0);
  spec.masked = op.getFloat("masked", -infinity);
  spec.emptyRows =
      llvm::StringSwitch<AttentionRows>(op.getString("empty_rows", "zero"))
          .Case("nan", AttentionRows::NaN)
          .Case("nan_to_zero", AttentionRows::NaNToZero)
          .Default(AttentionRows::Zero);
  if (mask)
    spec.mask = getElementTypeOrSelf(mask.getType());
  return spec;
}

static void convert(onnx::NodeOp op, ModuleOp module, KernelSet set) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Emitter e{b, module, set};
  auto inputs = op.getInputs();
  Value mask = op.hasInput(3) ? inputs[3] : Value();
  AttentionSpec spec = getSpec(op, mask);
  auto getSize = [&](Value tensor, int64_t i) {
    return getValueOrCreateConstantIndexOp(
        b, b.getLoc(), tensor::getMixedSize(b, b.getLoc(), tensor, i));
  };
  AttentionSizes sizes{getSize(inputs[0], 0), getSize(inputs[0], 2),
                       getSize(inputs[1], 2),
                       spec.causal ? inputs[4] : Value()};

  // The result is often only transposed: it is written so.
  Value result = op.getResult(0);
  SmallVector<int64_t> order = {0, 1, 2, 3};
  if (result.hasOneUse())
    if (auto generic = dyn_cast<linalg::GenericOp>(*result.user_begin()))
      if (auto perm = getTransposition(generic)) {
        order = *perm;
        result = generic.getResult(0);
      }
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  SmallVector<Value> extents = {sizes.batch, Value(), sizes.queries, Value()};
  SmallVector<int64_t> shape, inverse(4);
  SmallVector<Value> dynamic;
  for (auto [i, from] : llvm::enumerate(order)) {
    inverse[from] = i;
    shape.push_back(type.getDimSize(from));
    if (type.isDynamicDim(from))
      dynamic.push_back(extents[from]);
  }
  auto getAlloc = [&](ArrayRef<int64_t> shape, Type element,
                      ValueRange dynamic) -> Value {
    return memref::AllocOp::create(b, MemRefType::get(shape, element), dynamic);
  };
  Value buffer = getAlloc(shape, spec.element, dynamic);
  Value workspace = getAlloc(ShapedType::kDynamic, b.getF32Type(),
                             getAttentionWorkspace(e, spec, sizes));
  Value q = getBuffer(b, inputs[0]), k = getBuffer(b, inputs[1]),
        v = getBuffer(b, inputs[2]);
  emitAttention(e, spec, q, k, v, mask ? getBuffer(b, mask) : Value(),
                transpose(b, buffer, inverse), workspace, sizes);
  b.setLoc(result.getLoc());
  Value tensor = bufferization::ToTensorOp::create(
      b, RankedTensorType::get(shape, spec.element), buffer,
      /*restrict=*/true, /*writable=*/true);
  if (tensor.getType() != result.getType())
    tensor = tensor::CastOp::create(b, result.getType(), tensor);
  Operation *replaced = result.getDefiningOp();
  result.replaceAllUsesWith(tensor);
  replaced->erase();
  if (replaced != op)
    op.erase();
}

namespace {

class GPUSelectAttention
    : public moe::gpu::impl::GPUSelectAttentionBase<GPUSelectAttention> {
  void runOnOperation() override {
    FailureOr<KernelSet> set = getKernelSet(getOperation());
    if (failed(set))
      return signalPassFailure();
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp op) {
      if (op.isStandard("Attention"))
        nodes.push_back(op);
    });
    for (onnx::NodeOp op : nodes) {
      convert(op, getOperation(), *set);
      ++numSelected;
    }
  }
};

} // namespace
