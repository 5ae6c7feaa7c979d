//===- Tensors.h - Tensors of a model and their files -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_TENSORS_H
#define MOE_TOOLS_MOE_RUN_TENSORS_H

#include "Npy.h"
#include "SessionFlags.h"
#include <map>
#include <set>

namespace moe_tools {

/// The file of a tensor: `/` cannot be in a file's name.
std::string fileName(std::string tensor);

/// The tensors of each file. Several have one when only `/` and `_` differ.
std::map<std::string, std::set<std::string>>
groupByFile(const std::set<std::string> &tensors);

/// "'a/b' and 'a_b'"
std::string listNames(const std::set<std::string> &tensors);

/// What a run shows of the file: the tensors of points, and the outputs.
std::set<std::string> shownTensors(const moe_rt_model *model);

/// Outputs that no node computes, such as an input that is passed on.
std::vector<int32_t> outputsWithoutPoint(const moe_rt_model *model);

/// A copy of an output of the last run. False with an error printed.
bool readOutput(const Runtime &runtime, int32_t index, Array &array);

} // namespace moe_tools

#endif // MOE_TOOLS_MOE_RUN_TENSORS_H
