//===- NamedFiles.cpp - Files of inputs and outputs -----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NamedFiles.h"
#include "Complain.h"
#include "Tensors.h"
#include <filesystem>

using namespace moe_tools;
namespace fs = std::filesystem;

namespace {

/// The inputs, or the outputs, of a model.
class Side {
public:
  Side(const moe_rt_model *model, bool input)
      : kind(input ? "input" : "output") {
    int32_t count = input ? moe_rt_model_input_count(model)
                          : moe_rt_model_output_count(model);
    for (int32_t i = 0; i < count; ++i)
      list.push_back(input ? moe_rt_model_input(model, i)
                           : moe_rt_model_output(model, i));
  }

  /// The tensor a flag names: exactly, or as a file would.
  std::set<int32_t> named(const std::string &name) const {
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i].name == name)
        return {int32_t(i)};
    return ofFile(name + ".npy");
  }
  /// The tensors a file may be of: one, unless only `/` and `_` differ.
  std::set<int32_t> ofFile(const std::string &file) const {
    std::set<int32_t> found;
    for (size_t i = 0; i < list.size(); ++i)
      if (fileName(list[i].name) == file)
        found.insert(int32_t(i));
    return found;
  }

  int explainUnknown(const std::string &name) const {
    std::string text =
        "the model has no " + kind + " '" + name + "'; its " + kind + "s are";
    for (const moe_rt_tensor_info &info : list)
      text += "\n  " + std::string(info.name) + ": " +
              moe_rt_type_name(info.type) + " " + info.shape;
    return complain(text);
  }
  int explainAmbiguous(const std::string &what, const std::set<int32_t> &found,
                       const char *flag) const {
    std::set<std::string> names;
    for (int32_t index : found)
      names.insert(list[index].name);
    return complain(what + ": this may be the " + kind + "s " +
                    listNames(names) + "; use " + flag + " NAME=FILE.npy");
  }

private:
  std::string kind;
  std::vector<moe_rt_tensor_info> list;
};

} // namespace

/// Every NAME.npy of a folder, of which there must be one. What the files
/// already have stays.
static int gatherFolder(const Side &side, const FileFlags &flags,
                        Files &files) {
  std::error_code error;
  const Files given = files;
  bool any = false;
  for (const auto &entry : fs::directory_iterator(flags.folder, error)) {
    if (entry.path().extension() != ".npy")
      continue;
    any = true;
    std::set<int32_t> found = side.ofFile(entry.path().filename().string());
    if (found.empty())
      return side.explainUnknown(entry.path().stem().string());
    for (const auto &[index, file] : given)
      found.erase(index);
    if (found.size() > 1)
      return side.explainAmbiguous(entry.path().string(), found, flags.flag);
    if (!found.empty())
      files[*found.begin()] = entry.path().string();
  }
  if (error)
    return complain(flags.folder + ": " + error.message());
  return any ? kOk : complain(flags.folder + ": there is no NAME.npy in it");
}

int moe_tools::gather(const moe_rt_model *model, const FileFlags &flags,
                      Files &files) {
  Side side(model, flags.input);
  for (const std::string &pair : flags.pairs) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return misuse(std::string(flags.flag) + ": '" + pair +
                    "' is not NAME=FILE.npy");
    std::string name = pair.substr(0, equals);
    std::set<int32_t> found = side.named(name);
    if (found.empty())
      return side.explainUnknown(name);
    if (found.size() > 1)
      return side.explainAmbiguous("'" + name + "'", found, flags.flag);
    if (!files.emplace(*found.begin(), pair.substr(equals + 1)).second)
      return misuse(std::string(flags.flag) + " gives two files for '" + name +
                    "'");
  }
  return flags.folder.empty() ? kOk : gatherFolder(side, flags, files);
}
