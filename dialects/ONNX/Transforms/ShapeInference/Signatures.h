//===- Signatures.h - What a node of each operator must look like *- C++
//-*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_SHAPEINFERENCE_SIGNATURES_H
#define MOE_DIALECTS_ONNX_TRANSFORMS_SHAPEINFERENCE_SIGNATURES_H

#include "dialects/ONNX/IR/ONNX.h"

namespace mlir::moe::onnx {

/// The signature of some operators from an opset version on, as text:
///
///   inputs      "X:F scale:F bias:F?"      name, type, then what repeats it
///   outputs     "Y mean?"                  the same without types
///   attributes  "axis:int! mode:string(a|b)"
///
/// `?` may be left out, `*` any number, `+` at least one; `!` must be there.
/// A type is a letter of kTypes; inputs that share a letter and the digit after
/// it have one element type ("A:N B:N" but "X:N Y:N2").
struct SignatureRow {
  llvm::StringLiteral domain, operators;
  int64_t since;
  llvm::StringLiteral inputs, outputs, attributes;
};

/// All rows, SignatureTable.cpp.
llvm::ArrayRef<SignatureRow> getSignatureRows();

/// True when there is a row for the operator at this version.
bool hasSignature(llvm::StringRef domain, llvm::StringRef opType,
                  int64_t version);

/// What is wrong with an imported node, and what is expected; empty when it
/// fits its signature or has none. Attributes that the signature does not name
/// are ignored: exporters add their own. Nodes of the normal form have other
/// operands and attributes.
std::string findSignatureFaults(NodeOp op);

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_SHAPEINFERENCE_SIGNATURES_H
