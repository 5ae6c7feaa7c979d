//===- Passes.td - Passes inside the onnx dialect ------------ -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECTS_ONNX_TRANSFORMS_PASSES
#define MOE_DIALECTS_ONNX_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def ONNXInferShapes : Pass<"onnx-infer-shapes", "::mlir::ModuleOp"> {
  let summary = "Propagate symbolic shapes, element types and shape values";
  let description = [{
    Gives every value a tensor type whose encoding names its dimensions, and
    every small integer tensor that holds a shape its elements, from the
    inputs' types alone. Reports every node that does not fit its operator's
    signature (missing or surplus operands, element types, attributes; see
    Signatures.h), every node whose operands contradict each other, and outputs
    that the file declares otherwise (`onnx.declared`).

    A dimension that no polynomial over the inputs' dimensions expresses, such as
    the length of NonZero's result, becomes a symbol of its own, appended to
    `onnx.symbols`; `onnx.bound_symbols` says how many of them the inputs bind.
    Where the types rely on two named dimensions being equal, as in a sum of
    `[batch, sequence]` and `[batch, length]`, the pair is appended to
    `onnx.equal_dims`, an array of maps with two results; dimensions whose last
    element is read are in `onnx.positive_dims`. An operator without a
    rule leaves its results as `!onnx.value`.
  }];
}

def ONNXNormalize : Pass<"onnx-normalize", "::mlir::ModuleOp"> {
  let summary = "Give each operation one spelling";
  let description = [{
    Rewrites what exporters write in many ways into one form, so that later
    passes need one matcher per pattern, and folds what is constant.
  }];
}

def ONNXRecognizeDense : Pass<"onnx-recognize-dense", "::mlir::ModuleOp"> {
  let summary = "Make one node of norms, GELU, rotary embedding and attention in open form";
  let description = [{
    Exporters that trace, and older opsets, write these as many nodes. Each is
    matched by structure, in any order of commutative operands, and becomes the
    node whose normal form the lowering computes as a whole:

    - x / sqrt(mean(x^2) + epsilon), perhaps of x - mean(x), with its scale and
      shift: `RMSNormalization`, `LayerNormalization`;
    - x times half of 1 + erf or 1 + tanh: `Gelu`;
    - x cos + rotate_half(x) sin, its form with two halves, and complex products:
      `RotaryEmbedding`, without positions, whose caches have a row for each
      position of x, perhaps for a batch of 1. Its attribute `full_caches` says
      that they have a column for each element, not for each pair;
    - softmax(q k^T) v with scales, a mask, and key and value heads repeated for
      the queries that share them: `Attention` on the heads as they are, so that
      nothing is repeated. Its attribute `empty_rows` says what a row without a
      finite score gives, as the open form does: `nan`, or `nan_to_zero` when
      the softmax is followed by Where(IsNaN(p), 0, p); `masked` is the score
      of what a boolean mask hides;
    - an additive mask that positions and constants alone decide: `is_causal`,
      for columns up to row + `causal_offset`. `masked` is what is added to the
      scores of others, so that NaNs and infinities stay what they were.

    Only float is matched: double would lose precision, and a narrower type
    rounds between the steps. What another node reads in the middle of a pattern
    is not matched, as it would be computed twice.
  }];
  let statistics = [
    Statistic<"numRMSNorms", "rms-norms", "RMS normalizations recognized">,
    Statistic<"numLayerNorms", "layer-norms", "layer normalizations recognized">,
    Statistic<"numGelus", "gelus", "GELUs recognized">,
    Statistic<"numRotaries", "rotaries", "rotary embeddings recognized">,
    Statistic<"numAttentions", "attentions", "attentions recognized">,
  ];
}

def ONNXPairStates : Pass<"onnx-pair-states", "::mlir::ModuleOp"> {
  let summary = "Pair recurrent inputs with the outputs that continue them";
  let description = [{
    A graph input that is only read by a Concat whose result is a graph output
    is a recurrent state (a key or value cache). Marks it with
    `onnx.state_output` and `onnx.state_axis`.
  }];
}

#endif // MOE_DIALECTS_ONNX_TRANSFORMS_PASSES
