//===- CompileTarget.cpp - What a model is compiled for -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompileTarget.h"

using namespace mlir;
using namespace mlir::moe;

static FailureOr<CompileTarget> chooseISAs(const CompileOptions &options,
                                           Location loc) {
  CompileTarget target;
  for (const std::string &name : options.isas) {
    const cpu::ISA *isa = cpu::lookupISA(name);
    if (!isa)
      return emitError(loc) << "unknown instruction set '" << name << "'";
    target.variants.push_back({name, isa});
  }
  return target;
}

FailureOr<CompileTarget> moe::chooseTarget(const CompileOptions &options,
                                           Location loc) {
  if (options.gpuArchs.empty())
    return chooseISAs(options, loc);
  CompileTarget target;
  bool hasGPU = false, hasSM80 = false;
  for (const std::string &text : options.gpuArchs) {
    auto architecture = gpu::parseArchitecture(text);
    if (!architecture)
      return emitError(loc) << "unknown GPU architecture '" << text << "'";
    hasGPU |= !architecture->isHostSimt;
    hasSM80 |= architecture->text() == "sm_80";
    target.architectures.push_back(*architecture);
  }
  if (hasGPU && !hasSM80)
    target.architectures.push_back(*gpu::parseArchitecture("sm_80"));
  for (gpu::KernelSet set : {gpu::KernelSet::SM80, gpu::KernelSet::SM90a})
    if (llvm::any_of(target.architectures, [&](const auto &architecture) {
          return architecture.set == set;
        }))
      target.variants.push_back(
          {gpu::getName(set).str(), cpu::lookupISA("x86-64-v3")});
  return target;
}

void moe::setTarget(ModuleOp module, const cpu::Variant &variant,
                    const CompileOptions &options) {
  Builder b(module.getContext());
  module->setAttr(cpu::kISAAttr, b.getStringAttr(variant.isa->name));
  if (options.gpuArchs.empty())
    return;
  Type weights = options.gpuWeights == "bf16"  ? Type(b.getBF16Type())
                 : options.gpuWeights == "f16" ? Type(b.getF16Type())
                                               : Type(b.getF32Type());
  module->setAttr(gpu::kKernelSetAttr, b.getStringAttr(variant.name));
  module->setAttr(gpu::kWeightsAttr, TypeAttr::get(weights));
}
