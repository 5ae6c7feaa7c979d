//===- Packer.h - Weights to the .moew file ---------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TARGET_PACKER_H
#define MOE_TARGET_PACKER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace mlir::moe {

/// What packing tells the model's metadata.
struct PackedWeights {
  uint64_t weightsId = 0;  ///< ties the two files together
  uint64_t denseBytes = 0; ///< of the dense section, padding included
  uint64_t fileBytes = 0;
  llvm::json::Array banks; ///< `banks` of docs/ModelFormat.md
};

/// Sizes that packing would give, without reading a weight. `weightsId` is 0.
FailureOr<PackedWeights> planWeights(ModuleOp module);

/// Writes the weights that the module places (`weights.place`, `weights.bank`)
/// to `path`, an open temporary file the caller renames. Sources are read slice
/// by slice, relative to `sourceFolder`; memory stays bounded by one expert.
FailureOr<PackedWeights> packWeights(ModuleOp module, StringRef sourceFolder,
                                     StringRef path, bool showProgress);

} // namespace mlir::moe

#endif // MOE_TARGET_PACKER_H
