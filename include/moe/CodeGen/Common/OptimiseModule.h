//===- OptimiseModule.h - LLVM's passes over a module -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_COMMON_OPTIMISEMODULE_H
#define MOE_CODEGEN_COMMON_OPTIMISEMODULE_H

#include "llvm/Passes/PassBuilder.h"

namespace mlir::moe {

/// Runs LLVM's O2 pipeline for the machine. Modules of different contexts can
/// be optimised at the same time.
void optimiseModule(llvm::Module &module, llvm::TargetMachine &machine,
                    const llvm::PipelineTuningOptions &tuning = {});

} // namespace mlir::moe

#endif // MOE_CODEGEN_COMMON_OPTIMISEMODULE_H
