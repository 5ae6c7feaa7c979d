//===- Signatures.cpp - Check imported nodes against their signature ------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Signatures.h"
#include "dialects/ONNX/Transforms/InferShapes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

/// An input or output: how often it occurs, and the type it must have.
struct Slot {
  StringRef name, type;
  bool isOptional, isVariadic;
};

struct AttributeRule {
  StringRef name, kind;
  SmallVector<StringRef, 0> strings;
  bool isRequired;
};

struct Signature {
  int64_t since;
  SmallVector<Slot, 0> inputs, outputs;
  SmallVector<AttributeRule, 0> attributes;
};

/// What a letter of the table means.
struct TypeClass {
  char letter;
  StringLiteral description;
  bool (*contains)(Type);
};

bool isInteger(Type type) {
  return isa<IntegerType>(type) && !type.isInteger(1);
}

constexpr TypeClass kTypes[] = {
    {'F', "a float type", [](Type t) { return isa<FloatType>(t); }},
    {'N', "a number", [](Type t) { return isa<FloatType>(t) || isInteger(t); }},
    {'Z', "an integer type", isInteger},
    {'I', "i32 or i64",
     [](Type t) { return t.isSignlessInteger(32) || t.isSignlessInteger(64); }},
    {'L', "i64", [](Type t) { return t.isSignlessInteger(64); }},
    {'B', "i1", [](Type t) { return t.isInteger(1); }},
    {'T', "any type", [](Type) { return true; }},
};

/// The letters whose inputs share one element type.
constexpr StringLiteral kShared = "FNZT";

SmallVector<StringRef> words(StringRef text) {
  SmallVector<StringRef> result;
  text.split(result, ' ', -1, /*KeepEmpty=*/false);
  return result;
}

SmallVector<Slot, 0> parseSlots(StringRef text) {
  SmallVector<Slot, 0> slots;
  for (StringRef word : words(text)) {
    bool isOptional = word.consume_back("?"), isAny = word.consume_back("*"),
         isSome = word.consume_back("+");
    auto [name, type] = word.split(':');
    slots.push_back({name, type, isOptional || isAny, isAny || isSome});
  }
  return slots;
}

AttributeRule parseAttribute(StringRef word) {
  AttributeRule rule;
  rule.isRequired = word.consume_back("!");
  std::tie(rule.name, rule.kind) = word.split(':');
  if (rule.kind.consume_back(")")) {
    auto [kind, strings] = rule.kind.split('(');
    rule.kind = kind;
    strings.split(rule.strings, '|');
  }
  return rule;
}

using SignatureTable = llvm::StringMap<SmallVector<Signature, 1>>;

std::string keyOf(StringRef domain, StringRef opType) {
  return (domain + "::" + opType).str();
}

SignatureTable parseTable() {
  SignatureTable table;
  for (const SignatureRow &row : getSignatureRows()) {
    Signature signature{
        row.since, parseSlots(row.inputs), parseSlots(row.outputs), {}};
    for (StringRef word : words(row.attributes))
      signature.attributes.push_back(parseAttribute(word));
    for (StringRef opType : words(row.operators))
      table[keyOf(row.domain, opType)].push_back(signature);
  }
  return table;
}

/// The signature with the largest version that is not above `version`.
const Signature *lookup(StringRef domain, StringRef opType, int64_t version) {
  static const SignatureTable table = parseTable();
  auto found = table.find(keyOf(domain, opType));
  if (found == table.end())
    return nullptr;
  const Signature *best = nullptr;
  for (const Signature &signature : found->second)
    if (signature.since <= version && (!best || signature.since > best->since))
      best = &signature;
  return best;
}

StringRef kindOf(Attribute attribute) {
  if (isa<IntegerAttr>(attribute))
    return "int";
  if (isa<FloatAttr>(attribute))
    return "float";
  if (isa<StringAttr>(attribute))
    return "string";
  if (isa<DenseI64ArrayAttr>(attribute))
    return "ints";
  if (isa<DenseF32ArrayAttr>(attribute))
    return "floats";
  if (isa<ArrayAttr>(attribute))
    return "strings";
  return isa<ElementsAttr>(attribute) ? "tensor" : "unknown";
}

std::string text(Type type) {
  std::string result;
  llvm::raw_string_ostream(result) << type;
  return result;
}

/// Compares one node with one signature.
class Check {
public:
  Check(NodeOp op, const Signature &signature) : op(op), signature(signature) {}

  std::string run() {
    checkCount("input", "takes", numInputs(), signature.inputs);
    checkCount("output", "gives", op.getNumResults(), signature.outputs);
    checkInputs();
    for (const AttributeRule &rule : signature.attributes)
      checkAttribute(rule);
    return llvm::join(faults, "; ");
  }

private:
  void fault(const Twine &what) { faults.push_back(what.str()); }
  unsigned numInputs();
  void checkCount(StringRef what, StringRef verb, unsigned count,
                  ArrayRef<Slot> slots);
  void checkInputs();
  void checkInput(unsigned i, const Slot &slot);
  void checkAttribute(const AttributeRule &rule);
  bool hasBody(StringRef name);

  NodeOp op;
  const Signature &signature;
  SmallVector<std::string> faults;
  /// The first input of each type that inputs share.
  llvm::StringMap<std::pair<unsigned, const Slot *>> shared;
};

/// Inputs that are left out at the end count for nothing.
unsigned Check::numInputs() {
  unsigned count = op.getInputs().size();
  while (count > 0 && !op.hasInput(count - 1))
    --count;
  return count;
}

/// Too many of them, or too few outputs; missing inputs are reported by name.
void Check::checkCount(StringRef what, StringRef verb, unsigned count,
                       ArrayRef<Slot> slots) {
  unsigned least =
      llvm::count_if(slots, [](const Slot &slot) { return !slot.isOptional; });
  bool isTooFew = what == "output" && count < least;
  if (isTooFew)
    fault("has " + Twine(count) + " " + what + (count == 1 ? "" : "s") + ", " +
          verb + " at least " + Twine(least));
  else if (count > slots.size() && (slots.empty() || !slots.back().isVariadic))
    fault("has " + Twine(count) + " " + what + (count == 1 ? "" : "s") + ", " +
          verb + " at most " + Twine(slots.size()));
}

void Check::checkInputs() {
  for (auto [i, slot] : llvm::enumerate(signature.inputs)) {
    unsigned end = slot.isVariadic ? op.getInputs().size() : i + 1;
    if (!slot.isOptional)
      end = std::max<unsigned>(end, i + 1);
    for (unsigned input = i; input < end; ++input)
      checkInput(input, slot);
  }
}

void Check::checkInput(unsigned i, const Slot &slot) {
  Value value = op.getInputOrNull(i);
  std::string name = ("input " + Twine(i) + " (" + slot.name + ")").str();
  if (!value) {
    if (!slot.isOptional || slot.isVariadic)
      fault(name + " is missing");
    return;
  }
  Type type = getElementTypeOf(value);
  if (!type || slot.type == "_")
    return;
  const TypeClass *allowed = llvm::find_if(kTypes, [&](const TypeClass &c) {
    return c.letter == slot.type.front();
  });
  if (!allowed->contains(type)) {
    fault(name + " has elements of " + text(type) + ", must be " +
          allowed->description);
    return;
  }
  if (!kShared.contains(slot.type.front()))
    return;
  auto [first, isNew] = shared.try_emplace(slot.type, i, &slot);
  if (isNew)
    return;
  auto [other, otherSlot] = first->second;
  Type expected = getElementTypeOf(op.getInputs()[other]);
  if (type != expected)
    fault(name + " has elements of " + text(type) + ", must be " +
          text(expected) + " as input " + Twine(other) + " (" +
          otherSlot->name + ")");
}

bool Check::hasBody(StringRef name) {
  std::optional<ArrayAttr> names = op.getBodyNames();
  return names &&
         llvm::is_contained(*names, StringAttr::get(op.getContext(), name));
}

void Check::checkAttribute(const AttributeRule &rule) {
  Attribute attribute = op.getNodeAttr(rule.name);
  bool isBody = hasBody(rule.name);
  if (!attribute && !isBody) {
    if (rule.isRequired)
      fault("attribute '" + rule.name + "' (" + rule.kind + ") is missing");
    return;
  }
  StringRef kind = isBody ? "graph" : kindOf(attribute);
  if (kind != rule.kind) {
    fault("attribute '" + rule.name + "' is of kind " + kind + ", must be " +
          rule.kind);
    return;
  }
  if (rule.strings.empty())
    return;
  StringRef value = cast<StringAttr>(attribute).getValue();
  if (!llvm::is_contained(rule.strings, value))
    fault("attribute '" + rule.name + "' is '" + value + "', must be one of " +
          llvm::join(rule.strings, ", "));
}

} // namespace

bool onnx::hasSignature(StringRef domain, StringRef opType, int64_t version) {
  return lookup(domain, opType, version);
}

std::string onnx::findSignatureFaults(NodeOp op) {
  const Signature *signature =
      lookup(op.getDomain(), op.getOpType(), op.getVersion());
  return signature ? Check(op, *signature).run() : "";
}
