//===- MoEOps.cpp - Verifiers, folds and formats --------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/MoE/IR/MoE.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe;

#define GET_OP_CLASSES
#include "dialects/MoE/IR/MoEOps.cpp.inc"

Type RoutingType::parse(AsmParser &parser) {
  int64_t experts, k;
  bool ragged = false;
  if (parser.parseLess() || parser.parseInteger(experts) ||
      parser.parseComma() || parser.parseInteger(k))
    return {};
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("ragged"))
      return {};
    ragged = true;
  }
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(parser.getNameLoc()); },
                    parser.getContext(), experts, k, ragged);
}

void RoutingType::print(AsmPrinter &printer) const {
  printer << '<' << getExperts() << ", " << getK();
  if (getRagged())
    printer << ", ragged";
  printer << '>';
}

LogicalResult RoutingType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t experts, int64_t k, bool) {
  if (experts < 1)
    return emitError() << "a routing has at least one expert";
  if (k < 1 || k > experts)
    return emitError() << "k must be in [1, experts], is " << k;
  return success();
}

LogicalResult
ExpertsOfKindAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          ExpertKind kind, int64_t count, int64_t width) {
  if (count < 1)
    return emitError() << "a run of experts has at least one";
  if (width < 0 || (width && kind != ExpertKind::FFN))
    return emitError() << "only FFN experts have a width";
  return success();
}

LogicalResult RouteOp::verify() {
  auto logits = cast<RankedTensorType>(getLogits().getType());
  if (logits.getRank() != 2 || !isa<FloatType>(logits.getElementType()))
    return emitOpError("logits must be a float tensor [tokens, experts]");
  if (logits.getDimSize(1) != getType().getExperts())
    return emitOpError("logits have ")
           << logits.getDimSize(1) << " columns for " << getType().getExperts()
           << " experts";
  if (getType().getRagged())
    return emitOpError("a top-k router chooses a fixed number of experts");
  if (getScore() == Score::None && getNormalize() == Normalize::Sum)
    return emitOpError("raw logits cannot be normalised by their sum");
  return success();
}

LogicalResult RoutingFromOp::verify() {
  auto ids = cast<RankedTensorType>(getIds().getType());
  auto weights = cast<RankedTensorType>(getWeights().getType());
  if (ids.getRank() != 2 || weights.getRank() != 2 ||
      !ids.getElementType().isInteger() ||
      !isa<FloatType>(weights.getElementType()))
    return emitOpError("needs integer ids and float weights [tokens, k]");
  if (ids.getDimSize(1) != getType().getK() ||
      weights.getDimSize(1) != getType().getK())
    return emitOpError("ids and weights need k = ")
           << getType().getK() << " columns";
  return success();
}

int64_t ExpertsOp::getNumFFN() {
  int64_t count = 0;
  for (auto kind : getKinds().getAsRange<ExpertsOfKindAttr>())
    if (kind.getKind() == ExpertKind::FFN)
      count += kind.getCount();
  return count;
}

LogicalResult ExpertsOp::verify() {
  auto tokens = cast<RankedTensorType>(getTokens().getType());
  if (tokens.getRank() != 2 || !isa<FloatType>(tokens.getElementType()))
    return emitOpError("tokens must be a float tensor [tokens, hidden]");
  if (getType().getShape() != tokens.getShape() ||
      cast<RankedTensorType>(getType()).getElementType() !=
          tokens.getElementType())
    return emitOpError("result must have the tokens' shape");
  int64_t ids = 0;
  for (auto kind : getKinds().getAsRange<ExpertsOfKindAttr>())
    ids += kind.getCount();
  if (ids != getRouting().getType().getExperts())
    return emitOpError("kinds name ") << ids << " experts, the routing "
                                      << getRouting().getType().getExperts();
  if (getNumFFN() != getBank().getType().getExperts())
    return emitOpError("kinds name ")
           << getNumFFN() << " FFN experts, the bank "
           << getBank().getType().getExperts();
  if (getLimit().convertToFloat() < 0.0f)
    return emitOpError("limit must not be negative");
  return success();
}
