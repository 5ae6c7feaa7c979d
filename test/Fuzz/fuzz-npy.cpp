//===- fuzz-npy.cpp - .npy files ------------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "Npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  static const moe_fuzz::InputFile file("input.npy");
  moe_tools::Array array;
  std::string problem;
  if (!moe_tools::readNpy(file.write(data, bytes), array, problem))
    return 0;
  // What comparisons and conversions do with it.
  for (int64_t i = 0, count = array.count(); i < count; ++i)
    (void)(moe_tools::elementAsDouble(array, i) +
           double(moe_tools::elementAsInteger(array, i)));
  for (moe_rt_type type : {MOE_RT_F16, MOE_RT_BF16, MOE_RT_F64, MOE_RT_F32})
    (void)moe_tools::convertFloats(array, type);
  return 0;
}
