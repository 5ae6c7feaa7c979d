//===- Plan.cpp - Where the memory goes, before anything is loaded --------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Plan.h"
#include "Device.h"
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace moe_rt;

namespace {

/// Threads' stacks, I/O rings, tables: held whatever the model.
constexpr uint64_t kOverhead = 4u << 20;

std::string mebibytes(uint64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + "MiB";
}

/// The largest values the symbols are planned for: a state's axis is a context
/// length, a first dimension a batch, anything else tokens of one run.
std::vector<int64_t> largestSymbols(const moe_rt_model &model,
                                    const moe_rt_options &options) {
  const Signature &signature = model.signature;
  std::vector<int64_t> symbols(signature.symbols.size(), options.prefill_chunk);
  for (const TensorInfo &input : signature.inputs)
    if (input.shape.size() > 1 && input.shape[0].asSymbol() >= 0)
      symbols[input.shape[0].asSymbol()] = options.max_batch;
  for (const StateInfo &state : signature.states)
    symbols[signature.inputs[state.input].shape[state.axis].asSymbol()] =
        options.max_context;
  return symbols;
}

moe_rt_status chooseVariant(moe_rt_model &model, const char *isa, Plan &plan) {
  uint64_t features = cpuFeatures();
  std::string known;
  for (uint64_t i = 0; i < model.code->variant_count; ++i) {
    const moe_rt_abi_variant &variant = model.code->variants[i];
    bool fits = (variant.features & ~features) == 0;
    known += std::string(known.empty() ? "" : ", ") + variant.isa;
    if (isa && std::strcmp(isa, variant.isa) == 0) {
      if (!fits)
        return model.context->fail(MOE_RT_INCOMPATIBLE,
                                   std::string("this CPU has no ") + isa);
      plan.variant = &variant;
    } else if (!isa && fits) {
      plan.variant = &variant;
    }
  }
  if (plan.variant)
    return MOE_RT_OK;
  return model.context->fail(
      isa ? MOE_RT_INVALID_ARGUMENT : MOE_RT_INCOMPATIBLE,
      isa ? "the model has no code for '" + std::string(isa) + "'; it has " +
                known
          : "this CPU has none of the instruction sets of the model: " + known);
}

} // namespace

uint64_t moe_rt::cpuFeatures() {
  __builtin_cpu_init();
  uint64_t features = 0;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    features |= MOE_RT_ABI_X86_64_V3;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    features |= MOE_RT_ABI_X86_64_V4;
  return features;
}

bool moe_rt::stateBytes(const moe_rt_model &model, const StateInfo &state,
                        const int64_t *symbols, int64_t capacity,
                        uint64_t &bytes) {
  const TensorInfo &info = model.signature.inputs[state.input];
  bytes = moe_rt_type_size(info.type);
  for (size_t d = 0; d < info.shape.size(); ++d) {
    int64_t size = capacity;
    if (int32_t(d) != state.axis && !info.shape[d].evaluate(symbols, size))
      return false;
    if (__builtin_mul_overflow(bytes, uint64_t(size), &bytes))
      return false;
  }
  return bytes < (uint64_t(1) << 50);
}

moe_rt_status moe_rt::makePlan(moe_rt_model &model,
                               const moe_rt_options &options, Plan &plan) {
  const Signature &signature = model.signature;
  auto fail = [&](moe_rt_status status, const std::string &text) {
    return model.context->fail(status, text);
  };
  if (options.max_context < 1 || options.max_batch < 1 ||
      options.prefill_chunk < 1 || options.max_context > (int64_t(1) << 40) ||
      options.max_batch > (int64_t(1) << 31) ||
      options.prefill_chunk > (int64_t(1) << 31))
    return fail(MOE_RT_INVALID_ARGUMENT,
                "max_context, max_batch and prefill_chunk must be positive");
  if (options.budget_percent < 0 || options.budget_percent > 100 ||
      options.expert_slots < 0 || options.threads < 0)
    return fail(MOE_RT_INVALID_ARGUMENT,
                "percent, slots and threads must not be negative, percent at "
                "most 100");
  int given = (options.memory_budget > 0) + (options.budget_percent > 0) +
              (options.expert_slots > 0);
  if (given > 1)
    return fail(MOE_RT_INVALID_ARGUMENT,
                "give one of a memory budget, a percentage and expert slots");
  moe_rt_status status = chooseVariant(model, options.isa, plan);
  if (status != MOE_RT_OK)
    return status;

  std::vector<int64_t> symbols = largestSymbols(model, options);
  int64_t arena = plan.variant->arena_bytes(symbols.data());
  if (arena < 0)
    return fail(MOE_RT_BUDGET, "the planned sizes overflow");
  plan.arena = arena;
  plan.dense = signature.denseBytes;
  plan.overhead = kOverhead;
  for (const StateInfo &state : signature.states) {
    uint64_t bytes;
    if (!stateBytes(model, state, symbols.data(), options.max_context, bytes))
      return fail(MOE_RT_BUDGET, "the planned sizes overflow");
    plan.state += bytes;
  }
  uint64_t fixed = plan.total(), oneEach = 0;
  int32_t mostExperts = 0;
  for (const BankInfo &bank : signature.banks) {
    oneEach += bank.slotBytes;
    plan.expertBytes += bank.slotBytes * bank.experts;
    plan.bytesPerToken += bank.slotBytes * std::min(bank.k, bank.experts);
    mostExperts = std::max(mostExperts, bank.experts);
  }
  plan.floor = fixed + oneEach;

  // Slots: the same number in each layer, as far as it has experts.
  auto bytesFor = [&](int32_t slots) {
    uint64_t bytes = 0;
    for (const BankInfo &bank : signature.banks)
      bytes += bank.slotBytes * std::min(slots, bank.experts);
    return bytes;
  };
  std::string problem;
  std::unique_ptr<Device> device =
      Device::create(options.device ? options.device : "cpu", problem);
  if (!device)
    return fail(MOE_RT_INVALID_ARGUMENT, problem);
  uint64_t available = device->available();
  uint64_t limit = options.memory_budget;
  plan.hard = limit > 0;
  if (limit == 0)
    limit = available / 10 * 9;
  if (plan.hard && limit < plan.floor)
    return fail(MOE_RT_BUDGET,
                "a memory budget of " + mebibytes(limit) +
                    " is too small: dense weights " + mebibytes(plan.dense) +
                    ", arena " + mebibytes(plan.arena) + ", state " +
                    mebibytes(plan.state) + " and one expert per layer " +
                    mebibytes(oneEach) + " need " + mebibytes(plan.floor) +
                    "; use --memory-budget=" + mebibytes(plan.floor) +
                    ", or a smaller --max-context or --prefill-chunk");
  int32_t low = 1, high = std::max(1, mostExperts);
  while (low < high) {
    int32_t middle = low + (high - low + 1) / 2;
    if (fixed + bytesFor(middle) <= limit)
      low = middle;
    else
      high = middle - 1;
  }
  bool tooFew = false;
  for (const BankInfo &bank : signature.banks) {
    int32_t slots = std::min(low, bank.experts);
    if (options.budget_percent > 0)
      slots = std::max<int32_t>(
          1, int32_t(bank.experts * options.budget_percent / 100));
    if (options.expert_slots > 0)
      slots = std::min(options.expert_slots, bank.experts);
    plan.slotCounts.push_back(slots);
    plan.slots += bank.slotBytes * slots;
    tooFew |= slots < std::min(bank.k, bank.experts);
  }
  plan.budget = plan.hard ? options.memory_budget : plan.total();
  if (plan.total() > available && (plan.hard || given > 0 || low == 1))
    return fail(MOE_RT_BUDGET, "the session needs " + mebibytes(plan.total()) +
                                   ", the machine has " + mebibytes(available) +
                                   " left; use --memory-budget=" +
                                   mebibytes(available / 10 * 9));
  if (plan.hard && options.memory_budget > available &&
      plan.slots < plan.expertBytes)
    return fail(MOE_RT_BUDGET,
                "a memory budget of " + mebibytes(options.memory_budget) +
                    " is more than the machine has left, " +
                    mebibytes(available) +
                    "; use --memory-budget=" + mebibytes(available / 10 * 9));

  std::string asked = options.policy ? options.policy : "auto";
  if (asked != "auto" && asked != "lru" && asked != "lfu")
    return fail(MOE_RT_INVALID_ARGUMENT,
                "unknown policy '" + asked + "'; known: auto, lru, lfu");
  if (asked != "auto") {
    plan.policy = asked;
    plan.policyReason = "asked for";
  } else if (tooFew) {
    plan.policy = "lfu";
    plan.policyReason =
        "a layer has fewer slots than one token needs experts: LRU would never "
        "hit";
  } else {
    plan.policy = "lru";
    plan.policyReason = "the slots hold at least one token's experts";
  }
  return MOE_RT_OK;
}

std::string Plan::json(const moe_rt_model &model) const {
  nlohmann::ordered_json root;
  root["budget_bytes"] = budget;
  root["total_bytes"] = total();
  root["floor_bytes"] = floor;
  root["dense_bytes"] = dense;
  root["arena_bytes"] = arena;
  root["state_bytes"] = state;
  root["slot_bytes"] = slots;
  root["overhead_bytes"] = overhead;
  root["expert_bytes"] = expertBytes;
  root["slots_per_layer"] = slotCounts;
  root["expert_bytes_per_token"] = bytesPerToken;
  root["policy"] = policy;
  root["policy_reason"] = policyReason;
  root["isa"] = variant->isa;
  root["layers"] = model.signature.banks.size();
  return root.dump();
}
