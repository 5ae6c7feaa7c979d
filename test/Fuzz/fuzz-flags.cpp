//===- fuzz-flags.cpp - Values of flags -----------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "Prompt.h"
#include "SessionFlags.h"
#include <sstream>

using namespace moe_tools;

/// A line is an argument; the last is a list of token ids, too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  std::istringstream lines(
      std::string(reinterpret_cast<const char *>(data), bytes));
  std::vector<std::string> arguments;
  for (std::string line; std::getline(lines, line);)
    arguments.push_back(line);
  for (const std::string &argument : arguments)
    (void)parseSize(argument);

  std::string problem;
  std::vector<int64_t> ids;
  // No path: the input must not choose a file.
  if (!arguments.empty() && access(arguments.back().c_str(), F_OK) != 0)
    (void)readPromptIds(arguments.back(), 100, ids, problem);

  CLI::App app;
  SessionFlags flags;
  flags.add(app);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError &) {
    return 0;
  }
  moe_rt_options options;
  (void)flags.fill(options, problem);
  return 0;
}
