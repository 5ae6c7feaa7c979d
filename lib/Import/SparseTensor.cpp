//===- SparseTensor.cpp - Sparse initializers as dense ones ---------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SparseTensor.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::moe;

/// What a sparse tensor may be worth: it is expanded in memory.
static constexpr uint64_t kMaxDenseBytes = 64u << 20;

llvm::Expected<onnx_ns::TensorProto>
moe::densify(const onnx_ns::SparseTensorProto &sparse, MLIRContext *context) {
  const onnx_ns::TensorProto &values = sparse.values();
  onnx_ns::TensorProto dense;
  dense.set_name(values.name());
  dense.set_data_type(values.data_type());
  *dense.mutable_dims() = sparse.dims();
  TensorReader shape(dense, context), valueReader(values, context),
      indexReader(sparse.indices(), context);
  for (const TensorReader *reader : {&shape, &valueReader, &indexReader})
    if (llvm::Error problem = reader->check())
      return problem;
  if (shape.numBytes() > kMaxDenseBytes)
    return llvm::createStringError("its dense form is larger than 64 MiB");
  if (shape.type().isInteger(1))
    return llvm::createStringError("sparse booleans are not supported");
  DenseElementsAttr elements = valueReader.read(),
                    indices = indexReader.type().isSignlessInteger(64)
                                  ? indexReader.read()
                                  : DenseElementsAttr();
  int64_t rank = sparse.dims_size();
  int64_t count = elements ? elements.getNumElements() : 0;
  bool isLinear = indexReader.shape().size() == 1;
  if (!elements || !indices || valueReader.shape().size() != 1 ||
      indexReader.shape().empty() || indexReader.shape().size() > 2 ||
      indexReader.shape()[0] != count ||
      (!isLinear && indexReader.shape()[1] != rank))
    return llvm::createStringError("its values and indices do not fit");

  uint64_t width = shape.type().getIntOrFloatBitWidth() / 8;
  std::string bytes(shape.numBytes(), '\0');
  ArrayRef<char> raw = elements.getRawData();
  auto coordinates = llvm::to_vector(indices.getValues<int64_t>());
  llvm::DenseSet<int64_t> taken;
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = isLinear ? coordinates[i] : 0;
    bool inside = !isLinear || (at >= 0 && at < int64_t(bytes.size() / width));
    for (int64_t d = 0; !isLinear && d < rank; ++d) {
      int64_t coordinate = coordinates[i * rank + d];
      inside &= coordinate >= 0 && coordinate < sparse.dims(d);
      at = at * sparse.dims(d) + coordinate;
    }
    if (!inside)
      return llvm::createStringError("index " + Twine(i) +
                                     " is out of its bounds");
    if (!taken.insert(at).second)
      return llvm::createStringError("index " + Twine(i) + " is given twice");
    std::copy_n(raw.data() + (elements.isSplat() ? 0 : i * width), width,
                bytes.data() + at * width);
  }
  dense.set_raw_data(std::move(bytes));
  return dense;
}
