//===- BindEntry.cpp - Bind the entry to the runtime's frame --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUBINDENTRY
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Bytes every dense weight is aligned to: a cache line, and a vector.
constexpr int64_t kAlignment = 64;

/// Rewrites `@main`, a function of tensors, into `@moe_run`, which takes all it
/// needs from the frame.
class EntryBinder {
public:
  EntryBinder(func::FuncOp main) : main(main), builder(main.getContext()) {}
  LogicalResult run();

private:
  LogicalResult bindInputs();
  LogicalResult bindState(BlockArgument argument, int64_t slot);
  LogicalResult bindOutputs();
  LogicalResult placeWeights();

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, main.getLoc(), value);
  }
  /// Sizes of the dynamic dimensions of a state or input, which the compiler
  /// recorded as `cpu.dims`: an affine map over the symbols.
  SmallVector<Value> dynamicSizes(ShapedType type, AffineMap dims);
  Value evaluate(AffineExpr expr);

  func::FuncOp main;
  OpBuilder builder;
};

/// An affine expression over symbols as index arithmetic. Products of symbols
/// are allowed.
Value EntryBinder::evaluate(AffineExpr expr) {
  Location loc = main.getLoc();
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return index(constant.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return onnx::SymbolOp::create(builder, loc, builder.getIndexType(),
                                  symbol.getPosition());
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = evaluate(binary.getLHS()), rhs = evaluate(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Add)
    return arith::AddIOp::create(builder, loc, lhs, rhs);
  assert(expr.getKind() == AffineExprKind::Mul && "a polynomial");
  return arith::MulIOp::create(builder, loc, lhs, rhs);
}

SmallVector<Value> EntryBinder::dynamicSizes(ShapedType type, AffineMap dims) {
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(evaluate(dims.getResult(i)));
  return sizes;
}

LogicalResult EntryBinder::bindInputs() {
  for (BlockArgument argument : main.getArguments()) {
    unsigned number = argument.getArgNumber();
    if (isa<pager::StateType>(argument.getType()))
      continue;
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return main.emitError("input ") << number << " is not a tensor";
    AffineMap dims;
    if (auto attr = main.getArgAttrOfType<AffineMapAttr>(number, "cpu.dims"))
      dims = attr.getValue();
    else if (!type.hasStaticShape())
      return main.emitError("input ") << number << " has unknown sizes";
    auto memref = MemRefType::get(type.getShape(), type.getElementType());
    Value buffer = pager::BufferOp::create(
        builder, main.getLoc(), memref, pager::Space::Input, index(number),
        index(0), dynamicSizes(type, dims), ValueRange());
    Value tensor = bufferization::ToTensorOp::create(
        builder, main.getLoc(), type, buffer, /*restrict=*/true,
        /*writable=*/false);
    argument.replaceAllUsesWith(tensor);
  }
  // Last: these erase appends, of which the first may be where inputs go.
  int64_t states = 0;
  for (BlockArgument argument : main.getArguments())
    if (isa<pager::StateType>(argument.getType()) &&
        failed(bindState(argument, states++)))
      return failure();
  return success();
}

/// Appends write behind the valid positions; the result is a view of the whole
/// state, whose axis has the capacity as its stride.
LogicalResult EntryBinder::bindState(BlockArgument argument, int64_t slot) {
  auto state = cast<pager::StateType>(argument.getType());
  int64_t axis = state.getAxis(), rank = state.getShape().size();
  auto dims =
      main.getArgAttrOfType<AffineMapAttr>(argument.getArgNumber(), "cpu.dims");
  if (!dims || dims.getValue().getNumResults() != rank)
    return main.emitError("input ")
           << argument.getArgNumber() << " has unknown sizes";
  for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
    auto append = dyn_cast<pager::StateAppendOp>(user);
    if (!append)
      return user->emitError("only an append may use a state");
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(append);
    Location loc = append.getLoc();
    auto newType = cast<RankedTensorType>(append.getValue().getType());
    Value slotValue = index(slot);
    // A symbol: sizes are known before a run, and there is no state yet.
    Value past = evaluate(dims.getValue().getResult(axis));
    Value capacity = pager::StateCapacityOp::create(
        builder, loc, builder.getIndexType(), slotValue);

    SmallVector<OpFoldResult> newSizes =
        tensor::getMixedSizes(builder, loc, append.getValue());
    SmallVector<OpFoldResult> sizes = newSizes;
    Value added = getValueOrCreateConstantIndexOp(builder, loc, sizes[axis]);
    sizes[axis] = arith::AddIOp::create(builder, loc, past, added).getResult();

    // Row-major strides of [..., capacity, ...].
    SmallVector<Value> strideValues(rank);
    SmallVector<int64_t> strides(rank, ShapedType::kDynamic);
    Value stride = index(1);
    int64_t staticStride = 1;
    for (int64_t i = rank - 1; i >= 0; --i) {
      strideValues[i] = stride;
      strides[i] = staticStride;
      Value extent =
          i == axis ? capacity
                    : getValueOrCreateConstantIndexOp(builder, loc, sizes[i]);
      stride = arith::MulIOp::create(builder, loc, stride, extent);
      std::optional<int64_t> constant =
          i == axis ? std::nullopt : getConstantIntValue(sizes[i]);
      staticStride = staticStride == ShapedType::kDynamic || !constant
                         ? ShapedType::kDynamic
                         : staticStride * *constant;
    }
    SmallVector<int64_t> shape(rank);
    SmallVector<Value> dynamicSizes, dynamicStrides;
    for (int64_t i = 0; i < rank; ++i) {
      std::optional<int64_t> constant =
          i == axis ? std::nullopt : getConstantIntValue(sizes[i]);
      shape[i] = constant.value_or(ShapedType::kDynamic);
      if (!constant)
        dynamicSizes.push_back(
            getValueOrCreateConstantIndexOp(builder, loc, sizes[i]));
      if (ShapedType::isDynamic(strides[i]))
        dynamicStrides.push_back(strideValues[i]);
    }
    auto layout = StridedLayoutAttr::get(builder.getContext(), 0, strides);
    auto memref = MemRefType::get(shape, state.getElementType(), layout);
    Value whole = pager::BufferOp::create(
        builder, loc, memref, pager::Space::State, slotValue, index(0),
        dynamicSizes, dynamicStrides);

    SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(rank, builder.getIndexAttr(1));
    offsets[axis] = past;
    Value tail =
        memref::SubViewOp::create(builder, loc, whole, offsets, newSizes, ones);
    bufferization::MaterializeInDestinationOp::create(
        builder, loc, TypeRange(), append.getValue(), tail, /*restrict=*/true,
        /*writable=*/true);

    auto resultType = cast<RankedTensorType>(append.getResult().getType());
    Value tensor = bufferization::ToTensorOp::create(
        builder, loc, RankedTensorType::get(shape, newType.getElementType()),
        whole,
        /*restrict=*/true, /*writable=*/false);
    if (tensor.getType() != resultType)
      tensor = tensor::CastOp::create(builder, loc, resultType, tensor);
    append.getResult().replaceAllUsesWith(tensor);
    append.erase();
  }
  return success();
}

LogicalResult EntryBinder::bindOutputs() {
  auto terminator =
      cast<func::ReturnOp>(main.getBody().front().getTerminator());
  llvm::SmallSet<int64_t, 8> stateOutputs;
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (auto output = main.getArgAttrOfType<IntegerAttr>(
            i, onnx::ONNXDialect::kStateOutput))
      stateOutputs.insert(output.getInt());

  builder.setInsertionPoint(terminator);
  Location loc = terminator.getLoc();
  int64_t slot = 0;
  for (Value value : terminator.getOperands()) {
    while (stateOutputs.contains(slot))
      ++slot;
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        sizes.push_back(tensor::DimOp::create(builder, loc, value, i));
    auto memref = MemRefType::get(type.getShape(), type.getElementType());
    Value buffer =
        pager::BufferOp::create(builder, loc, memref, pager::Space::Output,
                                index(slot), index(0), sizes, ValueRange());
    bufferization::MaterializeInDestinationOp::create(
        builder, loc, TypeRange(), value, buffer, /*restrict=*/true,
        /*writable=*/true);
    ++slot;
  }
  Value ok = arith::ConstantIntOp::create(builder, loc, 0, 32);
  func::ReturnOp::create(builder, loc, ok);
  terminator.erase();
  return success();
}

/// Gives every resident weight its place in the dense section and every bank
/// its number.
LogicalResult EntryBinder::placeWeights() {
  llvm::MapVector<Value, SmallVector<weights::MaterializeOp>> uses;
  main.walk(
      [&](weights::MaterializeOp op) { uses[op.getSource()].push_back(op); });
  int64_t end = 0;
  for (auto &[source, ops] : uses) {
    int64_t offset = end;
    auto type = cast<weights::WeightTensorType>(source.getType());
    end = llvm::alignTo(offset + type.getNumBytes(), kAlignment);
    builder.setInsertionPointAfterValue(source);
    weights::PlaceOp::create(builder, source.getLoc(), source, offset);
    for (weights::MaterializeOp op : ops) {
      builder.setInsertionPoint(op);
      auto shaped = cast<ShapedType>(op.getType());
      auto memref = MemRefType::get(shaped.getShape(), shaped.getElementType());
      Value buffer = pager::BufferOp::create(
          builder, op.getLoc(), memref, pager::Space::Dense, index(0),
          index(offset), ValueRange(), ValueRange());
      if (isa<TensorType>(op.getType()))
        buffer = bufferization::ToTensorOp::create(
            builder, op.getLoc(), op.getType(), buffer, /*restrict=*/true,
            /*writable=*/false);
      op.getResult().replaceAllUsesWith(buffer);
      op.erase();
    }
  }
  int64_t bank = 0;
  main.walk([&](weights::BankOp op) { op.setIndex(bank++); });
  // Recipes depend on nothing: to the top, where every layer's call sees them.
  SmallVector<Operation *> recipes;
  for (Operation &op : main.getBody().front())
    if (isa<weights::WeightsDialect>(op.getDialect()))
      recipes.push_back(&op);
  for (Operation *op : llvm::reverse(recipes))
    op->moveBefore(&main.getBody().front(), main.getBody().front().begin());
  return success();
}

LogicalResult EntryBinder::run() {
  builder.setInsertionPointToStart(&main.getBody().front());
  if (failed(bindInputs()) || failed(bindOutputs()) || failed(placeWeights()))
    return failure();
  main.getBody().front().eraseArguments([](BlockArgument) { return true; });
  main.setType(builder.getFunctionType({}, builder.getI32Type()));
  main.removeArgAttrsAttr();
  main.removeResAttrsAttr();
  main.setName("moe_run");
  return success();
}

class CPUBindEntry : public cpu::impl::CPUBindEntryBase<CPUBindEntry> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal()) {
      getOperation().emitError("there is no entry function @main");
      return signalPassFailure();
    }
    if (failed(EntryBinder(main).run()))
      signalPassFailure();
  }
};

} // namespace
