//===- Complain.h - What moe-run says is wrong ------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_COMPLAIN_H
#define MOE_TOOLS_MOE_RUN_COMPLAIN_H

#include "CommandLine.h"
#include <cstdio>
#include <string>

namespace moe_tools {

/// Prints what is wrong with the model or the data.
inline int complain(const std::string &text) {
  std::fprintf(stderr, "moe-run: error: %s\n", text.c_str());
  return kUserError;
}

/// Prints what is wrong with the command line.
inline int misuse(const std::string &text) {
  std::fprintf(stderr, "moe-run: %s\n", text.c_str());
  return kUsage;
}

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_COMPLAIN_H
