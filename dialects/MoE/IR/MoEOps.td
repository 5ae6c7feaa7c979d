//===- MoEOps.td - What a mixture-of-experts layer means -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_MOE_OPS
#define MOE_MOE_OPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Weights/IR/WeightsTypes.td"

def MoE_Dialect : Dialect {
  let name = "moe";
  let summary = "Routing and experts, on tensors, without memory or device";
  let description = [{
    What a layer means, before it is decided where weights live and how kernels
    run: a router chooses experts for every token, experts compute, their results
    are combined.
  }];
  let cppNamespace = "::mlir::moe";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::moe::weights::WeightsDialect"];
}

class MoE_Type<string name, string mnem> : TypeDef<MoE_Dialect, name> { let mnemonic = mnem; }

def MoE_RoutingType : MoE_Type<"Routing", "routing"> {
  let summary = "Which experts each token goes to, and with what weight";
  let description = [{
    `!moe.routing<16, 4>`: 16 expert ids, exactly 4 choices per token (a `[T, 4]`
    array of ids and one of weights). `!moe.routing<16, 4, ragged>`: at most 4
    choices, their number varies by token.
  }];
  let parameters = (ins "int64_t":$experts, "int64_t":$k, DefaultValuedParameter<"bool", "false">:$ragged);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def MoE_Score : I32EnumAttr<"Score", "how logits become scores", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Softmax", 1, "softmax">,
  I32EnumAttrCase<"Sigmoid", 2, "sigmoid">]> { let cppNamespace = "::mlir::moe"; let genSpecializedAttr = 0; }
def MoE_Normalize : I32EnumAttr<"Normalize", "how the chosen weights are normalised", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Sum", 1, "sum">,
  I32EnumAttrCase<"Softmax", 2, "softmax">]> { let cppNamespace = "::mlir::moe"; let genSpecializedAttr = 0; }
def MoE_Activation : I32EnumAttr<"Activation", "the non-linearity of an expert", [
  I32EnumAttrCase<"Identity", 0, "identity">, I32EnumAttrCase<"ReLU", 1, "relu">,
  I32EnumAttrCase<"SiLU", 2, "silu">, I32EnumAttrCase<"GELU", 3, "gelu">,
  I32EnumAttrCase<"GELUTanh", 4, "gelu_tanh">]> { let cppNamespace = "::mlir::moe"; let genSpecializedAttr = 0; }
def MoE_ExpertKind : I32EnumAttr<"ExpertKind", "what an expert computes", [
  I32EnumAttrCase<"FFN", 0, "ffn">, I32EnumAttrCase<"Zero", 1, "zero">,
  I32EnumAttrCase<"Copy", 2, "copy">, I32EnumAttrCase<"Constant", 3, "constant">,
  I32EnumAttrCase<"Elsewhere", 4, "elsewhere">]> { let cppNamespace = "::mlir::moe"; let genSpecializedAttr = 0; }

def MoE_ScoreAttr : EnumAttr<MoE_Dialect, MoE_Score, "score">;
def MoE_NormalizeAttr : EnumAttr<MoE_Dialect, MoE_Normalize, "normalize">;
def MoE_ActivationAttr : EnumAttr<MoE_Dialect, MoE_Activation, "activation">;

class MoE_Attr<string name, string mnem> : AttrDef<MoE_Dialect, name> { let mnemonic = mnem; }

def MoE_ExpertsOfKindAttr : MoE_Attr<"ExpertsOfKind", "kind"> {
  let summary = "A run of consecutive expert ids of one kind";
  let description = [{
    `#moe.kind<ffn, 8>` stands for the next 8 ids. FFN ids use the bank's experts
    in order. `elsewhere` ids contribute nothing here: other operations of the
    graph compute them. `width` is the intermediate size when it differs from the
    bank's (0 otherwise).
  }];
  let parameters = (ins "::mlir::moe::ExpertKind":$kind, "int64_t":$count,
                        DefaultValuedParameter<"int64_t", "0">:$width);
  let assemblyFormat = "`<` $kind `,` $count (`,` `width` `=` $width^)? `>`";
  let genVerifyDecl = 1;
}

class MoE_Op<string mnem, list<Trait> traits = []> : Op<MoE_Dialect, mnem, traits>;

def MoE_RouteOp : MoE_Op<"route", [Pure]> {
  let summary = "The parametric router: logits to routing";
  let description = [{
    Per token: scores = score(logits); the k experts with the largest scores are
    chosen (equal scores: the lower id first, as in ONNX TopK); weights are their
    scores, normalised as `normalize` says (`sum`: divided by their sum;
    `softmax`: softmax of the chosen scores), times `scale`. Choices are in
    descending order of score. All in float32.

    ```mlir
    %r = moe.route %logits {score = #moe<score softmax>, normalize = #moe<normalize sum>}
       : tensor<?x16xf32> -> !moe.routing<16, 4>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$logits,
      DefaultValuedAttr<MoE_ScoreAttr, "Score::Softmax">:$score,
      DefaultValuedAttr<MoE_NormalizeAttr, "Normalize::None">:$normalize,
      DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs MoE_RoutingType:$result);
  let assemblyFormat = "$logits attr-dict `:` type($logits) `->` type($result)";
  let hasVerifier = 1;
}

def MoE_RoutingFromOp : MoE_Op<"routing_from", [Pure]> {
  let summary = "Routing from ids and weights that any computation made";
  let description = [{
    `ids` and `weights` are `[T, k]`. An id outside `[0, experts)` is no choice;
    such a routing is ragged.

    ```mlir
    %r = moe.routing_from %ids, %weights : tensor<?x2xi64>, tensor<?x2xf32> -> !moe.routing<8, 2>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$ids, AnyRankedTensor:$weights);
  let results = (outs MoE_RoutingType:$result);
  let assemblyFormat = "$ids `,` $weights attr-dict `:` type($ids) `,` type($weights) `->` type($result)";
  let hasVerifier = 1;
}

def MoE_ExpertsOp : MoE_Op<"experts", [Pure]> {
  let summary = "Applies the chosen experts to every token and combines";
  let description = [{
    For every token t: result[t] = sum over its choices j, in ascending order of
    j, of weight[t, j] * expert[id[t, j]](tokens[t]). An FFN expert computes
    `down(act(gate x) * (up x))`, or `down(act(up x))` when the bank has no gate,
    with the biases the bank has. `kinds` lists the expert ids in order. `alpha`,
    `beta` and `limit` are those of the generalised SwiGLU
    (`g = min(g, limit); u = clamp(u, -limit, limit); g * sigmoid(alpha g) * (u + beta)`);
    `limit` 0 means none.

    ```mlir
    %y = moe.experts %x, %r, %bank kinds [#moe.kind<ffn, 8>, #moe.kind<elsewhere, 4>]
           {activation = #moe<activation silu>}
       : tensor<?x64xf32>, !moe.routing<12, 2>, !weights.bank<8>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$tokens, MoE_RoutingType:$routing, Weights_BankType:$bank,
      TypedArrayAttrBase<MoE_ExpertsOfKindAttr, "runs of expert kinds">:$kinds,
      DefaultValuedAttr<MoE_ActivationAttr, "Activation::SiLU">:$activation,
      DefaultValuedAttr<F32Attr, "1.0f">:$alpha, DefaultValuedAttr<F32Attr, "0.0f">:$beta,
      DefaultValuedAttr<F32Attr, "0.0f">:$limit);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{$tokens `,` $routing `,` $bank `kinds` $kinds attr-dict
      `:` type($tokens) `,` type($routing) `,` type($bank) `->` type($result)}];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Ids that use the bank's weights.
    int64_t getNumFFN();
  }];
}

#endif // MOE_MOE_OPS
