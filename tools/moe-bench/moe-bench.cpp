//===- moe-bench.cpp - Times prefill and decode of a model ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include <algorithm>
#include <chrono>
#include <cstdio>

using namespace moe_tools;

namespace {

constexpr int kMostTokens = 1 << 30;

/// Seconds of a run of `count` tokens behind `past` positions, or below 0.
double timeRun(Feeder &feeder, int64_t past, int64_t count) {
  std::vector<int64_t> tokens(count);
  for (int64_t i = 0; i < count; ++i)
    tokens[i] = (past + i) * 31 % 97 + 32;
  auto begin = std::chrono::steady_clock::now();
  if (!feeder.run(tokens.data(), count))
    return -1;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int bench(int argc, char **argv) {
  CLI::App app("Times prefill and decode of a compiled decoder");
  std::string model;
  int prefill = 512, decode = 64, repeat = 5;
  bool json = false;
  SessionFlags flags;
  app.add_option("model", model, "The .moe file")->required();
  app.add_option("--prefill", prefill, "Tokens of the prompt")
      ->check(wholeNumber(1, kMostTokens));
  app.add_option("--decode", decode, "Tokens after it")
      ->check(wholeNumber(1, kMostTokens));
  app.add_option("--repeat", repeat, "Rounds; medians are printed")
      ->check(wholeNumber(1, 1000000));
  app.add_flag("--json", json, "Print JSON");
  app.set_version_flag("--version", "moe-bench 0.1.0");
  flags.add(app);
  int result;
  if (!parseFlags(app, "moe-bench", argc, argv, result))
    return result;
  moe_rt_options options;
  std::string problem;
  if (!flags.fill(options, problem)) {
    std::fprintf(stderr, "moe-bench: %s\n", problem.c_str());
    return kUsage;
  }
  Runtime runtime;
  if (moe_rt_model_load(runtime.context, model.c_str(), &runtime.model) !=
          MOE_RT_OK ||
      moe_rt_session_open(runtime.model, &options, &runtime.session) !=
          MOE_RT_OK)
    return runtime.fail("moe-bench");
  const DecoderInputs inputs = findDecoderInputs(runtime.model);
  if (!inputs.problem.empty()) {
    std::fprintf(stderr, "moe-bench: error: %s\n", inputs.problem.c_str());
    return kUserError;
  }
  Feeder feeder(runtime, inputs);
  std::vector<double> prefills, decodes;
  double cold = 0;
  for (int round = 0; round < repeat; ++round) {
    if (!feeder.rewind())
      return runtime.fail("moe-bench");
    double seconds = timeRun(feeder, 0, prefill);
    if (seconds < 0)
      return runtime.fail("moe-bench");
    if (round == 0)
      cold = seconds;
    prefills.push_back(seconds);
    for (int i = 0; i < decode; ++i) {
      seconds = timeRun(feeder, prefill + i, 1);
      if (seconds < 0)
        return runtime.fail("moe-bench");
      decodes.push_back(seconds);
    }
  }
  double p = median(prefills), d = median(decodes);
  if (json)
    std::printf("{\"prefill_tokens\":%d,\"prefill_seconds\":%.9g,"
                "\"prefill_cold_seconds\":%.9g,\"decode_seconds\":%.9g,"
                "\"stats\":%s}\n",
                prefill, p, cold, d, moe_rt_session_stats(runtime.session));
  else
    std::printf("prefill %d tokens: %.3f ms (%.0f tokens/s), cold %.3f ms\n"
                "decode: %.3f ms a token (%.0f tokens/s)\n",
                prefill, p * 1e3, prefill / p, cold * 1e3, d * 1e3, 1 / d);
  return kOk;
}

} // namespace

int main(int argc, char **argv) {
  prepareStreams();
  return finish("moe-bench", bench(argc, argv));
}
