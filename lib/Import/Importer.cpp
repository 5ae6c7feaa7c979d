//===- Importer.cpp - ONNX files to the onnx dialect ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExternalData.h"
#include "SparseTensor.h"
#include "TensorData.h"
#include "WireFormat.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/IR/Symbolic.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "moe/Import/Import.h"
#include "moe/Support/Provenance.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/coded_stream.h>

// Within our namespace `onnx` is the dialect, not the message classes.
namespace mlir::moe {
namespace {

/// Limits that only hostile files meet.
constexpr int64_t kMaxNodes = 1'000'000;
/// Bytes of nodes' full names and of copies that calls of functions make.
constexpr uint64_t kMaxCopied = 256 << 20;
constexpr unsigned kMaxDepth = 64;
constexpr int64_t kMaxSize = int64_t(1) << 40;
constexpr int kMaxRank = 64;
/// Each size's expression is over all names: their product must stay small.
constexpr size_t kMaxSymbols = 4096;
constexpr int kMinOpset = 7, kMaxOpset = 26, kMaxIRVersion = 13;

/// Names visible in a graph: its own, then those of the graphs around it.
struct Scope {
  Scope *parent;
  llvm::StringMap<Value> values;

  Value lookup(StringRef name) const {
    for (const Scope *scope = this; scope; scope = scope->parent)
      if (Value value = scope->values.lookup(name))
        return value;
    return {};
  }
};

class Importer {
public:
  Importer(StringRef path, MLIRContext *context)
      : path(path), context(context), builder(context), external(path) {}
  FailureOr<OwningOpRef<ModuleOp>> run();
  std::vector<std::string> getExternalFiles() const {
    return external.getPaths();
  }

private:
  bool readFile();
  void checkVersions();
  void importMain();
  /// Names a value; a graph gives each name one.
  void define(Scope &scope, StringRef name, Value value);
  /// The initializers' names; reports those that come twice.
  llvm::StringSet<> namesOfInitializers(const onnx_ns::GraphProto &graph);
  Type importInput(const onnx_ns::ValueInfoProto &info);
  Type importDeclared(const onnx_ns::ValueInfoProto &info);
  AffineExpr importDim(const onnx_ns::TensorShapeProto::Dimension &dim,
                       StringRef input, int index);
  void importSparseInitializers(const onnx_ns::GraphProto &graph, Scope &scope);
  void importInitializer(const onnx_ns::TensorProto &tensor, unsigned number,
                         Scope &scope, bool isMain);
  void importNodes(
      const google::protobuf::RepeatedPtrField<onnx_ns::NodeProto> &nodes,
      Scope &scope, const std::string &prefix, unsigned depth);
  void noteProvenance(onnx::NodeOp op, const onnx_ns::NodeProto &node,
                      const std::string &prefix);
  void importNode(const onnx_ns::NodeProto &node, Scope &scope,
                  const std::string &prefix, unsigned depth);
  void importConstant(const onnx_ns::NodeProto &node, Scope &scope,
                      Location loc);
  void importCall(const onnx_ns::NodeProto &node,
                  const onnx_ns::FunctionProto &function, Scope &scope,
                  const std::string &prefix, unsigned depth);
  void importBody(const onnx_ns::GraphProto &graph, Region &region,
                  Scope &scope, const std::string &prefix, unsigned depth);
  Attribute importAttribute(const onnx_ns::AttributeProto &attribute,
                            StringRef node);
  Value constantOrWeight(StringRef name, const onnx_ns::TensorProto &tensor,
                         Location loc);

  InFlightDiagnostic error() {
    failed = true;
    return emitError(NameLoc::get(builder.getStringAttr(path)));
  }
  Value none() {
    return onnx::OmittedOp::create(builder, builder.getUnknownLoc());
  }

  std::string path;
  MLIRContext *context;
  OpBuilder builder;
  ExternalData external;
  onnx_ns::ModelProto model;
  llvm::DenseMap<unsigned, ByteRange> rawData;
  llvm::StringMap<int64_t> opsets;
  llvm::StringMap<const onnx_ns::FunctionProto *> functions;
  SmallVector<StringRef> callStack;
  llvm::StringMap<const onnx_ns::AttributeProto *> *callAttributes = nullptr;
  OwningOpRef<ModuleOp> module;
  llvm::StringMap<unsigned> symbols;
  SmallVector<Attribute> symbolNames;
  int64_t nodes = 0;
  uint64_t copied = 0;
  bool failed = false;
};

void Importer::define(Scope &scope, StringRef name, Value value) {
  if (!scope.values.try_emplace(name, value).second)
    error() << "value '" << name << "' is defined twice";
}

llvm::StringSet<>
Importer::namesOfInitializers(const onnx_ns::GraphProto &graph) {
  llvm::StringSet<> names;
  for (const auto &tensor : graph.initializer())
    if (!names.insert(tensor.name()).second)
      error() << "initializer '" << tensor.name() << "' is given twice";
  for (const auto &tensor : graph.sparse_initializer())
    if (!names.insert(tensor.values().name()).second)
      error() << "initializer '" << tensor.values().name()
              << "' is given twice";
  return names;
}

bool Importer::readFile() {
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(path, status)) {
    error() << "cannot be opened: " << code.message();
    return false;
  }
  if (!llvm::sys::fs::is_regular_file(status)) {
    error() << "is not a regular file";
    return false;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    error() << "cannot be read: " << buffer.getError().message();
    return false;
  }
  auto stripped = stripRawData((*buffer)->getBuffer());
  if (!stripped) {
    error() << "is not an ONNX model: " << llvm::toString(stripped.takeError());
    return false;
  }
  rawData = std::move(stripped->rawData);
  if (llvm::Error problem =
          checkMessages(stripped->bytes, onnx_ns::ModelProto::descriptor())) {
    error() << "cannot be read: " << llvm::toString(std::move(problem));
    return false;
  }
  google::protobuf::io::CodedInputStream stream(
      reinterpret_cast<const uint8_t *>(stripped->bytes.data()),
      stripped->bytes.size());
  stream.SetRecursionLimit(kMaxNesting + 1);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    error() << "is not an ONNX model: its messages cannot be parsed";
    return false;
  }
  if (!model.has_graph() || model.ir_version() == 0) {
    error() << "is not an ONNX model: it has no graph";
    return false;
  }
  return true;
}

void Importer::checkVersions() {
  if (model.ir_version() > kMaxIRVersion)
    error() << "has IR version " << model.ir_version() << "; versions up to "
            << kMaxIRVersion << " are supported";
  SmallVector<NamedAttribute> list;
  for (const auto &opset : model.opset_import()) {
    std::string domain = opset.domain() == "ai.onnx" ? "" : opset.domain();
    opsets[domain] = opset.version();
    list.push_back(
        builder.getNamedAttr(domain.empty() ? "ai.onnx" : domain,
                             builder.getI64IntegerAttr(opset.version())));
    if (domain.empty() &&
        (opset.version() < kMinOpset || opset.version() > kMaxOpset))
      error() << "uses opset " << opset.version() << "; opsets " << kMinOpset
              << " to " << kMaxOpset << " are supported";
  }
  (*module)->setAttr("onnx.opsets", builder.getDictionaryAttr(list));
  (*module)->setAttr("onnx.ir_version",
                     builder.getI64IntegerAttr(model.ir_version()));
  for (const auto &function : model.functions()) {
    std::string key = function.domain() + "::" + function.name();
    if (!functions.try_emplace(key, &function).second)
      error() << "function '" << key << "' is defined twice";
  }
}

/// A dimension's name: an identifier is a symbol, a number a size, a sum or
/// product of these a polynomial; anything else a symbol of its own.
AffineExpr Importer::importDim(const onnx_ns::TensorShapeProto::Dimension &dim,
                               StringRef input, int index) {
  if (dim.has_dim_value()) {
    if (dim.dim_value() < 0 || dim.dim_value() > kMaxSize) {
      error() << "input '" << input << "' has size " << dim.dim_value()
              << " in dimension " << index;
      return builder.getAffineConstantExpr(1);
    }
    return builder.getAffineConstantExpr(dim.dim_value());
  }
  StringRef text = StringRef(dim.dim_param()).trim();
  int64_t number;
  if (!text.getAsInteger(10, number) && number >= 0 && number <= kMaxSize)
    return builder.getAffineConstantExpr(number);
  std::string fresh = (input + "_d" + Twine(index)).str();
  auto symbol = [&](StringRef name) {
    auto [entry, isNew] = symbols.try_emplace(name, symbolNames.size());
    if (isNew)
      symbolNames.push_back(builder.getStringAttr(name));
    if (isNew && symbolNames.size() == kMaxSymbols + 1)
      error() << "has more than " << kMaxSymbols
              << " different sizes in its inputs";
    return builder.getAffineSymbolExpr(entry->second);
  };
  if (text.empty())
    return symbol(fresh);
  if (!text.contains_insensitive(" ") && !text.contains('*') &&
      !text.contains('+'))
    return symbol(text);
  // A polynomial whose symbols are known already; otherwise a size of its own.
  onnx::Poly sum;
  SmallVector<StringRef> terms, factors;
  text.split(terms, '+');
  for (StringRef term : terms) {
    onnx::Poly product(1);
    factors.clear();
    term.split(factors, '*');
    for (StringRef factor : factors) {
      factor = factor.trim();
      if (!factor.getAsInteger(10, number))
        product = product * onnx::Poly(number);
      else if (symbols.count(factor))
        product = product * onnx::Poly::symbol(symbols[factor]);
      else
        return symbol(fresh);
    }
    sum = sum + product;
    if (!sum.isValid())
      return symbol(fresh);
  }
  return sum.toAffine(context);
}

Type Importer::importInput(const onnx_ns::ValueInfoProto &info) {
  if (!info.type().has_tensor_type()) {
    error() << "input '" << info.name()
            << "' is not a tensor; sequences, maps and optionals are not "
               "supported";
    return {};
  }
  const auto &tensor = info.type().tensor_type();
  Type element = elementType(tensor.elem_type(), context);
  if (!element) {
    error() << "input '" << info.name() << "' has element type "
            << elementTypeName(tensor.elem_type())
            << ", which is not supported";
    return {};
  }
  if (!tensor.has_shape()) {
    error() << "input '" << info.name()
            << "' has no shape: its rank must be known; export the model with "
               "shapes";
    return {};
  }
  if (tensor.shape().dim_size() > kMaxRank) {
    error() << "input '" << info.name() << "' has " << tensor.shape().dim_size()
            << " dimensions, more than " << kMaxRank;
    return {};
  }
  SmallVector<AffineExpr> dims;
  for (int i = 0; i < tensor.shape().dim_size(); ++i)
    dims.push_back(importDim(tensor.shape().dim(i), info.name(), i));
  return onnx::getTensorType(element, dims, 0);
}

/// What the file says of an output, as far as it can be compared with what its
/// node gives; sizes of 0 stand for unknown ones in some files.
Type Importer::importDeclared(const onnx_ns::ValueInfoProto &info) {
  const auto &tensor = info.type().tensor_type();
  Type element = elementType(tensor.elem_type(), context);
  if (!info.type().has_tensor_type() || !element || !tensor.has_shape())
    return {};
  if (tensor.shape().dim_size() > kMaxRank)
    return {};
  SmallVector<int64_t> shape;
  for (const auto &dim : tensor.shape().dim())
    shape.push_back(dim.has_dim_value() && dim.dim_value() > 0
                        ? dim.dim_value()
                        : ShapedType::kDynamic);
  return RankedTensorType::get(shape, element);
}

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

Attribute Importer::importAttribute(const onnx_ns::AttributeProto &attribute,
                                    StringRef node) {
  using Proto = onnx_ns::AttributeProto;
  switch (attribute.type()) {
  case Proto::INT:
    return builder.getI64IntegerAttr(attribute.i());
  case Proto::FLOAT:
    return builder.getF32FloatAttr(attribute.f());
  case Proto::STRING:
    return builder.getStringAttr(attribute.s());
  case Proto::INTS:
    return builder.getDenseI64ArrayAttr(
        SmallVector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
  case Proto::FLOATS:
    return builder.getDenseF32ArrayAttr(SmallVector<float>(
        attribute.floats().begin(), attribute.floats().end()));
  case Proto::STRINGS: {
    SmallVector<Attribute> strings;
    for (const std::string &value : attribute.strings())
      strings.push_back(builder.getStringAttr(value));
    return builder.getArrayAttr(strings);
  }
  case Proto::TENSOR: {
    TensorReader reader(attribute.t(), context);
    if (llvm::Error problem = reader.check()) {
      error() << "node '" << node << "', attribute '" << attribute.name()
              << "': " << llvm::toString(std::move(problem));
      return builder.getUnitAttr();
    }
    if (DenseElementsAttr value = reader.read())
      return value;
    error() << "node '" << node << "', attribute '" << attribute.name()
            << "': the tensor does not fill its shape";
    return builder.getUnitAttr();
  }
  default:
    error() << "node '" << node << "': attribute '" << attribute.name()
            << "' has a type that is not supported";
    return builder.getUnitAttr();
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

/// The body of a model-local function in place of its call.
void Importer::importCall(const onnx_ns::NodeProto &node,
                          const onnx_ns::FunctionProto &function, Scope &scope,
                          const std::string &prefix, unsigned depth) {
  std::string key = function.domain() + "::" + function.name();
  if (llvm::is_contained(callStack, key)) {
    error() << "function '" << key << "' calls itself";
    return;
  }
  if (node.input_size() > function.input_size() ||
      node.output_size() > function.output_size()) {
    error() << "node '" << prefix << node.name() << "' calls function '" << key
            << "' with " << node.input_size() << " inputs and "
            << node.output_size() << " outputs; it has "
            << function.input_size() << " and " << function.output_size();
    return;
  }
  Scope inner{nullptr, {}};
  for (int i = 0; i < function.input_size(); ++i) {
    Value value = i < node.input_size() && !node.input(i).empty()
                      ? scope.lookup(node.input(i))
                      : none();
    if (value)
      define(inner, function.input(i), value);
  }
  llvm::StringMap<const onnx_ns::AttributeProto *> attributes;
  for (const auto &attribute : node.attribute())
    attributes[attribute.name()] = &attribute;
  callStack.push_back(key);
  auto *saved = std::exchange(callAttributes, &attributes);
  importNodes(function.node(), inner,
              prefix + (node.name().empty() ? function.name() : node.name()) +
                  "/",
              depth + 1);
  callAttributes = saved;
  callStack.pop_back();
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty())
      continue;
    if (Value value = inner.values.lookup(function.output(i))) {
      define(scope, node.output(i), value);
      renameTensor(value, builder.getStringAttr(prefix.empty()
                                                    ? node.output(i)
                                                    : prefix + node.output(i)));
    } else if (!failed)
      error() << "function '" << key << "' does not compute its output '"
              << function.output(i) << "'";
  }
}

void Importer::importBody(const onnx_ns::GraphProto &graph, Region &region,
                          Scope &scope, const std::string &prefix,
                          unsigned depth) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  Scope inner{&scope, {}};
  llvm::StringSet<> initializers = namesOfInitializers(graph);
  for (const auto &info : graph.input()) {
    Value argument = block->addArgument(onnx::ValueType::get(context),
                                        builder.getUnknownLoc());
    if (!initializers.contains(info.name()))
      define(inner, info.name(), argument);
  }
  for (const auto &tensor : graph.initializer())
    importInitializer(tensor, 0, inner, /*isMain=*/false);
  importSparseInitializers(graph, inner);
  importNodes(graph.node(), inner, prefix, depth + 1);
  SmallVector<Value> results;
  for (const auto &info : graph.output()) {
    Value value = inner.lookup(info.name());
    if (!value) {
      if (!failed)
        error() << "subgraph '" << graph.name() << "' does not compute '"
                << info.name() << "'";
      continue;
    }
    results.push_back(value);
  }
  onnx::YieldOp::create(builder, builder.getUnknownLoc(), results);
}

void Importer::importNode(const onnx_ns::NodeProto &node, Scope &scope,
                          const std::string &prefix, unsigned depth) {
  std::string domain = node.domain() == "ai.onnx" ? "" : node.domain();
  std::string name = prefix + (node.name().empty() ? node.op_type() + "_#" +
                                                         std::to_string(nodes)
                                                   : node.name());
  if (++nodes > kMaxNodes) {
    if (nodes == kMaxNodes + 1)
      error() << "has more than " << kMaxNodes << " nodes";
    return;
  }
  // What a file says once may be here often: in calls, and before the names of
  // all nodes of a subgraph.
  bool isTooMuch = copied > kMaxCopied;
  copied += name.size() + (callStack.empty() ? 0 : node.ByteSizeLong()) +
            prefix.size() * node.output_size();
  if (copied > kMaxCopied) {
    if (!isTooMuch)
      error() << "is too large once its functions are expanded";
    return;
  }
  if (node.op_type().empty()) {
    error() << "node '" << name << "' names no operator";
    return;
  }
  Location loc = NameLoc::get(builder.getStringAttr(name));
  auto function = functions.find(domain + "::" + node.op_type());
  if (function != functions.end())
    return importCall(node, *function->second, scope, prefix, depth);
  if (domain.empty() && node.op_type() == "Constant")
    return importConstant(node, scope, loc);

  // Inputs left out at the end are as if they were not listed.
  int listed = node.input_size();
  while (listed > 0 && node.input(listed - 1).empty())
    --listed;
  SmallVector<Value> operands;
  for (int i = 0; i < listed; ++i) {
    const std::string &input = node.input(i);
    if (input.empty()) {
      operands.push_back(none());
      continue;
    }
    Value value = scope.lookup(input);
    if (!value) {
      if (!failed)
        error() << "node '" << name << "' (" << node.op_type() << ") reads '"
                << input << "', which no earlier node, input or initializer "
                << "gives";
      return;
    }
    operands.push_back(value);
  }
  SmallVector<NamedAttribute> attributes;
  SmallVector<Attribute> bodyNames;
  SmallVector<const onnx_ns::GraphProto *> bodies;
  for (const auto &formal : node.attribute()) {
    const onnx_ns::AttributeProto *attribute = &formal;
    if (!formal.ref_attr_name().empty()) {
      attribute = callAttributes
                      ? callAttributes->lookup(formal.ref_attr_name())
                      : nullptr;
      if (!attribute)
        continue; // left out by the caller: the operator's default
    }
    if (attribute->type() == onnx_ns::AttributeProto::GRAPH) {
      bodyNames.push_back(builder.getStringAttr(formal.name()));
      bodies.push_back(&attribute->g());
      continue;
    }
    attributes.push_back(
        builder.getNamedAttr(formal.name(), importAttribute(*attribute, name)));
  }
  int64_t version = 1;
  auto known = opsets.find(domain);
  if (domain.empty() && known == opsets.end()) {
    error() << "node '" << name << "' (" << node.op_type()
            << ") is a standard operator, but the file imports no opset of "
               "them";
    return;
  }
  if (known != opsets.end())
    version = std::max<int64_t>(1, known->second);
  SmallVector<Type> results(node.output_size(), onnx::ValueType::get(context));
  auto op = onnx::NodeOp::create(
      builder, loc, results, operands, node.op_type(), domain, name, version,
      builder.getDictionaryAttr(attributes),
      bodies.empty() ? ArrayAttr() : builder.getArrayAttr(bodyNames),
      ArrayAttr(), bodies.size());
  noteProvenance(op, node, prefix);
  for (auto [graph, region] : llvm::zip(bodies, op.getBodies()))
    importBody(*graph, region, scope, name + "/", depth);
  for (auto [output, value] : llvm::zip(node.output(), op.getOutputs()))
    if (!output.empty())
      define(scope, output, value);
}

/// The tensors a node gives keep their names. Those in functions and subgraphs
/// are told apart like their nodes.
void Importer::noteProvenance(onnx::NodeOp op, const onnx_ns::NodeProto &node,
                              const std::string &prefix) {
  Provenance provenance = {op.getNameAttr(), op.getOpTypeAttr(), {}};
  for (const std::string &output : node.output())
    provenance.tensors.push_back(builder.getStringAttr(
        output.empty() ? std::string() : prefix + output));
  op->setLoc(getProvenanceLoc(provenance));
}

void Importer::importNodes(
    const google::protobuf::RepeatedPtrField<onnx_ns::NodeProto> &list,
    Scope &scope, const std::string &prefix, unsigned depth) {
  if (depth > kMaxDepth) {
    if (!failed)
      error() << "nests graphs more than " << kMaxDepth << " deep";
    return;
  }
  for (const auto &node : list)
    importNode(node, scope, prefix, depth);
}

void Importer::importMain() {
  const auto &graph = model.graph();
  llvm::StringSet<> initializers = namesOfInitializers(graph), inputs;

  SmallVector<Type> types;
  SmallVector<std::string> names;
  for (const auto &info : graph.input()) {
    if (!inputs.insert(info.name()).second)
      error() << "input '" << info.name() << "' is declared twice";
    // An input with an initializer of its name has it as its default value.
    if (initializers.contains(info.name()))
      continue;
    Type type = importInput(info);
    if (!type)
      continue;
    types.push_back(type);
    names.push_back(info.name());
  }
  if (failed)
    return;
  // Now that all inputs are known, so is the number of symbols.
  (*module)->setAttr(onnx::ONNXDialect::kSymbols,
                     builder.getArrayAttr(symbolNames));
  for (Type &type : types)
    type = onnx::withSymbols(type, onnx::getNumSymbols(*module));
  builder.setInsertionPointToEnd(module->getBody());
  auto main = func::FuncOp::create(builder, module->getLoc(), "main",
                                   builder.getFunctionType(types, {}));
  builder.setInsertionPointToStart(main.addEntryBlock());
  Scope scope{nullptr, {}};
  for (auto [i, name] : llvm::enumerate(names)) {
    main.setArgAttr(i, onnx::ONNXDialect::kName, builder.getStringAttr(name));
    scope.values[name] = main.getArgument(i);
  }
  for (int i = 0; i < graph.initializer_size(); ++i)
    importInitializer(graph.initializer(i), i, scope, /*isMain=*/true);
  importSparseInitializers(graph, scope);
  importNodes(graph.node(), scope, "", 0);

  SmallVector<Value> results;
  SmallVector<DictionaryAttr> resultAttrs;
  for (const auto &info : graph.output()) {
    Value value = scope.lookup(info.name());
    if (!value) {
      if (!failed)
        error() << "output '" << info.name() << "' is not computed";
      continue;
    }
    results.push_back(value);
    NamedAttrList attributes(builder.getNamedAttr(
        onnx::ONNXDialect::kName, builder.getStringAttr(info.name())));
    if (Type declared = importDeclared(info))
      attributes.set("onnx.declared", TypeAttr::get(declared));
    resultAttrs.push_back(attributes.getDictionary(context));
  }
  if (graph.output_size() == 0)
    error() << "has no outputs";
  func::ReturnOp::create(builder, module->getLoc(), results);
  main.setType(builder.getFunctionType(types, ValueRange(results).getTypes()));
  main.setAllResultAttrs(resultAttrs);
}

FailureOr<OwningOpRef<ModuleOp>> Importer::run() {
  context->loadDialect<onnx::ONNXDialect, weights::WeightsDialect,
                       func::FuncDialect>();
  module = ModuleOp::create(builder, NameLoc::get(builder.getStringAttr(path)));
  (*module)->setAttr(onnx::ONNXDialect::kSymbols, builder.getArrayAttr({}));
  if (!readFile())
    return failure();
  checkVersions();
  if (failed)
    return failure();
  importMain();
  if (failed)
    return failure();
  (*module)->setAttr("onnx.bound_symbols",
                     builder.getI64IntegerAttr(onnx::getNumSymbols(*module)));
  return std::move(module);
}

} // namespace

FailureOr<OwningOpRef<ModuleOp>>
importONNX(StringRef path, MLIRContext *context,
           std::vector<std::string> *externalFiles) {
  Importer importer(path, context);
  auto module = importer.run();
  if (externalFiles)
    *externalFiles = importer.getExternalFiles();
  return module;
}

} // namespace mlir::moe
