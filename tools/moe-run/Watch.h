//===- Watch.h - Tensors and times of a run ---------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_WATCH_H
#define MOE_TOOLS_MOE_RUN_WATCH_H

#include "References.h"
#include <chrono>

namespace moe_tools {

struct WatchOptions {
  std::string dump;          ///< regular expression of tensors, or empty
  std::string outputFolder;  ///< where they are written, or empty
  std::string compareFolder; ///< of reference tensors, or empty
  bool profile = false;
  Tolerance tolerance;
};

/// Looks at the tensors of the file while a model computes them.
class Watch {
public:
  Watch(const moe_rt_model *model, const WatchOptions &options);

  /// Finds what the options ask for, and watches the session when that is
  /// anything. False with the reason in `problem`.
  bool attach(moe_rt_session *session, std::string &problem);
  /// Compares the outputs that are computed by no node.
  void compareOutputs(const Runtime &runtime);
  /// Prints what was found; the exit code.
  int report() const;

private:
  using Clock = std::chrono::steady_clock;

  bool findDumps(std::string &problem);
  void see(int32_t point, const void *data, const int64_t *sizes,
           const int64_t *strides);
  void lookAt(int32_t point, const Array &array);
  void dump(const moe_rt_point &point, const Array &array);
  void reportProfile() const;

  const moe_rt_model *model;
  const WatchOptions &options;
  std::vector<moe_rt_point> points;
  std::vector<bool> dumped;                   ///< by point
  std::map<std::string, std::string> written; ///< tensors by their file
  std::string problem;

  References references;

  Clock::time_point last;
  std::vector<double> seconds; ///< by point; what follows the last comes last
  int64_t runs = 0;
};

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_WATCH_H
