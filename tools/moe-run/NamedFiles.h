//===- NamedFiles.h - Files of inputs and outputs ---------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_NAMEDFILES_H
#define MOE_TOOLS_MOE_RUN_NAMEDFILES_H

#include "moe_rt/moe_rt.h"
#include <map>
#include <string>
#include <vector>

namespace moe_tools {

/// Files of tensors, by the tensor's index.
using Files = std::map<int32_t, std::string>;

/// Flags that name files of inputs, or of outputs.
struct FileFlags {
  bool input;
  const char *flag;               ///< that takes NAME=FILE.npy
  std::vector<std::string> pairs; ///< which it was given
  std::string folder;             ///< of NAME.npy, or empty
};

/// Finds the tensors of NAME=FILE pairs, and of the files of a folder, which
/// they go before. Returns an exit code.
int gather(const moe_rt_model *model, const FileFlags &flags, Files &files);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_NAMEDFILES_H
