//===- SessionShapes.cpp - Inputs and the sizes that they bind -----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

using namespace moe_rt;

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
