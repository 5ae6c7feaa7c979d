//===- Passes.td - Code generation for CPUs ------------------ -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_PASSES
#define MOE_CODEGEN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def CPUPlanArena : Pass<"cpu-plan-arena", "::mlir::ModuleOp"> {
  let summary = "Place every buffer in one arena";
  let description = [{
    Replaces the `memref.alloc`s of the entry by ranges of the frame's arena.
    Buffers that live at the same time never overlap; sizes are expressions of
    `onnx.symbol` values, and `@arena_bytes` computes their total.
  }];
}

#endif // MOE_CODEGEN_CPU_PASSES
