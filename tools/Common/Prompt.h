//===- Prompt.h - Token ids on the command line -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_COMMON_PROMPT_H
#define MOE_TOOLS_COMMON_PROMPT_H

#include <cstdint>
#include <string>
#include <vector>

namespace moe_tools {

/// Reads `1,2,3`, or a file of ids, each below `vocabulary` where that is known
/// (not 0). False with the reason in `problem`.
bool readPromptIds(const std::string &given, int64_t vocabulary,
                   std::vector<int64_t> &ids, std::string &problem);

/// False, with the reason, when the vocabulary has no such token.
bool checkToken(const char *flag, const std::string &word, int64_t id,
                int64_t vocabulary, std::string &problem);

} // namespace moe_tools

#endif // MOE_TOOLS_COMMON_PROMPT_H
