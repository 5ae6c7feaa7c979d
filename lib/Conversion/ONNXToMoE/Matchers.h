//===- Matchers.h - What several patterns of layers share -------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matchers look at a bounded number of nodes around the one they start from, so
// that raising is linear in the size of the graph. They know values by
// structure and shape, never by name.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ONNXTOMOE_MATCHERS_H
#define MOE_LIB_CONVERSION_ONNXTOMOE_MATCHERS_H

#include "Patterns.h"
#include "dialects/Weights/IR/Weights.h"
#include <optional>

namespace mlir::moe {

using onnx::eitherOrder;
using onnx::getElementCount;
using onnx::getSplat;
using onnx::matchSlice;
using onnx::skipReshapes;
using onnx::SliceMatch;

/// The operand of any chain of Reshapes and of Casts between integers of 32 and
/// 64 bits.
Value skipReshapesAndCasts(Value value);

/// Zeros of any shape: a scalar zero, stretched or not.
bool isZeros(Value value);

/// Whether two values have the same dimensions, all known.
bool haveSameDims(Value a, Value b);

/// The non-linearity of an expert, and what goes into it.
struct ActivationMatch {
  Value gate; // null without a gate: the activation applies to `up`
  Value up;
  Activation kind;
};
/// act(gate) * up, or act(up).
std::optional<ActivationMatch> matchActivation(Value value);

/// What a router is.
struct RouterMatch {
  Value routing;
  StringRef name; // for the report
};
/// The routing of [tokens, k] ids and weights, given in any shape with those
/// elements. Parametric when they are top-k of a softmax (perhaps divided by
/// their sum) or a softmax of a top-k, with weights perhaps times a constant;
/// else taken from the ids and weights themselves.
RouterMatch makeRouting(ImplicitLocOpBuilder &b, StringRef name, Value ids,
                        Value weights, const onnx::Poly &tokens,
                        int64_t experts, int64_t k);

/// The experts of a plain feed-forward layer, without clamps or offsets.
Value makeExperts(ImplicitLocOpBuilder &b, Value tokens, Value routing,
                  weights::BankOp bank, ArrayRef<Attribute> kinds,
                  Activation activation);

/// `value` with these dimensions.
Value reshapeTo(ImplicitLocOpBuilder &b, StringRef name, Value value,
                ArrayRef<onnx::Poly> dims);

/// Columns offset, offset + step, ... of the last dimension of [E, K, N] or
/// [E, N], `count` of them. `transposed` weights are [E, N, K] and give
/// [E, K, N].
Value takeColumns(ImplicitLocOpBuilder &b, Value weight, bool transposed,
                  int64_t offset, int64_t step, int64_t count);

/// Remembers where a match stopped, once a graph looked like the pattern.
class MatchTrace {
public:
  /// Always false, for `return stop(...)`. The first reason stays.
  bool stop(Value at, const Twine &why);
  const std::string &getReason() const { return reason; }

private:
  std::string reason;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_ONNXTOMOE_MATCHERS_H
