//===- WireFormat.h - Protocol buffer bytes without the weights -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_IMPORT_WIREFORMAT_H
#define MOE_LIB_IMPORT_WIREFORMAT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <string>

namespace google::protobuf {
class Descriptor;
}

namespace mlir::moe {

/// Bytes of a file.
struct ByteRange {
  uint64_t offset, length;
};

/// An ONNX model's bytes with the larger `raw_data` of its graph's initializers
/// cut out: small enough for the message classes whatever the model's size.
struct StrippedModel {
  std::string bytes;
  /// Where the data that was cut out lies in the file, by initializer number.
  llvm::DenseMap<unsigned, ByteRange> rawData;
};

/// Fails when the bytes are not well-formed protocol buffers of a model.
llvm::Expected<StrippedModel> stripRawData(llvm::StringRef file);

/// Fails when the message classes would take far more memory than a model's
/// graph does, or would nest too deeply: an empty message has two bytes in the
/// file and hundreds in memory.
llvm::Error checkMessages(llvm::StringRef bytes,
                          const google::protobuf::Descriptor *type);

/// How deeply messages may nest; graphs take three levels each.
constexpr int kMaxNesting = 400;

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_WIREFORMAT_H
