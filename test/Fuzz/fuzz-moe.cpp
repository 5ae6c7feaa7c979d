//===- fuzz-moe.cpp - The trailer of .moe files ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "Model.h"
#include <cstddef>
#include <cstring>
#include <fcntl.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  static const moe_fuzz::InputFile file("input.moe");
  std::string input(reinterpret_cast<const char *>(data), bytes);
  moe_format_trailer trailer;
  // With the right hash in half of the cases: else nothing comes behind it.
  if (bytes > sizeof(trailer) && data[0] & 1) {
    char *at = &input[bytes - sizeof(trailer)];
    std::memcpy(&trailer, at, sizeof(trailer));
    trailer.trailer_hash =
        moe_rt::hashBytes(&trailer, offsetof(moe_format_trailer, trailer_hash));
    std::memcpy(at, &trailer, sizeof(trailer));
  }
  file.write(input.data(), bytes);
  moe_rt_context context;
  moe_rt_model model;
  model.context = &context;
  model.path = file.path();
  // Not `load`: what passes would be run.
  int descriptor = open(model.path.c_str(), O_RDONLY | O_CLOEXEC);
  (void)model.checkCode(descriptor, trailer);
  close(descriptor);
  return 0;
}
