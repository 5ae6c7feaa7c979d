//===- ISA.cpp - Instruction sets that code is generated for --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/CPU/ISA.h"
#include "moe_rt/moe_rt_abi.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::moe::cpu;

ArrayRef<ISA> mlir::moe::cpu::getISAs() {
  static const ISA table[] = {
      {"x86-64-v3", MOE_RT_ABI_X86_64_V3, 8, 16},
      {"x86-64-v4", MOE_RT_ABI_X86_64_V3 | MOE_RT_ABI_X86_64_V4, 16, 32}};
  return table;
}

const ISA *mlir::moe::cpu::lookupISA(StringRef name) {
  for (const ISA &isa : getISAs())
    if (isa.name == name)
      return &isa;
  return nullptr;
}

const ISA &mlir::moe::cpu::getHostISA() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  bool hasV4 = true;
  for (const char *feature :
       {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
    hasV4 &= host.lookup(feature);
  return hasV4 ? getISAs().back() : getISAs().front();
}

FailureOr<ISA> mlir::moe::cpu::getISA(ModuleOp module) {
  Attribute attr = module->getAttr(kISAAttr);
  if (!attr)
    return getISAs().front();
  if (auto name = dyn_cast<StringAttr>(attr))
    if (const ISA *isa = lookupISA(name))
      return *isa;
  auto error = module.emitError("unknown instruction set ") << attr << ": use";
  for (const ISA &isa : getISAs())
    error << " \"" << isa.name << "\"";
  return error;
}
