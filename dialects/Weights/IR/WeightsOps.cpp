//===- WeightsOps.cpp - Verifiers, folds and formats ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Weights/IR/Weights.h"
#include "mlir/IR/Builders.h"
#include "moe/Support/DeviceLayout.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"
using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::weights;

/// Shape printed as in builtin tensors, without encoding: `4x8xf32`.
Type WeightTensorType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType) || parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(parser.getNameLoc()); },
                    parser.getContext(), ArrayRef<int64_t>(shape), elementType);
}

void WeightTensorType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t dim : getShape())
    printer << dim << 'x';
  printer << getElementType() << '>';
}

LogicalResult
WeightTensorType::verify(function_ref<InFlightDiagnostic()> emitError,
                         ArrayRef<int64_t> shape, Type elementType) {
  if (!elementType.isIntOrFloat())
    return emitError() << "weights have integer or float elements, not "
                       << elementType;
  int64_t count = 1;
  for (int64_t dim : shape) {
    if (dim < 0)
      return emitError() << "weights have static shapes";
    if (llvm::MulOverflow(count, dim, count) || count > (int64_t(1) << 56))
      return emitError() << "the weight's size overflows";
  }
  return success();
}

int64_t WeightTensorType::getNumElements() const {
  return ShapedType::getNumElements(getShape());
}

int64_t WeightTensorType::getNumBytes() const {
  unsigned bits = getElementType().getIntOrFloatBitWidth();
  if (bits == 1)
    bits = 8;
  return llvm::divideCeil(getNumElements() * bits, 8);
}

RankedTensorType WeightTensorType::getTensorType() const {
  return RankedTensorType::get(getShape(), getElementType());
}

LogicalResult BankType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t experts) {
  if (experts < 1)
    return emitError() << "a bank has at least one expert";
  return success();
}

LogicalResult RefOp::verify() {
  if (getFile().empty())
    return emitOpError("needs a file name");
  if (static_cast<int64_t>(getOffset()) < 0)
    return emitOpError("has a negative offset");
  return success();
}

LogicalResult InlineOp::verify() {
  auto value = cast<ShapedType>(getValue().getType());
  if (value.getShape() != getType().getShape() ||
      value.getElementType() != getType().getElementType())
    return emitOpError("has a value of type ")
           << value << " but is " << getType();
  return success();
}

LogicalResult TransposeOp::verify() {
  WeightTensorType source = getSource().getType();
  ArrayRef<int64_t> permutation = getPermutation();
  int64_t rank = source.getRank();
  SmallVector<bool> seen(rank);
  if (static_cast<int64_t>(permutation.size()) != rank)
    return emitOpError("permutes ")
           << permutation.size() << " dimensions of a tensor of rank " << rank;
  for (auto [i, from] : llvm::enumerate(permutation)) {
    if (from < 0 || from >= rank || seen[from])
      return emitOpError("needs a permutation of the dimensions");
    seen[from] = true;
    if (getType().getRank() != rank ||
        getType().getShape()[i] != source.getShape()[from])
      return emitOpError("result shape does not match the permutation");
  }
  if (getType().getElementType() != source.getElementType())
    return emitOpError("cannot change the element type");
  return success();
}

/// A transpose of a transpose is one transpose; the identity is its source.
OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (auto inner = getSource().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t from : getPermutation())
      composed.push_back(inner.getPermutation()[from]);
    setPermutation(composed);
    getSourceMutable().assign(inner.getSource());
    return getResult();
  }
  for (auto [i, from] : llvm::enumerate(getPermutation()))
    if (static_cast<int64_t>(i) != from)
      return {};
  return getSource();
}

LogicalResult ViewOp::verify() {
  WeightTensorType source = getSource().getType();
  size_t rank = source.getRank();
  if (getOffsets().size() != rank || getSizes().size() != rank)
    return emitOpError("needs one offset and one size for each dimension");
  for (size_t i = 0; i < rank; ++i)
    if (getOffsets()[i] < 0 || getSizes()[i] < 0 ||
        getOffsets()[i] > source.getShape()[i] - getSizes()[i])
      return emitOpError("reaches outside of dimension ") << i;
  if (getType().getShape() != getSizes() ||
      getType().getElementType() != source.getElementType())
    return emitOpError("result type does not match the sizes");
  return success();
}

OpFoldResult ViewOp::fold(FoldAdaptor) {
  return getType() == getSource().getType() ? OpFoldResult(getSource())
                                            : OpFoldResult();
}

LogicalResult ReshapeOp::verify() {
  WeightTensorType source = getSource().getType();
  if (source.getNumElements() != getType().getNumElements() ||
      source.getElementType() != getType().getElementType())
    return emitOpError("must keep the number and type of elements");
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getType() == getSource().getType())
    return getSource();
  if (auto inner = getSource().getDefiningOp<ReshapeOp>()) {
    getSourceMutable().assign(inner.getSource());
    return getResult();
  }
  return {};
}

LogicalResult ConcatOp::verify() {
  if (getSources().empty())
    return emitOpError("needs a source");
  int64_t axis = getAxis(), rank = getType().getRank(), sum = 0;
  if (axis < 0 || axis >= rank)
    return emitOpError("axis is out of range");
  for (Value value : getSources()) {
    auto source = cast<WeightTensorType>(value.getType());
    if (source.getRank() != rank ||
        source.getElementType() != getType().getElementType())
      return emitOpError("sources differ in rank or element type");
    for (int64_t i = 0; i < rank; ++i)
      if (i != axis && source.getShape()[i] != getType().getShape()[i])
        return emitOpError("sources differ in dimension ") << i;
    sum += source.getShape()[axis];
  }
  if (sum != getType().getShape()[axis])
    return emitOpError("result dimension ") << axis << " must be " << sum;
  return success();
}

LogicalResult StackOp::verify() {
  if (getSources().empty())
    return emitOpError("needs a source");
  SmallVector<int64_t> shape = {static_cast<int64_t>(getSources().size())};
  auto first = cast<WeightTensorType>(getSources().front().getType());
  llvm::append_range(shape, first.getShape());
  for (Value value : getSources())
    if (value.getType() != first)
      return emitOpError("sources must have one type");
  if (getType() !=
      WeightTensorType::get(getContext(), shape, first.getElementType()))
    return emitOpError("result type does not match the sources");
  return success();
}

LogicalResult CastOp::verify() {
  if (getSource().getType().getShape() != getType().getShape())
    return emitOpError("cannot change the shape");
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getType() == getSource().getType() ? OpFoldResult(getSource())
                                            : OpFoldResult();
}

LogicalResult DequantizeOp::verify() {
  WeightTensorType codes = getCodes().getType(), scales = getScales().getType();
  if (!codes.getElementType().isInteger())
    return emitOpError("codes must be integers");
  if (codes.getShape() != getType().getShape() || codes.getRank() < 1)
    return emitOpError("codes and result must have one shape");
  int64_t block = getBlock();
  if (block < 1)
    return emitOpError("needs a positive block size");
  SmallVector<int64_t> expected(codes.getShape());
  expected.back() = llvm::divideCeil(expected.back(), block);
  if (scales.getShape() != ArrayRef<int64_t>(expected))
    return emitOpError("scales need one value for each block of ") << block;
  if (getZeroPoints() &&
      cast<WeightTensorType>(getZeroPoints().getType()).getShape() !=
          ArrayRef<int64_t>(expected))
    return emitOpError("zero points need one value for each block of ")
           << block;
  return success();
}

LogicalResult PackOp::verify() {
  WeightTensorType source = getSource().getType(), result = getType();
  if (getLayout() == Layout::Raw)
    return source == result ? success()
                            : emitOpError("keeps the type of raw bytes");
  if (source.getRank() != 2)
    return emitOpError("panels and rows need a [K, N] matrix");
  int64_t k = source.getShape()[0], n = source.getShape()[1];
  int64_t elements = getLayout() == Layout::Panels
                         ? packed::getPackedElements(k, n)
                         : device::getRowStride(k) * n;
  if (result.getShape() != ArrayRef<int64_t>(elements) ||
      result.getElementType() != source.getElementType())
    return emitOpError("result must be the ")
           << elements << " elements of the " << stringifyLayout(getLayout());
  return success();
}

static ParseResult parseRoles(OpAsmParser &parser, DenseI32ArrayAttr &roles) {
  SmallVector<int32_t> values;
  auto parseRole = [&]() -> ParseResult {
    StringRef keyword;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword))
      return failure();
    std::optional<Role> role = symbolizeRole(keyword);
    if (!role)
      return parser.emitError(loc, "unknown role '") << keyword << "'";
    values.push_back(static_cast<int32_t>(*role));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseRole))
    return failure();
  roles = DenseI32ArrayAttr::get(parser.getContext(), values);
  return success();
}

static void printRoles(OpAsmPrinter &printer, BankOp, DenseI32ArrayAttr roles) {
  printer << '[';
  llvm::interleaveComma(roles.asArrayRef(), printer, [&](int32_t role) {
    printer << stringifyRole(static_cast<Role>(role));
  });
  printer << ']';
}

#define GET_OP_CLASSES
#include "dialects/Weights/IR/WeightsOps.cpp.inc"

Value BankOp::getTensor(Role role) {
  for (auto [value, r] : llvm::zip(getTensors(), getRoles()))
    if (r == static_cast<int32_t>(role))
      return value;
  return {};
}

int64_t BankOp::getHidden() {
  return cast<WeightTensorType>(getTensor(Role::Up).getType()).getShape()[1];
}

int64_t BankOp::getIntermediate() {
  return cast<WeightTensorType>(getTensor(Role::Up).getType()).getShape()[2];
}

LogicalResult BankOp::verify() {
  if (getRoles().size() != getTensors().size())
    return emitOpError("needs one role for each tensor");
  llvm::SmallDenseSet<int32_t> seen;
  for (auto [value, role] : llvm::zip(getTensors(), getRoles())) {
    if (!symbolizeRole(role) || !seen.insert(role).second)
      return emitOpError("roles must be known and different");
    auto type = cast<WeightTensorType>(value.getType());
    bool bias = role >= static_cast<int32_t>(Role::GateBias);
    if (type.getRank() != (bias ? 2 : 3))
      return emitOpError("tensor '") << stringifyRole(static_cast<Role>(role))
                                     << "' must have rank " << (bias ? 2 : 3);
    if (type.getShape()[0] != getType().getExperts())
      return emitOpError("tensor '")
             << stringifyRole(static_cast<Role>(role)) << "' has "
             << type.getShape()[0] << " experts, the bank "
             << getType().getExperts();
  }
  if (!getTensor(Role::Up) || !getTensor(Role::Down))
    return emitOpError("needs an up and a down tensor");
  int64_t e = getType().getExperts(), h = getHidden(), i = getIntermediate();
  auto check = [&](Role role, ArrayRef<int64_t> shape) -> LogicalResult {
    Value value = getTensor(role);
    if (value && cast<WeightTensorType>(value.getType()).getShape() != shape)
      return emitOpError("tensor '")
             << stringifyRole(role) << "' has the wrong shape";
    return success();
  };
  if (failed(check(Role::Gate, {e, h, i})) ||
      failed(check(Role::Down, {e, i, h})) ||
      failed(check(Role::GateBias, {e, i})) ||
      failed(check(Role::UpBias, {e, i})) ||
      failed(check(Role::DownBias, {e, h})))
    return failure();
  return success();
}

LogicalResult MaterializeOp::verify() {
  auto type = cast<ShapedType>(getType());
  WeightTensorType source = getSource().getType();
  if (type.getShape() != source.getShape() ||
      type.getElementType() != source.getElementType())
    return emitOpError("must keep shape and element type");
  return success();
}
