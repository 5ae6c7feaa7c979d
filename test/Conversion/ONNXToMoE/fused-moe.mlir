// RUN: moe-opt %s --convert-onnx-to-moe | FileCheck %s

// CHECK-DAG: moe.report.raised = [{experts = 4 : i64, k = 2 : i64, kinds = {ffn = 4 : i64}, name = "gated", pattern = "fused-moe", router = "softmax-topk"}
module attributes {onnx.symbols = ["t"]} {
  func.func @main(%x: tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, %r: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>)
      -> (tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) {
    %w1 = weights.ref "w1" in "f" at 0 : !weights.tensor<4x6x8xf32>
    %w2 = weights.ref "w2" in "f" at 1000 : !weights.tensor<4x8x6xf32>
    %w3 = weights.ref "w3" in "f" at 2000 : !weights.tensor<4x6x8xf32>
    %fused = weights.ref "fused" in "f" at 3000 : !weights.tensor<4x12x8xf32>
    %none = onnx.none
    // Stored [E, out, in]: transposed to right-hand sides.
    // CHECK: moe.route %{{.*}} {normalize = #moe<normalize sum>}
    // CHECK: weights.bank "gated" [gate, up, down]
    // CHECK: moe.experts %{{.*}} kinds [#moe.kind<ffn, 4>]
    %y = onnx.node "MoE"(%x, %r, %w1, %none, %w2, %none, %w3) {domain = "com.microsoft", name = "gated", version = 1 : i64,
      node_attrs = {k = 2 : i64, activation_type = "silu", normalize_routing_weights = 1 : i64}}
      : (tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, !weights.tensor<4x6x8xf32>, !onnx.none, !weights.tensor<4x8x6xf32>, !onnx.none, !weights.tensor<4x6x8xf32>)
      -> tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
    // Interleaved rows are pulled apart.
    // CHECK: weights.reshape {{.*}} -> {{.*}}<4x6x2x8xf32>
    // CHECK: weights.view {{.*}} [0, 0, 0, 0] [4, 6, 1, 8]
    // CHECK: weights.view {{.*}} [0, 0, 1, 0] [4, 6, 1, 8]
    // CHECK: moe.experts {{.*}}alpha = 1.702000e+00 : f32, beta = 1.000000e+00 : f32, limit = 7.000000e+00 : f32
    %z = onnx.node "MoE"(%y, %r, %fused, %none, %w2) {domain = "com.microsoft", name = "swiglu", version = 1 : i64,
      node_attrs = {k = 1 : i64, activation_type = "swiglu", swiglu_fusion = 1 : i64, activation_alpha = 1.702 : f32, activation_beta = 1.0 : f32, swiglu_limit = 7.0 : f32}}
      : (tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, !weights.tensor<4x12x8xf32>, !onnx.none, !weights.tensor<4x8x6xf32>)
      -> tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
    return %y, %z : tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
  }
}
