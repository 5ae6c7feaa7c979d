//===- KernelBuilder.cpp - Shorthand for writing kernels ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::isInt;
using namespace mlir::moe::cpu;

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value KernelBuilder::integer(Type type, int64_t value) {
  TypedAttr attr = getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = SplatElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(*this, type, attr);
}

Value KernelBuilder::real(Type type, double value) {
  TypedAttr attr = getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = SplatElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(*this, type, attr);
}

Value KernelBuilder::add(Value a, Value b) {
  return arith::AddIOp::create(*this, a, b);
}
Value KernelBuilder::sub(Value a, Value b) {
  return arith::SubIOp::create(*this, a, b);
}
Value KernelBuilder::mul(Value a, Value b) {
  return arith::MulIOp::create(*this, a, b);
}
Value KernelBuilder::div(Value a, Value b) {
  return arith::DivUIOp::create(*this, a, b);
}
Value KernelBuilder::rem(Value a, Value b) {
  return arith::RemUIOp::create(*this, a, b);
}
Value KernelBuilder::ceilDiv(Value a, int64_t b) {
  return div(add(a, integer(a.getType(), b - 1)), integer(a.getType(), b));
}
Value KernelBuilder::cast(Type type, Value a) {
  if (a.getType() == type)
    return a;
  return arith::IndexCastOp::create(*this, type, a);
}
Value KernelBuilder::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(*this, predicate, a, b);
}
Value KernelBuilder::compare(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(*this, predicate, a, b);
}
Value KernelBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(*this, condition, a, b);
}

Value KernelBuilder::pointer(Value memref) {
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(*this, memref);
  return LLVM::IntToPtrOp::create(*this, ptrType(),
                                  cast(getI64Type(), address));
}

Value KernelBuilder::at(Value pointer, int64_t offset) {
  if (offset == 0)
    return pointer;
  // Constant indices of the operation have 31 bits.
  if (!isInt<31>(offset))
    return at(pointer, integer(getI64Type(), offset));
  return LLVM::GEPOp::create(
      *this, ptrType(), getF32Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
}

Value KernelBuilder::at(Value pointer, Value offset) {
  return LLVM::GEPOp::create(
      *this, ptrType(), getF32Type(), pointer,
      ArrayRef<LLVM::GEPArg>{cast(getI64Type(), offset)});
}

Value KernelBuilder::load(Type type, Value pointer, int64_t alignment) {
  return LLVM::LoadOp::create(*this, type, pointer,
                              static_cast<unsigned>(alignment));
}

void KernelBuilder::store(Value value, Value pointer) {
  LLVM::StoreOp::create(*this, value, pointer, /*alignment=*/4u);
}

Value KernelBuilder::load(Value memref, ValueRange indices) {
  return memref::LoadOp::create(*this, memref, indices);
}

void KernelBuilder::store(Value value, Value memref, ValueRange indices) {
  memref::StoreOp::create(*this, value, memref, indices);
}

void KernelBuilder::forEach(Value begin, Value end,
                            llvm::function_ref<void(Value)> body,
                            int64_t step) {
  fold(begin, end, step, {}, [&](Value i, ValueRange) -> SmallVector<Value> {
    body(i);
    return {};
  });
}

SmallVector<Value> KernelBuilder::fold(
    Value begin, Value end, int64_t step, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  Value stepValue = integer(begin.getType(), step);
  auto loop = scf::ForOp::create(*this, begin, end, stepValue, init);
  InsertionGuard guard(*this);
  // Without carried values the loop has its terminator already.
  if (init.empty())
    setInsertionPoint(loop.getBody()->getTerminator());
  else
    setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(*this, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

void KernelBuilder::parallel(Value n, int64_t grain,
                             llvm::function_ref<void(Value)> body) {
  Value zero = index(0), one = index(1);
  auto loop = scf::ParallelOp::create(*this, ValueRange(zero), ValueRange(n),
                                      ValueRange(one));
  loop->setAttr("cpu.grain", getI64IntegerAttr(grain));
  InsertionGuard guard(*this);
  setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVars().front());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> then,
                         llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(*this, condition,
                                  /*withElseRegion=*/bool(otherwise));
  InsertionGuard guard(*this);
  setInsertionPoint(branch.thenYield());
  then();
  if (otherwise) {
    setInsertionPoint(branch.elseYield());
    otherwise();
  }
}

func::FuncOp mlir::moe::cpu::getOrCreateKernel(
    ModuleOp module, StringRef name, TypeRange inputs,
    llvm::function_ref<void(KernelBuilder &, ValueRange)> body) {
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  auto loc = NameLoc::get(StringAttr::get(module.getContext(), name));
  KernelBuilder b(loc, module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  auto function =
      func::FuncOp::create(b, name, b.getFunctionType(inputs, TypeRange()));
  function.setPrivate();
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  body(b, entry->getArguments());
  func::ReturnOp::create(b);
  return function;
}
