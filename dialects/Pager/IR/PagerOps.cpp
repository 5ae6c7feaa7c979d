//===- PagerOps.cpp - Verifiers, folds and formats ------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Pager/IR/Pager.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::pager;

#define GET_OP_CLASSES
#include "dialects/Pager/IR/PagerOps.cpp.inc"

Type StateType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  int64_t axis;
  if (parser.parseLess() || parser.parseDimensionList(shape) ||
      parser.parseType(elementType) || parser.parseComma() ||
      parser.parseKeyword("axis") || parser.parseEqual() ||
      parser.parseInteger(axis) || parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(parser.getNameLoc()); },
                    parser.getContext(), ArrayRef<int64_t>(shape), elementType,
                    axis);
}

void StateType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t dim : getShape()) {
    if (ShapedType::isDynamic(dim))
      printer << '?';
    else
      printer << dim;
    printer << 'x';
  }
  printer << getElementType() << ", axis = " << getAxis() << '>';
}

LogicalResult StateType::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> shape, Type elementType,
                                int64_t axis) {
  if (!elementType.isIntOrFloat())
    return emitError() << "a state has integer or float elements";
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size()))
    return emitError() << "the axis must be a dimension of the state";
  if (!ShapedType::isDynamic(shape[axis]))
    return emitError() << "the dimension a state grows along is dynamic";
  return success();
}

static LogicalResult verifyCounts(Operation *op, weights::BankType bank,
                                  Type counts) {
  auto type = cast<MemRefType>(counts);
  if (type.getRank() != 1 || type.getDimSize(0) != bank.getExperts() ||
      !type.getElementType().isInteger(32))
    return op->emitOpError("counts must be memref<")
           << bank.getExperts() << "xi32>, is " << type;
  return success();
}

LogicalResult PrefetchOp::verify() {
  return verifyCounts(*this, getBank().getType(), getCounts().getType());
}

LogicalResult ForEachReadyOp::verify() {
  return verifyCounts(*this, getBank().getType(), getCounts().getType());
}

LogicalResult ForEachReadyOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 1 || !block.getArgument(0).getType().isIndex())
    return emitOpError("body takes the expert id, an index");
  if (llvm::any_of(block,
                   [](Operation &op) { return isa<ForEachReadyOp>(op); }))
    return emitOpError("streams cannot nest");
  return success();
}

LogicalResult ForEachWaveOp::verify() {
  return verifyCounts(*this, getBank().getType(), getCounts().getType());
}

LogicalResult ForEachWaveOp::verifyRegions() {
  Block &block = getBody().front();
  Builder builder(getContext());
  Type slots = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  Type slotOf =
      MemRefType::get({getBank().getType().getExperts()}, builder.getI32Type());
  if (block.getArgumentTypes() !=
      TypeRange({slots, builder.getIndexType(), slotOf}))
    return emitOpError("body takes the slots (")
           << slots << "), their number (index) and the slot of each expert ("
           << slotOf << ")";
  return success();
}

LogicalResult TensorMapOp::verify() {
  size_t rank = getSizes().size();
  if (rank < 1 || rank > 5 || getBox().size() != rank ||
      getStrides().size() + 1 != rank)
    return emitOpError("has 1 to 5 sizes, as many box extents and one stride "
                       "less");
  if (!getElement().isIntOrFloat())
    return emitOpError("elements are integers or floats");
  int64_t width = getElement().getIntOrFloatBitWidth() / 8;
  if (llvm::any_of(getBox(), [](int64_t n) { return n < 1 || n > 256; }) ||
      getBox().front() * width % 16 != 0)
    return emitOpError("box extents are 1 to 256, the innermost a multiple of "
                       "16 bytes");
  int64_t swizzle = getSwizzle();
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return emitOpError("swizzles 0, 32, 64 or 128 bytes");
  if (swizzle != 0 && getBox().front() * width > swizzle)
    return emitOpError("the box's rows are longer than the swizzle");
  return success();
}

LogicalResult ReadBackOp::verify() {
  if (cast<MemRefType>(getSource().getType()).getRank() !=
      static_cast<int64_t>(getIndices().size()))
    return emitOpError("needs one index for each dimension");
  return success();
}

LogicalResult StateAppendOp::verify() {
  StateType state = getState().getType();
  auto value = cast<ShapedType>(getValue().getType());
  auto result = cast<ShapedType>(getResult().getType());
  int64_t rank = state.getShape().size();
  if (value.getRank() != rank || result.getRank() != rank ||
      value.getElementType() != state.getElementType() ||
      result.getElementType() != state.getElementType())
    return emitOpError(
        "value and result need the state's rank and element type");
  for (int64_t i = 0; i < rank; ++i)
    if (i != state.getAxis() && !ShapedType::isDynamic(state.getShape()[i]) &&
        !ShapedType::isDynamic(value.getDimSize(i)) &&
        state.getShape()[i] != value.getDimSize(i))
      return emitOpError("value differs from the state in dimension ") << i;
  return success();
}

LogicalResult BufferOp::verify() {
  auto type = cast<MemRefType>(getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) || offset != 0)
    return emitOpError("needs a strided layout without offset");
  if (static_cast<size_t>(type.getNumDynamicDims()) != getSizes().size())
    return emitOpError("needs one size for each dynamic dimension");
  size_t dynamic = type.getLayout().isIdentity()
                       ? 0
                       : llvm::count_if(strides, ShapedType::isDynamic);
  if (dynamic != getStrides().size())
    return emitOpError("needs one stride for each dynamic stride");
  return success();
}

LogicalResult ParallelOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 1 || !block.getArgument(0).getType().isIndex())
    return emitOpError("body takes the loop index");
  return success();
}

LogicalResult BufferOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  auto type = cast<MemRefType>(getType());
  SmallVector<OpFoldResult> dims;
  auto sizes = getSizes().begin();
  for (int64_t dim : type.getShape()) {
    if (ShapedType::isDynamic(dim))
      dims.push_back(*sizes++);
    else
      dims.push_back(builder.getIndexAttr(dim));
  }
  shapes.push_back(dims);
  return success();
}
