//===- FusedMoE.cpp - com.microsoft.MoE -----------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The fused operator of ONNX Runtime. Inputs: tokens, router logits (named
// router_probs), fc1 weights and bias, fc2 weights and bias, fc3 weights and
// bias. Weights are [E, out, in] row-major, whatever shape old files declare.
// The router is softmax over all logits, top-k, optionally divided by the sum.
//
//   tokens [.., H]   logits [T, E]   fc1 [E, I or 2I, H]   fc2 [E, H, I]   fc3
//   [E, I, H]
//          \___________________|_________|_____________________|____________/
//                             MoE -> [.., H]
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "dialects/Weights/IR/Weights.h"

using namespace mlir;
using namespace mlir::moe;
using weights::Role;

namespace {

/// Reads the node's operands and attributes; `problem` says what cannot be.
struct FusedMoE {
  onnx::NodeOp op;
  std::string problem;
  int64_t experts = 0, hidden = 0, intermediate = 0, k = 1;
  bool swiglu = false;
  int64_t fusion = 0;
  Activation activation = Activation::ReLU;

  explicit FusedMoE(onnx::NodeOp op) : op(op) { read(); }

  void read() {
    for (unsigned i : {0u, 1u, 2u, 4u})
      if (!op.hasInput(i)) {
        problem = "input " + std::to_string(i) + " is missing";
        return;
      }
    Value fc1 = op.getInputOrNull(2), fc2 = op.getInputOrNull(4),
          fc3 = op.getInputOrNull(6);
    if (!isWeight(fc1) || !isWeight(fc2) || (fc3 && !isWeight(fc3))) {
      problem = "its weights are computed, not constant";
      return;
    }
    auto tokens = onnx::getPolyDims(op.getInputs()[0]);
    auto logits = onnx::getPolyDims(op.getInputs()[1]);
    if (!tokens || tokens->size() < 2 || !tokens->back().asConstant() ||
        !logits || logits->size() < 2 || !logits->back().asConstant()) {
      problem = "the shapes of its inputs are not known";
      return;
    }
    hidden = *tokens->back().asConstant();
    experts = *logits->back().asConstant();
    k = op.getInt("k", 1);
    if (k < 1 || k > experts) {
      problem = "k = " + std::to_string(k) + " of " + std::to_string(experts) +
                " experts";
      return;
    }
    if (op.getInt("use_sparse_mixer", 0)) {
      problem = "use_sparse_mixer is not supported";
      return;
    }
    StringRef name = op.getString("activation_type", "relu");
    swiglu = name == "swiglu";
    if (name == "relu")
      activation = Activation::ReLU;
    else if (name == "gelu")
      activation = Activation::GELUTanh;
    else if (name == "silu" || swiglu)
      activation = Activation::SiLU;
    else if (name == "identity")
      activation = Activation::Identity;
    else {
      problem = "activation_type '" + name.str() + "' is not supported";
      return;
    }
    fusion = op.getInt("swiglu_fusion", 0);
    if (swiglu && fusion == 0 && !fc3)
      fusion = 1; // files before the attribute: rows interleaved
    if (fusion < 0 || fusion > 2 || (!swiglu && fusion != 0)) {
      problem = "swiglu_fusion = " + std::to_string(fusion) + " with '" +
                name.str() + "' is not supported";
      return;
    }
    if (swiglu && fusion != 0 && fc3) {
      problem = "fc3 and a fused gate exclude each other";
      return;
    }
    checkWeights(fc1, fc2, fc3);
  }

  /// The number of elements decides, not the order of declared dimensions:
  /// files of 2023 to 2025 declare [E, in, out] for the same bytes.
  void checkWeights(Value fc1, Value fc2, Value fc3) {
    int64_t fused = swiglu && fusion != 0 ? 2 : 1;
    ArrayRef<int64_t> s1 = weightShape(fc1), s2 = weightShape(fc2);
    if (s1.size() != 3 || s2.size() != 3 || s1[0] != experts ||
        s2[0] != experts) {
      problem = "its weights are not one matrix for each of the " +
                std::to_string(experts) + " experts";
      return;
    }
    if (s2[1] == hidden)
      intermediate = s2[2];
    else if (s2[2] == hidden)
      intermediate = s2[1];
    auto matches = [&](ArrayRef<int64_t> s, int64_t rows, int64_t columns) {
      return (s[1] == rows && s[2] == columns) ||
             (s[1] == columns && s[2] == rows);
    };
    if (intermediate < 1 || !matches(s2, hidden, intermediate) ||
        !matches(s1, fused * intermediate, hidden) ||
        (fc3 &&
         (weightShape(fc3).size() != 3 || weightShape(fc3)[0] != experts ||
          !matches(weightShape(fc3), intermediate, hidden)))) {
      problem = "the shapes of its weights contradict each other";
      return;
    }
    auto checkBias = [&](unsigned input, int64_t size) {
      Value bias = op.getInputOrNull(input);
      if (bias && (!isWeight(bias) ||
                   weightShape(bias) != ArrayRef<int64_t>{experts, size}))
        problem = "bias input " + std::to_string(input) + " must be [" +
                  std::to_string(experts) + ", " + std::to_string(size) + "]";
    };
    checkBias(3, fused * intermediate);
    checkBias(5, hidden);
    checkBias(7, intermediate);
  }
};

/// Rows `part` of 2 of a fused [E, 2I, ...]: interleaved or halves.
Value fusedRows(ImplicitLocOpBuilder &b, Value weight, int64_t part,
                int64_t intermediate, bool interleaved) {
  SmallVector<int64_t> shape(weightShape(weight));
  SmallVector<int64_t> split = {shape[0]};
  if (interleaved)
    split.append({intermediate, 2});
  else
    split.append({2, intermediate});
  split.append(shape.begin() + 2, shape.end());
  Value viewed = reshapeWeight(b, weight, split);
  SmallVector<int64_t> offsets(split.size(), 0), sizes = split;
  offsets[interleaved ? 2 : 1] = part;
  sizes[interleaved ? 2 : 1] = 1;
  SmallVector<int64_t> result = {shape[0], intermediate};
  result.append(shape.begin() + 2, shape.end());
  return reshapeWeight(b, viewWeight(b, viewed, offsets, sizes), result);
}

} // namespace

Match moe::raiseFusedMoE(onnx::NodeOp op) {
  auto module = op->getParentOfType<ModuleOp>();
  FusedMoE moe(op);
  if (!moe.problem.empty()) {
    op.emitError("node '") << op.getName()
                           << "' (com.microsoft.MoE): " << moe.problem;
    return Match::Error;
  }
  ImplicitLocOpBuilder b(withoutProvenance(op.getLoc()), op);
  int64_t e = moe.experts, h = moe.hidden, i = moe.intermediate;
  auto rightHandSide = [&](Value weight, int64_t out, int64_t in) {
    return transposeWeight(b, reshapeWeight(b, weight, {e, out, in}),
                           {0, 2, 1});
  };
  SmallVector<std::pair<Role, Value>> tensors;
  Value fc1 = op.getInputOrNull(2), bias1 = op.getInputOrNull(3);
  Value fc3 = op.getInputOrNull(6), bias3 = op.getInputOrNull(7);
  if (moe.fusion != 0) {
    bool interleaved = moe.fusion == 1;
    Value rows = reshapeWeight(b, fc1, {e, 2 * i, h});
    tensors.push_back(
        {Role::Gate,
         transposeWeight(b, fusedRows(b, rows, 0, i, interleaved), {0, 2, 1})});
    tensors.push_back(
        {Role::Up,
         transposeWeight(b, fusedRows(b, rows, 1, i, interleaved), {0, 2, 1})});
    if (bias1) {
      tensors.push_back(
          {Role::GateBias, fusedRows(b, bias1, 0, i, interleaved)});
      tensors.push_back({Role::UpBias, fusedRows(b, bias1, 1, i, interleaved)});
    }
  } else if (fc3) {
    tensors.push_back({Role::Gate, rightHandSide(fc1, i, h)});
    tensors.push_back({Role::Up, rightHandSide(fc3, i, h)});
    if (bias1)
      tensors.push_back({Role::GateBias, bias1});
    if (bias3)
      tensors.push_back({Role::UpBias, bias3});
  } else {
    tensors.push_back({Role::Up, rightHandSide(fc1, i, h)});
    if (bias1)
      tensors.push_back({Role::UpBias, bias1});
  }
  tensors.push_back({Role::Down, rightHandSide(op.getInputOrNull(4), h, i)});
  if (Value bias2 = op.getInputOrNull(5))
    tensors.push_back({Role::DownBias, bias2});

  Value tokens = flattenTokens(b, op.getName(), op.getInputs()[0]);
  Value logits = flattenTokens(b, op.getName(), op.getInputs()[1]);
  bool normalize = op.getInt("normalize_routing_weights", 0);
  auto routing = RouteOp::create(
      b, RoutingType::get(b.getContext(), e, moe.k, false), logits,
      Score::Softmax, normalize ? Normalize::Sum : Normalize::None,
      llvm::APFloat(1.0f));
  weights::BankOp bank = makeBank(b, op.getName(), e, tensors);
  auto kind = ExpertsOfKindAttr::get(b.getContext(), ExpertKind::FFN, e, 0);
  auto number = [&](StringRef name, double fallback) {
    return llvm::APFloat(float(op.getFloat(name, fallback)));
  };
  Value y = ExpertsOp::create(
      b, tokens.getType(), tokens, routing, bank, b.getArrayAttr({kind}),
      moe.activation,
      moe.swiglu ? number("activation_alpha", 1) : llvm::APFloat(1.0f),
      moe.swiglu ? number("activation_beta", 0) : llvm::APFloat(0.0f),
      moe.swiglu ? number("swiglu_limit", 0) : llvm::APFloat(0.0f));
  replaceNode(op, unflattenTokens(b, op.getName(), y, op.getInputs()[0]));
  reportRaised(
      module,
      {op.getName(), "fused-moe", "softmax-topk", e, moe.k, {{"ffn", e}}});
  return Match::Raised;
}
