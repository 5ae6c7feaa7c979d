//===- SessionFlags.cpp - Flags that every tool with a session has --------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SessionFlags.h"
#include <cmath>
#include <cstdlib>

using namespace moe_tools;

/// More than any machine this runs on has; the runtime asks for no more than
/// the system gives.
static constexpr int kMostThreads = 1024;

void SessionFlags::add(CLI::App &app) {
  app.add_option("--memory-budget", budget,
                 "Bytes for everything (4GiB, 500M), or the share of each "
                 "layer's experts to hold (25%)");
  app.add_option("--host-budget", hostBudget,
                 "Of a device: bytes of pinned host memory for experts on "
                 "their way, and those that stay there");
  app.add_option("--expert-slots", slots, "Experts each layer holds")
      ->check(wholeNumber(1, std::numeric_limits<int>::max()));
  app.add_option("--threads", threads, "Threads (default: all the process has)")
      ->check(wholeNumber(1, kMostThreads));
  app.add_option("--policy", policy, "What to evict: auto, lru, lfu");
  app.add_option("--io", io, "How to read: auto, uring, pread, buffered");
  app.add_option("--isa", isa, "Instruction set (default: the best there is)");
  app.add_option("--device", device,
                 "cpu, cuda:0, host-simt[:OPTIONS] (default: cpu or cuda:0, as "
                 "the model was compiled)");
  // The limits of the runtime.
  app.add_option("--max-context", maxContext, "Positions to plan for")
      ->check(wholeNumber(1, uint64_t(1) << 40));
  app.add_option("--max-batch", maxBatch, "Sequences to plan for")
      ->check(wholeNumber(1, uint64_t(1) << 31));
  app.add_option("--prefill-chunk", prefillChunk, "Tokens of a run to plan for")
      ->check(wholeNumber(1, uint64_t(1) << 31));
}

uint64_t moe_tools::parseSize(const std::string &text) {
  char *end;
  double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !(value > 0))
    return 0;
  std::string unit(end);
  while (!unit.empty() && unit[0] == ' ')
    unit.erase(0, 1);
  double factor = 0;
  const char *units = "KMGT";
  if (unit.empty() || unit == "B")
    factor = 1;
  for (int i = 0; i < 4; ++i) {
    std::string letter(1, units[i]);
    if (unit == letter + "iB" || unit == letter)
      factor = std::pow(1024.0, i + 1);
    if (unit == letter + "B")
      factor = std::pow(1000.0, i + 1);
  }
  double bytes = value * factor;
  return bytes >= 1 && bytes < 9e18 ? uint64_t(bytes) : 0;
}

bool SessionFlags::fill(moe_rt_options &options, std::string &problem) const {
  moe_rt_options_init(&options);
  options.device = device.empty() ? nullptr : device.c_str();
  if (!budget.empty() && budget.back() == '%') {
    char *end;
    options.budget_percent = std::strtod(budget.c_str(), &end);
    if (end != budget.c_str() + budget.size() - 1 ||
        !(options.budget_percent > 0) || options.budget_percent > 100) {
      problem = "--memory-budget=" + budget + ": a share is from 1% to 100%";
      return false;
    }
  } else if (!budget.empty()) {
    options.memory_budget = parseSize(budget);
    if (options.memory_budget == 0) {
      problem = "--memory-budget=" + budget +
                ": not a size such as 4GiB, 500M or 25%";
      return false;
    }
  }
  if (!hostBudget.empty()) {
    options.host_budget = parseSize(hostBudget);
    if (options.host_budget == 0) {
      problem = "--host-budget=" + hostBudget + ": not a size such as 4GiB";
      return false;
    }
  }
  options.expert_slots = slots;
  options.threads = threads;
  options.policy = policy.c_str();
  options.io = io.c_str();
  options.isa = isa.empty() ? nullptr : isa.c_str();
  options.max_context = maxContext;
  options.max_batch = maxBatch;
  options.prefill_chunk = prefillChunk;
  return true;
}

Runtime::~Runtime() {
  if (session)
    moe_rt_session_close(session);
  if (model)
    moe_rt_model_free(model);
  moe_rt_context_destroy(context);
}

int Runtime::fail(const char *tool) const {
  std::fprintf(stderr, "%s: error: %s\n", tool,
               moe_rt_context_last_error(context));
  return kUserError;
}
