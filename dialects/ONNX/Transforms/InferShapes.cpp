//===- InferShapes.cpp - Types of nodes from types of operands ------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/InferShapes.h"
#include "dialects/ONNX/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

namespace mlir::moe::onnx {
#define GEN_PASS_DEF_ONNXINFERSHAPES
#include "dialects/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::moe::onnx

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

using Dims = SmallVector<Poly>;

/// Shape tensors longer than this are data.
static constexpr int64_t kMaxElements = 64;

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
  Dims result;
  for (AffineExpr expr : map.getResults())
    result.push_back(Poly::fromAffine(expr));
  return result;
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

namespace {

/// Infers one node. A rule returns failure without a message when it does not
/// know enough; `contradict` reports.
class Inference {
public:
  explicit Inference(NodeOp op)
      : op(op), module(op->getParentOfType<ModuleOp>()), b(op.getContext()) {}

  LogicalResult run();

private:
  using Rule = LogicalResult (Inference::*)();
  static const llvm::StringMap<Rule> &rules();

  // Rules, by kind of operator.
  LogicalResult sameAsFirst();
  LogicalResult broadcast();
  LogicalResult comparison();
  LogicalResult test();
  LogicalResult where();
  LogicalResult cast();
  LogicalResult shape();
  LogicalResult size();
  LogicalResult reshape();
  LogicalResult squeeze();
  LogicalResult unsqueeze();
  LogicalResult flatten();
  LogicalResult transpose();
  LogicalResult expand();
  LogicalResult concat();
  LogicalResult slice();
  LogicalResult split();
  LogicalResult gather();
  LogicalResult gatherElements();
  LogicalResult range();
  LogicalResult constantOfShape();
  LogicalResult topK();
  LogicalResult matMul();
  LogicalResult gemm();
  LogicalResult reduce();
  LogicalResult argReduce();
  LogicalResult skipNorm();
  LogicalResult attention();
  LogicalResult multiHeadAttention();

  bool contradict(const Twine &what) {
    op.emitError("node '") << op.getName() << "' (" << op.getOpType()
                           << "): " << what;
    contradicted = true;
    return false;
  }
  std::string text(const Poly &poly) {
    return toString(poly.toAffine(op.getContext()), module);
  }
  std::string text(ArrayRef<Poly> dims) {
    std::string result = "[";
    for (auto [i, dim] : llvm::enumerate(dims))
      result += (i ? ", " : "") + text(dim);
    return result + "]";
  }

  bool dimsOf(unsigned i, Dims &dims) {
    Value value = op.getInputOrNull(i);
    std::optional<Dims> known = value ? getPolyDims(value) : std::nullopt;
    if (known)
      dims = *known;
    return known.has_value();
  }
  std::optional<Dims> elementsOf(unsigned i) {
    Value value = op.getInputOrNull(i);
    return value ? getElements(value) : std::nullopt;
  }
  std::optional<SmallVector<int64_t>> constantsOf(unsigned i) {
    Value value = op.getInputOrNull(i);
    return value ? getConstantElements(value) : std::nullopt;
  }
  Type elementOf(unsigned i) {
    Value value = op.getInputOrNull(i);
    return value ? getElementTypeOf(value) : Type();
  }
  Poly fresh(unsigned result, unsigned dim) {
    std::string name = (op.getName() + "_" + Twine(result) + "_d" + Twine(dim)).str();
    return Poly::symbol(addSymbol(module, name));
  }
  /// The axes of a Squeeze, Unsqueeze or reduction: an attribute or an input.
  std::optional<SmallVector<int64_t>> axes(unsigned input) {
    if (auto attr =
            dyn_cast_or_null<DenseI64ArrayAttr>(op.getNodeAttr("axes")))
      return SmallVector<int64_t>(attr.asArrayRef());
    if (!op.hasInput(input))
      return SmallVector<int64_t>();
    return constantsOf(input);
  }
  bool normalizeAxes(SmallVector<int64_t> &axes, int64_t rank) {
    for (int64_t &axis : axes) {
      if (axis < -rank || axis >= rank)
        return contradict("axis " + Twine(axis) + " of a tensor of rank " +
                          Twine(rank));
      if (axis < 0)
        axis += rank;
    }
    return true;
  }
  bool normalizeAxis(int64_t &axis, int64_t rank) {
    SmallVector<int64_t> list = {axis};
    if (!normalizeAxes(list, rank))
      return false;
    axis = list[0];
    return true;
  }

  LogicalResult set(unsigned i, Type element, ArrayRef<Poly> dims) {
    if (!element || i >= op.getNumResults())
      return failure();
    SmallVector<AffineExpr> exprs;
    for (const Poly &dim : dims) {
      exprs.push_back(dim.toAffine(op.getContext()));
      if (!exprs.back())
        return failure();
      if (std::optional<int64_t> constant = dim.asConstant())
        if (*constant < 0)
          return contradict("gives a dimension of size " + Twine(*constant)),
                 failure();
    }
    op.getResult(i).setType(
        getTensorType(element, exprs, getNumSymbols(module)));
    return success();
  }
  void setElements(unsigned i, ArrayRef<Poly> elements) {
    if (elements.size() > size_t(kMaxElements))
      return;
    SmallVector<AffineExpr> exprs;
    for (const Poly &element : elements) {
      exprs.push_back(element.toAffine(op.getContext()));
      if (!exprs.back())
        return;
    }
    op.setShapeValue(
        i, AffineMap::get(0, getNumSymbols(module), exprs, op.getContext()));
  }
  bool broadcastDims(ArrayRef<Dims> shapes, Dims &result);

  NodeOp op;
  ModuleOp module;
  Builder b;
  bool contradicted = false;
};

LogicalResult Inference::sameAsFirst() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  if (auto elements = elementsOf(0);
      elements && (op.isStandard("Identity") || op.isStandard("Dropout")))
    setElements(0, *elements);
  if (op.isStandard("Neg"))
    if (auto elements = elementsOf(0)) {
      for (Poly &element : *elements)
        element = element * Poly(-1);
      setElements(0, *elements);
    }
  return set(0, elementOf(0), dims);
}

/// Equal dimensions stay; 1 stretches. A named size beside another one is taken
/// to be equal when the file leaves no other way for it to be valid.
bool Inference::broadcastDims(ArrayRef<Dims> shapes, Dims &result) {
  size_t rank = 0;
  for (const Dims &shape : shapes)
    rank = std::max(rank, shape.size());
  result.assign(rank, Poly(1));
  for (const Dims &shape : shapes)
    for (size_t i = 0; i < shape.size(); ++i) {
      Poly &sum = result[rank - shape.size() + i];
      const Poly &dim = shape[i];
      if (sum == dim || dim.asConstant() == 1)
        continue;
      if (sum.asConstant() == 1) {
        sum = dim;
        continue;
      }
      if (sum.asConstant() && dim.asConstant())
        return contradict("shapes " + text(shapes[0]) + " and " +
                          text(shapes.back()) + " do not broadcast");
      // One is a name, the other is not 1: they must be equal at run time.
      if (dim.asConstant())
        sum = dim;
    }
  return true;
}

LogicalResult Inference::broadcast() {
  SmallVector<Dims> shapes(op.getInputs().size());
  for (unsigned i = 0; i < shapes.size(); ++i)
    if (!dimsOf(i, shapes[i]))
      return failure();
  Dims result;
  if (shapes.empty() || !broadcastDims(shapes, result))
    return failure();
  // Arithmetic on shapes.
  if (op.getDomain().empty() && shapes.size() == 2) {
    auto lhs = elementsOf(0), rhs = elementsOf(1);
    if (lhs && rhs && !lhs->empty() && !rhs->empty()) {
      size_t n = std::max(lhs->size(), rhs->size());
      Dims elements;
      for (size_t i = 0; i < n; ++i) {
        const Poly &x = (*lhs)[lhs->size() == 1 ? 0 : i];
        const Poly &y = (*rhs)[rhs->size() == 1 ? 0 : i];
        auto cx = x.asConstant(), cy = y.asConstant();
        std::optional<Poly> z;
        if (op.getOpType() == "Add")
          z = x + y;
        else if (op.getOpType() == "Sub")
          z = x - y;
        else if (op.getOpType() == "Mul")
          z = x * y;
        else if (op.getOpType() == "Div") {
          if (cx && cy && *cy != 0 && !(*cx == INT64_MIN && *cy == -1))
            z = Poly(*cx / *cy); // ONNX truncates
          else
            z = x.dividedBy(y);
        } else if (op.getOpType() == "Max" && cx && cy)
          z = Poly(std::max(*cx, *cy));
        else if (op.getOpType() == "Min" && cx && cy)
          z = Poly(std::min(*cx, *cy));
        if (!z || !z->isValid())
          break;
        elements.push_back(*z);
      }
      if (elements.size() == n)
        setElements(0, elements);
    }
  }
  return set(0, elementOf(0), result);
}

LogicalResult Inference::comparison() {
  SmallVector<Dims> shapes(2);
  Dims result;
  if (!dimsOf(0, shapes[0]) || !dimsOf(1, shapes[1]) ||
      !broadcastDims(shapes, result))
    return failure();
  return set(0, b.getI1Type(), result);
}

LogicalResult Inference::test() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  return set(0, b.getI1Type(), dims);
}

LogicalResult Inference::where() {
  SmallVector<Dims> shapes(3);
  Dims result;
  for (unsigned i = 0; i < 3; ++i)
    if (!dimsOf(i, shapes[i]))
      return failure();
  if (!broadcastDims(shapes, result))
    return failure();
  return set(0, elementOf(1), result);
}

/// ONNX element type numbers, as Cast's `to` has them.
static Type typeFromNumber(int64_t number, Builder b) {
  switch (number) {
  case 1:
    return b.getF32Type();
  case 2:
    return b.getIntegerType(8, false);
  case 3:
    return b.getIntegerType(8);
  case 4:
    return b.getIntegerType(16, false);
  case 5:
    return b.getIntegerType(16);
  case 6:
    return b.getI32Type();
  case 7:
    return b.getI64Type();
  case 9:
    return b.getI1Type();
  case 10:
    return b.getF16Type();
  case 11:
    return b.getF64Type();
  case 12:
    return b.getIntegerType(32, false);
  case 13:
    return b.getIntegerType(64, false);
  case 16:
    return b.getBF16Type();
  }
  return {};
}

LogicalResult Inference::cast() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  Type element = op.isStandard("CastLike")
                     ? elementOf(1)
                     : typeFromNumber(op.getInt("to", 0), b);
  if (element && element.isInteger() && !element.isInteger(1))
    if (auto elements = elementsOf(0))
      setElements(0, *elements);
  return set(0, element, dims);
}

LogicalResult Inference::shape() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  int64_t rank = dims.size();
  int64_t start = op.getInt("start", 0), end = op.getInt("end", rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  Dims elements(dims.begin() + start, dims.begin() + end);
  setElements(0, elements);
  return set(0, b.getI64Type(), {Poly(end - start)});
}

LogicalResult Inference::size() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  Poly product(1);
  for (const Poly &dim : dims)
    product = product * dim;
  setElements(0, {product});
  return set(0, b.getI64Type(), {});
}

LogicalResult Inference::reshape() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  if (auto elements = elementsOf(0))
    setElements(0, *elements);
  // The normalized form has its target as an attribute.
  if (auto map = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("shape"))) {
    Dims target;
    for (AffineExpr expr : map.getValue().getResults())
      target.push_back(Poly::fromAffine(expr));
    return set(0, elementOf(0), target);
  }
  auto target = elementsOf(1);
  if (!target)
    return failure();
  bool allowZero = op.getInt("allowzero", 0) != 0;
  Poly total(1), known(1);
  for (const Poly &dim : dims)
    total = total * dim;
  std::optional<size_t> inferred;
  for (auto [i, dim] : llvm::enumerate(*target)) {
    if (dim.asConstant() == -1) {
      if (inferred)
        return contradict("more than one -1 in the shape"), failure();
      inferred = i;
      continue;
    }
    if (dim.asConstant() == 0 && !allowZero) {
      if (i >= dims.size())
        return contradict("0 in the shape copies dimension " + Twine(i) +
                          " of a tensor of rank " + Twine(dims.size())),
               failure();
      dim = dims[i];
    }
    known = known * dim;
  }
  if (inferred) {
    // Common factors cancel one by one, so that a size of 0 does not matter.
    std::optional<Poly> rest = total.dividedBy(known);
    if (!rest && total.asConstant() && known.asConstant())
      return contradict("cannot reshape " + text(dims) + " to " +
                        text(*target)),
             failure();
    (*target)[*inferred] = rest ? *rest : fresh(0, *inferred);
  } else if (auto a = total.asConstant(), c = known.asConstant();
             a && c && *a != *c) {
    return contradict("cannot reshape " + text(dims) + " to " + text(*target)),
           failure();
  }
  return set(0, elementOf(0), *target);
}

LogicalResult Inference::squeeze() {
  Dims dims, result;
  auto list = axes(1);
  if (!dimsOf(0, dims) || !list)
    return failure();
  if (auto elements = elementsOf(0))
    setElements(0, *elements);
  bool all = !op.hasInput(1) && !op.getNodeAttr("axes");
  if (!normalizeAxes(*list, dims.size()))
    return failure();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    bool named = llvm::is_contained(*list, int64_t(i));
    if (named && dim.asConstant() && dim.asConstant() != 1)
      return contradict("squeezes dimension " + Twine(i) + " of " +
                        text(dims)),
             failure();
    if (!named && !(all && dim.asConstant() == 1))
      result.push_back(dim);
  }
  return set(0, elementOf(0), result);
}

LogicalResult Inference::unsqueeze() {
  Dims dims, result;
  auto list = axes(1);
  if (!dimsOf(0, dims) || !list)
    return failure();
  if (auto elements = elementsOf(0))
    setElements(0, *elements);
  int64_t rank = dims.size() + list->size();
  if (!normalizeAxes(*list, rank))
    return failure();
  size_t next = 0;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(*list, i))
      result.push_back(Poly(1));
    else if (next < dims.size())
      result.push_back(dims[next++]);
  }
  return set(0, elementOf(0), result);
}

LogicalResult Inference::flatten() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  int64_t axis = op.getInt("axis", 1), rank = dims.size();
  if (axis < 0)
    axis += rank;
  if (axis < 0 || axis > rank)
    return failure();
  Poly rows(1), columns(1);
  for (int64_t i = 0; i < rank; ++i)
    (i < axis ? rows : columns) = (i < axis ? rows : columns) * dims[i];
  return set(0, elementOf(0), {rows, columns});
}

LogicalResult Inference::transpose() {
  Dims dims, result;
  if (!dimsOf(0, dims))
    return failure();
  SmallVector<int64_t> perm;
  if (auto attr = dyn_cast_or_null<DenseI64ArrayAttr>(op.getNodeAttr("perm")))
    perm.assign(attr.asArrayRef().begin(), attr.asArrayRef().end());
  else
    for (int64_t i = dims.size() - 1; i >= 0; --i)
      perm.push_back(i);
  if (perm.size() != dims.size())
    return contradict("permutes " + Twine(perm.size()) +
                      " dimensions of a tensor of rank " + Twine(dims.size())),
           failure();
  for (int64_t from : perm) {
    if (from < 0 || from >= int64_t(dims.size()))
      return contradict("has a permutation out of range"), failure();
    result.push_back(dims[from]);
  }
  return set(0, elementOf(0), result);
}

LogicalResult Inference::expand() {
  Dims dims, result;
  if (!dimsOf(0, dims))
    return failure();
  if (auto map = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("shape"))) {
    for (AffineExpr expr : map.getValue().getResults())
      result.push_back(Poly::fromAffine(expr));
    return set(0, elementOf(0), result);
  }
  auto target = elementsOf(1);
  if (!target || !broadcastDims({dims, *target}, result))
    return failure();
  return set(0, elementOf(0), result);
}

LogicalResult Inference::concat() {
  Dims first;
  if (!dimsOf(0, first))
    return failure();
  int64_t axis = op.getInt("axis", 0);
  if (!normalizeAxis(axis, first.size()))
    return failure();
  Dims result = first, elements;
  bool known = first.size() == 1;
  for (unsigned i = 0; i < op.getInputs().size(); ++i) {
    Dims dims;
    if (!dimsOf(i, dims))
      return failure();
    if (dims.size() != first.size())
      return contradict("concatenates ranks " + Twine(first.size()) + " and " +
                        Twine(dims.size())),
             failure();
    for (int64_t d = 0; d < int64_t(dims.size()); ++d) {
      if (d == axis)
        continue;
      if (dims[d].asConstant() && result[d].asConstant() &&
          dims[d] != result[d])
        return contradict("concatenates " + text(first) + " and " + text(dims) +
                          " along dimension " + Twine(axis)),
               failure();
      if (dims[d].asConstant())
        result[d] = dims[d];
    }
    if (i > 0)
      result[axis] = result[axis] + dims[axis];
    auto part = elementsOf(i);
    known &= part.has_value();
    if (part)
      elements.append(*part);
  }
  if (known)
    setElements(0, elements);
  return set(0, elementOf(0), result);
}

/// One dimension of a Slice: begin and number of elements. Bounds that are
/// polynomials are accepted when they are 0, the whole size, or below it by
/// construction.
static std::optional<std::pair<Poly, Poly>>
sliceDim(const Poly &dim, Poly start, Poly end, int64_t step) {
  auto size = dim.asConstant(), from = start.asConstant(),
       to = end.asConstant();
  if (size && from && to && step != 0) {
    auto clampTo = [&](int64_t v, int64_t low, int64_t high) {
      if (v < 0)
        v += *size;
      return std::clamp(v, low, high);
    };
    int64_t s, e, n;
    if (step > 0) {
      s = clampTo(*from, 0, *size);
      e = clampTo(*to, 0, *size);
      n = e > s ? (e - s + step - 1) / step : 0;
    } else {
      s = clampTo(*from, 0, *size - 1);
      e = *to < -*size ? -1 : clampTo(*to, -1, *size - 1);
      n = s > e ? (s - e - step - 1) / -step : 0;
    }
    return std::make_pair(Poly(s), Poly(n));
  }
  if (step != 1)
    return std::nullopt;
  if (from && *from < 0)
    start = dim + start;
  if (to && *to >= INT32_MAX)
    end = dim;
  else if (to && *to < 0)
    end = dim + end;
  // A size that is a sum with non-negative terms holds any of its parts; so
  // 0 <= start <= end <= dim is certain only for these shapes of bounds.
  Poly count = end - start;
  return std::make_pair(start, count);
}

LogicalResult Inference::slice() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  if (auto sizes = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("sizes"))) {
    Dims result;
    for (AffineExpr expr : sizes.getValue().getResults())
      result.push_back(Poly::fromAffine(expr));
    return set(0, elementOf(0), result);
  }
  auto starts = elementsOf(1), ends = elementsOf(2);
  if (!starts || !ends || starts->size() != ends->size())
    return failure();
  SmallVector<int64_t> list, steps(starts->size(), 1);
  if (op.hasInput(3)) {
    auto given = constantsOf(3);
    if (!given)
      return failure();
    list = *given;
  } else {
    for (size_t i = 0; i < starts->size(); ++i)
      list.push_back(i);
  }
  if (op.hasInput(4)) {
    auto given = constantsOf(4);
    if (!given)
      return failure();
    steps = *given;
  }
  if (list.size() != starts->size() || steps.size() != starts->size() ||
      !normalizeAxes(list, dims.size()))
    return failure();
  Dims result = dims;
  SmallVector<AffineExpr> begins(dims.size(), b.getAffineConstantExpr(0)), extents;
  SmallVector<int64_t> strides(dims.size(), 1);
  for (auto [i, axis] : llvm::enumerate(list)) {
    auto range = sliceDim(dims[axis], (*starts)[i], (*ends)[i], steps[i]);
    if (!range || !range->first.isValid() || !range->second.isValid())
      return failure();
    begins[axis] = range->first.toAffine(op.getContext());
    result[axis] = range->second;
    strides[axis] = steps[i];
  }
  auto elements = elementsOf(0);
  if (elements && dims.size() == 1) {
    auto start = dyn_cast<AffineConstantExpr>(begins[0]);
    auto count = result[0].asConstant();
    if (start && count) {
      Dims part;
      for (int64_t i = 0; i < *count; ++i)
        part.push_back((*elements)[start.getValue() + i * strides[0]]);
      setElements(0, part);
    }
  }
  if (failed(set(0, elementOf(0), result)))
    return failure();
  // Leave what was computed for the normalized form.
  NamedAttrList attrs(op.getNodeAttrs());
  unsigned symbols = getNumSymbols(module);
  for (const Poly &dim : result)
    extents.push_back(dim.toAffine(op.getContext()));
  attrs.set("offsets", AffineMapAttr::get(AffineMap::get(0, symbols, begins, op.getContext())));
  attrs.set("sizes", AffineMapAttr::get(AffineMap::get(0, symbols, extents, op.getContext())));
  attrs.set("steps", b.getDenseI64ArrayAttr(strides));
  op.setNodeAttrsAttr(attrs.getDictionary(op.getContext()));
  return success();
}

LogicalResult Inference::split() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  int64_t axis = op.getInt("axis", 0);
  if (!normalizeAxis(axis, dims.size()))
    return failure();
  SmallVector<int64_t> sizes;
  if (auto attr = dyn_cast_or_null<DenseI64ArrayAttr>(op.getNodeAttr("split"))) {
    sizes.assign(attr.asArrayRef().begin(), attr.asArrayRef().end());
  } else if (op.hasInput(1)) {
    auto given = constantsOf(1);
    if (!given)
      return failure();
    sizes = *given;
  } else {
    auto total = dims[axis].asConstant();
    int64_t n = op.getNumResults();
    if (!total || n == 0)
      return failure();
    int64_t chunk = llvm::divideCeil(*total, n);
    for (int64_t i = 0; i < n; ++i)
      sizes.push_back(std::max<int64_t>(0, std::min(chunk, *total - i * chunk)));
  }
  int64_t sum = 0;
  for (int64_t size : sizes)
    sum += size;
  if (sizes.size() != op.getNumResults() ||
      (dims[axis].asConstant() && *dims[axis].asConstant() != sum))
    return contradict("splits " + text(dims) + " along dimension " +
                      Twine(axis) + " into parts of " + Twine(sum) +
                      " in all"),
           failure();
  auto elements = elementsOf(0);
  int64_t at = 0;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    Dims result = dims;
    result[axis] = Poly(size);
    if (failed(set(i, elementOf(0), result)))
      return failure();
    if (elements && dims.size() == 1)
      setElements(i, ArrayRef<Poly>(*elements).slice(at, size));
    at += size;
  }
  return success();
}

LogicalResult Inference::gather() {
  Dims data, indices, result;
  if (!dimsOf(0, data) || !dimsOf(1, indices))
    return failure();
  int64_t axis = op.getInt("axis", 0);
  if (!normalizeAxis(axis, data.size()))
    return failure();
  for (int64_t i = 0; i < int64_t(data.size()); ++i) {
    if (i == axis)
      result.append(indices);
    else
      result.push_back(data[i]);
  }
  auto elements = elementsOf(0);
  auto chosen = constantsOf(1);
  if (elements && chosen && data.size() == 1) {
    Dims picked;
    for (int64_t index : *chosen) {
      if (index < 0)
        index += elements->size();
      if (index < 0 || index >= int64_t(elements->size()))
        return contradict("gathers element " + Twine(index) + " of " +
                          Twine(elements->size())),
               failure();
      picked.push_back((*elements)[index]);
    }
    setElements(0, picked);
  }
  return set(0, elementOf(0), result);
}

LogicalResult Inference::gatherElements() {
  Dims dims;
  if (!dimsOf(1, dims))
    return failure();
  return set(0, elementOf(0), dims);
}

LogicalResult Inference::range() {
  auto start = elementsOf(0), limit = elementsOf(1);
  auto delta = constantsOf(2);
  if (!elementOf(0))
    return failure();
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 ||
      delta->size() != 1 || (*delta)[0] == 0)
    return set(0, elementOf(0), {fresh(0, 0)});
  Poly span = (*limit)[0] - (*start)[0];
  int64_t step = (*delta)[0];
  if (auto constant = span.asConstant()) {
    int64_t n = std::max<int64_t>(
        0, step > 0 ? (*constant + step - 1) / step
                    : (*constant + step + 1) / step);
    auto first = (*start)[0];
    if (n <= kMaxElements) {
      Dims elements;
      for (int64_t i = 0; i < n; ++i)
        elements.push_back(first + Poly(i * step));
      setElements(0, elements);
    }
    return set(0, elementOf(0), {Poly(n)});
  }
  return set(0, elementOf(0), {step == 1 ? span : fresh(0, 0)});
}

LogicalResult Inference::constantOfShape() {
  auto target = elementsOf(0);
  if (auto map = dyn_cast_or_null<AffineMapAttr>(op.getNodeAttr("shape"))) {
    target = Dims();
    for (AffineExpr expr : map.getValue().getResults())
      target->push_back(Poly::fromAffine(expr));
  }
  if (!target)
    return failure();
  Type element = b.getF32Type();
  auto value = dyn_cast_or_null<DenseElementsAttr>(op.getNodeAttr("value"));
  if (value)
    element = value.getElementType();
  if (target->size() == 1 && element.isInteger() && value &&
      (*target)[0].asConstant() &&
      *(*target)[0].asConstant() <= kMaxElements)
    setElements(0, Dims(*(*target)[0].asConstant(),
                        Poly(value.getSplatValue<APInt>().getSExtValue())));
  return set(0, element, *target);
}

LogicalResult Inference::topK() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  int64_t axis = op.getInt("axis", -1);
  if (!normalizeAxis(axis, dims.size()))
    return failure();
  auto k = elementsOf(1);
  if (!k || k->size() != 1)
    return failure();
  if (auto n = dims[axis].asConstant(), c = (*k)[0].asConstant();
      n && c && *c > *n)
    return contradict("takes " + Twine(*c) + " of " + Twine(*n)), failure();
  dims[axis] = (*k)[0];
  if (failed(set(0, elementOf(0), dims)))
    return failure();
  return op.getNumResults() > 1 ? set(1, b.getI64Type(), dims) : success();
}

LogicalResult Inference::matMul() {
  Dims lhs, rhs;
  if (!dimsOf(0, lhs) || !dimsOf(1, rhs))
    return failure();
  if (lhs.empty() || rhs.empty())
    return contradict("multiplies a scalar"), failure();
  bool lhsVector = lhs.size() == 1, rhsVector = rhs.size() == 1;
  if (lhsVector)
    lhs.insert(lhs.begin(), Poly(1));
  if (rhsVector)
    rhs.push_back(Poly(1));
  const Poly &k = lhs.back(), &k2 = rhs[rhs.size() - 2];
  if (k.asConstant() && k2.asConstant() && k != k2)
    return contradict("multiplies " + text(lhs) + " by " + text(rhs)),
           failure();
  Dims result;
  if (!broadcastDims({Dims(lhs.begin(), lhs.end() - 2),
                      Dims(rhs.begin(), rhs.end() - 2)},
                     result))
    return failure();
  if (!lhsVector)
    result.push_back(lhs[lhs.size() - 2]);
  if (!rhsVector)
    result.push_back(rhs.back());
  return set(0, elementOf(0), result);
}

LogicalResult Inference::gemm() {
  Dims lhs, rhs;
  if (!dimsOf(0, lhs) || !dimsOf(1, rhs) || lhs.size() != 2 || rhs.size() != 2)
    return failure();
  bool transA = op.getInt("transA", 0), transB = op.getInt("transB", 0);
  const Poly &k = lhs[transA ? 0 : 1], &k2 = rhs[transB ? 1 : 0];
  if (k.asConstant() && k2.asConstant() && k != k2)
    return contradict("multiplies " + text(lhs) + " by " + text(rhs)),
           failure();
  return set(0, elementOf(0), {lhs[transA ? 1 : 0], rhs[transB ? 0 : 1]});
}

LogicalResult Inference::reduce() {
  Dims dims, result;
  auto list = axes(1);
  if (!dimsOf(0, dims) || !list)
    return failure();
  bool all = list->empty();
  if (all && op.getInt("noop_with_empty_axes", 0))
    return set(0, elementOf(0), dims);
  if (!normalizeAxes(*list, dims.size()))
    return failure();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (!all && !llvm::is_contained(*list, int64_t(i)))
      result.push_back(dim);
    else if (op.getInt("keepdims", 1))
      result.push_back(Poly(1));
  }
  if (op.isStandard("ReduceProd"))
    if (auto elements = elementsOf(0)) {
      Poly product(1);
      for (const Poly &element : *elements)
        product = product * element;
      setElements(0, {product});
    }
  return set(0, elementOf(0), result);
}

LogicalResult Inference::argReduce() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  int64_t axis = op.getInt("axis", 0);
  if (!normalizeAxis(axis, dims.size()))
    return failure();
  if (op.getInt("keepdims", 1))
    dims[axis] = Poly(1);
  else
    dims.erase(dims.begin() + axis);
  return set(0, b.getI64Type(), dims);
}

/// Skip(Simplified)LayerNormalization: the norm, two statistics, the sum.
LogicalResult Inference::skipNorm() {
  Dims dims;
  if (!dimsOf(0, dims))
    return failure();
  Dims statistics = dims;
  statistics.back() = Poly(1);
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    if (failed(i == 1 || i == 2 ? set(i, b.getF32Type(), statistics)
                                : set(i, elementOf(0), dims)))
      return failure();
  return success();
}

LogicalResult Inference::attention() {
  Dims q, k, v;
  if (!dimsOf(0, q) || !dimsOf(1, k) || !dimsOf(2, v))
    return failure();
  Dims result = q;
  if (q.size() == 4 && v.size() == 4) {
    result[3] = v[3];
  } else if (q.size() == 3 && v.size() == 3) {
    int64_t heads = op.getInt("q_num_heads", 1),
            kvHeads = op.getInt("kv_num_heads", 1);
    auto size = v[2].dividedBy(Poly(kvHeads));
    if (!size)
      return failure();
    result[2] = *size * Poly(heads);
  } else {
    return failure();
  }
  return set(0, elementOf(0), result);
}

LogicalResult Inference::multiHeadAttention() {
  Dims q, v;
  if (!dimsOf(0, q) || q.size() != 3)
    return failure();
  if (dimsOf(2, v) && v.size() == 3)
    q[2] = v[2];
  return op.getNumResults() == 1 ? set(0, elementOf(0), q) : failure();
}

const llvm::StringMap<Inference::Rule> &Inference::rules() {
  static const llvm::StringMap<Rule> table = [] {
    llvm::StringMap<Rule> t;
    for (const char *name :
         {"Neg", "Abs", "Exp", "Log", "Sqrt", "Reciprocal", "Sin", "Cos",
          "Tanh", "Erf", "Sigmoid", "Softplus", "Relu", "Not", "Floor", "Ceil",
          "Round", "Sign", "Gelu", "Clip", "Identity", "Dropout", "Softmax",
          "LogSoftmax", "ScatterElements", "ScatterND", "Trilu", "CumSum",
          "RMSNormalization", "LayerNormalization", "RotaryEmbedding",
          "SimplifiedLayerNormalization", "HardSigmoid", "HardSwish", "Elu",
          "LeakyRelu", "Mish", "Swish", "com.microsoft::RotaryEmbedding",
          "com.microsoft::MoE", "com.microsoft::QMoE",
          "com.microsoft::FastGelu", "com.microsoft::QuickGelu",
          "com.microsoft::Gelu", "com.microsoft::SimplifiedLayerNormalization"})
      t[name] = &Inference::sameAsFirst;
    for (const char *name :
         {"Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "And", "Or",
          "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Sum", "Mean",
          "PRelu"})
      t[name] = &Inference::broadcast;
    for (const char *name :
         {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
      t[name] = &Inference::comparison;
    for (const char *name : {"IsNaN", "IsInf"})
      t[name] = &Inference::test;
    for (const char *name : {"ReduceSum", "ReduceMean", "ReduceMax",
                             "ReduceMin", "ReduceProd", "ReduceL2",
                             "ReduceSumSquare"})
      t[name] = &Inference::reduce;
    for (const char *name : {"ArgMax", "ArgMin"})
      t[name] = &Inference::argReduce;
    for (const char *name :
         {"com.microsoft::SkipSimplifiedLayerNormalization",
          "com.microsoft::SkipLayerNormalization"})
      t[name] = &Inference::skipNorm;
    t["Where"] = &Inference::where;
    t["Cast"] = t["CastLike"] = &Inference::cast;
    t["Shape"] = &Inference::shape;
    t["Size"] = &Inference::size;
    t["Reshape"] = &Inference::reshape;
    t["Squeeze"] = &Inference::squeeze;
    t["Unsqueeze"] = &Inference::unsqueeze;
    t["Flatten"] = &Inference::flatten;
    t["Transpose"] = &Inference::transpose;
    t["Expand"] = &Inference::expand;
    t["Concat"] = &Inference::concat;
    t["Slice"] = &Inference::slice;
    t["Split"] = &Inference::split;
    t["Gather"] = &Inference::gather;
    t["GatherElements"] = &Inference::gatherElements;
    t["Range"] = &Inference::range;
    t["ConstantOfShape"] = &Inference::constantOfShape;
    t["TopK"] = &Inference::topK;
    t["MatMul"] = &Inference::matMul;
    t["Gemm"] = &Inference::gemm;
    t["Attention"] = &Inference::attention;
    t["com.microsoft::MultiHeadAttention"] = &Inference::multiHeadAttention;
    return t;
  }();
  return table;
}

LogicalResult Inference::run() {
  std::string key = op.getDomain().empty()
                        ? op.getOpType().str()
                        : (op.getDomain() + "::" + op.getOpType()).str();
  auto rule = rules().find(key);
  if (rule != rules().end())
    (void)(this->*rule->second)();
  return success(!contradicted);
}

class ONNXInferShapes : public onnx::impl::ONNXInferShapesBase<ONNXInferShapes> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    bool ok = true;
    for (NodeOp op : main.getBody().front().getOps<NodeOp>())
      ok &= succeeded(inferNode(op));
    main.setType(FunctionType::get(
        &getContext(), main.getArgumentTypes(),
        main.getBody().front().getTerminator()->getOperandTypes()));
    if (!ok)
      signalPassFailure();
  }
};

} // namespace

LogicalResult onnx::inferNode(NodeOp op) { return Inference(op).run(); }
