//===- HostFunction.h - Functions on their way to host code -----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_HOSTSIMT_HOSTFUNCTION_H
#define MOE_LIB_CODEGEN_GPU_HOSTSIMT_HOSTFUNCTION_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe_rt/moe_simt.h"

namespace mlir::moe::gpu {

/// Where calls of the functional models come from: the image's table.
class LocationTable {
public:
  struct Entry {
    StringRef kernel; // its function
    StringRef op;
    uint64_t ordinal;
    StringRef source; // node of the model, or empty
  };

  /// Numbers the operations of a function before any is rewritten.
  void number(LLVM::LLVMFuncOp function);
  /// The index of the operation's entry.
  uint32_t lookup(Operation *op);
  ArrayRef<Entry> getEntries() const { return entries; }

private:
  DenseMap<Operation *, uint64_t> ordinals;
  DenseMap<Operation *, uint32_t> indices;
  SmallVector<Entry> entries;
};

/// A function that is being rewritten: what it takes to call the models.
class HostFunction {
public:
  /// Makes the thread the function's first parameter.
  HostFunction(LLVM::LLVMFuncOp function, LocationTable &locations);

  /// A field of `moe_simt_thread`.
  Value loadThread(ImplicitLocOpBuilder &b, Type type, size_t offset);
  Value getThread() const { return thread; }
  /// Whether this is a parameter passed as the address of a copy.
  bool isByValue(Value value) const { return byValue.contains(value); }

  /// Replaces `op` by a call of a model that has its operands and results.
  void callModel(Operation *op, moe_simt_op model, ArrayRef<int64_t> attributes,
                 ValueRange operands);
  /// The same, where the call is made only if `predicate` holds. No results.
  void callModelIf(Value predicate, Operation *op, moe_simt_op model,
                   ArrayRef<int64_t> attributes, ValueRange operands);
  /// One of `moe_simt_function` of a float or, lane by lane, a vector of them.
  Value callFunction(ImplicitLocOpBuilder &b, moe_simt_function function,
                     Value x);
  /// In front of `op`, which accesses `address`; `kind` as in moe_simt.h.
  void callAccess(Operation *op, Value address, uint32_t kind);

  /// Gives the slots their size, once no more calls are added.
  void finish();

private:
  Value getSlot(ImplicitLocOpBuilder &b, unsigned slot);
  void store(ImplicitLocOpBuilder &b, Value value, unsigned &slot);
  Value load(ImplicitLocOpBuilder &b, Type type, unsigned &slot);
  void call(ImplicitLocOpBuilder &b, size_t field, ValueRange arguments);
  Value loadFunction(ImplicitLocOpBuilder &b, size_t offset);

  LLVM::LLVMFuncOp function;
  LocationTable &locations;
  Type pointer;
  Value thread;
  DenseSet<Value> byValue;
  /// One buffer for all calls: fibers have small stacks.
  LLVM::AllocaOp slots;
  unsigned slotCount = 1;
};

Value getInteger(ImplicitLocOpBuilder &b, unsigned bits, int64_t value);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_HOSTSIMT_HOSTFUNCTION_H
