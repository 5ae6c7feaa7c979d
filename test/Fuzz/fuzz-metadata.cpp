//===- fuzz-metadata.cpp - The metadata of .moe files ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "Model.h"
#include "Plan.h"

using namespace moe_rt;

namespace {
/// The arena of a model without code.
int64_t arenaBytes(const int64_t *) { return 0; }
int32_t run(const moe_rt_abi_frame *) { return 0; }
const moe_rt_abi_variant kVariant = {"baseline", 0, run, arenaBytes};
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  static moe_rt_abi_model code = {
      MOE_RT_ABI_MAGIC, MOE_RT_ABI_VERSION, sizeof(code), "", 0, &kVariant, 1};
  moe_rt_context context;
  moe_rt_model model;
  model.context = &context;
  model.code = &code;
  Signature &signature = model.signature;
  if (!signature.parse(reinterpret_cast<const char *>(data), bytes).empty())
    return 0;
  // What the runtime does with it before it reads weights.
  for (int64_t value : {int64_t(0), int64_t(7), INT64_MAX}) {
    std::vector<int64_t> symbols(signature.symbols.size(), value);
    int64_t size;
    for (auto *list : {&signature.inputs, &signature.outputs})
      for (const TensorInfo &info : *list)
        for (const Poly &dim : info.shape)
          (void)dim.evaluate(symbols.data(), size);
    for (const Poly &dim : signature.positive)
      (void)dim.evaluate(symbols.data(), size);
  }
  moe_rt_options options;
  moe_rt_options_init(&options);
  for (uint64_t budget : {uint64_t(0), uint64_t(64) << 20}) {
    Plan plan;
    options.memory_budget = budget;
    if (makePlan(model, options, plan) == MOE_RT_OK)
      (void)plan.json(model);
  }
  return 0;
}
