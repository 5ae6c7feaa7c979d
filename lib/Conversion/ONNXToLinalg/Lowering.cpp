//===- Lowering.cpp - Pieces of convert-onnx-to-linalg --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "dialects/Weights/IR/Weights.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::moe;

Lowering::Lowering(func::FuncOp function, bool keepAttention)
    : b(function.getLoc(), function.getContext()),
      context(function.getContext()), keepAttention(keepAttention),
      prologue(function.getContext()), start(function.getLoc()) {
  prologue.setInsertionPointToStart(&function.getBody().front());
}

Dims Lowering::dims(Value value) {
  auto found = known.find(value);
  return found != known.end() ? found->second
                              : onnx::getDims(value.getType(), context);
}

RankedTensorType Lowering::tensorType(Type element, ArrayRef<AffineExpr> dims) {
  SmallVector<int64_t> shape;
  for (AffineExpr dim : dims) {
    auto constant = dyn_cast<AffineConstantExpr>(dim);
    shape.push_back(constant ? constant.getValue() : ShapedType::kDynamic);
  }
  return RankedTensorType::get(shape, element);
}

Value Lowering::evaluate(AffineExpr expr) {
  auto found = sizes.find(expr);
  if (found != sizes.end())
    return found->second;
  Value value;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    value =
        arith::ConstantIndexOp::create(prologue, start, constant.getValue());
  } else if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    value = onnx::SymbolOp::create(prologue, start, prologue.getIndexType(),
                                   symbol.getPosition());
  } else {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value lhs = evaluate(binary.getLHS()), rhs = evaluate(binary.getRHS());
    if (expr.getKind() == AffineExprKind::Add)
      value = arith::AddIOp::create(prologue, start, lhs, rhs);
    else
      value = arith::MulIOp::create(prologue, start, lhs, rhs);
  }
  sizes[expr] = value;
  return value;
}

Value Lowering::size(AffineExpr expr) { return evaluate(expr); }

OpFoldResult Lowering::mixedSize(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return b.getIndexAttr(constant.getValue());
  return size(expr);
}

SmallVector<OpFoldResult> Lowering::mixedSizes(ArrayRef<AffineExpr> dims) {
  SmallVector<OpFoldResult> result;
  for (AffineExpr dim : dims)
    result.push_back(mixedSize(dim));
  return result;
}

Value Lowering::constant(Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(
      b, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

Value Lowering::empty(Type element, ArrayRef<AffineExpr> dims) {
  return tensor::EmptyOp::create(b, mixedSizes(dims), element);
}

Value Lowering::filled(ArrayRef<AffineExpr> dims, Value scalar) {
  Value init = empty(scalar.getType(), dims);
  return linalg::FillOp::create(b, scalar, init).getResult(0);
}

Value Lowering::materialize(Value value) {
  auto weight = dyn_cast<weights::WeightTensorType>(value.getType());
  if (!weight)
    return value;
  return weights::MaterializeOp::create(b, weight.getTensorType(), value);
}

Value Lowering::generic(Value init, ArrayRef<AffineExpr> resultDims,
                        ValueRange inputs, ArrayRef<AffineMap> maps,
                        ArrayRef<utils::IteratorType> iterators, Body body) {
  auto op = linalg::GenericOp::create(
      b, b.getLoc(), init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &nested, Location, ValueRange args) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Value result = body(args);
        linalg::YieldOp::create(b, result);
      });
  Value result = op.getResult(0);
  setDims(result, resultDims);
  return result;
}

Value Lowering::elementwise(Type elementType, ArrayRef<AffineExpr> resultDims,
                            ValueRange inputs, Body body) {
  unsigned rank = resultDims.size();
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands;
  SmallVector<Value> scalars(inputs.size());
  for (auto [i, input] : llvm::enumerate(inputs)) {
    // Constants of one value go into the body.
    DenseElementsAttr splat;
    if (matchPattern(input, m_Constant(&splat)) && splat.isSplat()) {
      scalars[i] = arith::ConstantOp::create(
          b, splat.getElementType(),
          cast<TypedAttr>(splat.getSplatValue<Attribute>()));
      continue;
    }
    Dims inputDims = dims(input);
    SmallVector<AffineExpr> exprs;
    for (auto [j, dim] : llvm::enumerate(inputDims)) {
      unsigned at = rank - inputDims.size() + j;
      bool stretched = dim == b.getAffineConstantExpr(1) &&
                       resultDims[at] != b.getAffineConstantExpr(1);
      exprs.push_back(stretched ? b.getAffineConstantExpr(0)
                                : b.getAffineDimExpr(at));
    }
    maps.push_back(AffineMap::get(rank, 0, exprs, context));
    operands.push_back(input);
  }
  maps.push_back(b.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return generic(empty(elementType, resultDims), resultDims, operands, maps,
                 iterators, [&](ValueRange args) {
                   SmallVector<Value> values;
                   unsigned next = 0;
                   for (Value scalar : scalars)
                     values.push_back(scalar ? scalar : args[next++]);
                   return body(values);
                 });
}

Value Lowering::reduce(Value input, ArrayRef<int64_t> axes, Value init,
                       function_ref<Value(Value, Value)> combine) {
  Dims inputDims = dims(input);
  unsigned rank = inputDims.size();
  Dims kept, withOnes;
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators;
  for (unsigned i = 0; i < rank; ++i) {
    bool reduced = llvm::is_contained(axes, int64_t(i));
    iterators.push_back(reduced ? utils::IteratorType::reduction
                                : utils::IteratorType::parallel);
    withOnes.push_back(reduced ? b.getAffineConstantExpr(1) : inputDims[i]);
    if (!reduced) {
      kept.push_back(inputDims[i]);
      exprs.push_back(b.getAffineDimExpr(i));
    }
  }
  Value start = filled(kept, init);
  Value result = generic(
      start, kept, input,
      {b.getMultiDimIdentityMap(rank), AffineMap::get(rank, 0, exprs, context)},
      iterators, [&](ValueRange args) { return combine(args[1], args[0]); });
  return reshape(result, withOnes);
}

/// Splits source and target dimensions into groups of equal products, as far as
/// the polynomials show them.
static bool matchGroups(ArrayRef<AffineExpr> source,
                        ArrayRef<AffineExpr> target,
                        SmallVector<ReassociationIndices> &from,
                        SmallVector<ReassociationIndices> &to, Dims &middle,
                        MLIRContext *context) {
  size_t i = 0, j = 0;
  while (i < source.size() && j < target.size()) {
    ReassociationIndices a = {int64_t(i)}, c = {int64_t(j)};
    onnx::Poly pa = onnx::Poly::fromAffine(source[i++]);
    onnx::Poly pc = onnx::Poly::fromAffine(target[j++]);
    while (pa != pc) {
      if (pc.dividedBy(pa) && i < source.size()) {
        a.push_back(i);
        pa = pa * onnx::Poly::fromAffine(source[i++]);
      } else if (pa.dividedBy(pc) && j < target.size()) {
        c.push_back(j);
        pc = pc * onnx::Poly::fromAffine(target[j++]);
      } else {
        return false;
      }
    }
    from.push_back(a);
    to.push_back(c);
    middle.push_back(pa.toAffine(context));
  }
  // What is left over has size 1.
  for (; i < source.size(); ++i) {
    if (source[i] != getAffineConstantExpr(1, context) || from.empty())
      return false;
    from.back().push_back(i);
  }
  for (; j < target.size(); ++j) {
    if (target[j] != getAffineConstantExpr(1, context) || to.empty())
      return false;
    to.back().push_back(j);
  }
  return !from.empty();
}

static onnx::Poly productOf(ArrayRef<AffineExpr> dims) {
  onnx::Poly product(1);
  for (AffineExpr dim : dims)
    product = product * onnx::Poly::fromAffine(dim);
  return product;
}

Value Lowering::reshape(Value value, ArrayRef<AffineExpr> target) {
  Dims source = dims(value);
  if (ArrayRef<AffineExpr>(source) == target)
    return value;
  Type type = element(value);
  // Only dimensions that are statically 1 become a scalar, or come of one.
  if (source.empty() != target.empty()) {
    source.assign(std::max(source.size(), target.size()),
                  getAffineConstantExpr(1, context));
    if (target.empty()) {
      if (Type ones = tensorType(type, source); ones != value.getType())
        value = tensor::CastOp::create(b, ones, value);
      value = tensor::CollapseShapeOp::create(
          b, tensorType(type, target), value, ArrayRef<ReassociationIndices>());
    } else {
      value = tensor::ExpandShapeOp::create(b, tensorType(type, source), value,
                                            ArrayRef<ReassociationIndices>());
      if (Type sizes = tensorType(type, target); sizes != value.getType())
        value = tensor::CastOp::create(b, sizes, value);
    }
    setDims(value, target);
    return value;
  }
  SmallVector<ReassociationIndices> from, to;
  Dims middle;
  bool isWhole = !matchGroups(source, target, from, to, middle, context);
  if (isWhole) {
    from.clear();
    to.clear();
    middle.clear();
    if (!source.empty() && !target.empty()) {
      middle.push_back(productOf(source).toAffine(context));
      from.push_back(llvm::to_vector(llvm::seq<int64_t>(0, source.size())));
      to.push_back(llvm::to_vector(llvm::seq<int64_t>(0, target.size())));
    }
  }
  if (middle.size() != source.size())
    value = tensor::CollapseShapeOp::create(b, tensorType(type, middle), value,
                                            from);
  // Sizes that are equal at run time only: one side may be static.
  if (isWhole && !middle.empty())
    if (Type whole = tensorType(type, productOf(target).toAffine(context));
        whole != value.getType())
      value = tensor::CastOp::create(b, whole, value);
  if (middle.size() != target.size())
    value = tensor::ExpandShapeOp::create(b, tensorType(type, target), value,
                                          to, mixedSizes(target));
  setDims(value, target);
  return value;
}

Value Lowering::transpose(Value value, ArrayRef<int64_t> perm) {
  Dims source = dims(value), target;
  unsigned rank = perm.size();
  SmallVector<AffineExpr> exprs(rank);
  for (auto [i, p] : llvm::enumerate(perm)) {
    target.push_back(source[p]);
    exprs[p] = b.getAffineDimExpr(i);
  }
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return generic(
      empty(element(value), target), target, value,
      {AffineMap::get(rank, 0, exprs, context), b.getMultiDimIdentityMap(rank)},
      iterators, [](ValueRange args) { return args[0]; });
}

Value Lowering::widen(Value scalar) {
  auto type = dyn_cast<FloatType>(scalar.getType());
  if (!type || type.getWidth() >= 32)
    return scalar;
  return arith::ExtFOp::create(b, b.getF32Type(), scalar);
}

Value Lowering::narrow(Value scalar, Type type) {
  if (scalar.getType() == type || !isa<FloatType>(type) ||
      !isa<FloatType>(scalar.getType()))
    return scalar;
  return arith::TruncFOp::create(b, type, scalar);
}

onnx::Poly moe::countElements(ArrayRef<AffineExpr> dims) {
  onnx::Poly count(1);
  for (AffineExpr dim : dims)
    count = count * onnx::Poly::fromAffine(dim);
  return count;
}

void Lowering::require(const onnx::Poly &size) {
  if ((size - onnx::Poly(1)).isNonNegative())
    return;
  if (AffineExpr expr = size.toAffine(context))
    requirements.insert(expr);
}

void Lowering::requireWithin(AffineExpr part, AffineExpr whole) {
  require(onnx::Poly::fromAffine(whole) - onnx::Poly::fromAffine(part) +
          onnx::Poly(1));
}

void Lowering::recordRequirements(ModuleOp module) {
  SmallVector<Attribute> all;
  if (auto old =
          module->getAttrOfType<ArrayAttr>(onnx::ONNXDialect::kPositiveDims))
    llvm::append_range(all, old);
  unsigned symbols = onnx::getNumSymbols(module);
  for (AffineExpr expr : requirements)
    all.push_back(AffineMapAttr::get(AffineMap::get(0, symbols, expr)));
  if (!all.empty())
    module->setAttr(onnx::ONNXDialect::kPositiveDims, b.getArrayAttr(all));
}

Value Lowering::safeIndex(Value raw, AffineExpr extent,
                          const onnx::Poly &count) {
  // Without elements to read from, there is nothing to read.
  onnx::Poly size = onnx::Poly::fromAffine(extent);
  if (!count.dividedBy(size))
    require(size);
  Value length = this->size(extent);
  Value value = raw.getType().isIndex()
                    ? raw
                    : arith::IndexCastOp::create(b, b.getIndexType(), raw);
  Value zero = index(0);
  Value negative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value, zero);
  value = arith::SelectOp::create(
      b, negative, arith::AddIOp::create(b, value, length), value);
  Value last = arith::SubIOp::create(b, length, index(1));
  value = arith::MinSIOp::create(b, value, last);
  return arith::MaxSIOp::create(b, value, zero);
}
