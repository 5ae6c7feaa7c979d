//===- Report.h - What the compiler decided ---------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_SUPPORT_REPORT_H
#define MOE_SUPPORT_REPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace mlir::moe {

/// A layer that was raised, for `moe_layers` of the report.
struct RaisedLayer {
  StringRef name, pattern, router;
  int64_t experts, k;
  SmallVector<std::pair<StringRef, int64_t>> kinds;
};

/// Records a decision on the module; it stays until the report is written.
void reportRaised(ModuleOp module, const RaisedLayer &layer);

/// Records a node that looks like part of a mixture-of-experts layer but did
/// not match, and why.
void reportUnraised(ModuleOp module, StringRef node, StringRef reason);

/// The recorded decisions: `moe_layers`, `unraised`, `eliminated`, `fused`.
llvm::json::Object getReport(ModuleOp module);

} // namespace mlir::moe

#endif // MOE_SUPPORT_REPORT_H
