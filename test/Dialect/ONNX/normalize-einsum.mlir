// RUN: moe-opt %s -onnx-infer-shapes -onnx-normalize | FileCheck %s

// Sums, batched products and products with a vector in each batch, which leave
// the other operand as it lies.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[A:[a-z0-9]+]]: {{[^,]*}}, %[[B:[a-z0-9]+]]: {{[^,]*}}, %[[V:[a-z0-9]+]]: {{[^,]*}}, %[[W:[a-z0-9]+]]:
// CHECK: %[[R0:.*]] = onnx.node "ReduceSum"(%[[A]]) {{.*}} {axes = array<i64: 1>, keepdims = 0 : i64
// CHECK: %[[BT:.*]] = onnx.node "Transpose"(%[[B]]) {{.*}} {perm = array<i64: 0, 2, 1>}
// CHECK: %[[R1:.*]] = onnx.node "MatMul"(%[[A]], %[[BT]]) {{.*}} -> tensor<2x3x5xf32>
// CHECK: %[[C:.*]] = onnx.node "Reshape"(%[[V]]) {{.*}} -> tensor<2x4x1xf32>
// CHECK: %[[P:.*]] = onnx.node "MatMul"(%[[A]], %[[C]]) {{.*}} -> tensor<2x3x1xf32>
// CHECK: %[[R2:.*]] = onnx.node "Reshape"(%[[P]]) {{.*}} -> tensor<2x3xf32>
// CHECK: %[[D:.*]] = onnx.node "Reshape"(%[[W]]) {{.*}} -> tensor<2x1x3xf32>
// CHECK: %[[Q:.*]] = onnx.node "MatMul"(%[[D]], %[[A]]) {{.*}} -> tensor<2x1x4xf32>
// CHECK: %[[R3:.*]] = onnx.node "Reshape"(%[[Q]]) {{.*}} -> tensor<2x4xf32>
// CHECK: return %[[R0]], %[[R1]], %[[R2]], %[[R3]]
func.func @main(%a: tensor<2x3x4xf32>, %b: tensor<2x5x4xf32>, %v: tensor<2x4xf32>, %w: tensor<2x3xf32>)
    -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  %0 = onnx.node "Einsum" (%a) {domain = "", name = "sum", node_attrs = {equation = "bnd->bd"}, version = 20 : i64} : (tensor<2x3x4xf32>) -> !onnx.value
  %1 = onnx.node "Einsum" (%a, %b) {domain = "", name = "scores", node_attrs = {equation = "bqd,bkd->bqk"}, version = 20 : i64} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> !onnx.value
  %2 = onnx.node "Einsum" (%v, %a) {domain = "", name = "left", node_attrs = {equation = "ti,toi->to"}, version = 20 : i64} : (tensor<2x4xf32>, tensor<2x3x4xf32>) -> !onnx.value
  %3 = onnx.node "Einsum" (%w, %a) {domain = "", name = "right", node_attrs = {equation = "tk,tkh->th"}, version = 20 : i64} : (tensor<2x3xf32>, tensor<2x3x4xf32>) -> !onnx.value
  return %0, %1, %2, %3 : !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
