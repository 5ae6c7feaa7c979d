//===- Plan.h - What a model would need -------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_COMPILE_PLAN_H
#define MOE_TOOLS_MOE_COMPILE_PLAN_H

#include "moe/Pipelines/Compile.h"
#include "moe_rt/moe_rt.h"

namespace moe_tools {

/// Compiles without reading a weight, and prints as JSON what was raised, the
/// size of the files and the runtime's memory plan of a session with `session`.
mlir::moe::Outcome printPlan(mlir::moe::CompileOptions options,
                             const moe_rt_options &session,
                             mlir::MLIRContext *context);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_COMPILE_PLAN_H
