//===- Inference.h - What the rules of shape inference see ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_SHAPEINFERENCE_INFERENCE_H
#define MOE_DIALECTS_ONNX_TRANSFORMS_SHAPEINFERENCE_INFERENCE_H

#include "dialects/ONNX/Transforms/InferShapes.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe::onnx {

using Dims = SmallVector<Poly>;

/// Shape tensors longer than this are data.
constexpr int64_t kMaxElements = 64;

/// What the nodes of a walk share: the symbols, of which the first ones are
/// bound by the inputs, and the equalities of dimensions that the types rely
/// on. Kept out of the module until `writeBack`, so that a walk stays linear.
class ShapeContext {
public:
  /// `isImport`: nodes are as the file has them and are checked against their
  /// signatures.
  explicit ShapeContext(ModuleOp module, bool isImport = false);
  ~ShapeContext() { writeBack(); }
  void writeBack();

  unsigned getNumSymbols() const { return names.size(); }
  StringRef getName(unsigned symbol) const {
    return cast<StringAttr>(names[symbol]).getValue();
  }
  Poly addSymbol(StringRef name);
  /// True when the inputs determine the expression.
  bool isBound(AffineExpr expr) const;
  /// Records that two dimensions must be equal. Gives the earlier size when one
  /// of them was already taken to be another constant.
  std::optional<int64_t> assumeEqual(const Poly &a, const Poly &b);
  /// Records that a dimension must not be 0.
  void assumePositive(const Poly &dim);
  ModuleOp getModule() { return module; }

  const bool isImport;

private:
  ModuleOp module;
  SmallVector<Attribute> names;
  unsigned bound, written;
  llvm::SetVector<Attribute> equalities;
  llvm::SetVector<Attribute> positives;
  size_t writtenEqualities, writtenPositives;
  llvm::DenseMap<AffineExpr, int64_t> sizes;
};

/// Infers one node. A rule returns failure without a message when it does not
/// know enough; `contradict` reports.
class Inference {
public:
  using Rule = LogicalResult (*)(Inference &);

  Inference(NodeOp op, ShapeContext &context)
      : op(op), context(context), b(op.getContext()) {}

  LogicalResult run();

  /// Reports operands that cannot go together. Gives failure.
  LogicalResult contradict(const Twine &what);
  /// Fails without a message: a node inside was reported.
  void markContradicted() { contradicted = true; }
  std::string text(const Poly &poly) {
    return toString(poly.toAffine(op.getContext()), context.getModule());
  }
  std::string text(ArrayRef<Poly> dims);

  bool dimsOf(unsigned i, Dims &dims);
  std::optional<Dims> elementsOf(unsigned i);
  std::optional<SmallVector<int64_t>> constantsOf(unsigned i);
  /// The elements of input `i`, of which some may be invalid: unknown. Nothing
  /// when even their number is unknown.
  std::optional<Dims> partialElementsOf(unsigned i);
  /// A map attribute of the normalized form as polynomials.
  std::optional<Dims> mapAttr(StringRef name);
  Type elementOf(unsigned i);

  /// A symbol for a size that depends on data; the same one when the node is
  /// inferred again.
  Poly fresh(unsigned result, unsigned dim);
  /// Replaces the invalid dimensions by fresh symbols.
  void makeKnown(unsigned result, Dims &dims);

  /// Ints from an attribute or, in later versions, an input.
  std::optional<SmallVector<int64_t>> intsOf(StringRef attribute,
                                             unsigned input);
  LogicalResult normalizeAxes(SmallVectorImpl<int64_t> &axes, int64_t rank);
  LogicalResult normalizeAxis(int64_t &axis, int64_t rank);

  LogicalResult set(unsigned i, Type element, ArrayRef<Poly> dims);
  void setElements(unsigned i, ArrayRef<Poly> elements);

  /// The one dimension that two equal ones are. Fails when they cannot be
  /// equal.
  FailureOr<Poly> unify(const Poly &a, const Poly &b);
  /// The broadcast shape. Fails with a message when there is none.
  LogicalResult broadcastDims(ArrayRef<Dims> shapes, Dims &result);

  NodeOp op;
  ShapeContext &context;
  Builder b;

private:
  bool contradicted = false;
};

/// Rules by (domain, operator), each valid from an opset version on.
class RuleTable {
public:
  void add(StringRef op, int64_t since, Inference::Rule rule,
           StringRef domain = "") {
    rows[key(domain, op)].push_back({since, rule});
  }
  void addAll(std::initializer_list<StringRef> ops, int64_t since,
              Inference::Rule rule, StringRef domain = "") {
    for (StringRef op : ops)
      add(op, since, rule, domain);
  }
  /// The row with the largest version that is not above `version`.
  Inference::Rule lookup(StringRef domain, StringRef op, int64_t version) const;
  /// True when every row has a signature.
  bool hasSignatures() const;

private:
  struct Row {
    int64_t since;
    Inference::Rule rule;
  };
  static std::string key(StringRef domain, StringRef op) {
    return domain.empty() ? op.str() : (domain + "::" + op).str();
  }
  llvm::StringMap<SmallVector<Row, 2>> rows;
};

constexpr StringLiteral kMicrosoft = "com.microsoft";

/// The type of ONNX's element type number, or null.
Type getElementType(int64_t number, Builder b);
LogicalResult inferSameAsFirst(Inference &n);

void addElementwiseRules(RuleTable &table);
void addShapeRules(RuleTable &table);
void addIndexingRules(RuleTable &table);
void addReductionRules(RuleTable &table);
void addProductRules(RuleTable &table);
void addFusedRules(RuleTable &table);
void addControlRules(RuleTable &table);

} // namespace mlir::moe::onnx

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_SHAPEINFERENCE_INFERENCE_H
