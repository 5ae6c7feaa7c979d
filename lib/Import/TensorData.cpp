//===- TensorData.cpp - Tensors of the message classes --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorData.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;
using Proto = onnx_ns::TensorProto;

Type moe::elementType(int32_t onnxType, MLIRContext *context) {
  Builder b(context);
  switch (onnxType) {
  case Proto::FLOAT:
    return b.getF32Type();
  case Proto::DOUBLE:
    return b.getF64Type();
  case Proto::FLOAT16:
    return b.getF16Type();
  case Proto::BFLOAT16:
    return b.getBF16Type();
  case Proto::BOOL:
    return b.getI1Type();
  case Proto::INT8:
    return b.getIntegerType(8);
  case Proto::INT16:
    return b.getIntegerType(16);
  case Proto::INT32:
    return b.getIntegerType(32);
  case Proto::INT64:
    return b.getIntegerType(64);
  case Proto::UINT8:
    return b.getIntegerType(8, false);
  case Proto::UINT16:
    return b.getIntegerType(16, false);
  case Proto::UINT32:
    return b.getIntegerType(32, false);
  case Proto::UINT64:
    return b.getIntegerType(64, false);
  }
  return {};
}

std::string moe::elementTypeName(int32_t onnxType) {
  if (onnxType >= 0 && Proto::DataType_IsValid(onnxType))
    return Proto::DataType_Name(Proto::DataType(onnxType));
  return "number " + std::to_string(onnxType);
}

TensorReader::TensorReader(const onnx_ns::TensorProto &tensor,
                           MLIRContext *context)
    : tensor(tensor), dims(tensor.dims().begin(), tensor.dims().end()),
      element(elementType(tensor.data_type(), context)) {}

llvm::Error TensorReader::check() const {
  if (!element)
    return llvm::createStringError("element type " +
                                   elementTypeName(tensor.data_type()) +
                                   " is not supported");
  if (tensor.has_segment())
    return llvm::createStringError("segmented tensors are not supported");
  if (dims.size() > 64)
    return llvm::createStringError("its shape has too many dimensions");
  int64_t count = 8;
  for (int64_t dim : dims)
    if (dim < 0 || llvm::MulOverflow(count, dim, count) ||
        count > (int64_t(1) << 52))
      return llvm::createStringError("its shape is not possible");
  return llvm::Error::success();
}

uint64_t TensorReader::numBytes() const {
  uint64_t bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u);
  for (int64_t dim : dims)
    bytes *= dim;
  return bytes;
}

DenseElementsAttr TensorReader::fromBytes(StringRef bytes) const {
  if (bytes.size() != numBytes())
    return {};
  auto type = RankedTensorType::get(dims, element);
  if (element.isInteger(1)) {
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, values);
  }
  if (bytes.empty())
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  return DenseElementsAttr::getFromRawBuffer(
      type, ArrayRef<char>(bytes.data(), bytes.size()));
}

DenseElementsAttr TensorReader::read() const {
  if (tensor.has_raw_data())
    return fromBytes(tensor.raw_data());
  // The typed fields, narrowed to the element type, as little-endian bytes.
  std::string bytes;
  unsigned width = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u);
  auto append = [&](const void *value) {
    bytes.append(static_cast<const char *>(value), width);
  };
  switch (tensor.data_type()) {
  case Proto::FLOAT:
    for (float value : tensor.float_data())
      append(&value);
    break;
  case Proto::DOUBLE:
    for (double value : tensor.double_data())
      append(&value);
    break;
  case Proto::INT64:
    for (int64_t value : tensor.int64_data())
      append(&value);
    break;
  case Proto::UINT32:
  case Proto::UINT64:
    for (uint64_t value : tensor.uint64_data())
      append(&value);
    break;
  default: // everything of up to 32 bits, half floats as their bits
    for (int32_t value : tensor.int32_data())
      append(&value);
    break;
  }
  return fromBytes(bytes);
}
