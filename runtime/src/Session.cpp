//===- Session.cpp - One model at work ------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

using namespace moe_rt;

// What compiled code calls.
const moe_rt_abi_host moe_rt_session::hostTable = {
    MOE_RT_ABI_VERSION,
    sizeof(moe_rt_abi_host),
    [](void *session, moe_rt_abi_body body, void *context, int64_t n,
       int64_t grain) {
      static_cast<moe_rt_session *>(session)->pool->parallelFor(body, context,
                                                                n, grain);
    },
    [](void *session, int32_t bank, const int32_t *counts) {
      static_cast<moe_rt_session *>(session)->pager->prefetch(bank, counts);
    },
    [](void *session, int32_t bank, const int32_t *counts, int64_t) {
      return static_cast<moe_rt_session *>(session)->pager->open(bank, counts);
    },
    [](void *session) {
      return static_cast<moe_rt_session *>(session)->pager->next();
    },
    [](void *session, int32_t expert, int32_t part) {
      return static_cast<moe_rt_session *>(session)->pager->part(expert, part);
    },
    [](void *session, int32_t expert) {
      static_cast<moe_rt_session *>(session)->pager->release(expert);
    },
    [](void *session) {
      return static_cast<moe_rt_session *>(session)->pager->close();
    },
    [](void *self, int32_t kernel, int64_t rows) {
      auto *session = static_cast<moe_rt_session *>(self);
      if (kernel >= 0 && size_t(kernel) < session->launches.size())
        ++session->launches[kernel];
      session->ffnRows += rows;
    },
    [](void *session, int32_t point, const void *data, const int64_t *sizes,
       const int64_t *strides) {
      static_cast<moe_rt_session *>(session)->observe(point, data, sizes,
                                                      strides);
    }};

void moe_rt_session::observe(int32_t point, const void *data,
                             const int64_t *sizes, const int64_t *strides) {
  if (observer && point < int32_t(model->signature.points.size()))
    observer(observerData, point, data, sizes, strides);
}

moe_rt_session::~moe_rt_session() { (void)endTrace(); }

moe_rt_status moe_rt_session::open(const moe_rt_options &given) {
  options = given;
  if (model->weights < 0)
    return fail(MOE_RT_INVALID_ARGUMENT,
                model->path + " was loaded without its weights");
  moe_rt_status status = makePlan(*model, options, plan);
  if (status != MOE_RT_OK)
    return status;
  status = model->loadDense();
  if (status != MOE_RT_OK)
    return status;
  std::string problem;
  auto reader = Reader::open(model->weightsPath,
                             options.io ? options.io : "auto", problem);
  if (!reader)
    return fail(MOE_RT_INVALID_ARGUMENT, problem);
  auto device =
      Device::create(options.device ? options.device : "cpu", problem);
  if (!device)
    return fail(MOE_RT_INVALID_ARGUMENT, problem);
  pager = std::make_unique<Pager>(*model, std::move(device), std::move(reader),
                                  Policy::create(plan.policy), plan.slotCounts);
  if (!pager->reserve())
    return fail(MOE_RT_OUT_OF_MEMORY, "no memory for the expert slots");
  pool.emplace(options.threads > 0 ? options.threads : availableThreads());
  const Signature &signature = model->signature;
  inputs.resize(signature.inputs.size());
  outputs.resize(signature.outputs.size());
  exported.resize(signature.outputs.size());
  states.resize(signature.states.size());
  symbols.resize(signature.symbols.size());
  bound.resize(signature.symbols.size());
  inputPointers.resize(signature.inputs.size());
  outputPointers.resize(signature.outputs.size());
  stateFrames.resize(signature.states.size());
  launches.resize(signature.kernels.size());
  return MOE_RT_OK;
}

/// What was planned for fits. More is against a budget in bytes; without one it
/// must be what the machine has left, else touching it would fill the machine.
moe_rt_status moe_rt_session::checkGrowth(const std::string &what,
                                          uint64_t bytes, uint64_t planned) {
  if (bytes <= planned)
    return MOE_RT_OK;
  if (plan.hard)
    return fail(MOE_RT_BUDGET,
                what + " needs " + std::to_string(bytes) +
                    " bytes in this run, the plan has " +
                    std::to_string(planned) +
                    "; run fewer tokens at once, or open the session with a "
                    "larger prefill_chunk, max_batch or max_context");
  // What this run took before is not touched yet, so not missing either.
  uint64_t available = pager->available();
  available -= std::min(available, grown);
  if (bytes > available)
    return fail(MOE_RT_OUT_OF_MEMORY,
                what + " needs " + std::to_string(bytes) +
                    " bytes in this run, the machine has " +
                    std::to_string(available) + " left");
  grown += bytes;
  return MOE_RT_OK;
}

/// Makes room for `bytes`. What is planned is taken at once, so that a growing
/// context is no new buffer: what is never touched costs nothing.
moe_rt_status moe_rt_session::grow(Mapping &memory, const std::string &what,
                                   uint64_t bytes, uint64_t planned) {
  bytes = std::max<uint64_t>(bytes, 1);
  if (memory.size() >= bytes)
    return MOE_RT_OK;
  moe_rt_status status = checkGrowth(what, bytes, planned);
  if (status != MOE_RT_OK)
    return status;
  ++allocations;
  // Beyond the plan, room to grow.
  uint64_t roomy = memory.size() ? bytes + bytes / 4 : bytes;
  if (!memory.allocate(wholePages(bytes <= planned ? planned : roomy)) &&
      !memory.allocate(wholePages(bytes)))
    return fail(MOE_RT_OUT_OF_MEMORY, "no memory for " + what);
  return MOE_RT_OK;
}

moe_rt_status moe_rt_session::prepareBuffers() {
  const Signature &signature = model->signature;
  for (size_t i = 0; i < inputs.size(); ++i)
    inputPointers[i] =
        signature.inputs[i].state >= 0 ? nullptr : inputs[i].data;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TensorInfo &info = signature.outputs[i];
    if (info.state >= 0) {
      outputPointers[i] = nullptr;
      continue;
    }
    uint64_t bytes;
    if (!tensorBytes(info, symbols.data(), bytes))
      return fail(MOE_RT_INVALID_ARGUMENT,
                  "output '" + info.name + "' would be too large");
    moe_rt_status status = grow(outputs[i], "output '" + info.name + "'", bytes,
                                plan.outputSizes[i]);
    if (status != MOE_RT_OK)
      return status;
    outputPointers[i] = outputs[i].data();
  }
  int64_t needed = plan.variant->arena_bytes(symbols.data());
  if (needed < 0 || needed > (int64_t(1) << 46))
    return fail(MOE_RT_INVALID_ARGUMENT, "the sizes of the inputs overflow");
  return grow(arena, "the arena", needed, plan.arena);
}

moe_rt_status moe_rt_session::run() {
  auto begin = std::chrono::steady_clock::now();
  hasRun = false;
  grown = 0;
  moe_rt_status status = bindSymbols();
  if (status == MOE_RT_OK)
    status = prepareStates();
  if (status == MOE_RT_OK)
    status = prepareBuffers();
  if (status != MOE_RT_OK)
    return status;
  pager->clearError();
  moe_rt_abi_frame frame = {&hostTable,
                            this,
                            symbols.data(),
                            inputPointers.data(),
                            outputPointers.data(),
                            stateFrames.data(),
                            arena.data(),
                            model->dense.data(),
                            observer != nullptr};
  observe(MOE_RT_RUN_BEGINS);
  int32_t code = plan.variant->run(&frame);
  observe(MOE_RT_RUN_ENDS);
  std::string problem;
  status = pager->error(problem);
  if (status == MOE_RT_OK && code != MOE_RT_ABI_OK) {
    status = MOE_RT_INTERNAL;
    problem = "compiled code returned " + std::to_string(code);
  }
  if (status != MOE_RT_OK)
    return fail(status, problem);

  const Signature &signature = model->signature;
  for (size_t s = 0; s < states.size(); ++s) {
    const StateInfo &info = signature.states[s];
    signature.outputs[info.output].shape[info.axis].evaluate(symbols.data(),
                                                             states[s].length);
  }
  // Tokens: elements of the first input.
  int64_t count = 1;
  if (!inputs.empty())
    for (int64_t size : inputs[0].shape)
      count *= size;
  tokens += count;
  for (BoundInput &input : inputs)
    input.set = false;
  hasRun = true;
  seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  return MOE_RT_OK;
}

moe_rt_status moe_rt_session::output(int32_t index, moe_rt_tensor &tensor) {
  const Signature &signature = model->signature;
  if (index < 0 || size_t(index) >= outputs.size())
    return fail(MOE_RT_INVALID_ARGUMENT,
                "output " + std::to_string(index) + " does not exist");
  if (!hasRun)
    return fail(MOE_RT_INVALID_ARGUMENT, "there is no finished run to read");
  const TensorInfo &info = signature.outputs[index];
  tensor.type = info.type;
  tensor.rank = int32_t(info.shape.size());
  uint64_t bytes = moe_rt_type_size(info.type);
  std::vector<int64_t> shape(info.shape.size());
  for (size_t d = 0; d < info.shape.size(); ++d) {
    info.shape[d].evaluate(symbols.data(), shape[d]);
    tensor.shape[d] = shape[d];
    bytes *= shape[d];
  }
  tensor.data = outputs[index].data();
  if (info.state < 0)
    return MOE_RT_OK;
  return exportState(index, shape, bytes, tensor);
}

/// Lines are buffered: only now it is known that all were written.
moe_rt_status moe_rt_session::endTrace() {
  if (!traceFile)
    return MOE_RT_OK;
  pager->traceTo(nullptr);
  errno = 0;
  bool failed = std::ferror(traceFile);
  failed |= std::fclose(std::exchange(traceFile, nullptr)) != 0;
  if (failed)
    return fail(MOE_RT_IO, tracePath + ": " +
                               (errno ? std::strerror(errno)
                                      : "the trace could not be written"));
  return MOE_RT_OK;
}

moe_rt_status moe_rt_session::trace(const char *path) {
  moe_rt_status status = endTrace();
  if (status != MOE_RT_OK || !path)
    return status;
  tracePath = path;
  traceFile = std::fopen(path, "w");
  if (!traceFile)
    return fail(MOE_RT_IO, tracePath + ": " + std::strerror(errno));
  pager->traceTo(traceFile);
  return MOE_RT_OK;
}

const char *moe_rt_session::statistics() {
  const PagerStatistics &p = pager->statistics();
  nlohmann::ordered_json root;
  uint64_t stateBytesHeld = 0, outputBytesHeld = 0;
  for (const State &state : states)
    stateBytesHeld += state.memory.size();
  for (const Mapping &output : outputs)
    outputBytesHeld += output.size();
  // Without a budget in bytes, what outgrew its plan counts as it is.
  root["budget_bytes"] = plan.hard
                             ? plan.budget
                             : plan.dense + std::max(plan.arena, arena.size()) +
                                   std::max(plan.state, stateBytesHeld) +
                                   std::max(plan.outputs, outputBytesHeld) +
                                   plan.slots + plan.overhead;
  root["expert_bytes"] = plan.expertBytes;
  root["expert_bytes_resident_peak"] = p.residentPeak;
  root["slot_bytes"] = pager->slotBytes();
  root["slots_per_layer"] = plan.slotCounts;
  root["dense_bytes"] = plan.dense;
  root["arena_bytes"] = arena.size();
  root["state_bytes"] = stateBytesHeld;
  root["output_bytes"] = outputBytesHeld;
  root["state_bytes_copied"] = stateBytesCopied;
  root["pages_read"] = p.pagesRead;
  root["bytes_read"] = p.bytesRead;
  root["bytes_prefetched"] = p.bytesPrefetched;
  root["hits"] = p.hits;
  root["misses"] = p.misses;
  root["hit_rate"] =
      p.hits + p.misses ? double(p.hits) / double(p.hits + p.misses) : 0.0;
  root["stall_seconds"] = p.stallSeconds;
  root["tokens"] = tokens;
  root["seconds"] = seconds;
  root["ffn_rows"] = ffnRows;
  root["allocations"] = allocations;
  root["threads"] = pool->size();
  root["policy"] = pager->policyName();
  root["io"] = pager->readerName();
  root["device"] = pager->deviceName();
  root["isa"] = plan.variant->isa;
  nlohmann::ordered_json kernels = nlohmann::ordered_json::object();
  for (size_t i = 0; i < launches.size(); ++i)
    kernels[model->signature.kernels[i]] = launches[i];
  root["launches"] = kernels;
  statisticsText = root.dump();
  return statisticsText.c_str();
}
