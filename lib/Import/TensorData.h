//===- TensorData.h - Tensors of the message classes ------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_IMPORT_TENSORDATA_H
#define MOE_LIB_IMPORT_TENSORDATA_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Error.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wall"
#pragma clang diagnostic ignored "-Wextra"
#ifndef ONNX_NAMESPACE
#define ONNX_NAMESPACE onnx
#endif
#define ONNX_ML 1
#include "onnx/onnx_pb.h"
#pragma clang diagnostic pop

/// The message classes, beside our own namespace of that name.
namespace onnx_ns = ::onnx;

namespace mlir::moe {

/// The MLIR type of an ONNX element type number, or null.
Type elementType(int32_t onnxType, MLIRContext *context);

/// Its name in the ONNX specification, for messages.
std::string elementTypeName(int32_t onnxType);

/// Reads a tensor that the file holds inline, in any of the forms the
/// specification allows.
class TensorReader {
public:
  TensorReader(const onnx_ns::TensorProto &tensor, MLIRContext *context);

  /// Fails when the element type is not supported or the shape overflows.
  llvm::Error check() const;
  ArrayRef<int64_t> shape() const { return dims; }
  Type type() const { return element; }
  uint64_t numBytes() const;

  /// The values, or null when their number does not match the shape.
  DenseElementsAttr read() const;
  /// The values in `bytes`, little-endian.
  DenseElementsAttr fromBytes(StringRef bytes) const;

private:
  const onnx_ns::TensorProto &tensor;
  SmallVector<int64_t> dims;
  Type element;
};

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_TENSORDATA_H
