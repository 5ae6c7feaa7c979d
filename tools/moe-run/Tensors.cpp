//===- Tensors.cpp - Tensors of a model and their files -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tensors.h"

using namespace moe_tools;

std::string moe_tools::fileName(std::string tensor) {
  for (char &c : tensor)
    if (c == '/')
      c = '_';
  return tensor + ".npy";
}

std::map<std::string, std::set<std::string>>
moe_tools::groupByFile(const std::set<std::string> &tensors) {
  std::map<std::string, std::set<std::string>> files;
  for (const std::string &tensor : tensors)
    files[fileName(tensor)].insert(tensor);
  return files;
}

std::string moe_tools::listNames(const std::set<std::string> &tensors) {
  std::string text;
  for (const std::string &tensor : tensors)
    text += (text.empty() ? "'" : " and '") + tensor + "'";
  return text;
}

/// The tensors of points: "" where a point is none of the file.
static std::set<std::string> tensorsOfPoints(const moe_rt_model *model) {
  std::set<std::string> tensors;
  for (int32_t i = 0; i < moe_rt_model_point_count(model); ++i)
    tensors.insert(moe_rt_model_point(model, i).tensor);
  tensors.erase("");
  return tensors;
}

std::set<std::string> moe_tools::shownTensors(const moe_rt_model *model) {
  std::set<std::string> tensors = tensorsOfPoints(model);
  for (int32_t i = 0; i < moe_rt_model_output_count(model); ++i)
    tensors.insert(moe_rt_model_output(model, i).name);
  return tensors;
}

std::vector<int32_t> moe_tools::outputsWithoutPoint(const moe_rt_model *model) {
  std::set<std::string> tensors = tensorsOfPoints(model);
  std::vector<int32_t> outputs;
  for (int32_t i = 0; i < moe_rt_model_output_count(model); ++i)
    if (!tensors.count(moe_rt_model_output(model, i).name))
      outputs.push_back(i);
  return outputs;
}

bool moe_tools::readOutput(const Runtime &runtime, int32_t index,
                           Array &array) {
  moe_rt_tensor tensor;
  if (moe_rt_session_output(runtime.session, index, &tensor) != MOE_RT_OK) {
    (void)runtime.fail("moe-run");
    return false;
  }
  array.type = tensor.type;
  array.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  size_t bytes = array.count() * moe_rt_type_size(array.type);
  const char *data = static_cast<const char *>(tensor.data);
  // Without elements there need not be an address.
  if (bytes > 0)
    array.bytes.assign(data, data + bytes);
  return true;
}
