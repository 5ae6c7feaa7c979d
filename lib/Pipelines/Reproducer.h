//===- Reproducer.h - What a defect needs to be seen again ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_PIPELINES_REPRODUCER_H
#define MOE_LIB_PIPELINES_REPRODUCER_H

#include "mlir/Pass/PassInstrumentation.h"

namespace mlir::moe {

/// Writes the module in front of each pass to `folder`/module.mlir, over the
/// one before, and how to run the pass on it to `folder`/command.
std::unique_ptr<PassInstrumentation> createReproducer(llvm::StringRef folder);

/// `crash:PASS` crashes in front of the pass, `invalid:PASS` leaves a module
/// behind it that does not verify.
std::unique_ptr<PassInstrumentation> createFault(llvm::StringRef fault);

} // namespace mlir::moe

#endif // MOE_LIB_PIPELINES_REPRODUCER_H
