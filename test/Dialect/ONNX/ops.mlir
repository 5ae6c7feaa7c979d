// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// Every operation and type survives printing and parsing.

// CHECK-LABEL: func.func @nodes
// CHECK-SAME: (%[[X:.*]]: tensor<?x48xf32, #{{.*}}>, %[[V:.*]]: !onnx.value)
func.func @nodes(%x: tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>, %v: !onnx.value) -> !onnx.value {
  // CHECK: %[[W:.*]] = weights.ref "w" in "model.data" at 64 : <48x96xf32>
  %w = weights.ref "w" in "model.data" at 64 : !weights.tensor<48x96xf32>
  // CHECK: onnx.node "MatMul"(%[[X]], %[[W]]) {domain = "", name = "/proj", node_attrs = {}, version = 20 : i64} : (tensor<?x48xf32, #{{.*}}>, !weights.tensor<48x96xf32>) -> tensor<?x96xf32>
  %0 = onnx.node "MatMul" (%x, %w) {domain = "", name = "/proj", version = 20 : i64, node_attrs = {}}
    : (tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>, !weights.tensor<48x96xf32>) -> tensor<?x96xf32>
  // CHECK: %[[NONE:.*]] = onnx.none
  %none = onnx.none
  // CHECK: onnx.node "Clip"(%{{.*}}, %[[NONE]], %[[NONE]]) {{.*}} : (tensor<?x96xf32>, !onnx.none, !onnx.none) -> !onnx.value
  %1 = onnx.node "Clip" (%0, %none, %none) {domain = "", name = "clip", version = 20 : i64, node_attrs = {}}
    : (tensor<?x96xf32>, !onnx.none, !onnx.none) -> !onnx.value
  // An operator nobody knows, with every kind of attribute.
  // CHECK: onnx.node "Later"() {domain = "com.example", name = "later", node_attrs = {f = 1.500000e+00 : f32, fs = array<f32: 1.000000e+00, 2.000000e+00>, i = 3 : i64, is = array<i64: 1, 2>, s = "text", ss = ["a", "b"], t = dense<[1, 2]> : tensor<2xi64>}, version = 7 : i64} : () -> (!onnx.value, !onnx.value)
  %2:2 = onnx.node "Later" () {domain = "com.example", name = "later", version = 7 : i64, node_attrs = {
      f = 1.5 : f32, fs = array<f32: 1.0, 2.0>, i = 3 : i64, is = array<i64: 1, 2>, s = "text", ss = ["a", "b"],
      t = dense<[1, 2]> : tensor<2xi64>}} : () -> (!onnx.value, !onnx.value)
  // CHECK: onnx.node "Shape"{{.*}}shape_values = [#{{.*}}]{{.*}} -> tensor<2xi64>
  %3 = onnx.node "Shape" (%x) {domain = "", name = "shape", version = 20 : i64, node_attrs = {},
      shape_values = [affine_map<()[s0] -> (s0, 48)>]}
    : (tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>) -> tensor<2xi64>
  return %1 : !onnx.value
}

// CHECK-LABEL: func.func @constants
func.func @constants() -> (tensor<2xi64>, tensor<f32>, tensor<0xi64>) {
  // CHECK: onnx.constant dense<[-1, 48]> : tensor<2xi64>
  %0 = onnx.constant dense<[-1, 48]> : tensor<2xi64>
  // CHECK: onnx.constant dense<1.000000e+00> : tensor<f32>
  %1 = onnx.constant dense<1.0> : tensor<f32>
  // CHECK: onnx.constant dense<> : tensor<0xi64>
  %2 = onnx.constant dense<> : tensor<0xi64>
  return %0, %1, %2 : tensor<2xi64>, tensor<f32>, tensor<0xi64>
}

// CHECK-LABEL: func.func @bodies
func.func @bodies(%n: tensor<i64>, %c: tensor<i1>, %x: tensor<4xf32>) -> !onnx.value {
  // CHECK: onnx.node "Loop"(%{{.*}}) {body_names = ["body"]{{.*}}} bodies {
  // CHECK-NEXT: ^bb0(%[[I:.*]]: tensor<i64>, %[[GO:.*]]: tensor<i1>, %[[V:.*]]: !onnx.value):
  // CHECK-NEXT: onnx.yield %[[GO]], %[[V]] : tensor<i1>, !onnx.value
  // CHECK-NEXT: } : (tensor<i64>, tensor<i1>, tensor<4xf32>) -> !onnx.value
  %0 = onnx.node "Loop" (%n, %c, %x) {domain = "", name = "loop", version = 20 : i64, node_attrs = {}, body_names = ["body"]} bodies {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: !onnx.value):
    onnx.yield %go, %v : tensor<i1>, !onnx.value
  } : (tensor<i64>, tensor<i1>, tensor<4xf32>) -> !onnx.value
  // CHECK: onnx.node "If"
  // CHECK: onnx.yield{{$}}
  // CHECK: }, {
  // CHECK: onnx.yield{{$}}
  onnx.node "If" (%c) {domain = "", name = "if", version = 20 : i64, node_attrs = {}, body_names = ["else_branch", "then_branch"]} bodies {
    onnx.yield
  }, {
    onnx.yield
  } : (tensor<i1>) -> ()
  return %0 : !onnx.value
}

// CHECK-LABEL: func.func @symbol
func.func @symbol() -> index {
  // CHECK: onnx.symbol 1
  %0 = onnx.symbol 1
  return %0 : index
}
