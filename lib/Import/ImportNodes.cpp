//===- ImportNodes.cpp - Nodes, calls of functions and subgraphs ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "moe/Support/Provenance.h"

namespace mlir::moe {

/// Limits that only hostile files meet.
constexpr int64_t kMaxNodes = 1'000'000;
/// Bytes of nodes' full names and of copies that calls of functions make.
constexpr uint64_t kMaxCopied = 256 << 20;
constexpr unsigned kMaxDepth = 64;

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
  if (!checkName("node", name) || !checkName("operator", node.op_type()) ||
      !checkName("domain", domain))
    return;
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

} // namespace mlir::moe
