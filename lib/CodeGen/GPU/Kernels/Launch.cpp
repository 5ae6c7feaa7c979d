//===- Launch.cpp - Kernels and their launches ----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "dialects/Pager/IR/Pager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;
using mlir::gpu::GPUModuleOp;

/// Bytes of a tensor map, see MOE_RT_TENSOR_MAP_BYTES.
static constexpr int64_t kTensorMapBytes = 128;

GPUModuleOp mlir::moe::gpu::getKernelsModule(ModuleOp module) {
  if (auto known = module.lookupSymbol<GPUModuleOp>(kKernelsModule))
    return known;
  module->setAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                  UnitAttr::get(module.getContext()));
  auto b =
      ImplicitLocOpBuilder::atBlockBegin(module.getLoc(), module.getBody());
  return GPUModuleOp::create(b, kKernelsModule);
}

/// The parameter for a launch operand.
static Type getParameterType(KernelBuilder &b, Type operand) {
  if (isa<MemRefType>(operand))
    return b.globalPtr();
  if (operand.isIndex())
    return b.getI64Type();
  if (isa<pager::TensorMapType>(operand))
    return LLVM::LLVMPointerType::get(b.getContext());
  return operand;
}

static LLVM::LLVMFuncOp
createKernel(ModuleOp module, const Launch &launch,
             llvm::function_ref<void(KernelBuilder &, ValueRange)> body) {
  MLIRContext *context = module.getContext();
  KernelBuilder b(NameLoc::get(StringAttr::get(context, launch.name)), context);
  b.setInsertionPointToEnd(getKernelsModule(module).getBody());
  SmallVector<Type> inputs;
  for (Value operand : launch.operands)
    inputs.push_back(getParameterType(b, operand.getType()));
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), inputs);
  auto kernel = LLVM::LLVMFuncOp::create(b, launch.name, type);
  kernel->setAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName(),
                  b.getUnitAttr());
  kernel->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel->setAttr(
      NVVM::NVVMDialect::getMaxntidAttrName(),
      b.getDenseI32ArrayAttr({static_cast<int32_t>(launch.threads)}));
  for (auto [i, operand] : llvm::enumerate(launch.operands)) {
    if (!isa<pager::TensorMapType>(operand.getType()))
      continue;
    kernel.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(),
                      TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(),
                                                             kTensorMapBytes)));
    kernel.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(),
                      b.getI64IntegerAttr(64));
    kernel.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(),
                      b.getUnitAttr());
  }
  Block *entry = kernel.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  body(b, entry->getArguments());
  LLVM::ReturnOp::create(b, ValueRange());
  return kernel;
}

void mlir::moe::gpu::emitLaunch(
    Emitter e, const Launch &launch,
    llvm::function_ref<void(KernelBuilder &, ValueRange)> body) {
  if (!getKernelsModule(e.module).lookupSymbol(launch.name))
    createKernel(e.module, launch, body);
  auto size = [&](int i) {
    return launch.grid[i] ? launch.grid[i] : emitIndex(e, 1);
  };
  mlir::gpu::KernelDim3 grid = {size(0), size(1), size(2)};
  Value one = emitIndex(e, 1);
  mlir::gpu::KernelDim3 block = {emitIndex(e, launch.threads), one, one};
  Value shared;
  if (launch.sharedBytes)
    shared = arith::ConstantOp::create(
        e.b, e.b.getI32IntegerAttr(launch.sharedBytes));
  auto kernel =
      SymbolRefAttr::get(e.b.getContext(), kKernelsModule,
                         FlatSymbolRefAttr::get(e.b.getContext(), launch.name));
  mlir::gpu::LaunchFuncOp::create(e.b, kernel, grid, block, shared,
                                  launch.operands);
}

Value mlir::moe::gpu::emitIndex(Emitter e, int64_t value) {
  return arith::ConstantIndexOp::create(e.b, value);
}

Value mlir::moe::gpu::emitMul(Emitter e, Value a, int64_t b) {
  return e.b.createOrFold<arith::MulIOp>(a, emitIndex(e, b));
}

Value mlir::moe::gpu::emitCeilDiv(Emitter e, Value a, int64_t b) {
  if (b == 1)
    return a;
  Value up = e.b.createOrFold<arith::AddIOp>(a, emitIndex(e, b - 1));
  return e.b.createOrFold<arith::DivUIOp>(up, emitIndex(e, b));
}

std::string mlir::moe::gpu::getTypeName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

std::string mlir::moe::gpu::getBits(float value) {
  return llvm::utohexstr(llvm::bit_cast<uint32_t>(value), /*LowerCase=*/true);
}
