//===- Import.h - ONNX files to the onnx dialect ----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_IMPORT_IMPORT_H
#define MOE_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <vector>

namespace mlir::moe {

/// Reads an ONNX file as a module of the onnx dialect: one function `@main`.
/// Weights become references to byte ranges; nothing larger than a few KiB is
/// read. Everything wrong with the file is reported through the context's
/// diagnostics before it fails.
FailureOr<OwningOpRef<ModuleOp>>
importONNX(StringRef path, MLIRContext *context,
           std::vector<std::string> *externalFiles = nullptr);

} // namespace mlir::moe

#endif // MOE_IMPORT_IMPORT_H
