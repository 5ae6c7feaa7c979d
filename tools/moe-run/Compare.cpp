//===- Compare.cpp - Tensors beside their references ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include <algorithm>
#include <cmath>
#include <sstream>

using namespace moe_tools;

std::string moe_tools::shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

/// Whether each dimension of a shape is one or several adjacent ones of the
/// other, or the other way round. A transposition is neither: 13 x 32 and
/// 32 x 13 have no boundary in common but the ends. The products are equal.
static bool isRegrouped(std::vector<int64_t> a, std::vector<int64_t> b) {
  for (auto *shape : {&a, &b})
    shape->erase(std::remove(shape->begin(), shape->end(), 1), shape->end());
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    size_t firstOfA = i, firstOfB = j;
    int64_t sizeOfA = a[i++], sizeOfB = b[j++];
    while (sizeOfA != sizeOfB)
      if (sizeOfA < sizeOfB)
        sizeOfA *= a[i++];
      else
        sizeOfB *= b[j++];
    if (i - firstOfA > 1 && j - firstOfB > 1)
      return false;
  }
  return true;
}

std::string moe_tools::findMismatch(const Array &got, const Array &want,
                                    Shapes shapes) {
  if (isFloat(got.type) != isFloat(want.type))
    return std::string("is ") + moe_rt_type_name(got.type) +
           ", its reference " + moe_rt_type_name(want.type) +
           "; save the reference as " +
           (isFloat(got.type) ? "floats" : "integers");
  // Where nothing is, there is no order of it.
  if (got.shape == want.shape ||
      (shapes == Shapes::Regrouped && got.count() == want.count() &&
       (got.count() == 0 || isRegrouped(got.shape, want.shape))))
    return "";
  return "has the shape " + shapeText(got.shape) + ", its reference " +
         shapeText(want.shape);
}

/// 0 when two values are as near as asked for, else how far they are apart for
/// that. An infinity is near itself only: a tolerance relative to it would let
/// everything pass.
static double excessOfFloats(double got, double want,
                             const Tolerance &tolerance) {
  double error = std::fabs(got - want);
  double allowed = tolerance.atol + tolerance.rtol * std::fabs(want);
  if (got == want || (std::isnan(got) && std::isnan(want)) ||
      (std::isfinite(want) && error <= allowed))
    return 0;
  return std::isfinite(error / allowed) ? error / allowed : INFINITY;
}

static std::string elementText(const Array &array, int64_t index) {
  std::ostringstream text;
  if (isFloat(array.type))
    text << elementAsDouble(array, index);
  else if (Integer value = elementAsInteger(array, index); value < 0)
    text << int64_t(value);
  else
    text << uint64_t(value);
  return text.str();
}

std::string moe_tools::findDifference(const Array &got, const Array &want,
                                      const Tolerance &tolerance) {
  int64_t worst = -1, bad = 0;
  double worstExcess = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    double excess = isFloat(want.type)
                        ? excessOfFloats(elementAsDouble(got, i),
                                         elementAsDouble(want, i), tolerance)
                        : std::fabs(double(elementAsInteger(got, i) -
                                           elementAsInteger(want, i)));
    if (excess == 0)
      continue;
    ++bad;
    if (excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (bad == 0)
    return "";
  return "differs in " + std::to_string(bad) + " of " +
         std::to_string(want.count()) + " elements; element " +
         std::to_string(worst) + " is " + elementText(got, worst) +
         ", expected " + elementText(want, worst);
}
