// RUN: moe-opt %s --split-input-file --onnx-infer-shapes --onnx-normalize --onnx-recognize-dense | FileCheck %s

// RMS normalizations, as exporters write them.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x3x8xf32>, %[[Y:.*]]: tensor<2x3x8xf32>, %[[Z:.*]]: tensor<2x3x8xbf16>
// CHECK-NOT: "ReduceMean"
// CHECK: %[[W:.*]] = weights.ref "scale"
// CHECK: %[[A:.*]] = onnx.node "RMSNormalization"(%[[X]], %[[W]]) {{.*}} {axis = 2 : i64, epsilon = 9.99999997E-7 : f32}
// CHECK: %[[B:.*]] = onnx.node "RMSNormalization"(%[[Y]], %[[W]])
// CHECK: %[[S:.*]] = onnx.node "Add"(%[[W]]
// CHECK: %[[C:.*]] = onnx.node "RMSNormalization"(%{{.*}}, %[[S]])
// CHECK: %[[D:.*]] = onnx.node "RMSNormalization"(%{{.*}}, %{{.*}}) {{.*}} : (tensor<2x3x8xf32>, tensor<f32>)
// CHECK: %[[N:.*]] = onnx.node "RMSNormalization"(%{{.*}}, %{{.*}}) {{.*}} : (tensor<2x3x8xf32>, tensor<f32>)
// CHECK: %[[E:.*]] = onnx.node "Mul"(%[[N]], %[[W]])
// CHECK: %[[F:.*]] = onnx.node "Mul"(%[[N]],
// CHECK: %[[H:.*]] = onnx.node "RMSNormalization"(%[[Z]], %{{.*}}) {{.*}} -> tensor<2x3x8xbf16>
// CHECK: return %[[A]], %[[B]], %[[C]], %[[D]], %[[E]], %[[F]], %[[H]]
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x3x8xf32>, %y: tensor<2x3x8xf32>, %z: tensor<2x3x8xbf16>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  %scale = weights.ref "scale" in "f" at 0 : !weights.tensor<8xf32>
  // torch.onnx, dynamo
  %c0 = onnx.constant dense<2.0> : tensor<f32>
  %101 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n1", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %102 = onnx.node "ReduceMean"(%101) {domain = "", name = "n2", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c1 = onnx.constant dense<1.0e-06> : tensor<f32>
  %103 = onnx.node "Add"(%102, %c1) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %104 = onnx.node "Sqrt"(%103) {domain = "", name = "n4", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %105 = onnx.node "Reciprocal"(%104) {domain = "", name = "n5", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %106 = onnx.node "Mul"(%x, %105) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  %107 = onnx.node "Mul"(%scale, %106) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (!weights.tensor<8xf32>, !onnx.value) -> !onnx.value
  // TorchScript: 1 / root, weight on the right
  %108 = onnx.node "Pow"(%y, %c0) {domain = "", name = "n8", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %109 = onnx.node "ReduceMean"(%108) {domain = "", name = "n9", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %110 = onnx.node "Add"(%109, %c1) {domain = "", name = "n10", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %c2 = onnx.constant dense<1.0> : tensor<f32>
  %111 = onnx.node "Sqrt"(%110) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %112 = onnx.node "Div"(%c2, %111) {domain = "", name = "n12", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %113 = onnx.node "Mul"(%y, %112) {domain = "", name = "n13", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  %114 = onnx.node "Mul"(%113, %scale) {domain = "", name = "n14", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<8xf32>) -> !onnx.value
  // Mul(x, x), epsilon first, Pow(v, -0.5) first, scale + 1
  %115 = onnx.node "Abs"(%x) {domain = "", name = "n15", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %116 = onnx.node "Mul"(%115, %115) {domain = "", name = "n16", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %117 = onnx.node "ReduceMean"(%116) {domain = "", name = "n17", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %118 = onnx.node "Add"(%c1, %117) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %c3 = onnx.constant dense<-0.5> : tensor<f32>
  %119 = onnx.node "Pow"(%118, %c3) {domain = "", name = "n19", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %120 = onnx.node "Mul"(%119, %115) {domain = "", name = "n20", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %121 = onnx.node "Add"(%scale, %c2) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (!weights.tensor<8xf32>, tensor<f32>) -> !onnx.value
  %122 = onnx.node "Mul"(%120, %121) {domain = "", name = "n22", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // x / root, no scale; Identity in between
  %123 = onnx.node "Neg"(%x) {domain = "", name = "n23", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %124 = onnx.node "Pow"(%123, %c0) {domain = "", name = "n24", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %125 = onnx.node "ReduceMean"(%124) {domain = "", name = "n25", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %126 = onnx.node "Add"(%125, %c1) {domain = "", name = "n26", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %127 = onnx.node "Sqrt"(%126) {domain = "", name = "n27", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %128 = onnx.node "Identity"(%127) {domain = "", name = "n28", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %129 = onnx.node "Div"(%123, %128) {domain = "", name = "n29", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // x / v^0.5, read by two scales: no scale is taken in
  %130 = onnx.node "Neg"(%y) {domain = "", name = "n30", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %131 = onnx.node "Pow"(%130, %c0) {domain = "", name = "n31", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %132 = onnx.node "ReduceMean"(%131) {domain = "", name = "n32", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %133 = onnx.node "Add"(%132, %c1) {domain = "", name = "n33", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %c4 = onnx.constant dense<0.5> : tensor<f32>
  %134 = onnx.node "Pow"(%133, %c4) {domain = "", name = "n34", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %135 = onnx.node "Div"(%130, %134) {domain = "", name = "n35", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %136 = onnx.node "Mul"(%135, %scale) {domain = "", name = "n36", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<8xf32>) -> !onnx.value
  %other = weights.ref "other" in "f" at 0 : !weights.tensor<8xf32>
  %137 = onnx.node "Mul"(%135, %other) {domain = "", name = "n37", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<8xf32>) -> !onnx.value
  // of bfloat16, normalized in float and cast back before the scale
  %138 = onnx.node "Cast"(%z) {domain = "", name = "n38", node_attrs = {to = 1 : i64}, version = 20 : i64} : (tensor<2x3x8xbf16>) -> !onnx.value
  %narrow = weights.ref "narrow" in "f" at 0 : !weights.tensor<8xbf16>
  %139 = onnx.node "Pow"(%138, %c0) {domain = "", name = "n39", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %140 = onnx.node "ReduceMean"(%139) {domain = "", name = "n40", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %141 = onnx.node "Add"(%140, %c1) {domain = "", name = "n41", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %142 = onnx.node "Sqrt"(%141) {domain = "", name = "n42", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %143 = onnx.node "Reciprocal"(%142) {domain = "", name = "n43", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %144 = onnx.node "Mul"(%138, %143) {domain = "", name = "n44", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %145 = onnx.node "Cast"(%144) {domain = "", name = "n45", node_attrs = {to = 16 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %146 = onnx.node "Mul"(%narrow, %145) {domain = "", name = "n46", node_attrs = {}, version = 20 : i64} : (!weights.tensor<8xbf16>, !onnx.value) -> !onnx.value
  return %107, %114, %122, %129, %136, %137, %146 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
}

// -----

// Near misses of an RMS normalization.
// CHECK-LABEL: func.func @main
// CHECK-NOT: Normalization
// CHECK-COUNT-13: "ReduceMean"
// CHECK-NOT: Normalization
// CHECK: return
module attributes {onnx.symbols = ["b", "n"]} {
func.func @main(%x: tensor<2x3x8xf32>, %y: tensor<2x3x8xf32>, %e: tensor<f32>, %d: tensor<2x3x8xf64>, %s: tensor<2x8x8xf32>, %u: tensor<?x?x?xf32, affine_map<()[s0, s1] -> (s0, s1, s1)>>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  // over another axis
  %c0 = onnx.constant dense<2.0> : tensor<f32>
  %101 = onnx.node "Pow"(%s, %c0) {domain = "", name = "n1", node_attrs = {}, version = 20 : i64} : (tensor<2x8x8xf32>, tensor<f32>) -> !onnx.value
  %102 = onnx.node "ReduceMean"(%101) {domain = "", name = "n2", node_attrs = {axes = array<i64: 1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c1 = onnx.constant dense<1.0e-06> : tensor<f32>
  %103 = onnx.node "Add"(%102, %c1) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %104 = onnx.node "Sqrt"(%103) {domain = "", name = "n4", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %105 = onnx.node "Reciprocal"(%104) {domain = "", name = "n5", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %106 = onnx.node "Mul"(%s, %105) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (tensor<2x8x8xf32>, !onnx.value) -> !onnx.value
  // over two axes
  %107 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %108 = onnx.node "ReduceMean"(%107) {domain = "", name = "n8", node_attrs = {axes = array<i64: 1, 2>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %109 = onnx.node "Add"(%108, %c1) {domain = "", name = "n9", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %110 = onnx.node "Sqrt"(%109) {domain = "", name = "n10", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %111 = onnx.node "Reciprocal"(%110) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %112 = onnx.node "Mul"(%x, %111) {domain = "", name = "n12", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // epsilon behind the root
  %113 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n13", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %114 = onnx.node "ReduceMean"(%113) {domain = "", name = "n14", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %115 = onnx.node "Sqrt"(%114) {domain = "", name = "n15", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %116 = onnx.node "Add"(%115, %c1) {domain = "", name = "n16", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %117 = onnx.node "Div"(%x, %116) {domain = "", name = "n17", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // cubes
  %c2 = onnx.constant dense<3.0> : tensor<f32>
  %118 = onnx.node "Pow"(%x, %c2) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %119 = onnx.node "ReduceMean"(%118) {domain = "", name = "n19", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %120 = onnx.node "Add"(%119, %c1) {domain = "", name = "n20", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %121 = onnx.node "Sqrt"(%120) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %122 = onnx.node "Reciprocal"(%121) {domain = "", name = "n22", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %123 = onnx.node "Mul"(%x, %122) {domain = "", name = "n23", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // x times the root
  %124 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n24", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %125 = onnx.node "ReduceMean"(%124) {domain = "", name = "n25", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c3 = onnx.constant dense<2.0e-06> : tensor<f32>
  %126 = onnx.node "Add"(%125, %c3) {domain = "", name = "n26", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %127 = onnx.node "Sqrt"(%126) {domain = "", name = "n27", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %128 = onnx.node "Mul"(%x, %127) {domain = "", name = "n28", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // x over its inverse
  %129 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n29", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %130 = onnx.node "ReduceMean"(%129) {domain = "", name = "n30", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c4 = onnx.constant dense<3.0e-06> : tensor<f32>
  %131 = onnx.node "Add"(%130, %c4) {domain = "", name = "n31", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %132 = onnx.node "Sqrt"(%131) {domain = "", name = "n32", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %133 = onnx.node "Reciprocal"(%132) {domain = "", name = "n33", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %134 = onnx.node "Div"(%x, %133) {domain = "", name = "n34", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // of another value
  %135 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n35", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %136 = onnx.node "ReduceMean"(%135) {domain = "", name = "n36", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c5 = onnx.constant dense<4.0e-06> : tensor<f32>
  %137 = onnx.node "Add"(%136, %c5) {domain = "", name = "n37", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %138 = onnx.node "Sqrt"(%137) {domain = "", name = "n38", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %139 = onnx.node "Reciprocal"(%138) {domain = "", name = "n39", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %140 = onnx.node "Mul"(%y, %139) {domain = "", name = "n40", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // x * y is no square
  %141 = onnx.node "Mul"(%x, %y) {domain = "", name = "n41", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> !onnx.value
  %142 = onnx.node "ReduceMean"(%141) {domain = "", name = "n42", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %143 = onnx.node "Add"(%142, %c1) {domain = "", name = "n43", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %144 = onnx.node "Sqrt"(%143) {domain = "", name = "n44", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %145 = onnx.node "Reciprocal"(%144) {domain = "", name = "n45", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %146 = onnx.node "Mul"(%x, %145) {domain = "", name = "n46", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // 2 / root
  %147 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n47", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %148 = onnx.node "ReduceMean"(%147) {domain = "", name = "n48", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c6 = onnx.constant dense<5.0e-06> : tensor<f32>
  %149 = onnx.node "Add"(%148, %c6) {domain = "", name = "n49", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %150 = onnx.node "Sqrt"(%149) {domain = "", name = "n50", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %151 = onnx.node "Div"(%c0, %150) {domain = "", name = "n51", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %152 = onnx.node "Mul"(%x, %151) {domain = "", name = "n52", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // an epsilon that is computed
  %153 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n53", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %154 = onnx.node "ReduceMean"(%153) {domain = "", name = "n54", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %155 = onnx.node "Add"(%154, %e) {domain = "", name = "n55", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %156 = onnx.node "Sqrt"(%155) {domain = "", name = "n56", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %157 = onnx.node "Reciprocal"(%156) {domain = "", name = "n57", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %158 = onnx.node "Mul"(%x, %157) {domain = "", name = "n58", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // the root is read elsewhere
  %159 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n59", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %160 = onnx.node "ReduceMean"(%159) {domain = "", name = "n60", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c7 = onnx.constant dense<6.0e-06> : tensor<f32>
  %161 = onnx.node "Add"(%160, %c7) {domain = "", name = "n61", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %162 = onnx.node "Sqrt"(%161) {domain = "", name = "n62", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %163 = onnx.node "Reciprocal"(%162) {domain = "", name = "n63", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %164 = onnx.node "Mul"(%x, %163) {domain = "", name = "n64", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // a sum, not a mean
  %165 = onnx.node "Pow"(%x, %c0) {domain = "", name = "n65", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %166 = onnx.node "ReduceSum"(%165) {domain = "", name = "n66", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %167 = onnx.node "Add"(%166, %c1) {domain = "", name = "n67", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %168 = onnx.node "Sqrt"(%167) {domain = "", name = "n68", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %169 = onnx.node "Reciprocal"(%168) {domain = "", name = "n69", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %170 = onnx.node "Mul"(%x, %169) {domain = "", name = "n70", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // double
  %c8 = onnx.constant dense<2.0> : tensor<f64>
  %171 = onnx.node "Pow"(%d, %c8) {domain = "", name = "n71", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf64>, tensor<f64>) -> !onnx.value
  %172 = onnx.node "ReduceMean"(%171) {domain = "", name = "n72", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c9 = onnx.constant dense<1.0e-06> : tensor<f64>
  %173 = onnx.node "Add"(%172, %c9) {domain = "", name = "n73", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f64>) -> !onnx.value
  %174 = onnx.node "Sqrt"(%173) {domain = "", name = "n74", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %175 = onnx.node "Reciprocal"(%174) {domain = "", name = "n75", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %176 = onnx.node "Mul"(%d, %175) {domain = "", name = "n76", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf64>, !onnx.value) -> !onnx.value
  // rows of a size that is not known
  %177 = onnx.node "Pow"(%u, %c0) {domain = "", name = "n77", node_attrs = {}, version = 20 : i64} : (tensor<?x?x?xf32, affine_map<()[s0, s1] -> (s0, s1, s1)>>, tensor<f32>) -> !onnx.value
  %178 = onnx.node "ReduceMean"(%177) {domain = "", name = "n78", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %179 = onnx.node "Add"(%178, %c1) {domain = "", name = "n79", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %180 = onnx.node "Sqrt"(%179) {domain = "", name = "n80", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %181 = onnx.node "Reciprocal"(%180) {domain = "", name = "n81", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %182 = onnx.node "Mul"(%u, %181) {domain = "", name = "n82", node_attrs = {}, version = 20 : i64} : (tensor<?x?x?xf32, affine_map<()[s0, s1] -> (s0, s1, s1)>>, !onnx.value) -> !onnx.value
  return %106, %112, %117, %123, %128, %134, %140, %146, %152, %158, %164, %163, %170, %176, %182 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
}

// -----

// Layer normalizations, and what is centred otherwise.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x3x8xf32>, %[[Y:.*]]: tensor<2x3x8xf32>)
// CHECK-DAG: %[[W:.*]] = weights.ref "scale"
// CHECK-DAG: %[[B:.*]] = weights.ref "shift"
// CHECK: %[[A:.*]] = onnx.node "LayerNormalization"(%[[X]], %[[W]], %[[B]]) {{.*}} {axis = 2 : i64, epsilon = 9.99999997E-7 : f32}
// CHECK: %[[C:.*]] = onnx.node "LayerNormalization"(%[[Y]], %[[W]])
// CHECK: %[[N:.*]] = onnx.node "LayerNormalization"(%{{.*}}) {{.*}} : (tensor<2x3x8xf32>, tensor<f32>)
// CHECK: %[[D:.*]] = onnx.node "Add"(%[[N]], %[[B]])
// CHECK: %[[S:.*]] = onnx.node "Sub"
// CHECK: %[[E:.*]] = onnx.node "RMSNormalization"(%[[S]], %[[W]])
// CHECK: onnx.node "Sub"
// CHECK: onnx.node "RMSNormalization"
// CHECK: onnx.node "Sub"
// CHECK: onnx.node "RMSNormalization"
// CHECK: return %[[A]], %[[C]], %[[D]], %[[E]], %[[S]]
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x3x8xf32>, %y: tensor<2x3x8xf32>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  %scale = weights.ref "scale" in "f" at 0 : !weights.tensor<8xf32>
  %shift = weights.ref "shift" in "f" at 0 : !weights.tensor<8xf32>
  %101 = onnx.node "ReduceMean"(%x) {domain = "", name = "n1", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %102 = onnx.node "Sub"(%x, %101) {domain = "", name = "n2", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  %c0 = onnx.constant dense<2.0> : tensor<f32>
  %103 = onnx.node "Pow"(%102, %c0) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %104 = onnx.node "ReduceMean"(%103) {domain = "", name = "n4", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c1 = onnx.constant dense<1.0e-06> : tensor<f32>
  %105 = onnx.node "Add"(%104, %c1) {domain = "", name = "n5", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %106 = onnx.node "Sqrt"(%105) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %107 = onnx.node "Div"(%102, %106) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %108 = onnx.node "Mul"(%107, %scale) {domain = "", name = "n8", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<8xf32>) -> !onnx.value
  %109 = onnx.node "Add"(%108, %shift) {domain = "", name = "n9", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<8xf32>) -> !onnx.value
  // commuted, as squares, without a shift
  %110 = onnx.node "ReduceMean"(%y) {domain = "", name = "n10", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %111 = onnx.node "Sub"(%y, %110) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  %112 = onnx.node "Mul"(%111, %111) {domain = "", name = "n12", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %113 = onnx.node "ReduceMean"(%112) {domain = "", name = "n13", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %114 = onnx.node "Add"(%113, %c1) {domain = "", name = "n14", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %115 = onnx.node "Sqrt"(%114) {domain = "", name = "n15", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %116 = onnx.node "Reciprocal"(%115) {domain = "", name = "n16", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %117 = onnx.node "Mul"(%116, %111) {domain = "", name = "n17", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %118 = onnx.node "Mul"(%scale, %117) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (!weights.tensor<8xf32>, !onnx.value) -> !onnx.value
  // no scale: the Add is none of it
  %119 = onnx.node "Neg"(%x) {domain = "", name = "n19", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %120 = onnx.node "ReduceMean"(%119) {domain = "", name = "n20", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %121 = onnx.node "Sub"(%119, %120) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %122 = onnx.node "Pow"(%121, %c0) {domain = "", name = "n22", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %123 = onnx.node "ReduceMean"(%122) {domain = "", name = "n23", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %124 = onnx.node "Add"(%123, %c1) {domain = "", name = "n24", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %125 = onnx.node "Sqrt"(%124) {domain = "", name = "n25", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %126 = onnx.node "Div"(%121, %125) {domain = "", name = "n26", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %127 = onnx.node "Add"(%126, %shift) {domain = "", name = "n27", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<8xf32>) -> !onnx.value
  // the centred value is read elsewhere: an RMS normalization of it
  %128 = onnx.node "Neg"(%y) {domain = "", name = "n28", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %129 = onnx.node "ReduceMean"(%128) {domain = "", name = "n29", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %130 = onnx.node "Sub"(%128, %129) {domain = "", name = "n30", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %131 = onnx.node "Pow"(%130, %c0) {domain = "", name = "n31", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %132 = onnx.node "ReduceMean"(%131) {domain = "", name = "n32", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %133 = onnx.node "Add"(%132, %c1) {domain = "", name = "n33", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %134 = onnx.node "Sqrt"(%133) {domain = "", name = "n34", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %135 = onnx.node "Div"(%130, %134) {domain = "", name = "n35", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %136 = onnx.node "Mul"(%135, %scale) {domain = "", name = "n36", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<8xf32>) -> !onnx.value
  // minus the mean of another value
  %137 = onnx.node "ReduceMean"(%y) {domain = "", name = "n37", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %138 = onnx.node "Sub"(%x, %137) {domain = "", name = "n38", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  %139 = onnx.node "Pow"(%138, %c0) {domain = "", name = "n39", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %140 = onnx.node "ReduceMean"(%139) {domain = "", name = "n40", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %141 = onnx.node "Add"(%140, %c1) {domain = "", name = "n41", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %142 = onnx.node "Sqrt"(%141) {domain = "", name = "n42", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %143 = onnx.node "Div"(%138, %142) {domain = "", name = "n43", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // mean - x
  %144 = onnx.node "ReduceMean"(%128) {domain = "", name = "n44", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %145 = onnx.node "Sub"(%144, %128) {domain = "", name = "n45", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %146 = onnx.node "Pow"(%145, %c0) {domain = "", name = "n46", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %147 = onnx.node "ReduceMean"(%146) {domain = "", name = "n47", node_attrs = {axes = array<i64: -1>, keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %148 = onnx.node "Add"(%147, %c1) {domain = "", name = "n48", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %149 = onnx.node "Sqrt"(%148) {domain = "", name = "n49", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %150 = onnx.node "Div"(%145, %149) {domain = "", name = "n50", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %109, %118, %127, %136, %130, %143, %150 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
}

// -----

// GELU, exact and by tanh.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x3x8xf32>, %[[Y:.*]]: tensor<2x3x8xf32>)
// CHECK: %[[A:.*]] = onnx.node "Gelu"(%[[X]]) {{.*}} {approximate = "none"}
// CHECK: %[[B:.*]] = onnx.node "Gelu"(%[[Y]]) {{.*}} {approximate = "none"}
// CHECK: %[[C:.*]] = onnx.node "Gelu"(%{{.*}}) {{.*}} {approximate = "tanh"}
// CHECK: %[[D:.*]] = onnx.node "Gelu"(%{{.*}}) {{.*}} {approximate = "tanh"}
// CHECK: %[[E:.*]] = onnx.node "Gelu"(%{{.*}}) {{.*}} {approximate = "tanh"}
// CHECK: return %[[A]], %[[B]], %[[C]], %[[D]], %[[E]]
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x3x8xf32>, %y: tensor<2x3x8xf32>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  // x * 0.5 * (1 + erf)
  %c0 = onnx.constant dense<0.5> : tensor<f32>
  %101 = onnx.node "Mul"(%x, %c0) {domain = "", name = "n1", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %c1 = onnx.constant dense<1.41421354> : tensor<f32>
  %102 = onnx.node "Div"(%x, %c1) {domain = "", name = "n2", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %103 = onnx.node "Erf"(%102) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c2 = onnx.constant dense<1.0> : tensor<f32>
  %104 = onnx.node "Add"(%103, %c2) {domain = "", name = "n4", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %105 = onnx.node "Mul"(%101, %104) {domain = "", name = "n5", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // 0.5 * (x * (erf + 1)), times 1 / sqrt 2
  %c3 = onnx.constant dense<0.707106769> : tensor<f32>
  %106 = onnx.node "Mul"(%c3, %y) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2x3x8xf32>) -> !onnx.value
  %107 = onnx.node "Erf"(%106) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %108 = onnx.node "Add"(%c2, %107) {domain = "", name = "n8", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %109 = onnx.node "Mul"(%y, %108) {domain = "", name = "n9", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  %110 = onnx.node "Mul"(%c0, %109) {domain = "", name = "n10", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  // tanh, of a Pow
  %111 = onnx.node "Neg"(%x) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %c4 = onnx.constant dense<3.0> : tensor<f32>
  %112 = onnx.node "Pow"(%111, %c4) {domain = "", name = "n12", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %c5 = onnx.constant dense<0.0447149985> : tensor<f32>
  %113 = onnx.node "Mul"(%112, %c5) {domain = "", name = "n13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %114 = onnx.node "Add"(%111, %113) {domain = "", name = "n14", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %115 = onnx.node "Mul"(%c0, %111) {domain = "", name = "n15", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %c6 = onnx.constant dense<0.797884583> : tensor<f32>
  %116 = onnx.node "Mul"(%114, %c6) {domain = "", name = "n16", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %117 = onnx.node "Tanh"(%116) {domain = "", name = "n17", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %118 = onnx.node "Add"(%c2, %117) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %119 = onnx.node "Mul"(%115, %118) {domain = "", name = "n19", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // tanh, of products
  %120 = onnx.node "Neg"(%y) {domain = "", name = "n20", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %121 = onnx.node "Mul"(%c5, %120) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %122 = onnx.node "Mul"(%121, %120) {domain = "", name = "n22", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %123 = onnx.node "Mul"(%122, %120) {domain = "", name = "n23", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %124 = onnx.node "Add"(%123, %120) {domain = "", name = "n24", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %125 = onnx.node "Mul"(%c6, %124) {domain = "", name = "n25", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %126 = onnx.node "Tanh"(%125) {domain = "", name = "n26", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %127 = onnx.node "Add"(%c2, %126) {domain = "", name = "n27", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %128 = onnx.node "Mul"(%127, %c0) {domain = "", name = "n28", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %129 = onnx.node "Mul"(%120, %128) {domain = "", name = "n29", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // tanh, with x drawn out
  %130 = onnx.node "Abs"(%x) {domain = "", name = "n30", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  %131 = onnx.node "Mul"(%130, %130) {domain = "", name = "n31", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %132 = onnx.node "Mul"(%131, %c5) {domain = "", name = "n32", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %133 = onnx.node "Add"(%c2, %132) {domain = "", name = "n33", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %134 = onnx.node "Mul"(%130, %c0) {domain = "", name = "n34", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %135 = onnx.node "Mul"(%130, %c6) {domain = "", name = "n35", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %136 = onnx.node "Mul"(%135, %133) {domain = "", name = "n36", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %137 = onnx.node "Tanh"(%136) {domain = "", name = "n37", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %138 = onnx.node "Add"(%c2, %137) {domain = "", name = "n38", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %139 = onnx.node "Mul"(%134, %138) {domain = "", name = "n39", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %105, %110, %119, %129, %139 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
}

// -----

// Near misses of GELU.
// CHECK-LABEL: func.func @main
// CHECK-NOT: "Gelu"
// CHECK: return
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x3x8xf32>, %y: tensor<2x3x8xf32>, %h: tensor<2x3x8xf16>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  // without the half
  %c0 = onnx.constant dense<1.41421354> : tensor<f32>
  %101 = onnx.node "Div"(%x, %c0) {domain = "", name = "n1", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %102 = onnx.node "Erf"(%101) {domain = "", name = "n2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c1 = onnx.constant dense<1.0> : tensor<f32>
  %103 = onnx.node "Add"(%102, %c1) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %104 = onnx.node "Mul"(%x, %103) {domain = "", name = "n4", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, !onnx.value) -> !onnx.value
  // erf of another value
  %c2 = onnx.constant dense<0.5> : tensor<f32>
  %105 = onnx.node "Mul"(%y, %c2) {domain = "", name = "n5", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %106 = onnx.node "Div"(%x, %c0) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %107 = onnx.node "Erf"(%106) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %108 = onnx.node "Add"(%107, %c1) {domain = "", name = "n8", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %109 = onnx.node "Mul"(%105, %108) {domain = "", name = "n9", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // erf of x / 2
  %110 = onnx.node "Mul"(%x, %c2) {domain = "", name = "n10", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %111 = onnx.node "Mul"(%x, %c2) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %112 = onnx.node "Erf"(%111) {domain = "", name = "n12", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %113 = onnx.node "Add"(%112, %c1) {domain = "", name = "n13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %114 = onnx.node "Mul"(%110, %113) {domain = "", name = "n14", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // erf + 2
  %115 = onnx.node "Mul"(%x, %c2) {domain = "", name = "n15", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %116 = onnx.node "Div"(%x, %c0) {domain = "", name = "n16", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %117 = onnx.node "Erf"(%116) {domain = "", name = "n17", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c3 = onnx.constant dense<2.0> : tensor<f32>
  %118 = onnx.node "Add"(%117, %c3) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %119 = onnx.node "Mul"(%115, %118) {domain = "", name = "n19", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // 1 - erf
  %120 = onnx.node "Mul"(%x, %c2) {domain = "", name = "n20", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %121 = onnx.node "Div"(%x, %c0) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %122 = onnx.node "Erf"(%121) {domain = "", name = "n22", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %123 = onnx.node "Sub"(%c1, %122) {domain = "", name = "n23", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %124 = onnx.node "Mul"(%120, %123) {domain = "", name = "n24", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // x * x
  %125 = onnx.node "Mul"(%x, %c2) {domain = "", name = "n25", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %126 = onnx.node "Mul"(%125, %x) {domain = "", name = "n26", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2x3x8xf32>) -> !onnx.value
  %127 = onnx.node "Div"(%x, %c0) {domain = "", name = "n27", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %128 = onnx.node "Erf"(%127) {domain = "", name = "n28", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %129 = onnx.node "Add"(%128, %c1) {domain = "", name = "n29", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %130 = onnx.node "Mul"(%126, %129) {domain = "", name = "n30", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // the erf is read elsewhere
  %131 = onnx.node "Div"(%y, %c0) {domain = "", name = "n31", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %132 = onnx.node "Erf"(%131) {domain = "", name = "n32", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %133 = onnx.node "Add"(%132, %c1) {domain = "", name = "n33", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %134 = onnx.node "Mul"(%y, %c2) {domain = "", name = "n34", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>, tensor<f32>) -> !onnx.value
  %135 = onnx.node "Mul"(%134, %133) {domain = "", name = "n35", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %136 = onnx.node "Neg"(%x) {domain = "", name = "n36", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf32>) -> !onnx.value
  // a square in the tanh
  %137 = onnx.node "Mul"(%136, %c2) {domain = "", name = "n37", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %138 = onnx.node "Pow"(%136, %c3) {domain = "", name = "n38", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %c4 = onnx.constant dense<0.0447149985> : tensor<f32>
  %139 = onnx.node "Mul"(%138, %c4) {domain = "", name = "n39", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %140 = onnx.node "Add"(%136, %139) {domain = "", name = "n40", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %c5 = onnx.constant dense<0.797884583> : tensor<f32>
  %141 = onnx.node "Mul"(%140, %c5) {domain = "", name = "n41", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %142 = onnx.node "Tanh"(%141) {domain = "", name = "n42", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %143 = onnx.node "Add"(%c1, %142) {domain = "", name = "n43", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %144 = onnx.node "Mul"(%137, %143) {domain = "", name = "n44", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // another coefficient
  %145 = onnx.node "Mul"(%136, %c2) {domain = "", name = "n45", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %c6 = onnx.constant dense<3.0> : tensor<f32>
  %146 = onnx.node "Pow"(%136, %c6) {domain = "", name = "n46", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %c7 = onnx.constant dense<0.045> : tensor<f32>
  %147 = onnx.node "Mul"(%146, %c7) {domain = "", name = "n47", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %148 = onnx.node "Add"(%136, %147) {domain = "", name = "n48", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %149 = onnx.node "Mul"(%148, %c5) {domain = "", name = "n49", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %150 = onnx.node "Tanh"(%149) {domain = "", name = "n50", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %151 = onnx.node "Add"(%c1, %150) {domain = "", name = "n51", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %152 = onnx.node "Mul"(%145, %151) {domain = "", name = "n52", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // a tanh that is scaled otherwise
  %153 = onnx.node "Mul"(%136, %c2) {domain = "", name = "n53", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %154 = onnx.node "Pow"(%136, %c6) {domain = "", name = "n54", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %155 = onnx.node "Mul"(%154, %c4) {domain = "", name = "n55", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %156 = onnx.node "Add"(%136, %155) {domain = "", name = "n56", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %c8 = onnx.constant dense<0.8> : tensor<f32>
  %157 = onnx.node "Mul"(%156, %c8) {domain = "", name = "n57", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %158 = onnx.node "Tanh"(%157) {domain = "", name = "n58", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %159 = onnx.node "Add"(%c1, %158) {domain = "", name = "n59", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %160 = onnx.node "Mul"(%153, %159) {domain = "", name = "n60", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // half precision rounds between the steps
  %c9 = onnx.constant dense<0.5> : tensor<f16>
  %161 = onnx.node "Mul"(%h, %c9) {domain = "", name = "n61", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf16>, tensor<f16>) -> !onnx.value
  %c10 = onnx.constant dense<1.4140625> : tensor<f16>
  %162 = onnx.node "Div"(%h, %c10) {domain = "", name = "n62", node_attrs = {}, version = 20 : i64} : (tensor<2x3x8xf16>, tensor<f16>) -> !onnx.value
  %163 = onnx.node "Erf"(%162) {domain = "", name = "n63", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c11 = onnx.constant dense<1.0> : tensor<f16>
  %164 = onnx.node "Add"(%163, %c11) {domain = "", name = "n64", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f16>) -> !onnx.value
  %165 = onnx.node "Mul"(%161, %164) {domain = "", name = "n65", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %104, %109, %114, %119, %124, %130, %135, %133, %144, %152, %160, %165 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
}

// -----

// Rotary embeddings (more of them, and near misses: test/Integration/near-dense.test).
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x4x3x8xf32>, %[[Y:.*]]: tensor<2x4x3x8xf32>, %[[Z:[^:]*]]: tensor<2x3x4x8xf32>, %[[C:[^:]*]]: tensor<2x1x3x8xf32>, %[[S:[^:]*]]: tensor<2x1x3x8xf32>, %[[HC:[^:]*]]: tensor<1x1x3x4xf32>, %[[HS:[^:]*]]: tensor<1x1x3x4xf32>, %[[ZC:[^:]*]]: tensor<2x3x1x8xf32>, %[[ZS:[^:]*]]: tensor<2x3x1x8xf32>
// CHECK-DAG: %[[C3:.*]] = onnx.node "Reshape"(%[[C]]) {{.*}} -> tensor<2x3x8xf32>
// CHECK-DAG: %[[S3:.*]] = onnx.node "Reshape"(%[[S]]) {{.*}} -> tensor<2x3x8xf32>
// CHECK: %[[A:.*]] = onnx.node "RotaryEmbedding"(%[[X]], %[[C3]], %[[S3]]) {{.*}} {full_caches = 1 : i64, interleaved = 0 : i64}
// CHECK-DAG: %[[HC3:.*]] = onnx.node "Reshape"(%[[HC]]) {{.*}} -> tensor<1x3x4xf32>
// CHECK-DAG: %[[HS3:.*]] = onnx.node "Reshape"(%[[HS]]) {{.*}} -> tensor<1x3x4xf32>
// CHECK: %[[B:.*]] = onnx.node "RotaryEmbedding"(%[[Y]], %[[HC3]], %[[HS3]]) {{.*}} {interleaved = 0 : i64}
// CHECK: %[[FLAT:.*]] = onnx.node "Reshape"(%[[Z]]) {{.*}} -> tensor<2x3x32xf32>
// CHECK: %[[R:.*]] = onnx.node "RotaryEmbedding"(%[[FLAT]], %{{.*}}, %{{.*}}) {{.*}} {full_caches = 1 : i64, interleaved = 0 : i64, num_heads = 4 : i64}
// CHECK: %[[D:.*]] = onnx.node "Reshape"(%[[R]]) {{.*}} -> tensor<2x3x4x8xf32>
// CHECK: return %[[A]], %[[B]], %[[D]]
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x4x3x8xf32>, %y: tensor<2x4x3x8xf32>, %z: tensor<2x3x4x8xf32>, %c: tensor<2x1x3x8xf32>, %s: tensor<2x1x3x8xf32>, %hc: tensor<1x1x3x4xf32>, %hs: tensor<1x1x3x4xf32>, %zc: tensor<2x3x1x8xf32>, %zs: tensor<2x3x1x8xf32>) -> (!onnx.value, !onnx.value, !onnx.value) {
  %n0 = onnx.constant dense<0> : tensor<1xi64>
  %n4 = onnx.constant dense<4> : tensor<1xi64>
  %n8 = onnx.constant dense<8> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  // x * cos + rotate_half(x) * sin
  %1 = onnx.node "Mul"(%x, %c) {domain = "", name = "n1", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<2x1x3x8xf32>) -> !onnx.value
  %2 = onnx.node "Slice"(%x, %n0, %n4, %last) {domain = "", name = "n2", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %3 = onnx.node "Slice"(%x, %n4, %n8, %last) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %4 = onnx.node "Neg"(%3) {domain = "", name = "n4", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %5 = onnx.node "Concat"(%4, %2) {domain = "", name = "n5", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %6 = onnx.node "Mul"(%5, %s) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2x1x3x8xf32>) -> !onnx.value
  %7 = onnx.node "Add"(%1, %6) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // two halves, the same for the whole batch
  %8 = onnx.node "Slice"(%y, %n0, %n4, %last) {domain = "", name = "n8", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %9 = onnx.node "Slice"(%y, %n4, %n8, %last) {domain = "", name = "n9", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %10 = onnx.node "Mul"(%8, %hc) {domain = "", name = "n10", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1x1x3x4xf32>) -> !onnx.value
  %11 = onnx.node "Mul"(%9, %hs) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1x1x3x4xf32>) -> !onnx.value
  %12 = onnx.node "Sub"(%10, %11) {domain = "", name = "n12", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %13 = onnx.node "Mul"(%9, %hc) {domain = "", name = "n13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1x1x3x4xf32>) -> !onnx.value
  %14 = onnx.node "Mul"(%8, %hs) {domain = "", name = "n14", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1x1x3x4xf32>) -> !onnx.value
  %15 = onnx.node "Add"(%13, %14) {domain = "", name = "n15", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %16 = onnx.node "Concat"(%12, %15) {domain = "", name = "n16", node_attrs = {axis = 3 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // heads behind the positions
  %17 = onnx.node "Slice"(%z, %n0, %n4, %last) {domain = "", name = "n17", node_attrs = {}, version = 20 : i64} : (tensor<2x3x4x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %18 = onnx.node "Slice"(%z, %n4, %n8, %last) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (tensor<2x3x4x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %19 = onnx.node "Neg"(%18) {domain = "", name = "n19", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %20 = onnx.node "Concat"(%19, %17) {domain = "", name = "n20", node_attrs = {axis = 3 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %21 = onnx.node "Mul"(%zs, %20) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (tensor<2x3x1x8xf32>, !onnx.value) -> !onnx.value
  %22 = onnx.node "Mul"(%zc, %z) {domain = "", name = "n22", node_attrs = {}, version = 20 : i64} : (tensor<2x3x1x8xf32>, tensor<2x3x4x8xf32>) -> !onnx.value
  %23 = onnx.node "Add"(%21, %22) {domain = "", name = "n23", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %7, %16, %23 : !onnx.value, !onnx.value, !onnx.value
}
}
