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

static std::string text(const std::vector<int64_t> &shape) {
  std::string result = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    result += (i ? ", " : "") + std::to_string(shape[i]);
  return result + "]";
}

moe_rt_status moe_rt_session::setInput(int32_t index, moe_rt_type type,
                                       int32_t rank, const int64_t *shape,
                                       const void *data) {
  const Signature &signature = model->signature;
  if (index < 0 || size_t(index) >= inputs.size())
    return fail(MOE_RT_INVALID_ARGUMENT, "input " + std::to_string(index) +
                                             " does not exist; the model has " +
                                             std::to_string(inputs.size()));
  const TensorInfo &info = signature.inputs[index];
  if (type != info.type)
    return fail(MOE_RT_INVALID_ARGUMENT,
                "input '" + info.name + "' is " + moe_rt_type_name(info.type) +
                    ", was given " + moe_rt_type_name(type));
  if (rank != int32_t(info.shape.size()))
    return fail(MOE_RT_INVALID_ARGUMENT,
                "input '" + info.name + "' has rank " +
                    std::to_string(info.shape.size()) + ", " + info.shapeText +
                    ", was given rank " + std::to_string(rank));
  for (int32_t i = 0; i < rank; ++i)
    if (shape[i] < 0 || shape[i] > (int64_t(1) << 40))
      return fail(MOE_RT_INVALID_ARGUMENT,
                  "input '" + info.name + "' has an impossible size");
  BoundInput &input = inputs[index];
  input.set = true;
  input.shape.assign(shape, shape + rank);
  input.data = data;
  return MOE_RT_OK;
}

/// Values of the symbols from the inputs' shapes and the states' lengths.
moe_rt_status moe_rt_session::bindSymbols() {
  const Signature &signature = model->signature;
  std::fill(bound.begin(), bound.end(), false);
  auto bind = [&](const TensorInfo &info, size_t d, int64_t value) {
    int32_t symbol = info.shape[d].asSymbol();
    if (symbol >= 0 && !bound[symbol]) {
      bound[symbol] = true;
      symbols[symbol] = value;
    }
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorInfo &info = signature.inputs[i];
    if (!inputs[i].set) {
      if (info.state < 0)
        return fail(MOE_RT_INVALID_ARGUMENT,
                    "input '" + info.name + "' was not given; it is " +
                        moe_rt_type_name(info.type) + " " + info.shapeText);
      continue;
    }
    for (size_t d = 0; d < info.shape.size(); ++d)
      bind(info, d, inputs[i].shape[d]);
  }
  for (size_t s = 0; s < states.size(); ++s) {
    const StateInfo &state = signature.states[s];
    if (!inputs[state.input].set)
      bind(signature.inputs[state.input], state.axis, states[s].length);
  }
  for (size_t s = 0; s < bound.size(); ++s)
    if (!bound[s])
      return fail(MOE_RT_INVALID_ARGUMENT,
                  "no input gives the size '" + signature.symbols[s] + "'");
  return checkShapes();
}

/// "2", or "8, the value of 2*tokens".
std::string moe_rt_session::sizeText(const Poly &size, int64_t value) const {
  std::string number = std::to_string(value),
              formula = size.text(model->signature.symbols);
  return formula == number ? number : number + ", the value of " + formula;
}

moe_rt_status moe_rt_session::checkShapes() {
  const Signature &signature = model->signature;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].set)
      continue;
    const TensorInfo &info = signature.inputs[i];
    for (size_t d = 0; d < info.shape.size(); ++d) {
      int64_t expected;
      if (!info.shape[d].evaluate(symbols.data(), expected))
        return fail(MOE_RT_INVALID_ARGUMENT,
                    "input '" + info.name + "' has an impossible size");
      if (expected != inputs[i].shape[d])
        return fail(MOE_RT_INVALID_ARGUMENT,
                    "input '" + info.name + "' has size " +
                        std::to_string(inputs[i].shape[d]) + " in dimension " +
                        std::to_string(d) + ", expected " +
                        sizeText(info.shape[d], expected) + "; it is " +
                        info.shapeText + ", was given " +
                        text(inputs[i].shape));
    }
  }
  for (const auto &[first, second] : signature.equal) {
    int64_t a = 0, b = 0;
    if (!first.evaluate(symbols.data(), a) ||
        !second.evaluate(symbols.data(), b) || a != b)
      return fail(MOE_RT_INVALID_ARGUMENT,
                  "the model needs " + first.text(signature.symbols) + " = " +
                      second.text(signature.symbols) +
                      ", but the inputs give " + std::to_string(a) + " and " +
                      std::to_string(b));
  }
  for (const Poly &size : signature.positive) {
    int64_t value = 0;
    if (!size.evaluate(symbols.data(), value) || value < 1)
      return fail(MOE_RT_INVALID_ARGUMENT,
                  "the model needs " + size.text(signature.symbols) +
                      " to be at least 1, but the inputs give " +
                      std::to_string(value));
  }
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

namespace {

/// A box of rows around the axis: outer x length x inner bytes.
struct Rows {
  uint64_t outer = 1, inner = 1;
  Rows(const std::vector<int64_t> &shape, int32_t axis, size_t element) {
    for (int32_t d = 0; d < int32_t(shape.size()); ++d) {
      if (d < axis)
        outer *= shape[d];
      else if (d > axis)
        inner *= shape[d];
    }
    inner *= element;
  }
  /// Copies the first `length` positions between two capacities.
  uint64_t copy(char *to, int64_t toCapacity, const char *from,
                int64_t fromCapacity, int64_t length) const {
    if (length > 0)
      for (uint64_t o = 0; o < outer; ++o)
        std::memcpy(to + o * toCapacity * inner,
                    from + o * fromCapacity * inner, length * inner);
    return outer * length * inner;
  }
};

} // namespace

/// Makes room for `needed` positions, keeping those that are there.
moe_rt_status moe_rt_session::growState(int32_t index, int64_t needed) {
  const StateInfo &info = model->signature.states[index];
  State &state = states[index];
  if (needed <= state.capacity)
    return MOE_RT_OK;
  if (plan.hard && needed > options.max_context)
    return fail(MOE_RT_BUDGET,
                "the context grows to " + std::to_string(needed) +
                    " positions, the plan has room for " +
                    std::to_string(options.max_context) +
                    "; open the session with a larger max_context");
  // Room for the planned context at once: what is never touched costs nothing.
  // Beyond the plan, in steps that make copies rare.
  int64_t capacity =
      needed <= options.max_context ? options.max_context : needed + needed / 2;
  uint64_t bytes;
  if (!stateBytes(*model, info, symbols.data(), capacity, bytes))
    return fail(MOE_RT_INVALID_ARGUMENT, "a state's size overflows");
  Mapping fresh;
  moe_rt_status status =
      grow(fresh, "state '" + model->signature.inputs[info.input].name + "'",
           bytes, plan.stateSizes[index]);
  if (status != MOE_RT_OK)
    return status;
  size_t element = moe_rt_type_size(model->signature.inputs[info.input].type);
  Rows rows(state.shape, info.axis, element);
  stateBytesCopied += rows.copy(fresh.data(), capacity, state.memory.data(),
                                state.capacity, state.length);
  state.memory = std::move(fresh);
  state.capacity = capacity;
  return MOE_RT_OK;
}

/// Takes a tensor as the state's positions.
moe_rt_status moe_rt_session::importState(int32_t index) {
  const StateInfo &info = model->signature.states[index];
  const BoundInput &input = inputs[info.input];
  State &state = states[index];
  int64_t length = input.shape[info.axis];
  std::vector<int64_t> &shape = state.shape;
  if (!std::equal(shape.begin(), shape.end(), input.shape.begin(),
                  input.shape.end(), [&, d = 0](int64_t a, int64_t b) mutable {
                    return d++ == info.axis || a == b;
                  }))
    state.capacity = 0;
  shape.assign(input.shape.begin(), input.shape.end());
  state.length = 0;
  moe_rt_status status = growState(index, length);
  if (status != MOE_RT_OK)
    return status;
  Rows rows(shape, info.axis,
            moe_rt_type_size(model->signature.inputs[info.input].type));
  stateBytesCopied +=
      rows.copy(state.memory.data(), state.capacity,
                static_cast<const char *>(input.data), length, length);
  state.length = length;
  return MOE_RT_OK;
}

moe_rt_status moe_rt_session::prepareStates() {
  const Signature &signature = model->signature;
  for (size_t s = 0; s < states.size(); ++s) {
    const StateInfo &info = signature.states[s];
    State &state = states[s];
    moe_rt_status status = MOE_RT_OK;
    if (inputs[info.input].set) {
      status = importState(int32_t(s));
    } else {
      const std::vector<Poly> &dims = signature.inputs[info.input].shape;
      if (state.shape.size() != dims.size())
        state.shape.assign(dims.size(), -1);
      for (size_t d = 0; d < dims.size(); ++d) {
        int64_t size = 0;
        if (int32_t(d) == info.axis)
          continue;
        if (!dims[d].evaluate(symbols.data(), size))
          return fail(MOE_RT_INVALID_ARGUMENT, "a state's size overflows");
        if (state.shape[d] != size) {
          if (state.length > 0)
            return fail(MOE_RT_INVALID_ARGUMENT,
                        "state '" + signature.inputs[info.input].name +
                            "' holds " + std::to_string(state.length) +
                            " positions of another size; truncate to 0 first");
          state.capacity = 0;
          state.shape[d] = size;
        }
      }
    }
    if (status != MOE_RT_OK)
      return status;
    int64_t after;
    if (!signature.outputs[info.output].shape[info.axis].evaluate(
            symbols.data(), after) ||
        after < state.length)
      return fail(MOE_RT_INVALID_ARGUMENT, "a state's size overflows");
    status = growState(int32_t(s), after);
    if (status != MOE_RT_OK)
      return status;
    stateFrames[s] = {state.memory.data(), state.length, state.capacity};
  }
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
  const State &state = states[info.state];
  // A copy that only this call asks for is in no plan.
  const std::string what = "the copy of output '" + info.name + "'";
  if (bytes > exported[index].size() && bytes > pager->available())
    return fail(MOE_RT_OUT_OF_MEMORY,
                what + " needs " + std::to_string(bytes) +
                    " bytes, more than the machine has left");
  moe_rt_status status = grow(exported[index], what, bytes, bytes);
  if (status != MOE_RT_OK)
    return status;
  int32_t axis = signature.states[info.state].axis;
  Rows rows(shape, axis, moe_rt_type_size(info.type));
  stateBytesCopied +=
      rows.copy(exported[index].data(), shape[axis], state.memory.data(),
                state.capacity, shape[axis]);
  tensor.data = exported[index].data();
  return MOE_RT_OK;
}

moe_rt_status moe_rt_session::truncate(int64_t length) {
  for (State &state : states)
    if (length < 0 || length > state.length)
      return fail(MOE_RT_INVALID_ARGUMENT,
                  "cannot truncate a state of " + std::to_string(state.length) +
                      " positions to " + std::to_string(length));
  for (State &state : states)
    state.length = length;
  return MOE_RT_OK;
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
