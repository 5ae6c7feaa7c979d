//===- CommandLine.h - What every tool's command line keeps to --*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_COMMON_COMMANDLINE_H
#define MOE_TOOLS_COMMON_COMMANDLINE_H

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>

namespace moe_tools {

/// Exit codes of the command line contract.
enum Exit { kOk = 0, kUserError = 1, kUsage = 2 };

/// Checks of a flag's number that say which would be accepted. CLI11's own
/// print the limits of double in full, and let NaN pass.
CLI::Validator wholeNumber(uint64_t low, uint64_t high);
CLI::Validator realNumber(double low,
                          double high = std::numeric_limits<double>::max());

/// Before anything is opened: no file may take the number of a closed standard
/// stream, or output would go there; and a file that may not grow is an error
/// of the write, not the end.
void prepareStreams();

/// Parses. False when the tool is to end, with `result`: after --help, or where
/// the flags are wrong. No flag takes an empty value: it would have no effect.
bool parseFlags(CLI::App &app, const char *tool, int argc, char **argv,
                int &result);

/// The exit code when `result` was reached: a failure where the standard output
/// could not be written.
int finish(const char *tool, int result);

} // namespace moe_tools

#endif // MOE_TOOLS_COMMON_COMMANDLINE_H
