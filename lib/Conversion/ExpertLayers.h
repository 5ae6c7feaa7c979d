//===- ExpertLayers.h - What every schedule of experts shares -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_EXPERTLAYERS_H
#define MOE_LIB_CONVERSION_EXPERTLAYERS_H

#include "dialects/MoE/IR/MoE.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::moe {

/// Emits an error for everything that no schedule supports, of all layers.
LogicalResult checkLayers(ModuleOp module);

/// Moves the bank, and the recipes it is made by, above the routing: prefetch
/// then follows the routing at once.
void hoistBank(ExpertsOp op);

/// Converts the layers of a function: first what makes routings, then the
/// experts that use them. `convertExperts` erases its operation, routings are
/// erased at the end.
void convertLayers(Operation *function,
                   function_ref<void(RouteOp)> convertRoute,
                   function_ref<void(RoutingFromOp)> convertRoutingFrom,
                   function_ref<void(ExpertsOp)> convertExperts);

/// Takes `out`, a fresh buffer [tokens, hidden] with a dynamic first dimension
/// that was filled in front of `b`, as the result of `op`, and erases `op`.
void replaceExperts(ImplicitLocOpBuilder &b, ExpertsOp op, Value out);

/// A read-only buffer of the tensor whose first dimension is dynamic.
Value getRowsBuffer(ImplicitLocOpBuilder &b, Value tensor);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_EXPERTLAYERS_H
