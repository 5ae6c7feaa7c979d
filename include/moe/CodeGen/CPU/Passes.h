//===- Passes.h - Code generation for CPUs ----------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_CPU_PASSES_H
#define MOE_CODEGEN_CPU_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::moe::cpu {

#define GEN_PASS_DECL
#include "moe/CodeGen/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/CodeGen/CPU/Passes.h.inc"

} // namespace mlir::moe::cpu

#endif // MOE_CODEGEN_CPU_PASSES_H
