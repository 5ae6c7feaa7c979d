//===- Npy.h - Tensors in .npy files ----------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_COMMON_NPY_H
#define MOE_TOOLS_COMMON_NPY_H

#include "moe_rt/moe_rt.h"
#include <string>
#include <vector>

namespace moe_tools {

/// A dense row-major tensor.
struct Array {
  moe_rt_type type = MOE_RT_F32;
  std::vector<int64_t> shape;
  std::vector<char> bytes;
  int64_t count() const {
    int64_t n = 1;
    for (int64_t size : shape)
      n *= size;
    return n;
  }
};

/// Reads a file of version 1 to 3, little-endian, in C or Fortran order. False
/// with the reason in `problem`.
bool readNpy(const std::string &path, Array &array, std::string &problem);

/// Writes version 1.0; bfloat16, which the format lacks, as float32. A file of
/// this name stays as it is when that fails.
bool writeNpy(const std::string &path, const Array &array,
              std::string &problem);

/// Converts between float types (bfloat16 travels as float32, rounded to
/// nearest even). False when the types are not both float.
bool convertFloats(Array &array, moe_rt_type type);

/// Whether the elements are floating-point numbers; else integers or bools.
bool isFloat(moe_rt_type type);

/// Element as a double; 64-bit integers are rounded.
double elementAsDouble(const Array &array, int64_t index);

/// Holds every element that is not a float.
using Integer = __int128;
Integer elementAsInteger(const Array &array, int64_t index);

} // namespace moe_tools

#endif // MOE_TOOLS_COMMON_NPY_H
