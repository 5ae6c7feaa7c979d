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
    MOE_RT_ABI_VERSION, sizeof(moe_rt_abi_host),
    [](void *session, moe_rt_abi_body body, void *context, int64_t n,
       int64_t grain) {
      static_cast<moe_rt_session *>(session)->pool->parallelFor(body, context,
                                                                n, grain);
    },
    [](void *session, int32_t bank, const int32_t *counts) {
      static_cast<moe_rt_session *>(session)->hostPager->prefetch(bank, counts);
    },
    [](void *session, int32_t bank, const int32_t *counts, int64_t) {
      return static_cast<moe_rt_session *>(session)->hostPager->open(bank,
                                                                     counts);
    },
    [](void *session) {
      return static_cast<moe_rt_session *>(session)->hostPager->next();
    },
    [](void *session, int32_t expert, int32_t part) {
      return static_cast<moe_rt_session *>(session)->hostPager->part(expert,
                                                                     part);
    },
    [](void *session, int32_t expert) {
      static_cast<moe_rt_session *>(session)->hostPager->release(expert);
    },
    [](void *session) {
      return static_cast<moe_rt_session *>(session)->hostPager->close();
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
    },
    // The rest is of devices.
    nullptr, nullptr, nullptr, nullptr, nullptr};

void moe_rt_session::observe(int32_t point, const void *data,
                             const int64_t *sizes, const int64_t *strides) {
  if (!observer || point >= int32_t(model->signature.points.size()))
    return;
  if (onDevice && data)
    data = toHost(point, data, sizes, strides);
  observer(observerData, point, data, sizes, strides);
}

/// All between the first and the last element of a tensor.
const void *moe_rt_session::toHost(int32_t point, const void *data,
                                   const int64_t *sizes,
                                   const int64_t *strides) {
  const PointInfo &info = model->signature.points[point];
  int64_t last = 0;
  for (int32_t d = 0; d < info.rank; ++d) {
    if (sizes[d] == 0)
      return observed.data();
    last += (sizes[d] - 1) * strides[d];
  }
  observed.resize((last + 1) * moe_rt_type_size(info.type));
  onDevice->readBack(observed.data(), data, int64_t(observed.size()));
  return observed.data();
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
  std::string problem;
  auto reader = Reader::open(model->weightsPath,
                             options.io ? options.io : "auto", problem);
  if (!reader)
    return fail(MOE_RT_INVALID_ARGUMENT, problem);
  status = plan.onDevice ? openOnDevice(std::move(reader))
                         : openOnHost(std::move(reader));
  if (status != MOE_RT_OK)
    return status;
  pool.emplace(options.threads > 0 ? options.threads : availableThreads());
  const Signature &signature = model->signature;
  inputs.resize(signature.inputs.size());
  inputCopies.resize(signature.inputs.size());
  outputs.resize(signature.outputs.size());
  exported.resize(signature.outputs.size());
  exportedNow.resize(signature.outputs.size());
  states.resize(signature.states.size());
  symbols.resize(signature.symbols.size());
  bound.resize(signature.symbols.size());
  inputPointers.resize(signature.inputs.size());
  outputPointers.resize(signature.outputs.size());
  stateFrames.resize(signature.states.size());
  launches.resize(signature.kernels.size());
  return MOE_RT_OK;
}

moe_rt_status moe_rt_session::openOnHost(std::unique_ptr<Reader> reader) {
  moe_rt_status status = model->loadDense();
  if (status != MOE_RT_OK)
    return status;
  device = &model->host;
  auto own = std::make_unique<HostPager>(
      *model, std::move(reader), Policy::create(plan.policy), plan.slotCounts);
  hostPager = own.get();
  pager = std::move(own);
  if (!hostPager->reserve(model->host))
    return fail(MOE_RT_OUT_OF_MEMORY, "no memory for the expert slots");
  return MOE_RT_OK;
}

moe_rt_status moe_rt_session::openOnDevice(std::unique_ptr<Reader> reader) {
  std::shared_ptr<ModelOnDevice> loaded;
  moe_rt_status status = loadToDevice(loaded);
  if (status != MOE_RT_OK)
    return status;
  device = plan.device.get();
  auto own = std::make_unique<DevicePager>(
      *model, *plan.device, std::move(reader), Policy::create(plan.policy),
      plan.slotCounts);
  DevicePager &devicePager = *own;
  pager = std::move(own);
  onDevice.emplace(std::move(loaded), devicePager, model->signature.banks);
  status = devicePager.reserve(plan.hostSlots);
  return status == MOE_RT_OK ? status
                             : fail(status, "no memory for the expert slots: " +
                                                plan.device->problem);
}

/// Sessions of a model share its kernels and dense weights.
moe_rt_status
moe_rt_session::loadToDevice(std::shared_ptr<ModelOnDevice> &loaded) {
  loaded = model->modelOnDevice;
  if (loaded && loaded->device == plan.device &&
      loaded->choice.image == plan.image)
    return MOE_RT_OK;
  loaded = std::make_shared<ModelOnDevice>();
  loaded->device = plan.device;
  loaded->choice = {plan.variant, plan.image};
  moe_rt_status status = loaded->load(*model);
  if (status == MOE_RT_OK)
    model->modelOnDevice = loaded;
  return status;
}

/// What was planned for fits. More is against a budget in bytes; without one it
/// must be what the machine has left, else touching it would fill the machine.
moe_rt_status moe_rt_session::checkGrowth(Device &where,
                                          const std::string &what,
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
  // On the host, what this run took before is not touched yet, so not missing.
  uint64_t available = where.available();
  available -= std::min(available, grown);
  if (plan.device && plan.device->lost())
    return fail(MOE_RT_DEVICE, plan.device->problem);
  if (bytes > available)
    return fail(MOE_RT_OUT_OF_MEMORY, what + " needs " + std::to_string(bytes) +
                                          " bytes in this run, the " +
                                          plan.where() + " has " +
                                          std::to_string(available) + " left");
  if (!plan.onDevice)
    grown += bytes;
  return MOE_RT_OK;
}

/// Makes room for `bytes`. What is planned is taken at once, so that a growing
/// context is no new buffer: on the host, what is never touched costs nothing.
moe_rt_status moe_rt_session::grow(Buffer &memory, Device &where,
                                   const std::string &what, uint64_t bytes,
                                   uint64_t planned) {
  bytes = std::max<uint64_t>(bytes, 1);
  if (memory.size() >= bytes)
    return MOE_RT_OK;
  moe_rt_status status = checkGrowth(where, what, bytes, planned);
  if (status != MOE_RT_OK)
    return status;
  ++allocations;
  // Beyond the plan, room to grow.
  uint64_t roomy = memory.size() ? bytes + bytes / 4 : bytes;
  if (memory.allocate(where, wholePages(bytes <= planned ? planned : roomy)) ||
      memory.allocate(where, wholePages(bytes)))
    return MOE_RT_OK;
  if (plan.device && plan.device->lost())
    return fail(MOE_RT_DEVICE, plan.device->problem);
  return fail(MOE_RT_OUT_OF_MEMORY, "no memory for " + what);
}

/// Where compiled code reads an input.
moe_rt_status moe_rt_session::bindInput(int32_t index) {
  const TensorInfo &info = model->signature.inputs[index];
  inputPointers[index] = info.state >= 0 ? nullptr : inputs[index].data;
  if (info.state >= 0 || !onDevice)
    return MOE_RT_OK;
  uint64_t bytes;
  if (!tensorBytes(info, symbols.data(), bytes))
    return fail(MOE_RT_INVALID_ARGUMENT,
                "input '" + info.name + "' has an impossible size");
  Buffer &copy = inputCopies[index];
  moe_rt_status status =
      grow(copy, *device, "the copy of input '" + info.name + "'", bytes,
           plan.inputSizes[index]);
  if (status != MOE_RT_OK)
    return status;
  inputPointers[index] = copy.data();
  return copied(device->copyIn(copy.data(),
                               static_cast<const char *>(inputs[index].data),
                               {bytes, bytes, bytes, 1}));
}

moe_rt_status moe_rt_session::prepareBuffers() {
  const Signature &signature = model->signature;
  for (size_t i = 0; i < inputs.size(); ++i) {
    moe_rt_status status = bindInput(int32_t(i));
    if (status != MOE_RT_OK)
      return status;
  }
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
    moe_rt_status status =
        grow(outputs[i], *device, "output '" + info.name + "'", bytes,
             plan.outputSizes[i]);
    if (status != MOE_RT_OK)
      return status;
    outputPointers[i] = outputs[i].data();
  }
  int64_t needed = plan.variant->arena_bytes(symbols.data());
  if (needed < 0 || needed > (int64_t(1) << 46))
    return fail(MOE_RT_INVALID_ARGUMENT, "the sizes of the inputs overflow");
  return grow(arena, *device, "the arena", needed, plan.arena);
}

moe_rt_status moe_rt_session::run() {
  auto begin = std::chrono::steady_clock::now();
  hasRun = false;
  grown = 0;
  exportedNow.assign(exportedNow.size(), false);
  moe_rt_status status = bindSymbols();
  if (status == MOE_RT_OK)
    status = prepareStates();
  if (status == MOE_RT_OK)
    status = prepareBuffers();
  if (status != MOE_RT_OK)
    return status;
  pager->clearError();
  const char *dense = onDevice ? onDevice->dense() : model->dense.data();
  moe_rt_abi_frame frame = {onDevice ? &deviceHostTable : &hostTable,
                            this,
                            symbols.data(),
                            inputPointers.data(),
                            outputPointers.data(),
                            stateFrames.data(),
                            arena.data(),
                            dense,
                            observer != nullptr};
  observe(MOE_RT_RUN_BEGINS);
  int32_t code = onDevice ? onDevice->run(frame) : plan.variant->run(&frame);
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
  if (info.state >= 0)
    return exportState(index, shape, bytes, tensor);
  return onDevice ? copyOutput(index, bytes, tensor) : MOE_RT_OK;
}

/// Outputs of a device come to the host when they are asked for.
moe_rt_status moe_rt_session::copyOutput(int32_t index, uint64_t bytes,
                                         moe_rt_tensor &tensor) {
  Buffer &copy = exported[index];
  moe_rt_status status = MOE_RT_OK;
  if (!exportedNow[index])
    status = grow(copy, model->host,
                  "the copy of output '" +
                      model->signature.outputs[index].name + "'",
                  bytes, bytes);
  if (status == MOE_RT_OK && !exportedNow[index])
    status = copied(device->copyOut(copy.data(), outputs[index].data(),
                                    {bytes, bytes, bytes, 1}));
  exportedNow[index] = status == MOE_RT_OK;
  tensor.data = copy.data();
  return status;
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

/// Adds what only devices have; returns the launches of each kernel.
static nlohmann::ordered_json describeDevice(const Plan &plan,
                                             const DeviceSession &session,
                                             const PagerStatistics &pager,
                                             nlohmann::ordered_json &root) {
  KernelDevice &device = *plan.device;
  root["device_name"] = device.properties.name;
  root["image"] = plan.image->arch;
  root["host_bytes"] = plan.hostBytes;
  root["bytes_to_device"] = pager.bytesToDevice;
  root["host_hits"] = pager.hostHits;
  nlohmann::ordered_json launches = nlohmann::ordered_json::object(),
                         units = {{"mma", 0}, {"wgmma", 0}, {"tma", 0}};
  for (size_t i = 0; i < session.kernels().size(); ++i) {
    const GpuKernelInfo &kernel = session.kernels()[i];
    uint64_t count = session.launchCounts()[i];
    launches[kernel.name] = count;
    for (const std::string &unit : kernel.uses)
      units[unit] = units.value(unit, uint64_t(0)) + count;
  }
  root["launches_using"] = units;
  const char *text = device.api.statistics(device.handle);
  root["device_statistics"] =
      nlohmann::ordered_json::parse(text ? text : "{}", nullptr, false);
  return launches;
}

const char *moe_rt_session::statistics() {
  const PagerStatistics &p = pager->statistics();
  nlohmann::ordered_json root;
  const Residency &account = pager->account();
  uint64_t demanded = account.hitCount + account.missCount;
  uint64_t stateBytesHeld = 0, inputBytesHeld = 0, outputBytesHeld = 0;
  for (const State &state : states)
    stateBytesHeld += state.memory.size();
  for (const Buffer &copy : inputCopies)
    inputBytesHeld += copy.size();
  for (const Buffer &output : outputs)
    outputBytesHeld += output.size();
  // Without a budget in bytes, what outgrew its plan counts as it is.
  root["budget_bytes"] = plan.hard
                             ? plan.budget
                             : plan.dense + std::max(plan.arena, arena.size()) +
                                   std::max(plan.state, stateBytesHeld) +
                                   std::max(plan.inputs, inputBytesHeld) +
                                   std::max(plan.outputs, outputBytesHeld) +
                                   plan.slots + plan.overhead;
  root["expert_bytes"] = plan.expertBytes;
  root["expert_bytes_resident_peak"] = account.residentPeak;
  root["slot_bytes"] = account.slotBytes();
  root["slots_per_layer"] = plan.slotCounts;
  root["dense_bytes"] = plan.dense;
  root["arena_bytes"] = arena.size();
  root["state_bytes"] = stateBytesHeld;
  root["output_bytes"] = outputBytesHeld;
  root["state_bytes_copied"] = stateBytesCopied;
  root["pages_read"] = p.pagesRead;
  root["bytes_read"] = p.bytesRead;
  root["bytes_prefetched"] = p.bytesPrefetched;
  root["hits"] = account.hitCount;
  root["misses"] = account.missCount;
  root["hit_rate"] =
      demanded ? double(account.hitCount) / double(demanded) : 0.0;
  root["stall_seconds"] = p.stallSeconds;
  root["tokens"] = tokens;
  root["seconds"] = seconds;
  root["ffn_rows"] = onDevice ? onDevice->ffnRows() : ffnRows;
  root["allocations"] = allocations;
  root["threads"] = pool->size();
  root["policy"] = account.policyName();
  root["io"] = pager->readerName();
  root["device"] = device->name();
  root["isa"] = plan.variant->isa;
  nlohmann::ordered_json kernels = nlohmann::ordered_json::object();
  for (size_t i = 0; i < launches.size(); ++i)
    kernels[model->signature.kernels[i]] = launches[i];
  if (onDevice)
    kernels = describeDevice(plan, *onDevice, p, root);
  root["launches"] = kernels;
  statisticsText = root.dump();
  return statisticsText.c_str();
}
