//===- Passes.h - Passes inside the onnx dialect ----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_PASSES_H
#define MOE_DIALECTS_ONNX_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::moe::onnx {

#define GEN_PASS_DECL
#include "dialects/ONNX/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dialects/ONNX/Transforms/Passes.h.inc"

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_PASSES_H
