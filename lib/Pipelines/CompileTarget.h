//===- CompileTarget.h - What a model is compiled for --------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_PIPELINES_COMPILETARGET_H
#define MOE_LIB_PIPELINES_COMPILETARGET_H

#include "moe/CodeGen/CPU/EmitObject.h"
#include "moe/CodeGen/GPU/Images.h"
#include "moe/Pipelines/Compile.h"

namespace mlir::moe {

/// The pipelines that run, one for each variant, and the architectures that
/// their kernels are compiled for (none: the CPU).
struct CompileTarget {
  std::vector<cpu::Variant> variants;
  std::vector<gpu::Architecture> architectures;
};

/// A variant for each instruction set, or for each set of kernels that the
/// wanted architectures have. When a GPU's architecture is wanted, there is
/// sm_80 in any case: its PTX runs on all later GPUs. Emits an error for a name
/// that is unknown.
FailureOr<CompileTarget> chooseTarget(const CompileOptions &options,
                                      Location loc);

/// Gives the module the attributes that passes read of a variant.
void setTarget(ModuleOp module, const cpu::Variant &variant,
               const CompileOptions &options);

} // namespace mlir::moe

#endif // MOE_LIB_PIPELINES_COMPILETARGET_H
