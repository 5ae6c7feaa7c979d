//===- References.cpp - Reference tensors of a run ------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "References.h"
#include "Complain.h"
#include <cstdio>
#include <filesystem>

using namespace moe_tools;
namespace fs = std::filesystem;

bool References::find(const moe_rt_model *model, std::string &problem) {
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".npy")
      unseen.insert(entry.path().filename().string());
  files = unseen.size();
  if (error || files == 0) {
    problem = folder + ": " +
              (error ? error.message() : "there is no NAME.npy in it");
    return false;
  }
  for (const auto &[file, tensors] : groupByFile(shownTensors(model)))
    if (tensors.size() > 1 && unseen.erase(file))
      refused.push_back((fs::path(folder) / file).string() + ": this may be " +
                        listNames(tensors) +
                        "; remove it, or rename one in the ONNX file");
  return true;
}

void References::compare(const std::string &tensor, const std::string &where,
                         const Array &got) {
  std::string file = fileName(tensor), problem;
  if (!unseen.erase(file))
    return;
  std::string path = (fs::path(folder) / file).string();
  Array want;
  if (!readNpy(path, want, problem)) {
    refused.push_back(problem);
    return;
  }
  const std::string subject = where + "tensor '" + tensor + "' ";
  std::string mismatch = findMismatch(got, want, Shapes::Regrouped);
  if (!mismatch.empty()) {
    refused.push_back(path + ": " + subject + mismatch);
    return;
  }
  ++compared;
  std::string difference = findDifference(got, want, tolerance);
  if (!difference.empty() && differences++ == 0)
    firstDifference = subject + difference;
  else if (differences == 0)
    lastEqual = tensor;
}

int References::report() const {
  std::fprintf(stderr, "compared %zu of the %zu tensors in %s\n", compared,
               files, folder.c_str());
  for (const std::string &reason : refused)
    (void)complain(reason);
  bool none = compared == 0 && refused.empty();
  if (none)
    (void)complain(folder + ": the model computes none of these tensors");
  if (differences > 0)
    reportDifferences();
  if (!unseen.empty())
    reportUnseen();
  return none || differences > 0 || !refused.empty() ? kUserError : kOk;
}

void References::reportDifferences() const {
  (void)complain("first divergence: " + firstDifference);
  if (!lastEqual.empty())
    std::fprintf(stderr, "note: the last tensor before it is '%s'\n",
                 lastEqual.c_str());
  std::fprintf(stderr, "note: %zu tensors diverge in all\n", differences);
}

/// Names the first files. A model knows only the tensors that it keeps, so why
/// it does not know one cannot be told.
void References::reportUnseen() const {
  constexpr size_t kMostNames = 10;
  std::string names;
  size_t shown = 0;
  for (const std::string &file : unseen) {
    if (shown++ == kMostNames) {
      names += " and " + std::to_string(unseen.size() - kMostNames) + " more";
      break;
    }
    names += (names.empty() ? "" : ", ") + fs::path(file).stem().string();
  }
  std::fprintf(stderr,
               "note: %zu are not among the tensors that the model keeps: "
               "fused, raised, not computed by a node, or no tensor of the "
               "graph: %s\n"
               "note: moe-compile --keep-tensors=. keeps what is fused\n",
               unseen.size(), names.c_str());
}
