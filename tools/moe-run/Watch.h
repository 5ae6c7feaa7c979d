//===- Watch.h - Tensors and times of a run ---------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_WATCH_H
#define MOE_TOOLS_MOE_RUN_WATCH_H

#include "Dump.h"
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

  /// Finds what the options ask for, and all that is wrong with it.
  std::vector<std::string> prepare();
  /// Watches the runs of the session, when there is anything to look at.
  void attach(moe_rt_session *session);
  /// Looks at the outputs that no node computes; the exit code.
  int takeOutputs(const Runtime &runtime);
  /// Prints what was found; the exit code.
  int report() const;

private:
  using Clock = std::chrono::steady_clock;

  void see(int32_t point, const void *data, const int64_t *sizes,
           const int64_t *strides);
  bool wants(const std::string &tensor) const {
    return dump.has(tensor) || references.has(tensor);
  }
  /// `where`: the place of the tensor, for messages.
  void lookAt(const std::string &tensor, const std::string &where,
              const Array &array);
  void reportProfile() const;

  const moe_rt_model *model;
  const WatchOptions &options;
  std::vector<moe_rt_point> points;
  std::string problem; ///< what kept it from looking
  Dump dump;
  References references;

  Clock::time_point last;
  std::vector<double> seconds; ///< by point; what follows the last comes last
  int64_t runs = 0;
};

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_WATCH_H
