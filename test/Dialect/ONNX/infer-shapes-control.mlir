// RUN: moe-opt %s -onnx-infer-shapes | FileCheck %s

// Bodies are inferred where they stand. Sizes in which branches differ, and all
// sizes that a loop carries, depend on data.

// CHECK-DAG: #[[X:.+]] = affine_map<()[s0, s1, s2, s3, s4, s5, s6] -> (s0, 3)>
// CHECK-DAG: #[[CARRIED:.+]] = affine_map<()[s0, s1, s2, s3, s4, s5, s6] -> (s2, s3)>
// CHECK-DAG: #[[STATE:.+]] = affine_map<()[s0, s1, s2, s3, s4, s5, s6] -> (s5, s6)>
// CHECK-DAG: #[[JOINED:.+]] = affine_map<()[s0, s1, s2, s3, s4, s5, s6] -> (s1, 3)>
// CHECK-DAG: #[[ROUNDS:.+]] = affine_map<()[s0, s1, s2, s3, s4, s5, s6] -> (s4, 4, 3)>
// CHECK: onnx.bound_symbols = 1 : i64, onnx.symbols = ["b", "if_1_d0", "loop_0_d0", "loop_0_d1", "loop_1_d0", "scan_0_d0", "scan_0_d1"]
// CHECK: "If"
// CHECK: "Relu"{{.*}} -> tensor<?x3xf32, #[[X]]>
// CHECK: } : (tensor<i1>) -> (tensor<?x3xf32, #[[X]]>, tensor<?x3xf32, #[[JOINED]]>)
// CHECK: "Loop"
// CHECK: ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<i1>, %{{.*}}: tensor<?x?xf32, #[[CARRIED]]>)
// CHECK: "Exp"{{.*}} -> tensor<?x?xf32, #[[CARRIED]]>
// CHECK: } : {{.*}} -> (tensor<?x?xf32, #[[CARRIED]]>, tensor<?x4x3xf32, #[[ROUNDS]]>)
// CHECK: "Scan"
// CHECK: ^bb0(%{{.*}}: tensor<?x?xf32, #[[STATE]]>, %{{.*}}: tensor<3xf32>)
// CHECK: "Neg"{{.*}} -> tensor<3xf32>
// CHECK: } : {{.*}} -> (tensor<?x?xf32, #[[STATE]]>, tensor<?x3xf32, #[[X]]>)
module attributes {onnx.symbols = ["b"]} {
func.func @main(%c: tensor<i1>, %n: tensor<i64>, %x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, %y: tensor<4x3xf32>) -> (!onnx.value, !onnx.value, !onnx.value) {
  %1:2 = onnx.node "If" (%c) {body_names = ["else_branch", "then_branch"], domain = "", name = "if", node_attrs = {}, version = 20 : i64} bodies {
    %2 = onnx.node "Relu" (%x) {domain = "", name = "inner", node_attrs = {}, version = 20 : i64} : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
    onnx.yield %2, %x : !onnx.value, tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
  }, {
    onnx.yield %x, %y : tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<4x3xf32>
  } : (tensor<i1>) -> (!onnx.value, !onnx.value)
  %3:2 = onnx.node "Loop" (%n, %c, %x) {body_names = ["body"], domain = "", name = "loop", node_attrs = {}, version = 20 : i64} bodies {
  ^bb0(%i: !onnx.value, %go: !onnx.value, %v: !onnx.value):
    %4 = onnx.node "Exp" (%v) {domain = "", name = "step", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
    onnx.yield %go, %4, %y : !onnx.value, !onnx.value, tensor<4x3xf32>
  } : (tensor<i64>, tensor<i1>, tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value, !onnx.value)
  %5:2 = onnx.node "Scan" (%y, %x) {body_names = ["body"], domain = "", name = "scan", node_attrs = {num_scan_inputs = 1 : i64}, version = 20 : i64} bodies {
  ^bb0(%state: !onnx.value, %row: !onnx.value):
    %6 = onnx.node "Neg" (%row) {domain = "", name = "each", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
    onnx.yield %state, %6 : !onnx.value, !onnx.value
  } : (tensor<4x3xf32>, tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value, !onnx.value)
  return %1#0, %3#0, %5#0 : !onnx.value, !onnx.value, !onnx.value
}
}
