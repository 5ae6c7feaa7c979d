//===- Dump.h - Tensors of a run, printed and written -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_DUMP_H
#define MOE_TOOLS_MOE_RUN_DUMP_H

#include "Tensors.h"

namespace moe_tools {

/// Checks that a flag is a POSIX extended regular expression.
CLI::Validator regularExpression();

/// Prints a line about each tensor whose name matches, and writes it where
/// there is a folder.
class Dump {
public:
  /// A regular expression, or empty; a folder, or empty.
  Dump(const std::string &pattern, const std::string &folder)
      : pattern(pattern), folder(folder) {}

  /// Finds the tensors. Adds to `problems` when none matches, and all files of
  /// the folder that could not be told apart or named.
  void find(const moe_rt_model *model, std::vector<std::string> &problems);
  bool has(const std::string &tensor) const { return tensors.count(tensor); }
  void take(const std::string &tensor, const Array &array);
  /// Prints what could not be written; the exit code.
  int report() const;

private:
  std::string explainNoMatch(const moe_rt_model *model) const;
  void checkFiles(std::vector<std::string> &problems) const;

  std::string pattern, folder;
  std::set<std::string> tensors; ///< that match
  std::set<std::string> outputs; ///< written without being asked for
  std::vector<std::string> failures;
};

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_DUMP_H
