//===- PagerLowering.h - pager operations as LLVM operations -- -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_PAGERLOWERING_H
#define MOE_LIB_CODEGEN_CPU_PAGERLOWERING_H

#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "moe_rt/moe_rt_abi.h"

namespace mlir::moe::cpu {

/// Rewrites the operations that need the frame, in place, to LLVM operations
/// that read it and call through its function table. Buffers are bridged by
/// casts between descriptors and memrefs, which cancel when the rest is
/// converted.
class PagerLowering {
public:
  PagerLowering(ModuleOp module)
      : module(module), symbols(module), typeConverter(module.getContext()),
        b(module.getLoc(), module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        i32(b.getI32Type()), i64(b.getI64Type()) {}
  LogicalResult run();

private:
  Value frame(Operation *op) {
    return op->getParentOfType<func::FuncOp>().getArgument(0);
  }
  Value constant(Type type, int64_t value) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
  }
  Value load(Type type, Value base, int64_t offset) {
    return LLVM::LoadOp::create(b, type, advance(base, offset));
  }
  Value advance(Value base, int64_t offset) {
    if (offset == 0)
      return base;
    return LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  }
  /// base + value bytes.
  Value advance(Value base, Value bytes) {
    return LLVM::GEPOp::create(b, pointer, b.getI8Type(), base, bytes);
  }
  Value toI64(Value index) { return arith::IndexCastOp::create(b, i64, index); }
  Value toIndex(Value integer) {
    return arith::IndexCastOp::create(b, b.getIndexType(), integer);
  }
  Value session(Value frame) {
    return load(pointer, frame, offsetof(moe_rt_abi_frame, session));
  }
  /// Calls entry `offset` of the host table with the session first.
  Value call(Value frame, size_t offset, Type result, ValueRange arguments);
  Value pointerOf(Value memref);
  /// A memref of `type` at `address`; sizes and strides as in pager.buffer.
  Value makeMemRef(MemRefType type, Value address, ValueRange sizes,
                   ValueRange strides);
  Value stateField(Value frame, Value slot, Type type, size_t offset);

  void lowerSymbol(onnx::SymbolOp op);
  void lowerBuffer(pager::BufferOp op);
  void lowerPrefetch(pager::PrefetchOp op);
  void lowerCount(pager::CountOp op);
  void lowerObserve(pager::ObserveOp op);
  Value getShapeTable(func::FuncOp function);
  func::FuncOp getThunk(func::FuncOp body, LLVM::LLVMStructType captures);
  void lowerParallelCall(pager::ParallelCallOp op);
  /// The blocks of a stream's loop: `next` asks for more, the operation's body
  /// follows it, `exit` closes the stream and goes on behind the operation.
  struct StreamLoop {
    func::FuncOp function;
    Block *next, *exit, *after;
  };
  FailureOr<StreamLoop> openStream(Operation *op, Value bank, Value counts,
                                   Value tokens);
  void enterBody(const StreamLoop &loop, Value more, Region &body);
  void closeStream(const StreamLoop &loop, Operation *op);
  LogicalResult lowerForEach(pager::ForEachReadyOp op);
  Value allocate(Operation *op, int64_t bytes, int64_t alignment);
  Value addressOf(Value memref);
  int64_t getKernelNumber(mlir::gpu::LaunchFuncOp op);
  void lowerLaunch(mlir::gpu::LaunchFuncOp op);
  void lowerTensorMap(pager::TensorMapOp op);
  void lowerReadBack(pager::ReadBackOp op);
  LogicalResult lowerForEachWave(pager::ForEachWaveOp op);
  LogicalResult checkLayerCalls();
  void returnOnError(Value code, func::FuncOp function);

  ModuleOp module;
  SymbolTable symbols;
  LLVMTypeConverter typeConverter;
  ImplicitLocOpBuilder b;
  Type pointer, i32, i64;
  SmallVector<Attribute> kernels;
  DenseMap<Operation *, func::FuncOp> thunks;
  DenseMap<Operation *, Value> shapeTables;

  /// Where a function puts what it gives to a launch.
  struct LaunchStack {
    Value dims, slots, table;
  };
  DenseMap<Operation *, LaunchStack> launchStacks;
  DenseMap<Value, Value> tensorMaps; // to their bytes
  SmallVector<StringAttr> deviceKernels;
};

} // namespace mlir::moe::cpu

#endif // MOE_LIB_CODEGEN_CPU_PAGERLOWERING_H
