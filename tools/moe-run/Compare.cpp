//===- Compare.cpp - Tensors beside their references ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include <cmath>
#include <sstream>

using namespace moe_tools;

std::string moe_tools::fileName(std::string tensor) {
  for (char &c : tensor)
    if (c == '/')
      c = '_';
  return tensor + ".npy";
}

/// Whether two values are as near as asked for. An infinity is near itself
/// only: a tolerance relative to it would let everything pass.
static bool isNear(double got, double want, const Tolerance &tolerance) {
  if (got == want || (std::isnan(got) && std::isnan(want)))
    return true;
  return std::isfinite(want) &&
         std::fabs(got - want) <=
             tolerance.atol + tolerance.rtol * std::fabs(want);
}

std::string moe_tools::findDifference(const Array &got, const Array &want,
                                      const Tolerance &tolerance) {
  if (got.shape != want.shape)
    return "has another shape than expected";
  int64_t worst = -1, bad = 0;
  double worstError = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    double g = elementAsDouble(got, i), w = elementAsDouble(want, i);
    if (isNear(g, w, tolerance))
      continue;
    ++bad;
    double excess =
        std::fabs(g - w) / (tolerance.atol + tolerance.rtol * std::fabs(w));
    if (!std::isfinite(excess))
      excess = INFINITY;
    if (worst < 0 || excess > worstError) {
      worst = i;
      worstError = excess;
    }
  }
  if (bad == 0)
    return "";
  std::ostringstream text;
  text << "differs in " << bad << " of " << want.count()
       << " elements; element " << worst << " is "
       << elementAsDouble(got, worst) << ", expected "
       << elementAsDouble(want, worst);
  return text.str();
}
