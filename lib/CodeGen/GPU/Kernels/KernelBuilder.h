//===- KernelBuilder.h - Shorthand for writing GPU kernels ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integers are i32 within a tile and i64 where they count rows or bytes of a
// whole buffer; operands of one operation have one type. Functions of two
// values fold, so generators need not treat zeros and ones apart.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_LIB_CODEGEN_GPU_KERNELS_KERNELBUILDER_H
#define MOE_LIB_CODEGEN_GPU_KERNELS_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "moe/CodeGen/GPU/Kernels.h"
#include <array>

namespace mlir::moe::gpu {

constexpr int64_t kWarpThreads = 32;

/// Addresses wrap in 128 bytes of shared memory.
constexpr int64_t kSharedRowBytes = 128;

/// The most dynamic shared memory that every device of the sm_80 set has.
constexpr int64_t kSharedBytes80 = 99 * 1024;

class KernelBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Types.
  LLVM::LLVMPointerType globalPtr() {
    return LLVM::LLVMPointerType::get(getContext(), 1);
  }
  LLVM::LLVMPointerType sharedPtr() {
    return LLVM::LLVMPointerType::get(getContext(), 3);
  }
  VectorType vectorType(int64_t lanes, Type element) {
    return VectorType::get(lanes, element);
  }

  // Constants. A vector type gives a splat.
  Value integer(Type type, int64_t value);
  Value real(Type type, double value);
  Value i32(int64_t value) { return integer(getI32Type(), value); }
  Value i64(int64_t value) { return integer(getI64Type(), value); }
  Value f32(double value) { return real(getF32Type(), value); }
  Value boolean(bool value) { return integer(getI1Type(), value); }

  // Integer arithmetic; division and shifts to the right are unsigned.
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value rem(Value a, Value b);
  Value bitAnd(Value a, Value b);
  Value bitOr(Value a, Value b);
  Value bitXor(Value a, Value b);
  Value shiftLeft(Value a, Value b);
  Value shiftRight(Value a, Value b);
  Value minS(Value a, Value b);
  Value maxS(Value a, Value b);
  Value add(Value a, int64_t b) { return add(a, integer(a.getType(), b)); }
  Value sub(Value a, int64_t b) { return sub(a, integer(a.getType(), b)); }
  Value mul(Value a, int64_t b) { return mul(a, integer(a.getType(), b)); }
  Value div(Value a, int64_t b) { return div(a, integer(a.getType(), b)); }
  Value rem(Value a, int64_t b) { return rem(a, integer(a.getType(), b)); }
  Value bitAnd(Value a, int64_t b) {
    return bitAnd(a, integer(a.getType(), b));
  }
  Value shiftLeft(Value a, int64_t b) {
    return shiftLeft(a, integer(a.getType(), b));
  }
  Value shiftRight(Value a, int64_t b) {
    return shiftRight(a, integer(a.getType(), b));
  }
  /// To another width, sign extended.
  Value cast(Type type, Value a);
  Value toI32(Value a) { return cast(getI32Type(), a); }
  Value toI64(Value a) { return cast(getI64Type(), a); }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b);
  Value compare(arith::CmpFPredicate predicate, Value a, Value b);
  Value less(Value a, Value b) {
    return compare(arith::CmpIPredicate::slt, a, b);
  }
  Value less(Value a, int64_t b) { return less(a, integer(a.getType(), b)); }
  Value equal(Value a, Value b) {
    return compare(arith::CmpIPredicate::eq, a, b);
  }
  Value equal(Value a, int64_t b) { return equal(a, integer(a.getType(), b)); }
  Value select(Value condition, Value a, Value b);
  Value bitcast(Type type, Value a);

  // Floats: f32 except for conversions. `fma` is fused, the others are not.
  Value addF(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
  Value subF(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
  Value mulF(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
  Value divF(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
  Value fma(Value a, Value b, Value c);
  /// To another width, rounded to nearest even.
  Value convert(Type type, Value a);
  Value extract(Value vector, int64_t lane);
  Value pack(ArrayRef<Value> lanes);

  // Memory. `at` counts in elements of `type`; an index is sign extended.
  Value at(Value pointer, Type type, Value index);
  Value at(Value pointer, Type type, int64_t index);
  Value atByte(Value pointer, Value offset) {
    return at(pointer, getI8Type(), offset);
  }
  Value atByte(Value pointer, int64_t offset) {
    return at(pointer, getI8Type(), offset);
  }
  /// Alignment in bytes; 0: that of the type, or of the element of a vector.
  Value load(Type type, Value pointer, unsigned alignment = 0);
  void store(Value value, Value pointer, unsigned alignment = 0);
  /// Adds to an integer in shared memory; no order, no result.
  void atomicAdd(Value pointer, Value value);
  /// The launch's dynamic shared memory, 1024-byte aligned.
  Value dynamicShared();
  /// New shared memory of the kernel.
  Value staticShared(Type element, int64_t count);

  // Who am I; i32, grids have at most 2^31 - 1 blocks in x.
  Value threadId();
  Value laneId() { return bitAnd(threadId(), kWarpThreads - 1); }
  Value warpId() { return shiftRight(threadId(), 5); }
  Value blockX();
  Value blockY();
  Value blockZ();

  // Threads together. All threads of the block, or of the warp, take part.
  void barrier();
  /// Barrier `id` of the first `threads` threads that come to it.
  void barrier(int64_t id, int64_t threads);
  void syncWarp();
  /// From lane `lane ^ mask`, of 32-bit values and i64.
  Value shuffleXor(Value value, int64_t mask);
  /// From lane `lane`.
  Value shuffle(Value value, Value lane);
  /// From the lane `delta` before; lanes before that keep their own.
  Value shuffleUp(Value value, int64_t delta);
  /// A bit for each lane, i32.
  Value ballot(Value predicate);
  /// The same in all lanes, in a fixed order. `combine` commutes.
  Value warpReduce(Value value,
                   llvm::function_ref<Value(Value, Value)> combine);
  Value warpSum(Value value);
  /// The sum over a block of `threads`, the same in all its threads: lanes
  /// first, then warps in ascending order. `scratch`: threads / 32 elements of
  /// shared memory that nobody else uses between this barrier and the last.
  Value blockSum(Value value, int64_t threads, Value scratch);

  // Asynchronous copies of 16 bytes to shared memory. With `bytes` (i32, 0 or
  // 16) the rest is zeros; an address of no bytes still has to be mapped.
  void copyAsync(Value to, Value from, Value bytes = {});
  void commitCopies();
  /// Waits for all but the newest `groups` groups.
  void waitCopies(int64_t groups);

  // Tensor cores.
  /// `count` (1, 2 or 4) 8x8 matrices of 16-bit elements; one i32 each.
  SmallVector<Value> loadMatrices(Value pointer, int64_t count,
                                  bool transposed = false);
  /// c + a b of m16n8k16, f32 from bf16 or f16: 4, 2 and 4 registers.
  SmallVector<Value> mma(Type element, ValueRange a, ValueRange b,
                         ValueRange c);

  // Control flow. Bounds are i32 or i64.
  void forEach(Value begin, Value end, int64_t step,
               llvm::function_ref<void(Value)> body) {
    forEach(begin, end, integer(begin.getType(), step), body);
  }
  void forEach(Value begin, Value end, Value step,
               llvm::function_ref<void(Value)> body);
  /// The values carried around a loop: `body` gives the next ones.
  SmallVector<Value>
  fold(Value begin, Value end, int64_t step, ValueRange init,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    return fold(begin, end, integer(begin.getType(), step), init, body);
  }
  SmallVector<Value>
  fold(Value begin, Value end, Value step, ValueRange init,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise = nullptr);
  /// `then` and `otherwise` give the same number of values of `types`.
  SmallVector<Value> choose(Value condition, TypeRange types,
                            llvm::function_ref<SmallVector<Value>()> then,
                            llvm::function_ref<SmallVector<Value>()> otherwise);
};

/// A launch: what host code emits. Operands become the kernel's parameters.
struct Launch {
  std::string name;        // of the kernel; holds everything `body` depends on
  int64_t threads;         // of a block
  Value grid[3] = {};      // index; null: 1
  int64_t sharedBytes = 0; // dynamic
  SmallVector<Value> operands;
};

/// The gpu.module that holds all kernels, made when it is not there.
mlir::gpu::GPUModuleOp getKernelsModule(ModuleOp module);

/// Finds or makes the kernel, `body` being given its parameters, and launches
/// it at the emitter's builder.
void emitLaunch(Emitter e, const Launch &launch,
                llvm::function_ref<void(KernelBuilder &, ValueRange)> body);

/// Index arithmetic of host code, folded.
Value emitIndex(Emitter e, int64_t value);
Value emitMul(Emitter e, Value a, int64_t b);
Value emitCeilDiv(Emitter e, Value a, int64_t b);

/// "f32", "bf16", "f16": part of names.
std::string getTypeName(Type type);
/// The bits of a parameter, part of names.
std::string getBits(float value);

} // namespace mlir::moe::gpu

#endif // MOE_LIB_CODEGEN_GPU_KERNELS_KERNELBUILDER_H
