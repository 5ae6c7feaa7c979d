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

/// |got - want| <= atol + rtol * |want|.
struct Tolerance {
  double rtol = 1e-5, atol = 1e-6;
};

/// How a tensor differs from its reference: "differs in 3 of 96 elements; ...".
/// Empty when all elements are near.
std::string findDifference(const Array &got, const Array &want,
                           const Tolerance &tolerance);

/// The file of a tensor: `/` cannot be in a file's name.
std::string fileName(std::string tensor);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_COMPARE_H
