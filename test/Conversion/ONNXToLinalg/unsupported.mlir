// RUN: not moe-opt %s --convert-onnx-to-linalg 2>&1 | FileCheck %s

// Everything that cannot be lowered is reported at once, by kind.
// CHECK: error: 2 kinds of node cannot be compiled for target cpu
// CHECK-NEXT: NonZero x2, first 'a': the operator is not supported
// CHECK-NEXT: com.example.Own x1, first 'c': the operator is not supported
func.func @main(%x: tensor<3xi64>) -> (tensor<1x3xi64>, tensor<1x3xi64>, tensor<3xi64>) {
  %a = onnx.node "NonZero"(%x) {domain = "", name = "a", version = 23 : i64, node_attrs = {}} : (tensor<3xi64>) -> tensor<1x3xi64>
  %b = onnx.node "NonZero"(%x) {domain = "", name = "b", version = 23 : i64, node_attrs = {}} : (tensor<3xi64>) -> tensor<1x3xi64>
  %c = onnx.node "Own"(%x) {domain = "com.example", name = "c", version = 1 : i64, node_attrs = {}} : (tensor<3xi64>) -> tensor<3xi64>
  return %a, %b, %c : tensor<1x3xi64>, tensor<1x3xi64>, tensor<3xi64>
}
