//===- SessionStates.cpp - States between runs ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

using namespace moe_rt;

/// The first `length` positions along the axis of a state, between memory for
/// these numbers of positions.
static Rows positions(const std::vector<int64_t> &shape, int32_t axis,
                      uint64_t element, int64_t length, int64_t toCapacity,
                      int64_t fromCapacity) {
  uint64_t outer = 1, inner = element;
  for (int32_t d = 0; d < int32_t(shape.size()); ++d) {
    if (d < axis)
      outer *= shape[d];
    else if (d > axis)
      inner *= shape[d];
  }
  return {toCapacity * inner, fromCapacity * inner, length * inner, outer};
}

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
  Buffer fresh;
  moe_rt_status status =
      grow(fresh, *device,
           "state '" + model->signature.inputs[info.input].name + "'", bytes,
           plan.stateSizes[index]);
  if (status != MOE_RT_OK)
    return status;
  size_t element = moe_rt_type_size(model->signature.inputs[info.input].type);
  Rows rows = positions(state.shape, info.axis, element, state.length, capacity,
                        state.capacity);
  stateBytesCopied += rows.total();
  status = copied(device->copyWithin(fresh.data(), state.memory.data(), rows));
  if (status != MOE_RT_OK)
    return status;
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
  Rows rows =
      positions(shape, info.axis,
                moe_rt_type_size(model->signature.inputs[info.input].type),
                length, state.capacity, length);
  stateBytesCopied += rows.total();
  state.length = length;
  return copied(device->copyIn(state.memory.data(),
                               static_cast<const char *>(input.data), rows));
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

/// The positions of a state that there are, without room for more, in a copy.
moe_rt_status moe_rt_session::exportState(int32_t index,
                                          const std::vector<int64_t> &shape,
                                          uint64_t bytes,
                                          moe_rt_tensor &tensor) {
  const Signature &signature = model->signature;
  const TensorInfo &info = signature.outputs[index];
  const State &state = states[info.state];
  // A copy that only this call asks for is in no plan.
  const std::string what = "the copy of output '" + info.name + "'";
  if (bytes > exported[index].size() && bytes > model->host.available())
    return fail(MOE_RT_OUT_OF_MEMORY,
                what + " needs " + std::to_string(bytes) +
                    " bytes, more than the machine has left");
  moe_rt_status status = grow(exported[index], model->host, what, bytes, bytes);
  if (status != MOE_RT_OK)
    return status;
  int32_t axis = signature.states[info.state].axis;
  Rows rows = positions(shape, axis, moe_rt_type_size(info.type), shape[axis],
                        shape[axis], state.capacity);
  stateBytesCopied += rows.total();
  tensor.data = exported[index].data();
  return copied(
      device->copyOut(exported[index].data(), state.memory.data(), rows));
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
