//===- Compare.h - Tensors beside their references --------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_COMPARE_H
#define MOE_TOOLS_MOE_RUN_COMPARE_H

#include "Npy.h"

namespace moe_tools {

/// |got - want| <= atol + rtol * |want|, of floats. Integers are equal.
struct Tolerance {
  double rtol = 1e-5, atol = 1e-6;
};

/// Which shapes a tensor and its reference may have.
enum class Shapes {
  Equal,
  /// Also such that one dimension is several adjacent ones of the other: code
  /// may compute the elements in another shape than the file says.
  Regrouped
};

/// Why a tensor cannot be compared with a reference: "is i64, its reference
/// f32; ...". Empty when it can.
std::string findMismatch(const Array &got, const Array &want, Shapes shapes);

/// How a tensor differs from a reference that it can be compared with: "differs
/// in 3 of 96 elements; ...". Empty when all elements are near.
std::string findDifference(const Array &got, const Array &want,
                           const Tolerance &tolerance);

/// "[2, 48]"
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_COMPARE_H
