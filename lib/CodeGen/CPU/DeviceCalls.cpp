//===- DeviceCalls.cpp - What host code asks of a device ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PagerLowering.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe_rt/moe_rt.h"
#include <cstddef>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

/// Bytes on the stack of the function around `op`, allocated once.
Value PagerLowering::allocate(Operation *op, int64_t bytes, int64_t alignment) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(
      &op->getParentOfType<func::FuncOp>().getBody().front());
  return LLVM::AllocaOp::create(b, pointer, b.getI8Type(), constant(i64, bytes),
                                alignment);
}

/// The address of a buffer's first element.
Value PagerLowering::addressOf(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  int64_t offset;
  SmallVector<int64_t> strides;
  (void)type.getStridesAndOffset(strides, offset);
  if (offset == 0)
    return pointerOf(memref);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  int64_t width = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Value bytes = arith::MulIOp::create(b, toI64(metadata.getOffset()),
                                      constant(i64, width));
  return advance(pointerOf(memref), bytes);
}

/// A kernel's number is that of its first launch.
int64_t PagerLowering::getKernelNumber(mlir::gpu::LaunchFuncOp op) {
  auto *known = llvm::find(deviceKernels, op.getKernelName());
  int64_t number = known - deviceKernels.begin();
  if (known == deviceKernels.end())
    deviceKernels.push_back(op.getKernelName());
  return number;
}

/// Arguments are slots of 8 bytes on the stack, and a table of their addresses;
/// the same stack serves every launch of a function.
void PagerLowering::lowerLaunch(mlir::gpu::LaunchFuncOp op) {
  auto function = op->getParentOfType<func::FuncOp>();
  LaunchStack &stack = launchStacks[function];
  if (!stack.dims) {
    int64_t most = 1;
    function.walk([&](mlir::gpu::LaunchFuncOp other) {
      most = std::max<int64_t>(most, other.getNumKernelOperands());
    });
    stack.dims = allocate(op, 7 * 4, 8);
    stack.slots = allocate(op, most * 8, 8);
    stack.table = allocate(op, most * 8, 8);
  }
  for (auto [i, operand] : llvm::enumerate(op.getKernelOperands())) {
    Value slot = advance(stack.slots, 8 * i), value = operand;
    if (isa<pager::TensorMapType>(operand.getType())) {
      slot = tensorMaps.lookup(operand);
      value = {};
    } else if (isa<MemRefType>(operand.getType())) {
      value = addressOf(operand);
    } else if (operand.getType().isIndex()) {
      value = toI64(operand);
    }
    if (value)
      LLVM::StoreOp::create(b, value, slot);
    LLVM::StoreOp::create(b, slot, advance(stack.table, 8 * i));
  }
  mlir::gpu::KernelDim3 grid = op.getGridSizeOperandValues(),
                        block = op.getBlockSizeOperandValues();
  Value shared = op.getDynamicSharedMemorySize();
  if (!shared)
    shared = constant(i32, 0);
  int64_t next = 0;
  for (Value size :
       {grid.x, grid.y, grid.z, block.x, block.y, block.z, shared}) {
    if (!size.getType().isInteger(32))
      size = arith::IndexCastOp::create(b, i32, size);
    LLVM::StoreOp::create(b, size, advance(stack.dims, 4 * next++));
  }
  call(frame(op), offsetof(moe_rt_abi_host, launch), {},
       {constant(i32, getKernelNumber(op)), stack.dims, stack.table});
}

static int64_t getRuntimeType(Type element) {
  if (element.isBF16())
    return MOE_RT_BF16;
  if (element.isF16())
    return MOE_RT_F16;
  if (element.isF32())
    return MOE_RT_F32;
  return element.isInteger(32) ? MOE_RT_I32 : MOE_RT_U8;
}

void PagerLowering::lowerTensorMap(pager::TensorMapOp op) {
  using Spec = moe_rt_tensor_map_spec;
  Value spec = allocate(op, sizeof(Spec), alignof(Spec));
  auto put = [&](Type type, Value value, size_t offset) {
    if (value.getType() != type)
      value = arith::IndexCastOp::create(b, type, value);
    LLVM::StoreOp::create(b, value, advance(spec, offset));
  };
  Value base = advance(addressOf(op.getSource()), toI64(op.getOffset()));
  LLVM::StoreOp::create(b, base, advance(spec, offsetof(Spec, base)));
  int64_t rank = op.getSizes().size();
  put(i32, constant(i32, rank), offsetof(Spec, rank));
  put(i32, constant(i32, getRuntimeType(op.getElement())),
      offsetof(Spec, element));
  put(i32, constant(i32, op.getSwizzle()), offsetof(Spec, swizzle));
  put(i32, constant(i32, 0), offsetof(Spec, reserved));
  for (int64_t i = 0; i < rank; ++i) {
    put(i64, op.getSizes()[i], offsetof(Spec, sizes) + 8 * i);
    Value stride = i > 0 ? op.getStrides()[i - 1] : constant(i64, 0);
    put(i64, stride, offsetof(Spec, strides) + 8 * i);
    put(i32, constant(i32, op.getBox()[i]), offsetof(Spec, box) + 4 * i);
  }
  Value map = allocate(op, MOE_RT_TENSOR_MAP_BYTES, 64);
  tensorMaps[op.getResult()] = map;
  call(frame(op), offsetof(moe_rt_abi_host, tensor_map), {}, {spec, map});
}

void PagerLowering::lowerReadBack(pager::ReadBackOp op) {
  auto type = cast<MemRefType>(op.getSource().getType());
  Type element = type.getElementType();
  int64_t width = llvm::divideCeil(
      element.isIndex() ? 64 : element.getIntOrFloatBitWidth(), 8);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getSource());
  Value at = metadata.getOffset();
  for (auto [index, stride] : llvm::zip(op.getIndices(), metadata.getStrides()))
    at = arith::AddIOp::create(b, at, arith::MulIOp::create(b, index, stride));
  Value bytes = arith::MulIOp::create(b, toI64(at), constant(i64, width));
  Value to = allocate(op, 8, 8);
  call(frame(op), offsetof(moe_rt_abi_host, read_back), {},
       {to, advance(pointerOf(op.getSource()), bytes), constant(i64, width)});
  Value result = load(element.isIndex() ? i64 : element, to, 0);
  op.replaceAllUsesWith(element.isIndex() ? toIndex(result) : result);
}

LogicalResult PagerLowering::lowerForEachWave(pager::ForEachWaveOp op) {
  Value wave = allocate(op, sizeof(moe_rt_abi_wave), 8);
  FailureOr<StreamLoop> loop =
      openStream(op, op.getBank(), op.getCounts(), op.getTokens());
  if (failed(loop))
    return failure();
  Value frameValue = loop->function.getArgument(0);
  Value got =
      call(frameValue, offsetof(moe_rt_abi_host, wave_next), i32, {wave});
  Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, got,
                                     constant(i32, 0));
  Block *body = &op.getBody().front();
  enterBody(*loop, more, op.getBody());

  b.setInsertionPointToStart(body);
  auto field = [&](Type type, size_t offset) {
    return load(type, wave, offset);
  };
  Value count = toIndex(field(i64, offsetof(moe_rt_abi_wave, slot_count)));
  Value slots =
      makeMemRef(cast<MemRefType>(body->getArgument(0).getType()),
                 field(pointer, offsetof(moe_rt_abi_wave, slots)), count, {});
  Value slotOf =
      makeMemRef(cast<MemRefType>(body->getArgument(2).getType()),
                 field(pointer, offsetof(moe_rt_abi_wave, slot_of)), {}, {});
  body->getArgument(0).replaceAllUsesWith(slots);
  body->getArgument(1).replaceAllUsesWith(count);
  body->getArgument(2).replaceAllUsesWith(slotOf);
  body->eraseArguments(0, body->getNumArguments());
  auto yield = cast<pager::YieldOp>(body->getTerminator());
  b.setInsertionPoint(yield);
  call(frameValue, offsetof(moe_rt_abi_host, wave_done), {}, {});
  cf::BranchOp::create(b, loop->next);
  yield.erase();

  closeStream(*loop, op);
  return success();
}
