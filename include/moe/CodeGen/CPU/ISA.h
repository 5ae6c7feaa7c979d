//===- ISA.h - Instruction sets that code is generated for ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_CPU_ISA_H
#define MOE_CODEGEN_CPU_ISA_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::moe::cpu {

/// Module attribute that names the instruction set to generate for:
/// "x86-64-v3" (the default) or "x86-64-v4".
constexpr llvm::StringLiteral kISAAttr = "cpu.isa";

struct ISA {
  llvm::StringRef name; // as in --march and --isa
  uint64_t features;    // MOE_RT_ABI_X86_64_* bits the CPU must have
  int64_t lanes;        // float32 elements of a vector register
  int64_t registers;    // vector registers

  unsigned getVectorBits() const { return lanes * 32; }
};

/// All instruction sets, weakest first.
llvm::ArrayRef<ISA> getISAs();

/// The instruction set of this name, or null.
const ISA *lookupISA(llvm::StringRef name);

/// The best of them that this machine has; the weakest if it has none.
const ISA &getHostISA();

/// Reads the module's ISA. Emits an error for a name it does not know.
FailureOr<ISA> getISA(ModuleOp module);

} // namespace mlir::moe::cpu

#endif // MOE_CODEGEN_CPU_ISA_H
