//===- Defect.h - When the compiler itself is wrong -------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_COMPILE_DEFECT_H
#define MOE_TOOLS_MOE_COMPILE_DEFECT_H

namespace moe_tools {

/// The environment of a process that repeats a compilation which failed: the
/// folder to leave what it takes to see the defect again.
constexpr const char *kReproduceVariable = "MOE_COMPILE_REPRODUCE";

/// From now on a signal that means a defect is reported with a reproducer, and
/// the process exits with 3.
void handleCrashes(char **argv);

/// Repeats the compilation in a process of its own that writes the module in
/// front of each pass, and tells where it is. Returns the exit code, 3. Calls
/// only what a signal handler may.
int reportDefect(const char *what);

/// Writes the command line to `to`/invocation.
void recordInvocation(const char *to, char **argv);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_COMPILE_DEFECT_H
