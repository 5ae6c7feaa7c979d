//===- Watch.cpp - Tensors and times of a run -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Watch.h"
#include "Complain.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <numeric>

using namespace moe_tools;

Watch::Watch(const moe_rt_model *model, const WatchOptions &options)
    : model(model), options(options), dump(options.dump, options.outputFolder),
      references(options.compareFolder, options.tolerance) {
  for (int32_t i = 0; i < moe_rt_model_point_count(model); ++i)
    points.push_back(moe_rt_model_point(model, i));
  seconds.resize(points.size() + 1);
}

std::vector<std::string> Watch::prepare() {
  std::vector<std::string> problems;
  dump.find(model, problems);
  std::string problem;
  if (!options.compareFolder.empty() && !references.find(model, problem))
    problems.push_back(problem);
  return problems;
}

void Watch::attach(moe_rt_session *session) {
  if (options.dump.empty() && options.compareFolder.empty() && !options.profile)
    return;
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
  if (point >= 0 && wants(points[point].tensor)) {
    const moe_rt_point &info = points[point];
    lookAt(info.tensor,
           std::string("node '") + info.node + "' (" + info.op + "), ",
           copyOf(info, data, sizes, strides));
  }
  // What looking took is no part of the profile.
  last = Clock::now();
}

void Watch::lookAt(const std::string &tensor, const std::string &where,
                   const Array &array) {
  if (dump.has(tensor))
    dump.take(tensor, array);
  references.compare(tensor, where, array);
}

int Watch::takeOutputs(const Runtime &runtime) {
  int result = kOk;
  for (int32_t i : outputsWithoutPoint(model)) {
    std::string name = moe_rt_model_output(model, i).name;
    Array array;
    if (!wants(name))
      continue;
    if (readOutput(runtime, i, array))
      lookAt(name, "", array);
    else
      result = kUserError;
  }
  return result;
}

int Watch::report() const {
  int result = dump.report();
  if (!problem.empty())
    result = complain(problem);
  if (options.profile)
    reportProfile();
  if (!options.compareFolder.empty() && references.report() != kOk)
    result = kUserError;
  return result;
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
