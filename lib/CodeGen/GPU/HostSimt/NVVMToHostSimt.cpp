//===- NVVMToHostSimt.cpp - The pass --------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "moe/CodeGen/GPU/Passes.h"

namespace mlir::moe::gpu {
#define GEN_PASS_DEF_NVVMTOHOSTSIMT
#include "moe/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::moe::gpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

namespace {

class NVVMToHostSimt
    : public moe::gpu::impl::NVVMToHostSimtBase<NVVMToHostSimt> {
public:
  using NVVMToHostSimtBase::NVVMToHostSimtBase;
  void runOnOperation() override;

private:
  LogicalResult lowerFunction(LLVM::LLVMFuncOp function);
  LogicalResult lowerOp(Operation *op, const SharedLayout &layout,
                        HostFunction &host);
  void forgetDevice();

  DenseSet<StringRef> lowered; // functions of the gpu.modules
  LocationTable locations;
  SmallVector<HostKernel> kernels;
};

} // namespace

/// The most threads that a block of the kernel can have; 0: as many as the GPU
/// allows.
static uint32_t getMaxThreads(LLVM::LLVMFuncOp kernel) {
  auto sizes = kernel->getAttrOfType<DenseI32ArrayAttr>("nvvm.reqntid");
  if (!sizes)
    sizes = kernel->getAttrOfType<DenseI32ArrayAttr>("nvvm.maxntid");
  uint32_t threads = sizes ? 1 : 0;
  for (int32_t size : sizes ? sizes.asArrayRef() : ArrayRef<int32_t>())
    threads *= size;
  return threads;
}

LogicalResult NVVMToHostSimt::lowerOp(Operation *op, const SharedLayout &layout,
                                      HostFunction &host) {
  if (isa_and_present<NVVM::NVVMDialect>(op->getDialect()) ||
      isa<LLVM::InlineAsmOp>(op))
    return lowerNVVM(op, host);
  if (auto call = dyn_cast<LLVM::CallOp>(op)) {
    if (!call.getCallee() || !lowered.contains(*call.getCallee()))
      return op->emitError("no functional model for a call of '")
             << call.getCallee().value_or("a pointer") << "'";
    SmallVector<Value> arguments = {host.getThread()};
    llvm::append_range(arguments, call.getArgOperands());
    call.getArgOperandsMutable().assign(arguments);
    return success();
  }
  if (!isa_and_present<LLVM::LLVMDialect>(op->getDialect()))
    return op->emitError("no functional model for '")
           << op->getName() << "': lower it to llvm or nvvm operations first";
  if (instrument)
    instrumentAccess(op, host);
  if (isa<LLVM::AddressOfOp, LLVM::PtrToIntOp, LLVM::IntToPtrOp>(op))
    return lowerSharedAddress(op, layout, host), success();
  return lowerMath(op, host);
}

LogicalResult NVVMToHostSimt::lowerFunction(LLVM::LLVMFuncOp function) {
  FailureOr<SharedLayout> layout = layOutShared(function);
  if (failed(layout))
    return failure();
  bool isKernel = function->hasAttr("nvvm.kernel");
  if (!isKernel && !layout->offsets.empty())
    return function.emitError(
        "uses shared memory and is no kernel: pass the address as an argument");
  SmallVector<Type> parameters(function.getFunctionType().getParams());
  SmallVector<bool> isByValue;
  SmallVector<uint32_t> argumentBytes;
  DataLayout data = DataLayout::closest(function);
  for (auto [i, type] : llvm::enumerate(parameters)) {
    auto byValue = function.getArgAttrOfType<TypeAttr>(
        i, LLVM::LLVMDialect::getByValAttrName());
    isByValue.push_back(static_cast<bool>(byValue));
    argumentBytes.push_back(
        data.getTypeSize(byValue ? byValue.getValue() : type).getFixedValue());
  }

  SmallVector<Operation *> ops;
  function.getBody().walk([&](Operation *op) { ops.push_back(op); });
  locations.number(function);
  HostFunction host(function, locations);
  for (Operation *op : ops)
    if (failed(lowerOp(op, *layout, host)))
      return failure();
  host.finish();
  if (isKernel)
    kernels.push_back({function.getSymName(),
                       createWrapper(function, parameters, isByValue), *layout,
                       getMaxThreads(function), argumentBytes});
  for (NamedAttribute attribute : llvm::to_vector(function->getAttrs()))
    if (attribute.getName().strref().starts_with("nvvm.") ||
        attribute.getName().strref().starts_with("gpu."))
      function->removeAttr(attribute.getName());
  function.setLinkage(LLVM::Linkage::Internal);
  return success();
}

/// A constant of bf16 elements as one of their bits.
static void takeBits(LLVM::ConstantOp op) {
  Type i16 = IntegerType::get(op.getContext(), 16);
  if (auto dense = dyn_cast<DenseFPElementsAttr>(op.getValue()))
    op.setValueAttr(dense.bitcast(i16));
  else if (auto value = dyn_cast<FloatAttr>(op.getValue()))
    op.setValueAttr(IntegerAttr::get(i16, value.getValue().bitcastToAPInt()));
}

/// Memory spaces mean nothing to the host, nor do shared variables. What is
/// left of bf16 moves bits, and does so as integers: back ends without the type
/// round what they move.
void NVVMToHostSimt::forgetDevice() {
  ModuleOp module = getOperation();
  AttrTypeReplacer replacer;
  replacer.addReplacement([](LLVM::LLVMPointerType type) {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
  replacer.addReplacement([](BFloat16Type type) {
    return IntegerType::get(type.getContext(), 16);
  });
  module.walk([](LLVM::ConstantOp op) {
    if (getElementTypeOrSelf(op.getType()).isBF16())
      takeBits(op);
  });
  for (auto global :
       llvm::make_early_inc_range(module.getOps<LLVM::GlobalOp>())) {
    if (global.getAddrSpace() == 3)
      global.erase();
    else
      global.setAddrSpace(0);
  }
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  module.walk([](LLVM::AddrSpaceCastOp cast) {
    cast.getResult().replaceAllUsesWith(cast.getArg());
    cast.erase();
  });
  module.walk([](LLVM::BitcastOp cast) {
    if (cast.getType() != cast.getArg().getType())
      return;
    cast.getResult().replaceAllUsesWith(cast.getArg());
    cast.erase();
  });
}

void NVVMToHostSimt::runOnOperation() {
  ModuleOp module = getOperation();
  SmallVector<LLVM::LLVMFuncOp> functions;
  for (auto device :
       llvm::make_early_inc_range(module.getOps<mlir::gpu::GPUModuleOp>())) {
    for (Operation &op : *device.getBody()) {
      if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
          function && !function.isExternal()) {
        functions.push_back(function);
        lowered.insert(function.getSymName());
      }
      auto global = dyn_cast<LLVM::GlobalOp>(op);
      if (global && global.getAddrSpace() != 3 && !global.getConstant()) {
        global.emitError("no functional model for variables in device memory");
        return signalPassFailure();
      }
    }
    module.getBody()->getOperations().splice(module.getBody()->end(),
                                             device.getBody()->getOperations());
    device.erase();
  }
  module->removeAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName());
  for (LLVM::LLVMFuncOp function : functions)
    if (failed(lowerFunction(function)))
      return signalPassFailure();
  forgetDevice();
  createImage(module, image, instrument, kernels, locations);
}
