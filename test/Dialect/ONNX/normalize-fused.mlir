// RUN: moe-opt %s -onnx-infer-shapes -onnx-normalize | FileCheck %s

// Operators that fuse several standard ones become those: transposes and a
// factor around a product, a sum before a norm, a bias before an activation.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[A:[a-z0-9]+]]: {{[^,]*}}, %[[B:[a-z0-9]+]]: {{[^,]*}}, %[[C:[a-z0-9]+]]:
// CHECK: %[[G:.*]] = weights.ref "g"
// CHECK: %[[H:.*]] = weights.ref "h"
// CHECK: %[[BT:.*]] = onnx.node "Transpose"(%[[B]]) {{.*}} {perm = array<i64: 0, 1, 3, 2>}
// CHECK: %[[QK:.*]] = onnx.node "MatMul"(%[[A]], %[[BT]])
// CHECK: %[[QUARTER:.*]] = onnx.constant dense<2.500000e-01>
// CHECK: %[[R0:.*]] = onnx.node "Mul"(%[[QK]], %[[QUARTER]])
// CHECK: %[[AT:.*]] = onnx.node "Transpose"(%[[A]]) {{.*}} {perm = array<i64: 1, 2, 0, 3>}
// CHECK: %[[R1:.*]] = onnx.node "MatMul"(%[[AT]], %[[C]]) {{.*}} -> tensor<3x4x2x7xf32>
// CHECK: %[[SUM:.*]] = onnx.node "Add"(%[[A]], %[[A]])
// CHECK: %[[BIASED:.*]] = onnx.node "Add"(%[[SUM]], %[[G]])
// CHECK: %[[R2:.*]] = onnx.node "LayerNormalization"(%[[BIASED]], %[[G]], %[[H]])
// CHECK: %[[X:.*]] = onnx.node "Add"(%[[A]], %[[G]])
// CHECK: %[[R3:.*]] = onnx.node "Gelu"(%[[X]]) {{.*}} {approximate = "none"}
// CHECK: %[[R4:.*]] = onnx.node "Gelu"(%[[A]]) {{.*}} {approximate = "tanh"}
// CHECK: return %[[R0]], %[[R1]], %[[R2]], %[[BIASED]], %[[R3]], %[[R4]]
func.func @main(%a: tensor<2x3x4x5xf32>, %b: tensor<2x3x6x5xf32>, %c: tensor<3x4x5x7xf32>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  %g = weights.ref "g" in "f" at 0 : !weights.tensor<5xf32>
  %h = weights.ref "h" in "f" at 64 : !weights.tensor<5xf32>
  %0 = onnx.node "FusedMatMul" (%a, %b) {domain = "com.microsoft", name = "qk", node_attrs = {alpha = 2.5e-01 : f32, transB = 1 : i64}, version = 1 : i64} : (tensor<2x3x4x5xf32>, tensor<2x3x6x5xf32>) -> !onnx.value
  %1 = onnx.node "FusedMatMul" (%a, %c) {domain = "com.microsoft", name = "batch", node_attrs = {transBatchA = 1 : i64}, version = 1 : i64} : (tensor<2x3x4x5xf32>, tensor<3x4x5x7xf32>) -> !onnx.value
  %2:4 = onnx.node "SkipLayerNormalization" (%a, %a, %g, %h, %g) {domain = "com.microsoft", name = "norm", node_attrs = {epsilon = 1.0e-05 : f32}, version = 1 : i64} : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>, !weights.tensor<5xf32>, !weights.tensor<5xf32>, !weights.tensor<5xf32>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value)
  %3 = onnx.node "BiasGelu" (%a, %g) {domain = "com.microsoft", name = "gelu", node_attrs = {}, version = 1 : i64} : (tensor<2x3x4x5xf32>, !weights.tensor<5xf32>) -> !onnx.value
  %4 = onnx.node "FastGelu" (%a) {domain = "com.microsoft", name = "fast", node_attrs = {}, version = 1 : i64} : (tensor<2x3x4x5xf32>) -> !onnx.value
  return %0, %1, %2#0, %2#3, %3, %4 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
