//===- Watch.cpp - Tensors and times of a run -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Watch.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <regex.h>

using namespace moe_tools;
namespace fs = std::filesystem;

Watch::Watch(const moe_rt_model *model, const WatchOptions &options)
    : model(model), options(options),
      references(options.compareFolder, options.tolerance) {
  for (int32_t i = 0; i < moe_rt_model_point_count(model); ++i)
    points.push_back(moe_rt_model_point(model, i));
  dumped.resize(points.size());
  seconds.resize(points.size() + 1);
}

bool Watch::attach(moe_rt_session *session, std::string &problem) {
  if (options.dump.empty() && options.compareFolder.empty() && !options.profile)
    return true;
  if (!findDumps(problem) ||
      (!options.compareFolder.empty() && !references.find(model, problem)))
    return false;
  auto observer = [](void *self, int32_t point, const void *data,
                     const int64_t *sizes, const int64_t *strides) {
    auto *watch = static_cast<Watch *>(self);
    try {
      watch->see(point, data, sizes, strides);
    } catch (const std::exception &error) {
      watch->problem = error.what();
    }
  };
  moe_rt_session_observe(session, observer, this);
  return true;
}

bool Watch::findDumps(std::string &problem) {
  if (options.dump.empty())
    return true;
  regex_t pattern;
  if (int code =
          regcomp(&pattern, options.dump.c_str(), REG_EXTENDED | REG_NOSUB)) {
    char text[256];
    regerror(code, &pattern, text, sizeof(text));
    problem =
        "--dump-tensors=" + options.dump + " is no regular expression: " + text;
    return false;
  }
  bool any = false;
  for (size_t i = 0; i < points.size(); ++i) {
    dumped[i] = *points[i].tensor &&
                regexec(&pattern, points[i].tensor, 0, nullptr, 0) == 0;
    any |= dumped[i];
  }
  regfree(&pattern);
  if (any)
    return true;
  problem = "--dump-tensors=" + options.dump +
            " matches none of the tensors that the model keeps";
  for (size_t i = 0, shown = 0; i < points.size() && shown < 20; ++i)
    if (*points[i].tensor && ++shown)
      problem += std::string("\n  ") + points[i].tensor;
  problem += "\nhint: moe-inspect --json lists all of them; compile with "
             "--keep-tensors=" +
             options.dump + " to keep tensors from being fused away";
  return false;
}

/// A dense copy of a tensor.
static Array copyOf(const moe_rt_point &point, const void *data,
                    const int64_t *sizes, const int64_t *strides) {
  Array array;
  array.type = point.type;
  array.shape.assign(sizes, sizes + point.rank);
  size_t width = moe_rt_type_size(point.type);
  array.bytes.resize(array.count() * width);
  std::vector<int64_t> at(point.rank);
  int64_t offset = 0;
  for (size_t to = 0; to < array.bytes.size(); to += width) {
    std::memcpy(array.bytes.data() + to,
                static_cast<const char *>(data) + offset * int64_t(width),
                width);
    for (int32_t d = point.rank - 1; d >= 0; --d) {
      offset += strides[d];
      if (++at[d] < sizes[d])
        break;
      offset -= at[d] * strides[d];
      at[d] = 0;
    }
  }
  return array;
}

void Watch::see(int32_t point, const void *data, const int64_t *sizes,
                const int64_t *strides) {
  Clock::time_point now = Clock::now();
  if (point != MOE_RT_RUN_BEGINS)
    seconds[point >= 0 ? point : points.size()] +=
        std::chrono::duration<double>(now - last).count();
  runs += point == MOE_RT_RUN_BEGINS;
  if (point >= 0 && *points[point].tensor &&
      (dumped[point] || references.has(points[point].tensor)))
    lookAt(point, copyOf(points[point], data, sizes, strides));
  // What looking took is no part of the profile.
  last = Clock::now();
}

void Watch::lookAt(int32_t point, const Array &array) {
  const moe_rt_point &info = points[point];
  if (dumped[point])
    dump(info, array);
  references.compare(
      info.tensor, std::string("node '") + info.node + "' (" + info.op + "), ",
      array);
}

/// Prints a line about the tensor, and writes it where there is a folder.
void Watch::dump(const moe_rt_point &point, const Array &array) {
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
  std::printf("%s: %s %s", point.tensor, moe_rt_type_name(point.type),
              shapeText(array.shape).c_str());
  if (finite > 0)
    std::printf(", min %g, mean %g, max %g", least, sum / double(finite), most);
  int64_t infinite = array.count() - finite - nans;
  if (nans > 0)
    std::printf(", NaN %lld", static_cast<long long>(nans));
  if (infinite > 0)
    std::printf(", infinite %lld", static_cast<long long>(infinite));
  std::printf("\n");
  if (options.outputFolder.empty() || !problem.empty())
    return;
  std::string file = fileName(point.tensor);
  auto [other, isNew] = written.emplace(file, point.tensor);
  if (!isNew && other->second != point.tensor)
    problem = "tensors '" + other->second + "' and '" + point.tensor +
              "' are both written to " + file;
  else
    (void)writeNpy((fs::path(options.outputFolder) / file).string(), array,
                   problem);
}

void Watch::compareOutputs(const Runtime &runtime) {
  for (int32_t i : outputsWithoutPoint(model)) {
    std::string name = moe_rt_model_output(model, i).name;
    Array array;
    if (references.has(name) && readOutput(runtime, i, array))
      references.compare(name, "", array);
  }
}

int Watch::report() const {
  if (!problem.empty()) {
    std::fprintf(stderr, "moe-run: error: %s\n", problem.c_str());
    return kUserError;
  }
  if (options.profile)
    reportProfile();
  return options.compareFolder.empty() ? kOk : references.report();
}

void Watch::reportProfile() const {
  double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  auto line = [&](double time, const std::string &what) {
    std::fprintf(stderr, "%8.3f ms %5.1f %%  %s\n", time * 1e3,
                 total > 0 ? 100 * time / total : 0.0, what.c_str());
  };
  std::map<std::string, double> byOperator;
  std::vector<std::pair<double, std::string>> byNode;
  for (size_t i = 0; i < points.size(); ++i) {
    byOperator[points[i].op] += seconds[i];
    byNode.emplace_back(seconds[i], std::string(points[i].node) + " (" +
                                        points[i].op + ")");
  }
  byOperator["outputs"] += seconds.back();
  std::vector<std::pair<double, std::string>> operators;
  for (const auto &[name, time] : byOperator)
    operators.emplace_back(time, name);
  constexpr size_t kMostNodes = 40;
  std::fprintf(stderr,
               "profile of %lld runs, by operator (with what was fused "
               "into it)\n",
               static_cast<long long>(runs));
  for (auto *list : {&operators, &byNode}) {
    std::sort(list->begin(), list->end(), [](auto &a, auto &b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    if (list == &byNode)
      std::fprintf(stderr, "by node\n");
    for (size_t i = 0; i < std::min(list->size(), kMostNodes); ++i)
      line((*list)[i].first, (*list)[i].second);
    if (list->size() > kMostNodes)
      std::fprintf(stderr, "             and %zu more\n",
                   list->size() - kMostNodes);
  }
  line(total, "in all");
}
