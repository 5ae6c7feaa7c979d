// RUN: moe-opt %s --convert-onnx-to-linalg | FileCheck %s

// Sizes come from symbols, names go, weights stay recipes, states are appended to
// and leave the results.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:arg0]]: tensor<?x4xf32> {onnx.name = "x"}, %[[S:arg1]]: !pager.state<?x4xf32, axis = 0>
// CHECK-SAME: -> (tensor<?x3xf32> {onnx.name = "y"})
// CHECK-NOT: onnx.node
module attributes {onnx.symbols = ["n", "past"]} {
  func.func @main(%x: tensor<?x4xf32, affine_map<()[s0, s1] -> (s0, 4)>> {onnx.name = "x"},
                  %s: tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>> {onnx.name = "s", onnx.state_output = 1 : i64, onnx.state_axis = 0 : i64})
      -> (tensor<?x3xf32, affine_map<()[s0, s1] -> (s0, 3)>> {onnx.name = "y"},
          tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 + s1, 4)>> {onnx.name = "s2"}) {
    %w = weights.ref "w" in "f" at 0 : !weights.tensor<4x3xf32>
    // CHECK: pager.state_append %[[S]], %[[X]]
    %c = onnx.node "Concat"(%s, %x) {domain = "", name = "c", version = 23 : i64, node_attrs = {axis = 0 : i64}}
      : (tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>, tensor<?x4xf32, affine_map<()[s0, s1] -> (s0, 4)>>) -> tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 + s1, 4)>>
    // CHECK: %[[W:.*]] = weights.materialize
    // CHECK: linalg.matmul ins(%[[X]], %[[W]]
    %m = onnx.node "MatMul"(%x, %w) {domain = "", name = "m", version = 23 : i64, node_attrs = {}}
      : (tensor<?x4xf32, affine_map<()[s0, s1] -> (s0, 4)>>, !weights.tensor<4x3xf32>) -> tensor<?x3xf32, affine_map<()[s0, s1] -> (s0, 3)>>
    // CHECK: math.exp
    %y = onnx.node "Sigmoid"(%m) {domain = "", name = "y", version = 23 : i64, node_attrs = {}}
      : (tensor<?x3xf32, affine_map<()[s0, s1] -> (s0, 3)>>) -> tensor<?x3xf32, affine_map<()[s0, s1] -> (s0, 3)>>
    return %y, %c : tensor<?x3xf32, affine_map<()[s0, s1] -> (s0, 3)>>, tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 + s1, 4)>>
  }
}
