// RUN: moe-opt %s -onnx-infer-shapes -onnx-normalize | FileCheck %s

// Exponents get the type of the base; ranges of floats count and scale.
// CHECK: func.func @main(%[[X:.*]]: tensor<2x4xf32>, %[[I:.*]]: tensor<4xi64>)
// CHECK-DAG: %[[THREE:.*]] = onnx.constant dense<3.000000e+00> : tensor<f32>
// CHECK-DAG: %[[P:.*]] = onnx.node "Pow"(%[[X]], %[[THREE]])
// CHECK-DAG: %[[C:.*]] = onnx.node "Cast"(%[[I]]) {{.*}} -> tensor<4xf32>
// CHECK-DAG: %[[Q:.*]] = onnx.node "Pow"(%[[X]], %[[C]])
// CHECK-DAG: %[[COUNT:.*]] = onnx.node "Range"() {{.*}} step = 1 : i64}{{.*}} -> tensor<4xf32>
// CHECK-DAG: %[[STEP:.*]] = onnx.constant dense<5.000000e-01> : tensor<f32>
// CHECK-DAG: %[[S:.*]] = onnx.node "Mul"(%[[COUNT]], %[[STEP]])
// CHECK-DAG: %[[FIRST:.*]] = onnx.constant dense<-5.000000e-01> : tensor<f32>
// CHECK-DAG: %[[R:.*]] = onnx.node "Add"(%[[S]], %[[FIRST]])
// CHECK: return %[[P]], %[[Q]], %[[R]]
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x4xf32>, %i: tensor<4xi64>) -> (!onnx.value, !onnx.value, !onnx.value) {
  %three = onnx.constant dense<3> : tensor<1xi64>
  %a = onnx.constant dense<-0.5> : tensor<f32>
  %b = onnx.constant dense<1.25> : tensor<f32>
  %c = onnx.constant dense<0.5> : tensor<f32>
  %p = onnx.node "Pow" (%x, %three) {domain = "", name = "p", node_attrs = {}, version = 17 : i64} : (tensor<2x4xf32>, tensor<1xi64>) -> !onnx.value
  %q = onnx.node "Pow" (%x, %i) {domain = "", name = "q", node_attrs = {}, version = 17 : i64} : (tensor<2x4xf32>, tensor<4xi64>) -> !onnx.value
  %r = onnx.node "Range" (%a, %b, %c) {domain = "", name = "r", node_attrs = {}, version = 17 : i64} : (tensor<f32>, tensor<f32>, tensor<f32>) -> !onnx.value
  return %p, %q, %r : !onnx.value, !onnx.value, !onnx.value
}
}
