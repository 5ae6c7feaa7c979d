// RUN: moe-opt %s --convert-onnx-to-linalg=keep-attention=true | FileCheck %s
// RUN: moe-opt %s --convert-onnx-to-linalg | FileCheck %s --check-prefix=LOOPS

// What kernels of a device compute stays a node of plain tensors, with the causal offset as an operand.

#q = affine_map<()[s0, s1] -> (2, 4, s0, 8)>
#k = affine_map<()[s0, s1] -> (2, 2, s0 + s1, 8)>
#odd = affine_map<()[s0, s1] -> (2, 4, s0, 6)>
#mask = affine_map<()[s0, s1] -> (s0, s0 + s1)>
// LOOPS-NOT: onnx.node
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[Q:.*]]: tensor<2x4x?x8xf32>, %[[K:.*]]: tensor<2x2x?x8xf32>, %[[M:.*]]: tensor<?x?xi1>, %[[ODD:.*]]: tensor<2x4x?x6xf32>
module attributes {onnx.symbols = ["new", "past"]} {
  func.func @main(%q: tensor<2x4x?x8xf32, #q>, %k: tensor<2x2x?x8xf32, #k>, %m: tensor<?x?xi1, #mask>, %odd: tensor<2x4x?x6xf32, #odd>)
      -> (tensor<2x4x?x8xf32, #q>, tensor<2x4x?x8xf32, #q>, tensor<2x4x?x6xf32, #odd>) {
    // CHECK-DAG: %[[PAST:.*]] = onnx.symbol 1
    // CHECK-DAG: %[[NONE:.*]] = onnx.none
    // CHECK: %[[A:.*]] = onnx.node "Attention"(%[[Q]], %[[K]], %[[K]], %[[NONE]], %[[PAST]]) {{.*}}causal_offset{{.*}} : (tensor<2x4x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>, !onnx.none, index) -> tensor<2x4x?x8xf32>
    %a = onnx.node "Attention"(%q, %k, %k) {domain = "", name = "a", version = 23 : i64,
      node_attrs = {causal_offset = affine_map<()[s0, s1] -> (s1)>, is_causal = 1 : i64, masked = -1.0e+09 : f32, empty_rows = "nan", scale = 5.0e-01 : f64, softcap = 0.0 : f32}}
      : (tensor<2x4x?x8xf32, #q>, tensor<2x2x?x8xf32, #k>, tensor<2x2x?x8xf32, #k>) -> tensor<2x4x?x8xf32, #q>
    // CHECK: %[[B:.*]] = onnx.node "Attention"(%[[A]], %[[K]], %[[K]], %[[M]]) {{.*}} -> tensor<2x4x?x8xf32>
    %b = onnx.node "Attention"(%a, %k, %k, %m) {domain = "", name = "b", version = 23 : i64, node_attrs = {is_causal = 0 : i64, scale = 5.0e-01 : f64, softcap = 0.0 : f32}}
      : (tensor<2x4x?x8xf32, #q>, tensor<2x2x?x8xf32, #k>, tensor<2x2x?x8xf32, #k>, tensor<?x?xi1, #mask>) -> tensor<2x4x?x8xf32, #q>
    // What uses it is lowered.
    // CHECK: linalg.generic {{.*}} ins(%[[B]]
    %c = onnx.node "Neg"(%b) {domain = "", name = "c", version = 13 : i64, node_attrs = {}} : (tensor<2x4x?x8xf32, #q>) -> tensor<2x4x?x8xf32, #q>
    // Rows of 6 elements are no multiple of 16 bytes.
    // CHECK-NOT: onnx.node
    // CHECK: return
    %d = onnx.node "Attention"(%odd, %odd, %odd) {domain = "", name = "d", version = 23 : i64, node_attrs = {is_causal = 0 : i64, scale = 5.0e-01 : f64, softcap = 0.0 : f32}}
      : (tensor<2x4x?x6xf32, #odd>, tensor<2x4x?x6xf32, #odd>, tensor<2x4x?x6xf32, #odd>) -> tensor<2x4x?x6xf32, #odd>
    return %b, %c, %d : tensor<2x4x?x8xf32, #q>, tensor<2x4x?x8xf32, #q>, tensor<2x4x?x6xf32, #odd>
  }
}
