//===- ExpertMasks.h - Which tokens chose an expert -------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ONNXTOMOE_EXPERTMASKS_H
#define MOE_LIB_CONVERSION_ONNXTOMOE_EXPERTMASKS_H

#include "Matchers.h"

namespace mlir::moe {

/// The (token, choice) pairs, or only the tokens, that have one expert.
struct ExpertMask {
  Value ids; // [T, k]
  int64_t expert = 0;
  int64_t tokenDim = 0;    // of the mask's dimensions
  bool hasChoice = true;   // else the mask is [T]
  bool isPositive = false; // left out where the weight is not above 0
};

/// A boolean (or 0 and 1) [T, k], [k, T] or [T]:
///   row e of Transpose(OneHot(ids)) or of ids == [0, .., E - 1],
///   ids == e, any of these over the choices,
///   column e of combine weights > 0.
std::optional<ExpertMask> matchExpertMask(Value value);

/// One weight for each token: that of its choice of the expert, or 0.
struct CombineColumn {
  Value ids, weights; // [T, k]
  int64_t expert;
};
/// Column e of ScatterElements(zeros [T, E], ids, weights), or
/// ReduceSum(weights * (ids == e)) over the choices.
std::optional<CombineColumn> matchCombineColumn(Value value);

/// A row of what NonZero gives, as a vector or a column.
struct Coordinate {
  onnx::NodeOp nonZero;
  int64_t row;
};
std::optional<Coordinate> matchCoordinate(Value value);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_ONNXTOMOE_EXPERTMASKS_H
