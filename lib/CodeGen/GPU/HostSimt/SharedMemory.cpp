//===- SharedMemory.cpp - Shared memory and the checks of accesses --------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include <cstddef>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static constexpr unsigned kShared = 3;

static bool isShared(Type type) {
  auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
  return pointer && pointer.getAddressSpace() == kShared;
}

FailureOr<SharedLayout> gpu::layOutShared(LLVM::LLVMFuncOp function) {
  SetVector<Operation *> globals;
  SymbolTable table(function->getParentOp());
  function.walk([&](LLVM::AddressOfOp op) {
    auto global = table.lookup<LLVM::GlobalOp>(op.getGlobalName());
    if (global && global.getAddrSpace() == kShared)
      globals.insert(global);
  });
  DataLayout data = DataLayout::closest(function);
  auto sizeOf = [&](LLVM::GlobalOp global) {
    return data.getTypeSize(global.getGlobalType()).getFixedValue();
  };
  SharedLayout layout;
  for (Operation *op : globals)
    layout.alignment = std::max<uint32_t>(
        layout.alignment, cast<LLVM::GlobalOp>(op).getAlignment().value_or(1));
  uint32_t end = layout.alignment;
  for (Operation *op : globals) {
    auto global = cast<LLVM::GlobalOp>(op);
    if (sizeOf(global) == 0)
      continue;
    end = llvm::alignTo(end,
                        global.getAlignment().value_or(
                            data.getTypeABIAlignment(global.getGlobalType())));
    layout.offsets[global.getSymName()] = end;
    end += sizeOf(global);
  }
  // All that have no size are the dynamic memory, which is one.
  end = llvm::alignTo(end, layout.alignment);
  for (Operation *op : globals) {
    auto global = cast<LLVM::GlobalOp>(op);
    if (sizeOf(global) != 0)
      continue;
    if (global.getLinkage() != LLVM::Linkage::External)
      return global.emitError("'")
             << global.getSymName()
             << "' has no size and no external linkage: NVPTX makes a static "
                "variable of it, not the dynamic shared memory; declare it "
                "external";
    layout.offsets[global.getSymName()] = end;
  }
  layout.staticBytes = end - layout.alignment;
  return layout;
}

void gpu::lowerSharedAddress(Operation *op, const SharedLayout &layout,
                             HostFunction &host) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto window = [&] {
    return host.loadThread(b, pointer, offsetof(moe_simt_thread, shared));
  };
  // Its space stays known until all spaces are forgotten.
  auto atOffset = [&](Value offset) {
    return LLVM::GEPOp::create(b, op->getResult(0).getType(), b.getI8Type(),
                               window(), ArrayRef<LLVM::GEPArg>{offset});
  };
  Value result;
  if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
    auto it = layout.offsets.find(address.getGlobalName());
    if (it == layout.offsets.end())
      return;
    result = atOffset(getInteger(b, 64, it->second));
  } else if (auto cast = dyn_cast<LLVM::PtrToIntOp>(op)) {
    if (!isShared(cast.getArg().getType()))
      return;
    Type i64 = b.getI64Type();
    Value offset =
        LLVM::SubOp::create(b, LLVM::PtrToIntOp::create(b, i64, cast.getArg()),
                            LLVM::PtrToIntOp::create(b, i64, window()));
    result = cast.getType() == i64
                 ? offset
                 : LLVM::TruncOp::create(b, cast.getType(), offset).getResult();
  } else if (auto cast = dyn_cast<LLVM::IntToPtrOp>(op)) {
    if (!isShared(cast.getType()))
      return;
    Value offset = cast.getArg();
    if (!offset.getType().isInteger(64))
      offset = LLVM::ZExtOp::create(b, b.getI64Type(), offset);
    result = atOffset(offset);
  } else {
    return;
  }
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

/// Whether the address is that of memory which no other thread can have.
static bool isPrivate(Value address, HostFunction &host) {
  while (Operation *op = address.getDefiningOp()) {
    if (isa<LLVM::GEPOp, LLVM::AddrSpaceCastOp, LLVM::BitcastOp>(op))
      address = op->getOperand(0);
    else if (auto global = dyn_cast<LLVM::AddressOfOp>(op))
      return cast<LLVM::LLVMPointerType>(global.getType()).getAddressSpace() !=
             kShared;
    else
      return isa<LLVM::AllocaOp>(op);
  }
  return host.isByValue(address);
}

void gpu::instrumentAccess(Operation *op, HostFunction &host) {
  Value address;
  Type type;
  uint32_t kind;
  std::optional<uint64_t> alignment;
  if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
    address = load.getAddr(), type = load.getType(), kind = MOE_SIMT_LOAD;
    alignment = load.getAlignment();
  } else if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
    address = store.getAddr(), type = store.getValue().getType();
    kind = MOE_SIMT_STORE;
    alignment = store.getAlignment();
  } else if (auto atomic = dyn_cast<LLVM::AtomicRMWOp>(op)) {
    address = atomic.getPtr(), type = atomic.getType();
    kind = MOE_SIMT_ATOMIC;
  } else if (auto atomic = dyn_cast<LLVM::AtomicCmpXchgOp>(op)) {
    address = atomic.getPtr(), type = atomic.getVal().getType();
    kind = MOE_SIMT_ATOMIC;
  } else {
    return;
  }
  if (isPrivate(address, host))
    return;
  // An atomic load or store is one access that other threads may make too.
  auto ordering = op->getAttrOfType<LLVM::AtomicOrderingAttr>("ordering");
  if (ordering && ordering.getValue() != LLVM::AtomicOrdering::not_atomic)
    kind = MOE_SIMT_ATOMIC;
  DataLayout data = DataLayout::closest(op);
  uint32_t bytes = data.getTypeSize(type).getFixedValue();
  uint32_t space =
      cast<LLVM::LLVMPointerType>(address.getType()).getAddressSpace();
  uint64_t aligned = alignment.value_or(data.getTypeABIAlignment(type));
  kind |=
      (space & 15) << 4 | std::min<uint64_t>(aligned, 128) << 8 | bytes << 16;
  host.callAccess(op, address, kind);
}
