//===- ImportTensors.cpp - Initializers and constants ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "SparseTensor.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

namespace mlir::moe {

Value Importer::constantOrWeight(StringRef name,
                                 const onnx_ns::TensorProto &tensor,
                                 Location loc) {
  TensorReader reader(tensor, context);
  if (llvm::Error problem = reader.check()) {
    error() << "tensor '" << name
            << "': " << llvm::toString(std::move(problem));
    return {};
  }
  DenseElementsAttr value = reader.read();
  if (!value) {
    error() << "tensor '" << name << "' has fewer or more elements than its "
            << "shape says";
    return {};
  }
  // Integers may be shapes; a float scalar is a parameter. The rest is weights.
  bool isSmall = value.getElementType().isInteger()
                     ? reader.numBytes() <= 4096
                     : value.getNumElements() == 1;
  if (isSmall)
    return onnx::ConstantOp::create(builder, loc, cast<ElementsAttr>(value));
  auto type = weights::WeightTensorType::get(
      context, value.getType().getShape(), value.getElementType());
  return weights::InlineOp::create(builder, loc, type, name,
                                   cast<ElementsAttr>(value));
}

void Importer::importInitializer(const onnx_ns::TensorProto &tensor,
                                 unsigned number, Scope &scope, bool isMain) {
  StringRef name = tensor.name();
  Location loc = NameLoc::get(builder.getStringAttr(name));
  TensorReader reader(tensor, context);
  if (llvm::Error problem = reader.check()) {
    error() << "initializer '" << name
            << "': " << llvm::toString(std::move(problem));
    return;
  }
  auto weight = [&](StringRef file, ByteRange range) -> Value {
    auto type =
        weights::WeightTensorType::get(context, reader.shape(), reader.type());
    return weights::RefOp::create(builder, loc, type, name, file, range.offset);
  };
  auto raw = rawData.find(number);
  if (isMain && raw != rawData.end()) {
    if (raw->second.length != reader.numBytes()) {
      error() << "initializer '" << name << "' has " << raw->second.length
              << " bytes, its shape needs " << reader.numBytes();
      return;
    }
    define(scope, name, weight(llvm::sys::path::filename(path), raw->second));
    return;
  }
  if (tensor.data_location() == onnx_ns::TensorProto::EXTERNAL) {
    std::string location;
    uint64_t offset = 0, length = 0;
    for (const auto &entry : tensor.external_data()) {
      bool bad = false;
      if (entry.key() == "location")
        location = entry.value();
      else if (entry.key() == "offset")
        bad = StringRef(entry.value()).getAsInteger(10, offset);
      else if (entry.key() == "length")
        bad = StringRef(entry.value()).getAsInteger(10, length);
      if (bad) {
        error() << "initializer '" << name << "': external data has "
                << entry.key() << " '" << entry.value() << "'";
        return;
      }
    }
    auto range = external.locate(location, offset, length, reader.numBytes());
    if (!range) {
      error() << "initializer '" << name
              << "': " << llvm::toString(range.takeError());
      return;
    }
    // Small integers are read now: they may be shapes.
    if (reader.type().isInteger() && reader.numBytes() <= 4096) {
      SmallString<256> full(llvm::sys::path::parent_path(path));
      llvm::sys::path::append(full, location);
      auto bytes =
          llvm::MemoryBuffer::getFileSlice(full, range->length, range->offset);
      // Shorter where another process cut the file meanwhile.
      DenseElementsAttr value =
          bytes ? reader.fromBytes((*bytes)->getBuffer()) : nullptr;
      if (value) {
        define(
            scope, name,
            onnx::ConstantOp::create(builder, loc, cast<ElementsAttr>(value)));
        return;
      }
    }
    define(scope, name, weight(location, *range));
    return;
  }
  if (Value value = constantOrWeight(name, tensor, loc))
    define(scope, name, value);
}

void Importer::importSparseInitializers(const onnx_ns::GraphProto &graph,
                                        Scope &scope) {
  for (const auto &sparse : graph.sparse_initializer()) {
    const std::string &name = sparse.values().name();
    auto dense = densify(sparse, context);
    if (!dense) {
      error() << "sparse initializer '" << name
              << "': " << llvm::toString(dense.takeError());
      continue;
    }
    Location loc = NameLoc::get(builder.getStringAttr(name));
    if (Value value = constantOrWeight(name, *dense, loc))
      define(scope, name, value);
  }
}

/// Every form of the Constant operator.
void Importer::importConstant(const onnx_ns::NodeProto &node, Scope &scope,
                              Location loc) {
  if (node.attribute_size() != 1 || node.output_size() != 1) {
    error() << "Constant '" << node.name() << "' needs one value";
    return;
  }
  const auto &attribute = node.attribute(0);
  StringRef name = node.output(0);
  auto make = [&](DenseElementsAttr value) {
    define(scope, name,
           onnx::ConstantOp::create(builder, loc, cast<ElementsAttr>(value)));
  };
  auto type = [&](ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  };
  if (attribute.name() == "value" && attribute.has_t()) {
    if (Value value = constantOrWeight(name, attribute.t(), loc))
      define(scope, name, value);
  } else if (attribute.name() == "value_int") {
    make(DenseElementsAttr::get(type({}, builder.getI64Type()),
                                int64_t(attribute.i())));
  } else if (attribute.name() == "value_float") {
    make(DenseElementsAttr::get(type({}, builder.getF32Type()), attribute.f()));
  } else if (attribute.name() == "value_ints") {
    SmallVector<int64_t> values(attribute.ints().begin(),
                                attribute.ints().end());
    make(DenseElementsAttr::get(
        type({int64_t(values.size())}, builder.getI64Type()),
        ArrayRef<int64_t>(values)));
  } else if (attribute.name() == "value_floats") {
    SmallVector<float> values(attribute.floats().begin(),
                              attribute.floats().end());
    make(DenseElementsAttr::get(
        type({int64_t(values.size())}, builder.getF32Type()),
        ArrayRef<float>(values)));
  } else {
    error() << "Constant '" << node.name() << "' with '" << attribute.name()
            << "' is not supported";
  }
}

} // namespace mlir::moe
