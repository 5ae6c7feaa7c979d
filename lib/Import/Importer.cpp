//===- Importer.cpp - ONNX files to the onnx dialect ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "moe/Import/Import.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <google/protobuf/io/coded_stream.h>

namespace mlir::moe {

/// Bufferization compares each output with each reader: more take minutes.
constexpr int kMaxOutputs = 2048;
constexpr int kMinOpset = 7, kMaxOpset = 26, kMaxIRVersion = 13;

bool Importer::checkName(StringRef kind, StringRef name) {
  if (llvm::json::isUTF8(name))
    return true;
  std::string shown;
  llvm::raw_string_ostream stream(shown);
  llvm::printEscapedString(name, stream);
  error() << "the name of " << kind << " '" << shown
          << "' is not UTF-8; the file is damaged, or its exporter wrong";
  return false;
}

void Importer::define(Scope &scope, StringRef name, Value value) {
  if (!checkName("value", name))
    return;
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

void Importer::importMain() {
  const auto &graph = model.graph();
  llvm::StringSet<> initializers = namesOfInitializers(graph), inputs;

  SmallVector<Type> types;
  SmallVector<std::string> names;
  for (const auto &info : graph.input()) {
    if (!inputs.insert(info.name()).second)
      error() << "input '" << info.name() << "' is declared twice";
    if (!checkName("input", info.name()))
      continue;
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
  if (graph.output_size() > kMaxOutputs)
    error() << "has " << graph.output_size() << " outputs, more than "
            << kMaxOutputs;
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
