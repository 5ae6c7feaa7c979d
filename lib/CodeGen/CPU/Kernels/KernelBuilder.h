//===- KernelBuilder.h - Shorthand for writing kernels ----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_CPU_KERNELS_KERNELBUILDER_H
#define MOE_LIB_CODEGEN_CPU_KERNELS_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::moe::cpu {

class KernelBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Types.
  LLVM::LLVMPointerType ptrType() {
    return LLVM::LLVMPointerType::get(getContext());
  }
  VectorType vectorType(int64_t lanes, Type element = {}) {
    return VectorType::get(lanes, element ? element : getF32Type());
  }
  MemRefType memrefType(ArrayRef<int64_t> shape, Type element = {}) {
    return MemRefType::get(shape, element ? element : getF32Type());
  }

  // Constants. A vector type gives a splat.
  Value index(int64_t value);
  Value integer(Type type, int64_t value);
  Value real(Type type, double value);

  // Index and integer arithmetic, all non-negative.
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value rem(Value a, Value b);
  Value ceilDiv(Value a, int64_t b);
  Value cast(Type type, Value a);
  Value compare(arith::CmpIPredicate predicate, Value a, Value b);
  Value compare(arith::CmpFPredicate predicate, Value a, Value b);
  Value select(Value condition, Value a, Value b);

  // Memory. Pointers count in floats; buffers have identity layout.
  Value pointer(Value memref);
  Value at(Value pointer, int64_t offset);
  Value at(Value pointer, Value offset);
  Value load(Type type, Value pointer, int64_t alignment = 4);
  void store(Value value, Value pointer);
  Value load(Value memref, ValueRange indices);
  void store(Value value, Value memref, ValueRange indices);

  // Control flow.
  void forEach(Value begin, Value end, llvm::function_ref<void(Value)> body,
               int64_t step = 1);
  /// The values carried around a loop: `body` gives the next ones.
  SmallVector<Value>
  fold(Value begin, Value end, int64_t step, ValueRange init,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void parallel(Value n, int64_t grain, llvm::function_ref<void(Value)> body);
  void when(Value condition, llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise = nullptr);
};

/// Returns the private function with this name, made by `body` if it is new.
func::FuncOp
getOrCreateKernel(ModuleOp module, StringRef name, TypeRange inputs,
                  llvm::function_ref<void(KernelBuilder &, ValueRange)> body);

} // namespace mlir::moe::cpu

#endif // MOE_LIB_CODEGEN_CPU_KERNELS_KERNELBUILDER_H
