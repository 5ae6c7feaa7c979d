//===- Generate.cpp - Text from a decoder ---------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate.h"
#include "Complain.h"
#include "Decoder.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

using namespace moe_tools;

namespace {

/// The output [batch, sequence, vocabulary], or -1.
int findLogits(const moe_rt_model *model) {
  for (int i = 0; i < moe_rt_model_output_count(model); ++i) {
    moe_rt_tensor_info info = moe_rt_model_output(model, i);
    if (info.state < 0 && info.type == MOE_RT_F32 && info.rank == 3)
      return i;
  }
  return -1;
}

/// One token of a distribution, as temperature, top-k and top-p shape it.
class Sampler {
public:
  explicit Sampler(const GenerateOptions &options)
      : options(options), random(options.seed) {}

  int64_t sample(const float *logits, int64_t count) {
    order.resize(count);
    for (int64_t i = 0; i < count; ++i)
      order[i] = i;
    int64_t keep =
        options.topK > 0 ? std::min<int64_t>(options.topK, count) : count;
    if (options.temperature <= 0)
      keep = 1;
    std::partial_sort(order.begin(), order.begin() + keep, order.end(),
                      [&](int64_t a, int64_t b) {
                        return logits[a] != logits[b] ? logits[a] > logits[b]
                                                      : a < b;
                      });
    if (keep == 1)
      return order[0];
    weights.resize(keep);
    double sum = 0;
    for (int64_t i = 0; i < keep; ++i)
      sum += weights[i] =
          std::exp((logits[order[i]] - logits[order[0]]) / options.temperature);
    double limit = 0;
    for (int64_t i = 0; i < keep; ++i)
      if ((limit += weights[i]) >= options.topP * sum) {
        keep = i + 1;
        break;
      }
    // 53 random bits: the same on every platform.
    double at = double(random() >> 11) * 0x1p-53 * std::min(limit, sum);
    for (int64_t i = 0; i < keep; ++i)
      if ((at -= weights[i]) < 0)
        return order[i];
    return order[keep - 1];
  }

private:
  const GenerateOptions &options;
  std::mt19937_64 random;
  std::vector<int64_t> order;
  std::vector<double> weights;
};

} // namespace

int64_t moe_tools::vocabularySize(const moe_rt_model *model) {
  int logits = findLogits(model);
  if (logits < 0)
    return 0;
  std::string shape = moe_rt_model_output(model, logits).shape;
  const char *last = shape.c_str() + shape.rfind(' ') + 1;
  char *end;
  long long size = std::strtoll(last, &end, 10);
  return end != last && *end == ']' ? size : 0;
}

/// Says what was found, or what is missing.
static int explainRoles(const moe_rt_model *model, const DecoderInputs &inputs,
                        int logits) {
  std::string problem = inputs.problem;
  if (logits < 0)
    problem += std::string(problem.empty() ? "" : "; ") +
               "there is no float32 output [batch, sequence, vocabulary]";
  if (!problem.empty())
    return complain("--generate: " + problem);
  std::fprintf(
      stderr, "found: tokens 'input_ids'%s%s, %d states, logits '%s'\n",
      inputs.positions >= 0 ? ", positions 'position_ids'" : "",
      inputs.mask >= 0 ? ", mask 'attention_mask'" : "",
      moe_rt_model_state_count(model), moe_rt_model_output(model, logits).name);
  return kOk;
}

int moe_tools::generate(Runtime &runtime, const GenerateOptions &options) {
  const DecoderInputs inputs = findDecoderInputs(runtime.model);
  const int output = findLogits(runtime.model);
  if (int result = explainRoles(runtime.model, inputs, output))
    return result;
  if (options.prompt.empty())
    return complain("--generate needs a prompt of at least one token");
  Sampler sampler(options);
  Feeder feeder(runtime, inputs);
  std::vector<int64_t> tokens = options.prompt;
  for (int produced = 0; produced < options.count; ++produced) {
    // No run is longer than what the session was planned for.
    for (size_t at = 0; at < tokens.size(); at += options.chunk)
      if (!feeder.run(tokens.data() + at,
                      std::min<int64_t>(options.chunk, tokens.size() - at)))
        return runtime.fail("moe-run");
    moe_rt_tensor logits;
    if (moe_rt_session_output(runtime.session, output, &logits) != MOE_RT_OK)
      return runtime.fail("moe-run");
    int64_t vocabulary = logits.shape[2];
    int64_t token = sampler.sample(static_cast<const float *>(logits.data) +
                                       (logits.shape[1] - 1) * vocabulary,
                                   vocabulary);
    if (options.bytes)
      std::putchar(int(token & 255));
    else
      std::printf("%s%lld", produced ? "," : "", static_cast<long long>(token));
    // Nobody is left to read the rest; `finish` reports it.
    if (std::fflush(stdout) != 0)
      return kUserError;
    tokens.assign(1, token);
  }
  std::putchar('\n');
  return kOk;
}
