//===- Decoder.cpp - Feeds a decoder its tokens ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace moe_tools;

DecoderInputs moe_tools::findDecoderInputs(const moe_rt_model *model) {
  DecoderInputs inputs;
  auto add = [&](const std::string &problem) {
    inputs.problem += (inputs.problem.empty() ? "" : "; ") + problem;
  };
  for (int i = 0; i < moe_rt_model_input_count(model); ++i) {
    moe_rt_tensor_info info = moe_rt_model_input(model, i);
    if (info.state >= 0)
      continue;
    std::string name = info.name;
    bool matrix = info.type == MOE_RT_I64 && info.rank == 2;
    if (matrix && name == "input_ids")
      inputs.ids = i;
    else if (matrix && name == "position_ids")
      inputs.positions = i;
    else if (matrix && name == "attention_mask")
      inputs.mask = i;
    else
      add("input '" + name + "' " + moe_rt_type_name(info.type) + " " +
          info.shape + " has no role in text generation");
  }
  if (inputs.ids < 0)
    add("there is no input 'input_ids' i64 [batch, sequence]");
  if (moe_rt_model_state_count(model) == 0)
    add("the model keeps no state (past_key_values) between tokens");
  return inputs;
}

bool Feeder::run(const int64_t *tokens, int64_t count) {
  positions.resize(count);
  for (int64_t &position : positions)
    position = past++;
  // Of what is in the states and what is new, nothing is hidden.
  mask.assign(past, 1);
  return set(inputs.ids, count, tokens) &&
         set(inputs.positions, count, positions.data()) &&
         set(inputs.mask, past, mask.data()) &&
         moe_rt_session_run(runtime.session) == MOE_RT_OK;
}

bool Feeder::rewind() {
  past = 0;
  return moe_rt_session_truncate(runtime.session, 0) == MOE_RT_OK;
}

bool Feeder::set(int input, int64_t columns, const int64_t *data) {
  int64_t shape[2] = {1, columns};
  return input < 0 ||
         moe_rt_session_set_input(runtime.session, input, MOE_RT_I64, 2, shape,
                                  data) == MOE_RT_OK;
}
