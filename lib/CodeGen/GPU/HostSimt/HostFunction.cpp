//===- HostFunction.cpp - Functions on their way to host code -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostFunction.h"
#include "moe/Support/Provenance.h"
#include <cstddef>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

void LocationTable::number(LLVM::LLVMFuncOp function) {
  DenseMap<OperationName, uint64_t> counts;
  function.walk([&](Operation *op) { ordinals[op] = counts[op->getName()]++; });
}

uint32_t LocationTable::lookup(Operation *op) {
  auto [it, isNew] = indices.try_emplace(op, entries.size());
  if (isNew) {
    auto provenance = getProvenance(op->getLoc());
    entries.push_back({op->getParentOfType<LLVM::LLVMFuncOp>().getSymName(),
                       op->getName().getStringRef(), ordinals.lookup(op),
                       provenance ? provenance->node.getValue() : StringRef()});
  }
  return it->second;
}

Value gpu::getInteger(ImplicitLocOpBuilder &b, unsigned bits, int64_t value) {
  return LLVM::ConstantOp::create(
      b, b.getIntegerAttr(b.getIntegerType(bits), value));
}

static Value getElementPointer(ImplicitLocOpBuilder &b, Value base,
                               size_t bytes) {
  return LLVM::GEPOp::create(
      b, base.getType(), b.getI8Type(), base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

HostFunction::HostFunction(LLVM::LLVMFuncOp function, LocationTable &locations)
    : function(function), locations(locations),
      pointer(LLVM::LLVMPointerType::get(function.getContext())) {
  LLVM::LLVMFunctionType type = function.getFunctionType();
  SmallVector<Type> parameters = {pointer};
  llvm::append_range(parameters, type.getParams());
  function.setFunctionType(
      LLVM::LLVMFunctionType::get(type.getReturnType(), parameters));
  Block &entry = function.getBody().front();
  for (BlockArgument argument : entry.getArguments())
    if (function.getArgAttr(argument.getArgNumber(),
                            LLVM::LLVMDialect::getByValAttrName()))
      byValue.insert(argument);
  function.removeArgAttrsAttr();
  thread = entry.insertArgument(0u, pointer, function.getLoc());
  ImplicitLocOpBuilder b(function.getLoc(), &entry, entry.begin());
  slots = LLVM::AllocaOp::create(b, pointer, b.getI64Type(),
                                 getInteger(b, 32, 1), /*alignment=*/16);
}

void HostFunction::finish() {
  ImplicitLocOpBuilder b(slots.getLoc(), slots);
  slots.getArraySizeMutable().assign(getInteger(b, 32, slotCount));
}

Value HostFunction::loadThread(ImplicitLocOpBuilder &b, Type type,
                               size_t offset) {
  auto load =
      LLVM::LoadOp::create(b, type, getElementPointer(b, thread, offset));
  load.setInvariant(true);
  return load;
}

Value HostFunction::getSlot(ImplicitLocOpBuilder &b, unsigned slot) {
  slotCount = std::max(slotCount, slot + 1);
  return getElementPointer(b, slots, slot * sizeof(uint64_t));
}

void HostFunction::store(ImplicitLocOpBuilder &b, Value value, unsigned &slot) {
  if (auto type = dyn_cast<LLVM::LLVMStructType>(value.getType())) {
    for (int64_t i = 0, e = type.getBody().size(); i < e; ++i)
      store(b, LLVM::ExtractValueOp::create(b, value, ArrayRef<int64_t>{i}),
            slot);
    return;
  }
  if (value.getType().isInteger() && !value.getType().isInteger(64))
    value = LLVM::ZExtOp::create(b, b.getI64Type(), value);
  LLVM::StoreOp::create(b, value, getSlot(b, slot++), /*alignment=*/8);
}

Value HostFunction::load(ImplicitLocOpBuilder &b, Type type, unsigned &slot) {
  if (auto structure = dyn_cast<LLVM::LLVMStructType>(type)) {
    Value result = LLVM::PoisonOp::create(b, type);
    for (auto [i, element] : llvm::enumerate(structure.getBody()))
      result = LLVM::InsertValueOp::create(
          b, result, load(b, element, slot),
          ArrayRef<int64_t>{static_cast<int64_t>(i)});
    return result;
  }
  Type stored = type.isInteger(1) ? b.getI64Type() : type;
  Value value =
      LLVM::LoadOp::create(b, stored, getSlot(b, slot++), /*alignment=*/8);
  return stored == type ? value : LLVM::TruncOp::create(b, type, value);
}

Value HostFunction::loadFunction(ImplicitLocOpBuilder &b, size_t offset) {
  Value api = loadThread(b, pointer, offsetof(moe_simt_thread, api));
  auto load =
      LLVM::LoadOp::create(b, pointer, getElementPointer(b, api, offset));
  load.setInvariant(true);
  return load;
}

void HostFunction::call(ImplicitLocOpBuilder &b, size_t field,
                        ValueRange arguments) {
  SmallVector<Value> operands = {loadFunction(b, field)};
  llvm::append_range(operands, arguments);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  llvm::to_vector(arguments.getTypes()));
  LLVM::CallOp::create(b, type, operands);
}

void HostFunction::callModel(Operation *op, moe_simt_op model,
                             ArrayRef<int64_t> attributes,
                             ValueRange operands) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  unsigned slot = 0;
  for (int64_t attribute : attributes)
    store(b, getInteger(b, 64, attribute), slot);
  for (Value operand : operands)
    store(b, operand, slot);
  call(b,
       offsetof(moe_simt_api, ops) + model * sizeof(moe_simt_api().ops[model]),
       {thread, slots, getInteger(b, 32, locations.lookup(op))});
  slot = 0;
  for (Value result : op->getResults())
    result.replaceAllUsesWith(load(b, result.getType(), slot));
  op->erase();
}

void HostFunction::callModelIf(Value predicate, Operation *op,
                               moe_simt_op model, ArrayRef<int64_t> attributes,
                               ValueRange operands) {
  if (!predicate)
    return callModel(op, model, attributes, operands);
  Block *before = op->getBlock();
  Block *then = before->splitBlock(op);
  Block *after = then->splitBlock(op->getNextNode());
  ImplicitLocOpBuilder b(op->getLoc(), before, before->end());
  LLVM::CondBrOp::create(b, predicate, then, after);
  b.setInsertionPointToEnd(then);
  LLVM::BrOp::create(b, after);
  callModel(op, model, attributes, operands);
}

Value HostFunction::callFunction(ImplicitLocOpBuilder &b,
                                 moe_simt_function which, Value x) {
  Type f32 = b.getF32Type();
  Value callee =
      loadFunction(b, offsetof(moe_simt_api, functions) +
                          which * sizeof(moe_simt_api().functions[which]));
  auto type = LLVM::LLVMFunctionType::get(f32, {f32});
  auto call = [&](Value lane) {
    return LLVM::CallOp::create(b, type, ValueRange{callee, lane}).getResult();
  };
  auto vector = dyn_cast<VectorType>(x.getType());
  if (!vector)
    return call(x);
  Value result = LLVM::PoisonOp::create(b, vector);
  for (int64_t i = 0; i < vector.getNumElements(); ++i) {
    Value lane = getInteger(b, 32, i);
    Value y = call(LLVM::ExtractElementOp::create(b, x, lane));
    result = LLVM::InsertElementOp::create(b, result, y, lane);
  }
  return result;
}

void HostFunction::callAccess(Operation *op, Value address, uint32_t kind) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  call(b, offsetof(moe_simt_api, access),
       {thread, address, getInteger(b, 32, kind),
        getInteger(b, 32, locations.lookup(op))});
}
