//===- References.h - Reference tensors of a run ----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_REFERENCES_H
#define MOE_TOOLS_MOE_RUN_REFERENCES_H

#include "Compare.h"
#include "Tensors.h"

namespace moe_tools {

/// A folder of tensors, and what comparing a run with them gives. One that
/// cannot be compared hides nothing of the others.
class References {
public:
  References(const std::string &folder, const Tolerance &tolerance)
      : folder(folder), tolerance(tolerance) {}

  /// Lists the folder. False with the reason when nothing is in it.
  bool find(const moe_rt_model *model, std::string &problem);
  /// Whether a tensor is to be compared.
  bool has(const std::string &tensor) const {
    return unseen.count(fileName(tensor));
  }
  /// Compares a tensor that `where` tells the place of, when it has a
  /// reference.
  void compare(const std::string &tensor, const std::string &where,
               const Array &got);
  /// Prints what was found; the exit code.
  int report() const;

private:
  void reportDifferences() const;
  void reportUnseen() const;

  std::string folder;
  Tolerance tolerance;
  size_t files = 0, compared = 0, differences = 0;
  /// Names of files that belong to no tensor that the run has shown.
  std::set<std::string> unseen;
  /// Why files were not compared.
  std::vector<std::string> refused;
  std::string firstDifference, lastEqual;
};

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_REFERENCES_H
