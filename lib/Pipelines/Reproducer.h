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

/// Sets `isInvalid` when a pass that did not fail leaves a module that does not
/// verify: unlike a pass that refuses what the user wrote, it is wrong. Takes
/// the place of the pass manager's verifier, which does not tell the two apart.
/// Writes the module in front of each pass up to then to `folder`/module.mlir,
/// over the one before, and how to run the pass on it to `folder`/command, if
/// there is a folder.
std::unique_ptr<PassInstrumentation> createChecker(bool &isInvalid,
                                                   llvm::StringRef folder);

/// `crash:PASS` crashes in front of the pass, `invalid:PASS` leaves a module
/// behind it that does not verify. Sets `happened` when it comes to that pass.
std::unique_ptr<PassInstrumentation> createFault(llvm::StringRef fault,
                                                 bool &happened);

} // namespace mlir::moe

#endif // MOE_LIB_PIPELINES_REPRODUCER_H
