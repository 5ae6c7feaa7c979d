//===- Dump.cpp - Tensors of a run, printed and written -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Dump.h"
#include "Compare.h"
#include "Complain.h"
#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <regex.h>

using namespace moe_tools;

namespace {

/// A POSIX extended regular expression.
class Pattern {
public:
  explicit Pattern(const std::string &text)
      : code(regcomp(&regex, text.c_str(), REG_EXTENDED | REG_NOSUB)) {}
  ~Pattern() {
    if (code == 0)
      regfree(&regex);
  }
  Pattern(const Pattern &) = delete;
  Pattern &operator=(const Pattern &) = delete;

  /// Why it is none, or empty.
  std::string problem() const {
    char text[256] = "";
    if (code != 0)
      regerror(code, &regex, text, sizeof(text));
    return text;
  }
  bool matches(const std::string &text) const {
    return code == 0 && regexec(&regex, text.c_str(), 0, nullptr, 0) == 0;
  }

private:
  regex_t regex;
  int code;
};

} // namespace

CLI::Validator moe_tools::regularExpression() {
  auto check = [](std::string &text) -> std::string {
    std::string problem = Pattern(text).problem();
    return problem.empty()
               ? ""
               : "'" + text + "' is no regular expression: " + problem;
  };
  return CLI::Validator(check, "");
}

void Dump::find(const moe_rt_model *model, std::vector<std::string> &problems) {
  if (!folder.empty())
    for (int32_t i = 0; i < moe_rt_model_output_count(model); ++i)
      outputs.insert(moe_rt_model_output(model, i).name);
  if (!pattern.empty()) {
    std::set<std::string> shown = shownTensors(model);
    Pattern expression(pattern);
    std::copy_if(
        shown.begin(), shown.end(), std::inserter(tensors, tensors.end()),
        [&](const std::string &name) { return expression.matches(name); });
    if (tensors.empty())
      problems.push_back(explainNoMatch(model));
  }
  if (!folder.empty())
    checkFiles(problems);
}

std::string Dump::explainNoMatch(const moe_rt_model *model) const {
  constexpr int kMostNames = 20;
  std::string text = "--dump-tensors=" + pattern +
                     " matches none of the tensors that the model keeps";
  int listed = 0;
  for (int32_t i = 0; i < moe_rt_model_point_count(model); ++i) {
    const char *name = moe_rt_model_point(model, i).tensor;
    if (*name && listed++ < kMostNames)
      text += std::string("\n  ") + name;
  }
  return text +
         "\nhint: moe-inspect --json lists all of them; compile with "
         "--keep-tensors=" +
         pattern + " to keep tensors from being fused away";
}

void Dump::checkFiles(std::vector<std::string> &problems) const {
  std::set<std::string> all = outputs;
  all.insert(tensors.begin(), tensors.end());
  for (const auto &[file, names] : groupByFile(all)) {
    bool isLong = file.size() > NAME_MAX;
    if (names.size() == 1 && !isLong)
      continue;
    std::string what = isLong
                           ? ": too long for the name of a file, which has " +
                                 std::to_string(NAME_MAX) + " bytes with .npy"
                           : " would both be written to " + file;
    bool areOutputs = std::includes(outputs.begin(), outputs.end(),
                                    names.begin(), names.end());
    problems.push_back(listNames(names) + what +
                       (areOutputs ? "; rename outputs in the ONNX file"
                                   : "; let --dump-tensors match fewer"));
  }
}

void Dump::take(const std::string &tensor, const Array &array) {
  double least = INFINITY, most = -INFINITY, sum = 0;
  int64_t finite = 0, nans = 0;
  for (int64_t i = 0; i < array.count(); ++i) {
    double value = elementAsDouble(array, i);
    nans += std::isnan(value);
    if (!std::isfinite(value))
      continue;
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
    ++finite;
  }
  std::printf("%s: %s %s", tensor.c_str(), moe_rt_type_name(array.type),
              shapeText(array.shape).c_str());
  if (finite > 0)
    std::printf(", min %g, mean %g, max %g", least, sum / double(finite), most);
  int64_t infinite = array.count() - finite - nans;
  if (nans > 0)
    std::printf(", NaN %lld", static_cast<long long>(nans));
  if (infinite > 0)
    std::printf(", infinite %lld", static_cast<long long>(infinite));
  std::printf("\n");
  std::string problem;
  if (!folder.empty() && !outputs.count(tensor) &&
      !writeNpy((std::filesystem::path(folder) / fileName(tensor)).string(),
                array, problem))
    failures.push_back(problem);
}

int Dump::report() const {
  // On a full disk these are all that follow.
  constexpr size_t kMostFailures = 10;
  for (size_t i = 0; i < std::min(failures.size(), kMostFailures); ++i)
    (void)complain(failures[i]);
  if (failures.size() > kMostFailures)
    std::fprintf(stderr, "note: %zu more tensors could not be written\n",
                 failures.size() - kMostFailures);
  return failures.empty() ? kOk : kUserError;
}
