// RUN: moe-opt %s -onnx-infer-shapes -onnx-normalize | FileCheck %s

// Tile is a Reshape, an Expand and a Reshape; a slice of a weight is a recipe;
// the place of the largest element is the first choice of TopK.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<3x4xf32>
// CHECK: %[[W:.*]] = weights.ref "w"
// CHECK: %[[S:.*]] = onnx.node "Reshape"(%[[X]]) {{.*}} -> tensor<1x3x4xf32>
// CHECK: %[[E:.*]] = onnx.node "Expand"(%[[S]]) {{.*}} -> tensor<2x3x4xf32>
// CHECK: %[[T:.*]] = onnx.node "Reshape"(%[[E]]) {{.*}} -> tensor<6x4xf32>
// CHECK: %[[V:.*]] = weights.view %[[W]] [4, 0] [1, 6]
// CHECK: %[[R:.*]] = weights.reshape %[[V]] : <1x6xf32> -> <6xf32>
// CHECK: %[[K:.*]]:2 = onnx.node "TopK"(%[[X]], %{{.*}}) {{.*}} {axis = 1 : i64, largest = 1 : i64, sorted = 1 : i64}
// CHECK: %[[A:.*]] = onnx.node "Reshape"(%[[K]]#1) {{.*}} -> tensor<3xi64>
// CHECK: return %[[T]], %{{.*}}, %[[A]]
func.func @main(%x: tensor<3x4xf32>) -> (!onnx.value, !onnx.value, !onnx.value) {
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<5x6xf32>
  %repeats = onnx.constant dense<[2, 1]> : tensor<2xi64>
  %last = onnx.constant dense<-1> : tensor<i64>
  %v = weights.ref "v" in "f" at 0 : !weights.tensor<3x6xf32>
  %0 = onnx.node "Tile" (%x, %repeats) {domain = "", name = "tile", node_attrs = {}, version = 20 : i64} : (tensor<3x4xf32>, tensor<2xi64>) -> !onnx.value
  %1 = onnx.node "Gather" (%w, %last) {domain = "", name = "row", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!weights.tensor<5x6xf32>, tensor<i64>) -> !onnx.value
  %2 = onnx.node "Add" (%v, %1) {domain = "", name = "add", node_attrs = {}, version = 20 : i64} : (!weights.tensor<3x6xf32>, !onnx.value) -> !onnx.value
  %3 = onnx.node "ArgMax" (%x) {domain = "", name = "best", node_attrs = {axis = 1 : i64, keepdims = 0 : i64}, version = 20 : i64} : (tensor<3x4xf32>) -> !onnx.value
  return %0, %2, %3 : !onnx.value, !onnx.value, !onnx.value
}
