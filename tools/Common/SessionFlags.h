//===- SessionFlags.h - Flags that every tool with a session has *- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_COMMON_SESSIONFLAGS_H
#define MOE_TOOLS_COMMON_SESSIONFLAGS_H

#include "CommandLine.h"
#include "moe_rt/moe_rt.h"
#include <string>

namespace moe_tools {

/// The session's options as flags.
struct SessionFlags {
  std::string budget, hostBudget, policy = "auto", io = "auto", isa, device;
  int slots = 0, threads = 0;
  int64_t maxContext = 4096, maxBatch = 1, prefillChunk = 512;

  void add(CLI::App &app);
  /// False with a message for the user when a value cannot be meant.
  bool fill(moe_rt_options &options, std::string &problem) const;
};

/// Owns a context, a model and a session.
struct Runtime {
  moe_rt_context *context = moe_rt_context_create();
  moe_rt_model *model = nullptr;
  moe_rt_session *session = nullptr;
  ~Runtime();
  /// Prints the context's last error; returns kUserError.
  int fail(const char *tool) const;
};

/// A size such as 4GiB, 512M or 1000: bytes, or 0.
uint64_t parseSize(const std::string &text);

} // namespace moe_tools

#endif // MOE_TOOLS_COMMON_SESSIONFLAGS_H
