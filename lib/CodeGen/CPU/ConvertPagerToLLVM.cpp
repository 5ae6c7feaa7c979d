//===- ConvertPagerToLLVM.cpp - Pager operations as calls of the runtime --===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PagerLowering.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe_rt/moe_rt.h"
#include <cstddef>

namespace mlir::moe::cpu {
#define GEN_PASS_DEF_CPUCONVERTPAGERTOLLVM
#include "moe/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::moe::cpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

Value PagerLowering::call(Value frame, size_t offset, Type result,
                          ValueRange arguments) {
  Value host = load(pointer, frame, offsetof(moe_rt_abi_frame, host));
  Value callee = load(pointer, host, offset);
  SmallVector<Value> operands = {callee, session(frame)};
  llvm::append_range(operands, arguments);
  SmallVector<Type> types = {pointer};
  llvm::append_range(types, arguments.getTypes());
  Type resultType =
      result ? result : LLVM::LLVMVoidType::get(module.getContext());
  auto type = LLVM::LLVMFunctionType::get(resultType, types);
  auto op = LLVM::CallOp::create(b, type, operands);
  return result ? op.getResult() : Value();
}

Value PagerLowering::pointerOf(Value memref) {
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  return LLVM::IntToPtrOp::create(b, pointer, toI64(address));
}

Value PagerLowering::makeMemRef(MemRefType type, Value address,
                                ValueRange sizes, ValueRange strides) {
  Type structType = typeConverter.convertType(type);
  auto descriptor = MemRefDescriptor::poison(b, b.getLoc(), structType);
  descriptor.setAllocatedPtr(b, b.getLoc(), address);
  descriptor.setAlignedPtr(b, b.getLoc(), address);
  descriptor.setConstantOffset(b, b.getLoc(), 0);
  SmallVector<int64_t> typeStrides;
  int64_t offset;
  bool identity = type.getLayout().isIdentity();
  (void)type.getStridesAndOffset(typeStrides, offset);
  int64_t rank = type.getRank();
  SmallVector<Value> extents(rank);
  for (int64_t i = 0; i < rank; ++i) {
    if (type.isDynamicDim(i)) {
      extents[i] = toI64(sizes.front());
      sizes = sizes.drop_front();
    } else {
      extents[i] = constant(i64, type.getDimSize(i));
    }
    descriptor.setSize(b, b.getLoc(), i, extents[i]);
  }
  if (!identity) {
    for (int64_t i = 0; i < rank; ++i) {
      Value stride;
      if (ShapedType::isDynamic(typeStrides[i])) {
        stride = toI64(strides.front());
        strides = strides.drop_front();
      } else {
        stride = constant(i64, typeStrides[i]);
      }
      descriptor.setStride(b, b.getLoc(), i, stride);
    }
  } else {
    Value stride = constant(i64, 1);
    for (int64_t i = rank - 1; i >= 0; --i) {
      descriptor.setStride(b, b.getLoc(), i, stride);
      if (i > 0)
        stride = arith::MulIOp::create(b, stride, extents[i]);
    }
  }
  return UnrealizedConversionCastOp::create(b, type, Value(descriptor))
      .getResult(0);
}

Value PagerLowering::stateField(Value frame, Value slot, Type type,
                                size_t offset) {
  Value states = load(pointer, frame, offsetof(moe_rt_abi_frame, states));
  Value bytes = arith::MulIOp::create(b, toI64(slot),
                                      constant(i64, sizeof(moe_rt_abi_state)));
  return load(type, advance(states, bytes), offset);
}

void PagerLowering::lowerSymbol(onnx::SymbolOp op) {
  Value table = load(pointer, frame(op), offsetof(moe_rt_abi_frame, symbols));
  Value value = load(i64, table, op.getIndex() * 8);
  op.replaceAllUsesWith(toIndex(value));
}

void PagerLowering::lowerBuffer(pager::BufferOp op) {
  Value frameValue = frame(op), base;
  auto element = [&](size_t field) -> Value {
    Value table = load(pointer, frameValue, field);
    Value bytes =
        arith::MulIOp::create(b, toI64(op.getSlot()), constant(i64, 8));
    return load(pointer, advance(table, bytes), 0);
  };
  switch (op.getSpace()) {
  case pager::Space::Input:
    base = element(offsetof(moe_rt_abi_frame, inputs));
    break;
  case pager::Space::Output:
    base = element(offsetof(moe_rt_abi_frame, outputs));
    break;
  case pager::Space::State:
    base = stateField(frameValue, op.getSlot(), pointer,
                      offsetof(moe_rt_abi_state, data));
    break;
  case pager::Space::Arena:
    base = load(pointer, frameValue, offsetof(moe_rt_abi_frame, arena));
    break;
  case pager::Space::Dense:
    base = load(pointer, frameValue, offsetof(moe_rt_abi_frame, dense));
    break;
  }
  Value address = advance(base, toI64(op.getOffset()));
  op.replaceAllUsesWith(makeMemRef(cast<MemRefType>(op.getType()), address,
                                   op.getSizes(), op.getStrides()));
}

void PagerLowering::lowerPrefetch(pager::PrefetchOp op) {
  Value bank =
      UnrealizedConversionCastOp::create(b, i32, op.getBank()).getResult(0);
  call(frame(op), offsetof(moe_rt_abi_host, prefetch), {},
       {bank, pointerOf(op.getCounts())});
}

void PagerLowering::lowerCount(pager::CountOp op) {
  auto *known = llvm::find(kernels, op.getKernelAttr());
  int64_t index = known - kernels.begin();
  if (known == kernels.end())
    kernels.push_back(op.getKernelAttr());
  call(frame(op), offsetof(moe_rt_abi_host, count), {},
       {constant(i32, index), toI64(op.getRows())});
}

/// Room for the sizes and strides of one tensor, the same for all points.
Value PagerLowering::getShapeTable(func::FuncOp function) {
  Value &table = shapeTables[function];
  if (!table) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    table = LLVM::AllocaOp::create(b, pointer, i64,
                                   constant(i64, 2 * MOE_RT_MAX_RANK));
  }
  return table;
}

/// The branch is not taken but in runs that are watched.
void PagerLowering::lowerObserve(pager::ObserveOp op) {
  Value frameValue = frame(op);
  Value observing =
      load(i64, frameValue, offsetof(moe_rt_abi_frame, observing));
  Value wanted = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, observing,
                                       constant(i64, 0));
  Block *before = b.getInsertionBlock();
  Block *rest = before->splitBlock(op->getIterator());
  Block *show = new Block();
  before->getParent()->getBlocks().insert(rest->getIterator(), show);
  b.setInsertionPointToEnd(before);
  cf::CondBranchOp::create(b, wanted, show, ValueRange(), rest, ValueRange());

  b.setInsertionPointToStart(show);
  auto type = cast<MemRefType>(op.getTensor().getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getTensor());
  int64_t width = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Value offset = arith::MulIOp::create(b, toI64(metadata.getOffset()),
                                       constant(i64, width));
  Value table = getShapeTable(op->getParentOfType<func::FuncOp>());
  int64_t next = 0;
  for (ValueRange numbers : {metadata.getSizes(), metadata.getStrides()})
    for (Value number : numbers)
      LLVM::StoreOp::create(b, toI64(number), advance(table, 8 * next++));
  Value point = arith::IndexCastOp::create(b, i32, op.getPoint());
  call(frameValue, offsetof(moe_rt_abi_host, observe), {},
       {point, advance(pointerOf(op.getTensor()), offset), table,
        advance(table, 8 * type.getRank())});
  cf::BranchOp::create(b, rest);
  b.setInsertionPoint(op);
}

/// A layer that failed ends the run.
LogicalResult PagerLowering::checkLayerCalls() {
  SmallVector<func::CallOp> calls;
  module.walk([&](func::CallOp op) {
    if (op->hasAttr("cpu.layer"))
      calls.push_back(op);
  });
  for (func::CallOp op : calls) {
    auto function = dyn_cast<func::FuncOp>(op->getParentOp());
    if (!function)
      return op.emitError("layers are called by the entry only");
    b.setLoc(op.getLoc());
    b.setInsertionPointAfter(op);
    returnOnError(op.getResult(0), function);
  }
  return success();
}

LogicalResult PagerLowering::run() {
  SmallVector<Operation *> worklist;
  module.walk([&](Operation *op) {
    if (isa<pager::PagerDialect>(op->getDialect()) ||
        isa<onnx::SymbolOp, mlir::gpu::LaunchFuncOp>(op))
      worklist.push_back(op);
  });
  SmallVector<Operation *> streams, maps;
  for (Operation *op : worklist) {
    b.setLoc(op->getLoc());
    b.setInsertionPoint(op);
    if (auto symbol = dyn_cast<onnx::SymbolOp>(op))
      lowerSymbol(symbol);
    else if (auto buffer = dyn_cast<pager::BufferOp>(op))
      lowerBuffer(buffer);
    else if (auto capacity = dyn_cast<pager::StateCapacityOp>(op))
      capacity.replaceAllUsesWith(
          toIndex(stateField(frame(op), capacity.getSlot(), i64,
                             offsetof(moe_rt_abi_state, capacity))));
    else if (auto prefetch = dyn_cast<pager::PrefetchOp>(op))
      lowerPrefetch(prefetch);
    else if (auto count = dyn_cast<pager::CountOp>(op))
      lowerCount(count);
    else if (auto seen = dyn_cast<pager::ObserveOp>(op))
      lowerObserve(seen);
    else if (auto parallel = dyn_cast<pager::ParallelCallOp>(op))
      lowerParallelCall(parallel);
    else if (auto launch = dyn_cast<mlir::gpu::LaunchFuncOp>(op))
      lowerLaunch(launch);
    else if (auto map = dyn_cast<pager::TensorMapOp>(op)) {
      lowerTensorMap(map);
      maps.push_back(op); // launches still use it
      continue;
    } else if (auto read = dyn_cast<pager::ReadBackOp>(op))
      lowerReadBack(read);
    else if (isa<pager::ForEachReadyOp, pager::ForEachWaveOp>(op)) {
      streams.push_back(op);
      continue;
    } else if (isa<pager::YieldOp, pager::WaitPartOp, pager::PartViewOp>(op))
      continue; // with their stream
    else
      return op->emitError("has no lowering to the runtime");
    op->erase();
  }
  if (failed(checkLayerCalls()))
    return failure();
  for (Operation *map : llvm::reverse(maps))
    map->erase();
  for (Operation *stream : streams) {
    b.setLoc(stream->getLoc());
    b.setInsertionPoint(stream);
    auto wave = dyn_cast<pager::ForEachWaveOp>(stream);
    if (failed(wave ? lowerForEachWave(wave)
                    : lowerForEach(cast<pager::ForEachReadyOp>(stream))))
      return failure();
  }
  module->setAttr("cpu.kernels", b.getArrayAttr(kernels));
  if (!deviceKernels.empty())
    module->setAttr("gpu.kernels",
                    b.getArrayAttr(SmallVector<Attribute>(
                        deviceKernels.begin(), deviceKernels.end())));
  return success();
}

namespace {

/// Banks become their numbers: constants in the entry, arguments of layers.
void lowerBanks(ModuleOp module) {
  OpBuilder builder(module.getContext());
  Type i32 = builder.getI32Type();
  module.walk([&](weights::BankOp op) {
    builder.setInsertionPoint(op);
    Value number = arith::ConstantOp::create(
        builder, op.getLoc(),
        builder.getI32IntegerAttr(op.getIndex().value_or(0)));
    op.replaceAllUsesWith(number);
    op.erase();
  });
  for (auto function : module.getOps<func::FuncOp>()) {
    SmallVector<Type> types;
    for (Type type : function.getArgumentTypes())
      types.push_back(isa<weights::BankType>(type) ? i32 : type);
    function.setType(builder.getFunctionType(types, function.getResultTypes()));
    if (function.isExternal())
      continue;
    for (auto [argument, type] : llvm::zip(function.getArguments(), types))
      argument.setType(type);
  }
  // Number casts of banks are now casts from i32 to i32.
  module.walk([&](UnrealizedConversionCastOp cast) {
    if (cast.getNumOperands() == 1 &&
        cast.getOperand(0).getType() == cast.getResult(0).getType()) {
      cast.getResult(0).replaceAllUsesWith(cast.getOperand(0));
      cast.erase();
    }
  });
}

class CPUConvertPagerToLLVM
    : public cpu::impl::CPUConvertPagerToLLVMBase<CPUConvertPagerToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(PagerLowering(module).run()))
      return signalPassFailure();
    lowerBanks(module);
    // The recipes were packed; nothing refers to them any more.
    bool erased = true;
    while (erased) {
      erased = false;
      SmallVector<Operation *> dead;
      module.walk([&](Operation *op) {
        if (isa<weights::WeightsDialect>(op->getDialect()) && op->use_empty())
          dead.push_back(op);
      });
      for (Operation *op : dead) {
        op->erase();
        erased = true;
      }
    }
  }
};

} // namespace
