//===- Report.cpp - What is said about errors -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>

using namespace moe_simt;

/// "llvm.store #3 of node '/moe/MatMul'".
std::string Block::describe(uint32_t location) const {
  if (location >= grid.image.location_count)
    return "";
  const moe_simt_location &entry = grid.image.locations[location];
  std::string text =
      entry.op + std::string(" #") + std::to_string(entry.ordinal);
  if (std::string(entry.kernel) != grid.kernel.name)
    text += " of function '" + std::string(entry.kernel) + "'";
  if (*entry.source)
    text += " of node '" + std::string(entry.source) + "'";
  return text;
}

static std::string getPosition(const uint32_t *index) {
  return "(" + std::to_string(index[0]) + "," + std::to_string(index[1]) + "," +
         std::to_string(index[2]) + ")";
}

bool Block::fail(const Thread &thread, uint32_t location, const char *format,
                 ...) {
  if (problem.empty()) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    std::string where = describe(location);
    problem = std::string("kernel '") + grid.kernel.name + "'" +
              (where.empty() ? "" : ", " + where) + ", block " +
              getPosition(thread.registers + MOE_SIMT_CTAID) + ", thread " +
              std::to_string(thread.index) + ": " + message;
  }
  if (current)
    current->fiber.suspend(); // for good: nothing resumes it
  return false;
}

namespace {
/// Threads that wait at the same place for the same.
struct Waiting {
  std::string what;
  std::vector<unsigned> threads;
};
} // namespace

/// "3, 8-15".
static std::string listThreads(const std::vector<unsigned> &threads) {
  std::string text;
  for (size_t i = 0; i < threads.size();) {
    size_t end = i + 1;
    while (end < threads.size() && threads[end] == threads[end - 1] + 1)
      ++end;
    text += (i ? ", " : "") + std::to_string(threads[i]);
    if (end > i + 1)
      text += "-" + std::to_string(threads[end - 1]);
    i = end;
  }
  return text;
}

void Block::reportDeadlock() {
  std::vector<Waiting> groups;
  for (const Thread &thread : threads) {
    if (thread.exited)
      continue;
    std::string what =
        thread.waitsFor + std::string(" ") + std::to_string(thread.waitDetail);
    auto barrier = mbarriers.find(static_cast<uint32_t>(thread.waitDetail));
    if (std::string(thread.waitsFor) == "mbarrier" &&
        barrier != mbarriers.end()) {
      const MBarrier &state = barrier->second;
      what += " (phase " + std::to_string(state.phase) + ", " +
              std::to_string(state.pending) + " of " +
              std::to_string(state.count) + " arrivals and " +
              std::to_string(state.bytes) + " bytes pending)";
    }
    if (std::string where = describe(thread.waitLocation); !where.empty())
      what += " at " + where;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](auto &other) { return other.what == what; });
    if (group == groups.end())
      group = groups.insert(group, Waiting{what, {}});
    group->threads.push_back(thread.index);
  }
  problem = std::string("kernel '") + grid.kernel.name + "', block " +
            getPosition(threads[0].registers + MOE_SIMT_CTAID) + ": deadlock:";
  for (const Waiting &group : groups)
    problem += (&group == &groups[0] ? " threads " : "; threads ") +
               listThreads(group.threads) + " wait for " + group.what;
  if (live < threads.size())
    problem += "; " + std::to_string(threads.size() - live) + " have ended";
}
