//===- Plan.cpp - Where the memory goes, before anything is loaded --------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Plan.h"
#include "PinnedTier.h"
#include "WaveTables.h"
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace moe_rt;

namespace {

/// Threads' stacks, I/O rings, tables: held whatever the model.
constexpr uint64_t kOverhead = 4u << 20;

/// Pinned slots without a host budget: enough to keep reads and copies going.
constexpr int32_t kHostSlots = 8;

/// Larger sizes are a mistake, and their sums would overflow.
constexpr uint64_t kMostBytes = uint64_t(1) << 46;

std::string mebibytes(uint64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + "MiB";
}

/// A size the user gave, not rounded.
std::string exactly(uint64_t bytes) {
  if (bytes % (1 << 20) == 0)
    return mebibytes(bytes);
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

moe_rt_status checkOptions(moe_rt_model &model, const moe_rt_options &options) {
  auto fail = [&](const char *text) {
    return model.context->fail(MOE_RT_INVALID_ARGUMENT, text);
  };
  if (options.max_context < 1 || options.max_batch < 1 ||
      options.prefill_chunk < 1 || options.max_context > (int64_t(1) << 40) ||
      options.max_batch > (int64_t(1) << 31) ||
      options.prefill_chunk > (int64_t(1) << 31))
    return fail("max_context, max_batch and prefill_chunk must be positive");
  if (!(options.budget_percent >= 0 && options.budget_percent <= 100) ||
      options.expert_slots < 0 || options.threads < 0)
    return fail("percent, slots and threads must not be negative, percent at "
                "most 100");
  if ((options.memory_budget > 0) + (options.budget_percent > 0) +
          (options.expert_slots > 0) >
      1)
    return fail("give one of a memory budget, a percentage and expert slots");
  return MOE_RT_OK;
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

/// Finds the device that the options name, for the target of the model.
moe_rt_status chooseDevice(moe_rt_model &model, const moe_rt_options &options,
                           Plan &plan) {
  plan.onDevice = model.signature.target == Target::CUDA;
  std::string name = plan.onDevice ? "cuda:0" : "cpu", problem;
  if (options.device)
    name = options.device;
  auto refuse = [&](const std::string &text) {
    return model.context->fail(MOE_RT_INVALID_ARGUMENT, text);
  };
  DeviceName parsed;
  if (name != "cpu" && !parseDeviceName(name, parsed, problem))
    return refuse(problem);
  if (!plan.onDevice) {
    if (options.host_budget > 0)
      return refuse(model.path + " is compiled for CPUs, where a host budget "
                                 "has no meaning; use --memory-budget");
    return name == "cpu"
               ? MOE_RT_OK
               : refuse(model.path + " is compiled for CPUs, not for '" + name +
                        "'; use --device=cpu, or compile the model with "
                        "--target=cuda");
  }
  if (name == "cpu")
    return refuse(model.path +
                  " is compiled for CUDA devices, not for CPUs; use "
                  "--device=cuda:0 or --device=host-simt, or compile the model "
                  "with --target=cpu");
  moe_rt_status status = MOE_RT_OK;
  if (!model.device || model.device->lost() || model.device->name() != name)
    model.device = KernelDevice::open(parsed, status, problem);
  plan.device = model.device;
  // What is only planned may run elsewhere.
  if (!plan.device && (options.device || model.weights >= 0))
    return model.context->fail(status, problem);
  return MOE_RT_OK;
}

/// Images bring their variants. Without a device, the last one is planned for.
moe_rt_status chooseDeviceVariant(moe_rt_model &model, const char *isa,
                                  Plan &plan) {
  if (!plan.device) {
    plan.variant = &model.code->variants[model.code->variant_count - 1];
    return MOE_RT_OK;
  }
  ImageChoice choice;
  std::string problem = chooseImage(*model.code, plan.device->properties,
                                    plan.device->arch(), isa, choice);
  if (!problem.empty())
    return model.context->fail(MOE_RT_INCOMPATIBLE,
                               model.path + ": " + problem);
  plan.variant = choice.variant;
  plan.image = choice.image;
  return MOE_RT_OK;
}

moe_rt_status chooseVariant(moe_rt_model &model, const char *isa, Plan &plan) {
  if (plan.onDevice)
    return chooseDeviceVariant(model, isa, plan);

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

/// Everything but the slots, and the floor. False when sizes overflow.
bool planFixed(const moe_rt_model &model, const moe_rt_options &options,
               Plan &plan) {
  const Signature &signature = model.signature;
  std::vector<int64_t> symbols = largestSymbols(model, options);
  int64_t arena = plan.variant->arena_bytes(symbols.data());
  if (arena < 0 || uint64_t(arena) > kMostBytes)
    return false;
  plan.arena = wholePages(arena);
  plan.dense = signature.denseBytes;
  plan.overhead = kOverhead;
  if (plan.onDevice)
    plan.overhead = wholePages(WaveTables::bytes(signature.banks)) +
                    wholePages(plan.image ? plan.image->bytes : 0);
  for (const StateInfo &state : signature.states) {
    uint64_t bytes;
    if (!stateBytes(model, state, symbols.data(), options.max_context, bytes))
      return false;
    plan.stateSizes.push_back(wholePages(bytes));
    plan.state += plan.stateSizes.back();
    if (plan.state > kMostBytes)
      return false;
  }
  for (const TensorInfo &input : signature.inputs) {
    uint64_t bytes = 0; // the caller's, unless they are copied
    if (plan.onDevice && input.state < 0 &&
        !tensorBytes(input, symbols.data(), bytes))
      return false;
    plan.inputSizes.push_back(wholePages(bytes));
    plan.inputs += plan.inputSizes.back();
    if (plan.inputs > kMostBytes)
      return false;
  }
  for (const TensorInfo &output : signature.outputs) {
    uint64_t bytes = 0; // a state's output is the state
    if (output.state < 0 && !tensorBytes(output, symbols.data(), bytes))
      return false;
    plan.outputSizes.push_back(wholePages(bytes));
    plan.outputs += plan.outputSizes.back();
    if (plan.outputs > kMostBytes)
      return false;
  }
  plan.floor = plan.total();
  for (const BankInfo &bank : signature.banks) {
    plan.floor += bank.slotBytes;
    plan.expertBytes += bank.slotBytes * bank.experts;
    plan.bytesPerToken += bank.slotBytes * std::min(bank.k, bank.experts);
  }
  return true;
}

/// What the floor is made of.
std::string partsOf(const Plan &plan) {
  uint64_t oneEach = plan.floor - (plan.total() - plan.slots);
  std::string inputs =
      plan.onDevice ? ", inputs " + mebibytes(plan.inputs) : "";
  return "dense weights " + mebibytes(plan.dense) + ", arena " +
         mebibytes(plan.arena) + ", state " + mebibytes(plan.state) + inputs +
         ", outputs " + mebibytes(plan.outputs) + " and one expert per layer " +
         mebibytes(oneEach) + " need " + mebibytes(plan.floor);
}

/// The flags that make what no budget changes smaller.
std::string askForLess(const moe_rt_model &model,
                       const moe_rt_options &options) {
  std::string text = "use a smaller ";
  if (!model.signature.states.empty())
    text +=
        "--max-context (now " + std::to_string(options.max_context) + ") or ";
  if (options.max_batch > 1)
    text += "--max-batch (now " + std::to_string(options.max_batch) + ") or ";
  return text + "--prefill-chunk (now " +
         std::to_string(options.prefill_chunk) + ")";
}

/// No budget would do. Names what would.
moe_rt_status refuseMachine(moe_rt_model &model, const moe_rt_options &options,
                            const Plan &plan, uint64_t available) {
  moe_rt_options least = options;
  least.max_context = least.max_batch = least.prefill_chunk = 1;
  Plan leastPlan;
  leastPlan.variant = plan.variant;
  leastPlan.onDevice = plan.onDevice;
  leastPlan.image = plan.image;
  bool helps =
      planFixed(model, least, leastPlan) && leastPlan.floor <= available;
  std::string where = plan.where();
  return model.context->fail(MOE_RT_BUDGET,
                             "the " + where + " has " + mebibytes(available) +
                                 " left, too little: " + partsOf(plan) + "; " +
                                 (helps ? askForLess(model, options)
                                        : "the model needs a larger " + where));
}

/// The same number of slots in each layer, as far as it has experts.
void chooseSlots(const moe_rt_model &model, const moe_rt_options &options,
                 uint64_t available, Plan &plan) {
  const std::vector<BankInfo> &banks = model.signature.banks;
  uint64_t fixed = plan.total(),
           limit = plan.hard ? options.memory_budget : available / 10 * 9;
  auto bytesFor = [&](int32_t slots) {
    uint64_t bytes = 0;
    for (const BankInfo &bank : banks)
      bytes += bank.slotBytes * std::min(slots, bank.experts);
    return bytes;
  };
  int32_t low = 1, high = 1;
  for (const BankInfo &bank : banks)
    high = std::max(high, bank.experts);
  while (low < high) {
    int32_t middle = low + (high - low + 1) / 2;
    if (fixed + bytesFor(middle) <= limit)
      low = middle;
    else
      high = middle - 1;
  }
  for (const BankInfo &bank : banks) {
    int32_t slots = std::min(low, bank.experts);
    if (options.budget_percent > 0)
      slots = std::max<int32_t>(
          1, int32_t(bank.experts * options.budget_percent / 100));
    if (options.expert_slots > 0)
      slots = std::min(options.expert_slots, bank.experts);
    plan.slotCounts.push_back(slots);
    plan.slots += bank.slotBytes * slots;
  }
}

/// Slots in pinned memory, all as large as the largest expert.
moe_rt_status chooseHostSlots(moe_rt_model &model,
                              const moe_rt_options &options, Plan &plan) {
  uint64_t largest = 0, experts = 0;
  for (const BankInfo &bank : model.signature.banks) {
    largest = std::max(largest, bank.slotBytes);
    experts += bank.experts;
  }
  if (experts == 0)
    return MOE_RT_OK;
  const uint64_t least = PinnedTier::kLeast;
  uint64_t slots =
      options.host_budget ? options.host_budget / largest : kHostSlots;
  if (slots < least)
    return model.context->fail(
        MOE_RT_BUDGET, "a host budget of " + exactly(options.host_budget) +
                           " is too small: two experts need " +
                           mebibytes(least * largest) +
                           "; use --host-budget=" + mebibytes(least * largest));
  slots = std::max(least, std::min<uint64_t>(slots, experts));
  plan.hostSlots = int32_t(std::min<uint64_t>(slots, 1 << 24));
  plan.hostBytes = plan.hostSlots * largest;
  uint64_t available = model.host.available();
  if (plan.hostBytes <= available)
    return MOE_RT_OK;
  return model.context->fail(MOE_RT_BUDGET,
                             "experts in pinned memory need " +
                                 mebibytes(plan.hostBytes) +
                                 ", the machine has " + mebibytes(available) +
                                 " left; use a smaller --host-budget");
}

moe_rt_status choosePolicy(moe_rt_model &model, const moe_rt_options &options,
                           Plan &plan) {
  bool tooFew = false;
  for (size_t b = 0; b < plan.slotCounts.size(); ++b) {
    const BankInfo &bank = model.signature.banks[b];
    tooFew |= plan.slotCounts[b] < std::min(bank.k, bank.experts);
  }
  std::string asked = options.policy ? options.policy : "auto";
  if (asked != "auto" && asked != "lru" && asked != "lfu")
    return model.context->fail(MOE_RT_INVALID_ARGUMENT,
                               "unknown policy '" + asked +
                                   "'; known: auto, lru, lfu");
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

bool moe_rt::tensorBytes(const TensorInfo &info, const int64_t *symbols,
                         uint64_t &bytes) {
  bytes = moe_rt_type_size(info.type);
  for (const Poly &dim : info.shape) {
    int64_t size;
    if (!dim.evaluate(symbols, size) ||
        __builtin_mul_overflow(bytes, uint64_t(size), &bytes))
      return false;
  }
  return bytes <= kMostBytes;
}

moe_rt_status moe_rt::makePlan(moe_rt_model &model,
                               const moe_rt_options &options, Plan &plan) {
  moe_rt_status status = checkOptions(model, options);
  if (status == MOE_RT_OK)
    status = chooseDevice(model, options, plan);
  if (status == MOE_RT_OK)
    status = chooseVariant(model, options.isa, plan);
  if (status == MOE_RT_OK && plan.onDevice)
    status = chooseHostSlots(model, options, plan);
  if (status != MOE_RT_OK)
    return status;
  uint64_t available = kMostBytes; // of a device that is not here
  if (!plan.onDevice)
    available = model.host.available();
  else if (plan.device)
    available = plan.device->available();
  if (plan.device && plan.device->lost())
    return model.context->fail(MOE_RT_DEVICE, plan.device->problem);
  plan.hard = options.memory_budget > 0;
  if (!planFixed(model, options, plan))
    return model.context->fail(MOE_RT_BUDGET, "the planned sizes overflow; " +
                                                  askForLess(model, options));
  // What no number of slots changes.
  if (plan.floor > available)
    return refuseMachine(model, options, plan, available);
  if (plan.hard && options.memory_budget < plan.floor)
    return model.context->fail(
        MOE_RT_BUDGET, "a memory budget of " + exactly(options.memory_budget) +
                           " is too small: " + partsOf(plan) +
                           "; use --memory-budget=" + mebibytes(plan.floor) +
                           ", or a smaller --max-context or --prefill-chunk");
  chooseSlots(model, options, available, plan);
  plan.budget = plan.hard ? options.memory_budget : plan.total();
  // A budget beyond the machine is fine as long as no more is held.
  if (plan.total() > available ||
      (plan.budget > available && plan.slots < plan.expertBytes))
    return model.context->fail(
        MOE_RT_BUDGET,
        (plan.hard
             ? "a memory budget of " + exactly(plan.budget) + " is more"
             : "the session needs " + mebibytes(plan.total()) + ", more") +
            " than the " + plan.where() + " has left, " + mebibytes(available) +
            "; use --memory-budget=" +
            mebibytes(std::max(plan.floor, available / 10 * 9)));
  return choosePolicy(model, options, plan);
}

std::string Plan::json(const moe_rt_model &model) const {
  nlohmann::ordered_json root;
  root["budget_bytes"] = budget;
  root["total_bytes"] = total();
  root["floor_bytes"] = floor;
  root["dense_bytes"] = dense;
  root["arena_bytes"] = arena;
  root["state_bytes"] = state;
  root["output_bytes"] = outputs;
  root["slot_bytes"] = slots;
  root["overhead_bytes"] = overhead;
  root["expert_bytes"] = expertBytes;
  root["slots_per_layer"] = slotCounts;
  root["expert_bytes_per_token"] = bytesPerToken;
  root["policy"] = policy;
  root["policy_reason"] = policyReason;
  root["isa"] = variant->isa;
  root["layers"] = model.signature.banks.size();
  if (!onDevice)
    return root.dump();
  root["input_bytes"] = inputs;
  root["device"] = device ? device->name() : "none";
  root["device_name"] = device ? device->properties.name : "";
  root["image"] = image ? image->arch : "";
  root["host_slots"] = hostSlots;
  root["host_bytes"] = hostBytes;
  return root.dump();
}
