//===- KernelSet.cpp - Sets of GPU kernels and what runs them -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/GPU/KernelSet.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

llvm::StringRef gpu::getName(KernelSet set) {
  return set == KernelSet::SM80 ? "sm_80" : "sm_90a";
}

std::optional<KernelSet> gpu::lookupKernelSet(llvm::StringRef name) {
  for (KernelSet set : {KernelSet::SM80, KernelSet::SM90a})
    if (getName(set) == name)
      return set;
  return std::nullopt;
}

FailureOr<KernelSet> gpu::getKernelSet(ModuleOp module) {
  auto name = module->getAttrOfType<StringAttr>(kKernelSetAttr);
  if (!name)
    return KernelSet::SM80;
  if (auto set = lookupKernelSet(name.getValue()))
    return *set;
  return module.emitError("unknown set of GPU kernels '")
         << name.getValue() << "'";
}

FailureOr<Type> gpu::getWeightsType(ModuleOp module) {
  auto type = module->getAttrOfType<TypeAttr>(kWeightsAttr);
  if (!type)
    return Type(Float32Type::get(module.getContext()));
  if (type.getValue().isF32() || type.getValue().isBF16() ||
      type.getValue().isF16())
    return type.getValue();
  return module.emitError("GPU kernels have no weights of type ")
         << type.getValue();
}
