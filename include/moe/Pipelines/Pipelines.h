//===- Pipelines.h - Dialects, passes and stages together -------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_PIPELINES_PIPELINES_H
#define MOE_PIPELINES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::moe {

/// Registers our dialects, the upstream ones that our passes produce, and their
/// external interface models.
void registerAllDialects(DialectRegistry &registry);

/// Registers our passes, and the upstream passes that the pipelines use.
void registerAllPasses();

} // namespace mlir::moe

#endif // MOE_PIPELINES_PIPELINES_H
