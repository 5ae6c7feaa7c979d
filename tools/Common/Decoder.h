//===- Decoder.h - Feeds a decoder its tokens -------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_COMMON_DECODER_H
#define MOE_TOOLS_COMMON_DECODER_H

#include "SessionFlags.h"
#include <vector>

namespace moe_tools {

/// Which inputs of a decoder are what; -1: there is none. All are matrices of
/// i64. The others must be states, which the compiler finds.
struct DecoderInputs {
  int ids = -1;       ///< `input_ids` [batch, sequence]
  int positions = -1; ///< `position_ids` [batch, sequence]
  int mask = -1;      ///< `attention_mask` [batch, past + sequence]
  /// Why the model cannot be run token by token, or empty.
  std::string problem;
};

DecoderInputs findDecoderInputs(const moe_rt_model *model);

/// Runs one sequence on from where it is.
class Feeder {
public:
  Feeder(const Runtime &runtime, const DecoderInputs &inputs)
      : runtime(runtime), inputs(inputs) {}

  /// Runs `count` tokens behind those before. False as the runtime failed.
  bool run(const int64_t *tokens, int64_t count);
  /// Begins another sequence.
  bool rewind();

private:
  bool set(int input, int64_t columns, const int64_t *data);

  const Runtime &runtime;
  const DecoderInputs &inputs;
  std::vector<int64_t> positions, mask;
  int64_t past = 0;
};

} // namespace moe_tools

#endif // MOE_TOOLS_COMMON_DECODER_H
