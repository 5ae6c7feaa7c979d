//===- Importer.h - One import of an ONNX file ---------------- -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_IMPORT_IMPORTER_H
#define MOE_LIB_IMPORT_IMPORTER_H

#include "ExternalData.h"
#include "TensorData.h"
#include "WireFormat.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/IR/Symbolic.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

// Within our namespace `onnx` is the dialect, not the message classes.
namespace mlir::moe {

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

/// State of an import. Problems are reported as they are found; the import goes
/// on, to find the others, and gives nothing in the end.
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
  /// Reports a name that is no text: it could be in no message and no report.
  bool checkName(StringRef kind, StringRef name);
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

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_IMPORTER_H
