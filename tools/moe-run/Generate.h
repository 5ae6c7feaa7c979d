//===- Generate.h - Text from a decoder -------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_GENERATE_H
#define MOE_TOOLS_MOE_RUN_GENERATE_H

#include "SessionFlags.h"
#include <vector>

namespace moe_tools {

struct GenerateOptions {
  int count = 0;
  std::vector<int64_t> prompt;
  bool bytes = false; ///< tokens are bytes: print them as text
  double temperature = 1.0, topP = 1.0;
  int topK = 0; ///< 0: all; 1: greedy
  uint64_t seed = 0;
  int64_t chunk = 512; ///< most tokens of a run, at least 1
};

/// Number of token ids: the last dimension of the logits. 0 where that is not a
/// constant, or there are no logits.
int64_t vocabularySize(const moe_rt_model *model);

/// Runs the prompt, in chunks, then samples token by token and prints them as
/// they come. Finds the inputs by their roles: token ids, positions, an
/// attention mask, states. Returns an exit code.
int generate(Runtime &runtime, const GenerateOptions &options);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_GENERATE_H
