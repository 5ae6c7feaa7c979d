// RUN: moe-opt %s -onnx-infer-shapes -onnx-normalize -onnx-pair-states | FileCheck %s

// Shape arithmetic goes into types and attributes, Gemm becomes a product by a
// transposed weight, Split a Slice for each part that is read, Identity goes, and
// the state is paired with the result that continues it.

// CHECK-DAG: #[[PRESENT:.+]] = affine_map<()[s0, s1, s2] -> (s0, 2, s1 + s2, 12)>
// CHECK-DAG: #[[FLAT:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1 * 48)>
// CHECK-DAG: #[[ROWS:.+]] = affine_map<()[s0, s1, s2] -> (s0 * s1, 48)>
// CHECK-DAG: #[[PART:.+]] = affine_map<()[s0, s1, s2] -> (s0 * s1, 32)>
// CHECK-DAG: #[[AT:.+]] = affine_map<()[s0, s1, s2] -> (0, 64)>
// CHECK: func.func @main(%[[X:[^:]*]]: {{.*}} {onnx.name = "past.key", onnx.state_axis = 2 : i64, onnx.state_output = 2 : i64}
// CHECK-NOT: "Shape"
// CHECK: %[[W:.*]] = weights.ref "w"
// CHECK: %[[B:.*]] = weights.ref "bias"
// CHECK-NEXT: %[[F:.*]] = onnx.node "Reshape"(%[[X]]) {{.*}} {shape = #[[FLAT]]}
// CHECK-NEXT: %[[R:.*]] = onnx.node "Reshape"(%[[X]]) {{.*}} {shape = #[[ROWS]]}
// CHECK-NEXT: %[[T:.*]] = weights.transpose %[[W]] [1, 0] : <96x48xf32> -> <48x96xf32>
// CHECK-NEXT: %[[P:.*]] = onnx.node "MatMul"(%[[R]], %[[T]])
// CHECK-NEXT: %[[G:.*]] = onnx.node "Add"(%[[P]], %[[B]])
// CHECK-NEXT: %[[S:.*]] = onnx.node "Slice"(%[[G]]) {{.*}} {offsets = #[[AT]], sizes = #[[PART]], steps = array<i64: 1, 1>}
// CHECK-NEXT: %[[K:.*]] = onnx.node "Concat"({{.*}}) {{.*}} {axis = 2 : i64}{{.*}} -> tensor<?x2x?x12xf32, #[[PRESENT]]>
// CHECK-NEXT: return %[[F]], %[[S]], %[[K]]
module attributes {onnx.symbols = ["b", "s", "p"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>,
                %past: tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>> {onnx.name = "past.key"},
                %new: tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 12)>>)
    -> (!onnx.value, !onnx.value, !onnx.value {onnx.name = "present.key"}) {
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<96x48xf32>
  %bias = weights.ref "bias" in "f" at 0 : !weights.tensor<96xf32>
  %c0 = onnx.constant dense<0> : tensor<i64>
  %m1 = onnx.constant dense<-1> : tensor<1xi64>
  %ax = onnx.constant dense<0> : tensor<1xi64>
  %sh = onnx.node "Shape" (%x) {domain = "", name = "shape", node_attrs = {}, version = 20 : i64} : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>) -> !onnx.value
  %b = onnx.node "Gather" (%sh, %c0) {domain = "", name = "batch", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %b1 = onnx.node "Unsqueeze" (%b, %ax) {domain = "", name = "unsqueeze", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %t = onnx.node "Concat" (%b1, %m1) {domain = "", name = "target", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %flat = onnx.node "Reshape" (%x, %t) {domain = "", name = "flatten", node_attrs = {}, version = 20 : i64} : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, !onnx.value) -> !onnx.value
  %i = onnx.node "Identity" (%x) {domain = "", name = "identity", node_attrs = {}, version = 20 : i64} : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>) -> !onnx.value
  %c48 = onnx.constant dense<[-1, 48]> : tensor<2xi64>
  %rows = onnx.node "Reshape" (%i, %c48) {domain = "", name = "rows", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %g = onnx.node "Gemm" (%rows, %w, %bias) {domain = "", name = "gemm", node_attrs = {transB = 1 : i64}, version = 20 : i64} : (!onnx.value, !weights.tensor<96x48xf32>, !weights.tensor<96xf32>) -> !onnx.value
  %lr:2 = onnx.node "Split" (%g) {domain = "", name = "split", node_attrs = {axis = 1 : i64, split = array<i64: 64, 32>}, version = 20 : i64} : (!onnx.value) -> (!onnx.value, !onnx.value)
  %k = onnx.node "Concat" (%past, %new) {domain = "", name = "append", node_attrs = {axis = -2 : i64}, version = 20 : i64} : (tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 12)>>) -> !onnx.value
  return %flat, %lr#1, %k : !onnx.value, !onnx.value, !onnx.value
}
}
