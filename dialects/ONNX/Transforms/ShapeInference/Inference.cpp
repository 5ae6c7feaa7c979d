//===- Inference.cpp - What the rules of shape inference share ------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Inference.h"
#include "dialects/ONNX/Transforms/ShapeInference/Signatures.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

/// Module attribute: pairs of dimensions that must be equal when a model runs.
static constexpr StringLiteral kEqualDims = "onnx.equal_dims";
static constexpr StringLiteral kPositiveDims = ONNXDialect::kPositiveDims;
static constexpr StringLiteral kBoundSymbols = "onnx.bound_symbols";

//===----------------------------------------------------------------------===//
// Facts about values
//===----------------------------------------------------------------------===//

Type onnx::getElementTypeOf(Value value) {
  if (auto tensor = dyn_cast<RankedTensorType>(value.getType()))
    return tensor.getElementType();
  if (auto weight = dyn_cast<weights::WeightTensorType>(value.getType()))
    return weight.getElementType();
  return {};
}

std::optional<Dims> onnx::getPolyDims(Value value) {
  if (!getElementTypeOf(value))
    return std::nullopt;
  Dims dims;
  for (AffineExpr expr : getDims(value.getType(), value.getContext())) {
    dims.push_back(Poly::fromAffine(expr));
    if (!dims.back().isValid())
      return std::nullopt;
  }
  return dims;
}

static Dims fromMap(AffineMap map) {
  Dims result;
  for (AffineExpr expr : map.getResults())
    result.push_back(Poly::fromAffine(expr));
  return result;
}

std::optional<Dims> onnx::getElements(Value value) {
  if (auto constant = value.getDefiningOp<onnx::ConstantOp>()) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!elements || !elements.getElementType().isInteger() ||
        elements.getNumElements() > kMaxElements)
      return std::nullopt;
    Dims result;
    bool isUnsigned = elements.getElementType().isUnsignedInteger() ||
                      elements.getElementType().isInteger(1);
    for (const APInt &element : elements.getValues<APInt>())
      result.push_back(
          Poly(isUnsigned ? element.getZExtValue() : element.getSExtValue()));
    return result;
  }
  auto node = value.getDefiningOp<NodeOp>();
  if (!node)
    return std::nullopt;
  AffineMap map = node.getShapeValue(cast<OpResult>(value).getResultNumber());
  if (!map)
    return std::nullopt;
  return fromMap(map);
}

std::optional<SmallVector<int64_t>> onnx::getConstantElements(Value value) {
  std::optional<Dims> elements = getElements(value);
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (const Poly &element : *elements) {
    std::optional<int64_t> constant = element.asConstant();
    if (!constant)
      return std::nullopt;
    result.push_back(*constant);
  }
  return result;
}

std::optional<double> onnx::getConstantFloat(Value value) {
  auto constant = value.getDefiningOp<onnx::ConstantOp>();
  auto elements =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  if (!elements || !isa<FloatType>(elements.getElementType()) ||
      elements.getNumElements() != 1)
    return std::nullopt;
  APFloat number = *elements.getValues<APFloat>().begin();
  bool inexact;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
  return number.convertToDouble();
}

//===----------------------------------------------------------------------===//
// ShapeContext
//===----------------------------------------------------------------------===//

ShapeContext::ShapeContext(ModuleOp module, bool isImport)
    : isImport(isImport), module(module) {
  if (auto old = module->getAttrOfType<ArrayAttr>(ONNXDialect::kSymbols))
    names.assign(old.begin(), old.end());
  written = bound = names.size();
  if (auto attr = module->getAttrOfType<IntegerAttr>(kBoundSymbols))
    bound = attr.getInt();
  if (auto old = module->getAttrOfType<ArrayAttr>(kEqualDims))
    equalities.insert(old.begin(), old.end());
  if (auto old = module->getAttrOfType<ArrayAttr>(kPositiveDims))
    positives.insert(old.begin(), old.end());
  writtenEqualities = equalities.size();
  writtenPositives = positives.size();
  for (Attribute attr : equalities) {
    AffineMap pair = cast<AffineMapAttr>(attr).getValue();
    if (auto size = dyn_cast<AffineConstantExpr>(pair.getResult(1)))
      sizes[pair.getResult(0)] = size.getValue();
  }
}

void ShapeContext::writeBack() {
  Builder b(module.getContext());
  if (written != names.size()) {
    module->setAttr(ONNXDialect::kSymbols, b.getArrayAttr(names));
    module->setAttr(kBoundSymbols, b.getI64IntegerAttr(bound));
    written = names.size();
  }
  auto write = [&](StringRef name, const llvm::SetVector<Attribute> &maps,
                   size_t &count) {
    if (count == maps.size())
      return;
    SmallVector<Attribute> renumbered;
    for (Attribute attr : maps)
      renumbered.push_back(AffineMapAttr::get(AffineMap::get(
          0, names.size(), cast<AffineMapAttr>(attr).getValue().getResults(),
          module.getContext())));
    module->setAttr(name, b.getArrayAttr(renumbered));
    count = maps.size();
  };
  write(kEqualDims, equalities, writtenEqualities);
  write(kPositiveDims, positives, writtenPositives);
}

Poly ShapeContext::addSymbol(StringRef name) {
  names.push_back(StringAttr::get(module.getContext(), name));
  return Poly::symbol(names.size() - 1);
}

bool ShapeContext::isBound(AffineExpr expr) const {
  bool result = true;
  expr.walk([&](AffineExpr part) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
      result &= symbol.getPosition() < bound;
  });
  return result;
}

std::optional<int64_t> ShapeContext::assumeEqual(const Poly &a, const Poly &b) {
  MLIRContext *context = module.getContext();
  AffineExpr x = a.toAffine(context), y = b.toAffine(context);
  if (!x || !y)
    return std::nullopt;
  if (isa<AffineConstantExpr>(x))
    std::swap(x, y);
  if (auto size = dyn_cast<AffineConstantExpr>(y)) {
    auto [known, inserted] = sizes.try_emplace(x, size.getValue());
    if (!inserted && known->second != size.getValue())
      return known->second;
  }
  // What depends on data is known too late to be checked.
  if (isBound(x) && isBound(y))
    equalities.insert(
        AffineMapAttr::get(AffineMap::get(0, written, {x, y}, context)));
  return std::nullopt;
}

void ShapeContext::assumePositive(const Poly &dim) {
  AffineExpr expr = dim.toAffine(module.getContext());
  if (!expr || !isBound(expr) || (dim - Poly(1)).isNonNegative())
    return;
  positives.insert(AffineMapAttr::get(AffineMap::get(0, written, expr)));
}

//===----------------------------------------------------------------------===//
// Inference
//===----------------------------------------------------------------------===//

LogicalResult Inference::contradict(const Twine &what) {
  emitError(op.getLoc()) << "node '" << op.getName() << "' (" << op.getOpType()
                         << "): " << what;
  contradicted = true;
  return failure();
}

std::string Inference::text(ArrayRef<Poly> dims) {
  std::string result = "[";
  for (auto [i, dim] : llvm::enumerate(dims))
    result += (i ? ", " : "") + text(dim);
  return result + "]";
}

bool Inference::dimsOf(unsigned i, Dims &dims) {
  Value value = op.getInputOrNull(i);
  std::optional<Dims> known = value ? getPolyDims(value) : std::nullopt;
  if (known)
    dims = *known;
  return known.has_value();
}

std::optional<Dims> Inference::elementsOf(unsigned i) {
  Value value = op.getInputOrNull(i);
  return value ? getElements(value) : std::nullopt;
}

std::optional<SmallVector<int64_t>> Inference::constantsOf(unsigned i) {
  Value value = op.getInputOrNull(i);
  return value ? getConstantElements(value) : std::nullopt;
}

std::optional<Dims> Inference::partialElementsOf(unsigned i) {
  if (auto elements = elementsOf(i))
    return elements;
  Value value = op.getInputOrNull(i);
  auto length = [](Value value) -> std::optional<int64_t> {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.getRank() != 1 || type.isDynamicDim(0) ||
        type.getDimSize(0) > kMaxElements)
      return std::nullopt;
    return type.getDimSize(0);
  };
  std::optional<int64_t> count = value ? length(value) : std::nullopt;
  if (!count)
    return std::nullopt;
  // Exporters build shapes with Concat: one unknown part leaves the others.
  auto node = value.getDefiningOp<NodeOp>();
  if (node && node.isStandard("Concat")) {
    Dims result;
    for (Value part : node.getInputs()) {
      if (auto elements = getElements(part))
        result.append(*elements);
      else if (auto size = length(part))
        result.append(*size, Poly::invalid());
    }
    if (int64_t(result.size()) == *count)
      return result;
  }
  return Dims(*count, Poly::invalid());
}

std::optional<Dims> Inference::mapAttr(StringRef name) {
  auto map = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr(name));
  if (!map)
    return std::nullopt;
  return fromMap(map.getValue());
}

Type Inference::elementOf(unsigned i) {
  Value value = op.getInputOrNull(i);
  return value ? getElementTypeOf(value) : Type();
}

Poly Inference::fresh(unsigned result, unsigned dim) {
  std::string name =
      (op.getName() + "_" + Twine(result) + "_d" + Twine(dim)).str();
  if (auto old = dyn_cast<RankedTensorType>(op.getResult(result).getType());
      old && int64_t(dim) < old.getRank()) {
    auto symbol =
        dyn_cast_or_null<AffineSymbolExpr>(getDims(old, op.getContext())[dim]);
    if (symbol && symbol.getPosition() < context.getNumSymbols() &&
        context.getName(symbol.getPosition()) == name)
      return Poly::symbol(symbol.getPosition());
  }
  return context.addSymbol(name);
}

void Inference::makeKnown(unsigned result, Dims &dims) {
  for (auto [i, dim] : llvm::enumerate(dims))
    if (!dim.isValid())
      dim = fresh(result, i);
}

std::optional<SmallVector<int64_t>> Inference::intsOf(StringRef attribute,
                                                      unsigned input) {
  if (auto attr =
          dyn_cast_or_null<DenseI64ArrayAttr>(op.getNodeAttr(attribute)))
    return SmallVector<int64_t>(attr.asArrayRef());
  if (!op.hasInput(input))
    return SmallVector<int64_t>();
  return constantsOf(input);
}

LogicalResult Inference::normalizeAxes(SmallVectorImpl<int64_t> &axes,
                                       int64_t rank) {
  for (int64_t &axis : axes) {
    if (axis < -rank || axis >= rank)
      return contradict("axis " + Twine(axis) + " of a tensor of rank " +
                        Twine(rank));
    if (axis < 0)
      axis += rank;
  }
  return success();
}

LogicalResult Inference::normalizeAxis(int64_t &axis, int64_t rank) {
  SmallVector<int64_t, 1> list = {axis};
  if (failed(normalizeAxes(list, rank)))
    return failure();
  axis = list[0];
  return success();
}

LogicalResult Inference::set(unsigned i, Type element, ArrayRef<Poly> dims) {
  if (!element || i >= op.getNumResults())
    return failure();
  SmallVector<AffineExpr> exprs;
  for (const Poly &dim : dims) {
    exprs.push_back(dim.toAffine(op.getContext()));
    if (!exprs.back())
      return failure();
    if (std::optional<int64_t> constant = dim.asConstant())
      if (*constant < 0)
        return contradict("gives a dimension of size " + Twine(*constant));
  }
  op.getResult(i).setType(
      getTensorType(element, exprs, context.getNumSymbols()));
  return success();
}

void Inference::setElements(unsigned i, ArrayRef<Poly> elements) {
  if (elements.size() > size_t(kMaxElements) || i >= op.getNumResults())
    return;
  SmallVector<AffineExpr> exprs;
  for (const Poly &element : elements) {
    exprs.push_back(element.toAffine(op.getContext()));
    if (!exprs.back())
      return;
  }
  op.setShapeValue(
      i, AffineMap::get(0, context.getNumSymbols(), exprs, op.getContext()));
}

FailureOr<Poly> Inference::unify(const Poly &a, const Poly &b) {
  if (a == b)
    return a;
  if (a.asConstant() && b.asConstant())
    return failure();
  if (std::optional<int64_t> other = context.assumeEqual(a, b)) {
    const Poly &named = a.asConstant() ? b : a, &size = a.asConstant() ? a : b;
    return contradict("needs dimension '" + text(named) + "' to be " +
                      text(size) + ", but another node needs it to be " +
                      Twine(*other));
  }
  if (a.asConstant())
    return a;
  if (b.asConstant())
    return b;
  MLIRContext *mlir = op.getContext();
  return !context.isBound(a.toAffine(mlir)) && context.isBound(b.toAffine(mlir))
             ? b
             : a;
}

/// Equal dimensions stay; 1 stretches. A named size beside another one is taken
/// to be equal: what is run must not depend on which of the two happens to
/// be 1.
LogicalResult Inference::broadcastDims(ArrayRef<Dims> shapes, Dims &result) {
  size_t rank = 0;
  for (const Dims &shape : shapes)
    rank = std::max(rank, shape.size());
  result.assign(rank, Poly(1));
  const Dims *previous = shapes.begin();
  for (const Dims &shape : shapes) {
    for (size_t i = 0; i < shape.size(); ++i) {
      Poly &sum = result[rank - shape.size() + i];
      const Poly &dim = shape[i];
      if (dim.asConstant() == 1)
        continue;
      if (sum.asConstant() == 1) {
        sum = dim;
        continue;
      }
      FailureOr<Poly> same = unify(sum, dim);
      if (failed(same))
        return contradicted ? failure()
                            : contradict("shapes " + text(*previous) + " and " +
                                         text(shape) + " do not broadcast");
      sum = *same;
    }
    if (shape.size() >= previous->size())
      previous = &shape;
  }
  return success();
}

Inference::Rule RuleTable::lookup(StringRef domain, StringRef op,
                                  int64_t version) const {
  auto found = rows.find(key(domain, op));
  if (found == rows.end())
    return nullptr;
  const Row *best = nullptr;
  for (const Row &row : found->second)
    if (row.since <= version && (!best || row.since > best->since))
      best = &row;
  return best ? best->rule : nullptr;
}

bool RuleTable::hasSignatures() const {
  return llvm::all_of(rows, [](const auto &entry) {
    StringRef domain, op;
    std::tie(domain, op) = entry.first().rsplit("::");
    if (op.empty())
      std::swap(domain, op);
    return llvm::all_of(entry.second, [&](const Row &row) {
      return hasSignature(domain, op, row.since);
    });
  });
}

static const RuleTable &getRules() {
  static const RuleTable table = [] {
    RuleTable t;
    addElementwiseRules(t);
    addShapeRules(t);
    addIndexingRules(t);
    addReductionRules(t);
    addProductRules(t);
    addFusedRules(t);
    addControlRules(t);
    assert(t.hasSignatures() && "an operator with a rule needs a signature");
    return t;
  }();
  return table;
}

LogicalResult Inference::run() {
  if (context.isImport)
    if (std::string faults = findSignatureFaults(op); !faults.empty())
      return contradict(faults);
  if (Rule rule =
          getRules().lookup(op.getDomain(), op.getOpType(), op.getVersion()))
    (void)rule(*this); // without a message: not enough is known
  return success(!contradicted);
}

LogicalResult onnx::inferNode(NodeOp op, ShapeContext &context) {
  return Inference(op, context).run();
}

LogicalResult onnx::inferNode(NodeOp op) {
  ShapeContext context(op->getParentOfType<ModuleOp>());
  return inferNode(op, context);
}
