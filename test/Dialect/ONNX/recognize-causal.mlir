// RUN: moe-opt %s --split-input-file --onnx-infer-shapes --onnx-normalize --onnx-recognize-dense | FileCheck %s

// Masks of positions alone become a diagonal (more: test/Integration/near-dense.test).
// CHECK-DAG: #[[$PAST:.*]] = affine_map<()[s0, s1] -> (s1)>
// CHECK-DAG: #[[$ZERO:.*]] = affine_map<()[s0, s1] -> (0)>
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[Q:.*]]: tensor<2x4x?x8xf32, {{.*}}>, %[[K:.*]]: tensor<2x4x?x8xf32, {{.*}}>, %[[NEW:[^:]*]]: tensor<2x4x?x8xf32
// CHECK-NOT: "LessOrEqual"
// CHECK-NOT: "Trilu"
// CHECK: %[[A:.*]] = onnx.node "Attention"(%[[Q]], %[[K]], %[[K]]) {{.*}} {causal_offset = #[[$PAST]], is_causal = 1 : i64, masked = -1.000000e+09 : f32,
// CHECK: %[[B:.*]] = onnx.node "Attention"(%[[Q]], %[[NEW]], %[[NEW]]) {{.*}} {causal_offset = #[[$ZERO]], is_causal = 1 : i64, masked = 0xFF800000 : f32,
// CHECK: return %[[A]], %[[B]]
#q = affine_map<()[s0, s1] -> (2, 4, s0, 8)>
#k = affine_map<()[s0, s1] -> (2, 4, s0 + s1, 8)>
module attributes {onnx.symbols = ["n", "past"]} {
func.func @main(%q: tensor<2x4x?x8xf32, #q>, %k: tensor<2x4x?x8xf32, #k>, %new: tensor<2x4x?x8xf32, #q>, %past: tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) -> (!onnx.value, !onnx.value) {
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %axis = onnx.constant dense<2> : tensor<i64>
  %behind = onnx.constant dense<[1]> : tensor<1xi64>
  %low = onnx.constant dense<-1.0e9> : tensor<f32>
  %inf = onnx.constant dense<0xFF800000> : tensor<f32>
  // column <= row + past
  %1 = onnx.node "Shape"(%q) {domain = "", name = "s1", node_attrs = {}, version = 20 : i64} : (tensor<2x4x?x8xf32, #q>) -> !onnx.value
  %2 = onnx.node "Gather"(%1, %axis) {domain = "", name = "s2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %3 = onnx.node "Shape"(%k) {domain = "", name = "s3", node_attrs = {}, version = 20 : i64} : (tensor<2x4x?x8xf32, #k>) -> !onnx.value
  %4 = onnx.node "Gather"(%3, %axis) {domain = "", name = "s4", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %5 = onnx.node "Sub"(%4, %2) {domain = "", name = "s5", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %6 = onnx.node "Range"(%5, %4, %one) {domain = "", name = "rows", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value, tensor<i64>) -> !onnx.value
  %7 = onnx.node "Range"(%zero, %4, %one) {domain = "", name = "columns", node_attrs = {}, version = 20 : i64} : (tensor<i64>, !onnx.value, tensor<i64>) -> !onnx.value
  %8 = onnx.node "Unsqueeze"(%6, %behind) {domain = "", name = "u", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %9 = onnx.node "LessOrEqual"(%7, %8) {domain = "", name = "seen", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %10 = onnx.node "Not"(%9) {domain = "", name = "hidden", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %11 = onnx.node "Cast"(%10) {domain = "", name = "cast", node_attrs = {to = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %12 = onnx.node "Mul"(%11, %low) {domain = "", name = "mask", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %13 = onnx.node "Attention"(%q, %k, %k, %12) {domain = "", name = "a", node_attrs = {}, version = 23 : i64} : (tensor<2x4x?x8xf32, #q>, tensor<2x4x?x8xf32, #k>, tensor<2x4x?x8xf32, #k>, !onnx.value) -> !onnx.value
  // a triangle
  %20 = onnx.node "Unsqueeze"(%2, %zero) {domain = "", name = "t0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %21 = onnx.node "Concat"(%20, %20) {domain = "", name = "t1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %22 = onnx.node "Expand"(%inf, %21) {domain = "", name = "t2", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %23 = onnx.node "Trilu"(%22, %one) {domain = "", name = "t3", node_attrs = {upper = 1 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %24 = onnx.node "Attention"(%q, %new, %new, %23) {domain = "", name = "b", node_attrs = {}, version = 23 : i64} : (tensor<2x4x?x8xf32, #q>, tensor<2x4x?x8xf32, #q>, tensor<2x4x?x8xf32, #q>, !onnx.value) -> !onnx.value
  return %13, %24 : !onnx.value, !onnx.value
}
}
