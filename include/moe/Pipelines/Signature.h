//===- Signature.h - Inputs, outputs and states of a model ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PIPELINES_SIGNATURE_H
#define MOE_PIPELINES_SIGNATURE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace mlir::moe {

/// Records on `@main` what lowering loses, and gives the part of the metadata
/// that describes the interface (docs/ModelFormat.md): `symbols`, `inputs`,
/// `outputs`, `states`. The module is at the normalized or moe stage. Fails,
/// and names the output, when its size depends on data.
FailureOr<llvm::json::Object> takeSignature(ModuleOp module);

/// `positive` of the metadata: sizes that the lowered module needs to be at
/// least 1.
llvm::json::Array getRequiredSizes(ModuleOp module);

/// What a run can be watched at, `points` of docs/ModelFormat.md: the tensors
/// that cpu-observe-tensors found.
llvm::json::Array getPoints(ModuleOp module);

} // namespace mlir::moe

#endif // MOE_PIPELINES_SIGNATURE_H
