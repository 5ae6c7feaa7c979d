// RUN: moe-opt %s --convert-onnx-to-moe --split-input-file --verify-diagnostics

func.func @main(%x: tensor<5x8xf32>, %r: tensor<5x4xf32>) -> tensor<5x8xf32> {
  %w1 = weights.ref "w1" in "f" at 0 : !weights.tensor<4x6x8xf32>
  %w2 = weights.ref "w2" in "f" at 1000 : !weights.tensor<4x8x6xf32>
  %none = onnx.none
  // expected-error @below {{node 'm' (com.microsoft.MoE): k = 5 of 4 experts}}
  %y = onnx.node "MoE"(%x, %r, %w1, %none, %w2) {domain = "com.microsoft", name = "m", version = 1 : i64,
    node_attrs = {k = 5 : i64}}
    : (tensor<5x8xf32>, tensor<5x4xf32>, !weights.tensor<4x6x8xf32>, !onnx.none, !weights.tensor<4x8x6xf32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}

// -----

func.func @main(%x: tensor<5x8xf32>, %r: tensor<5x4xf32>) -> tensor<5x8xf32> {
  %w1 = weights.ref "w1" in "f" at 0 : !weights.tensor<4x6x8xf32>
  %w2 = weights.ref "w2" in "f" at 1000 : !weights.tensor<4x8x6xf32>
  %none = onnx.none
  // expected-error @below {{use_sparse_mixer is not supported}}
  %y = onnx.node "MoE"(%x, %r, %w1, %none, %w2) {domain = "com.microsoft", name = "m", version = 1 : i64,
    node_attrs = {k = 2 : i64, use_sparse_mixer = 1 : i64}}
    : (tensor<5x8xf32>, tensor<5x4xf32>, !weights.tensor<4x6x8xf32>, !onnx.none, !weights.tensor<4x8x6xf32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}

// -----

func.func @main(%x: tensor<5x8xf32>, %r: tensor<5x4xf32>) -> tensor<5x8xf32> {
  %w1 = weights.ref "w1" in "f" at 0 : !weights.tensor<4x6x8xf32>
  %w2 = weights.ref "w2" in "f" at 1000 : !weights.tensor<4x8x6xf32>
  %none = onnx.none
  // expected-error @below {{activation_type 'mish' is not supported}}
  %y = onnx.node "MoE"(%x, %r, %w1, %none, %w2) {domain = "com.microsoft", name = "m", version = 1 : i64,
    node_attrs = {k = 2 : i64, activation_type = "mish"}}
    : (tensor<5x8xf32>, tensor<5x4xf32>, !weights.tensor<4x6x8xf32>, !onnx.none, !weights.tensor<4x8x6xf32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}

// -----

func.func @main(%x: tensor<5x8xf32>, %r: tensor<5x4xf32>) -> tensor<5x8xf32> {
  %w1 = weights.ref "w1" in "f" at 0 : !weights.tensor<4x7x8xf32>
  %w2 = weights.ref "w2" in "f" at 1000 : !weights.tensor<4x8x6xf32>
  %none = onnx.none
  // expected-error @below {{the shapes of its weights contradict each other}}
  %y = onnx.node "MoE"(%x, %r, %w1, %none, %w2) {domain = "com.microsoft", name = "m", version = 1 : i64,
    node_attrs = {k = 2 : i64}}
    : (tensor<5x8xf32>, tensor<5x4xf32>, !weights.tensor<4x7x8xf32>, !onnx.none, !weights.tensor<4x8x6xf32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}

// -----

func.func @main(%x: tensor<5x8xf32>, %r: tensor<5x4xf32>) -> tensor<5x8xf32> {
  %w1 = weights.ref "w1" in "f" at 0 : !weights.tensor<4x12x8xf32>
  %w2 = weights.ref "w2" in "f" at 1000 : !weights.tensor<4x8x6xf32>
  %none = onnx.none
  // expected-error @below {{swiglu_fusion = 3 with 'swiglu' is not supported}}
  %y = onnx.node "MoE"(%x, %r, %w1, %none, %w2) {domain = "com.microsoft", name = "m", version = 1 : i64,
    node_attrs = {k = 2 : i64, activation_type = "swiglu", swiglu_fusion = 3 : i64}}
    : (tensor<5x8xf32>, tensor<5x4xf32>, !weights.tensor<4x12x8xf32>, !onnx.none, !weights.tensor<4x8x6xf32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}
