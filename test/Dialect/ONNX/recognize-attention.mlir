// RUN: moe-opt %s --split-input-file --onnx-infer-shapes --onnx-normalize --onnx-recognize-dense | FileCheck %s

// Attention as exporters write it: heads are read as they are.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[Q:.*]]: tensor<2x4x3x8xf32>, %[[K:.*]]: tensor<2x2x5x8xf32>, %[[V:.*]]: tensor<2x2x5x6xf32>, %[[M:.*]]: tensor<3x5xf32>, %[[B:.*]]: tensor<2x1x3x5xi1>)
// CHECK-NOT: "Softmax"
// CHECK: %[[A1:.*]] = onnx.node "Attention"(%[[Q]], %[[K]], %[[V]], %[[M]]) {{.*}} {empty_rows = "nan", is_causal = 0 : i64, scale = 2.500000e-01 : f64, softcap = 0.000000e+00 : f32}
// CHECK: %[[A2:.*]] = onnx.node "Attention"(%[[Q]], %[[K]], %[[V]], %[[M]]) {{.*}} {empty_rows = "nan_to_zero", {{.*}} scale = 2.500000e-01 : f64
// CHECK: %[[A3:.*]] = onnx.node "Attention"(%[[Q]], %[[K]], %[[V]], %[[B]]) {{.*}} masked = 0xFF800000 : f32, scale = 1.000000e+00 : f64
// CHECK: %[[NOT:.*]] = onnx.node "Not"(%[[B]])
// CHECK: %[[A4:.*]] = onnx.node "Attention"(%[[Q]], %[[K]], %[[V]], %[[NOT]]) {{.*}} masked = -1.000000e+09 : f32
// CHECK: %[[KEYS:.*]] = onnx.node "Transpose"({{.*}}) {{.*}} {perm = array<i64: 0, 2, 1, 3>}
// CHECK: %[[A5:.*]] = onnx.node "Attention"(%{{.*}}, %[[KEYS]], %[[V]]) {{.*}} scale = 5.000000e-01 : f64
// CHECK: %[[TILED:.*]] = onnx.node "Reshape"({{.*}}) {{.*}} -> tensor<2x4x5x8xf32>
// CHECK: onnx.node "Attention"(%[[Q]], %[[TILED]],
// CHECK-NOT: "Softmax"
// CHECK: return %[[A1]], %[[A2]], %[[A3]], %[[A4]], %[[A5]]
module attributes {onnx.symbols = []} {
func.func @main(%q: tensor<2x4x3x8xf32>, %k: tensor<2x2x5x8xf32>, %v: tensor<2x2x5x6xf32>, %m: tensor<3x5xf32>, %b: tensor<2x1x3x5xi1>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  // query and keys scaled, a mask added
  %c0 = onnx.constant dense<0.5> : tensor<f32>
  %101 = onnx.node "Mul"(%q, %c0) {domain = "", name = "n1", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<f32>) -> !onnx.value
  %c1 = onnx.constant dense<[2, 2, 1, 5, 8]> : tensor<5xi64>
  %102 = onnx.node "Reshape"(%k, %c1) {domain = "", name = "n2", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %c2 = onnx.constant dense<[2, 2, 2, 5, 8]> : tensor<5xi64>
  %103 = onnx.node "Expand"(%102, %c2) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %c3 = onnx.constant dense<[2, 4, 5, 8]> : tensor<4xi64>
  %104 = onnx.node "Reshape"(%103, %c3) {domain = "", name = "n4", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %105 = onnx.node "Transpose"(%104) {domain = "", name = "n5", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %106 = onnx.node "Mul"(%c0, %105) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %c4 = onnx.constant dense<[2, 2, 1, 5, 6]> : tensor<5xi64>
  %107 = onnx.node "Reshape"(%v, %c4) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %c5 = onnx.constant dense<[2, 2, 2, 5, 6]> : tensor<5xi64>
  %108 = onnx.node "Expand"(%107, %c5) {domain = "", name = "n8", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %c6 = onnx.constant dense<[2, 4, 5, 6]> : tensor<4xi64>
  %109 = onnx.node "Reshape"(%108, %c6) {domain = "", name = "n9", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %110 = onnx.node "MatMul"(%101, %106) {domain = "", name = "n10", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %111 = onnx.node "Add"(%110, %m) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %112 = onnx.node "Softmax"(%111) {domain = "", name = "n12", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %113 = onnx.node "MatMul"(%112, %109) {domain = "", name = "n13", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // scores divided; the mask first; weights that are NaN made zero
  %114 = onnx.node "Reshape"(%k, %c1) {domain = "", name = "n14", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %115 = onnx.node "Expand"(%114, %c2) {domain = "", name = "n15", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %116 = onnx.node "Reshape"(%115, %c3) {domain = "", name = "n16", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %117 = onnx.node "Transpose"(%116) {domain = "", name = "n17", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %118 = onnx.node "Reshape"(%v, %c4) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %119 = onnx.node "Expand"(%118, %c5) {domain = "", name = "n19", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %120 = onnx.node "Reshape"(%119, %c6) {domain = "", name = "n20", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %121 = onnx.node "MatMul"(%q, %117) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %c7 = onnx.constant dense<4.0> : tensor<f32>
  %122 = onnx.node "Div"(%121, %c7) {domain = "", name = "n22", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %123 = onnx.node "Add"(%m, %122) {domain = "", name = "n23", node_attrs = {}, version = 20 : i64} : (tensor<3x5xf32>, !onnx.value) -> !onnx.value
  %124 = onnx.node "Softmax"(%123) {domain = "", name = "n24", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %125 = onnx.node "IsNaN"(%124) {domain = "", name = "n25", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c8 = onnx.constant dense<0.0> : tensor<f32>
  %126 = onnx.node "Where"(%125, %c8, %124) {domain = "", name = "n26", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>, !onnx.value) -> !onnx.value
  %127 = onnx.node "MatMul"(%126, %120) {domain = "", name = "n27", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // scores chosen by a mask; the products as batches of matrices
  %128 = onnx.node "Reshape"(%k, %c1) {domain = "", name = "n28", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %129 = onnx.node "Expand"(%128, %c2) {domain = "", name = "n29", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %130 = onnx.node "Reshape"(%129, %c3) {domain = "", name = "n30", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %c9 = onnx.constant dense<[8, 5, 8]> : tensor<3xi64>
  %131 = onnx.node "Reshape"(%130, %c9) {domain = "", name = "n31", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %132 = onnx.node "Transpose"(%131) {domain = "", name = "n32", node_attrs = {perm = array<i64: 0, 2, 1>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c10 = onnx.constant dense<[8, 3, 8]> : tensor<3xi64>
  %133 = onnx.node "Reshape"(%q, %c10) {domain = "", name = "n33", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<3xi64>) -> !onnx.value
  %134 = onnx.node "MatMul"(%133, %132) {domain = "", name = "n34", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %c11 = onnx.constant dense<[2, 4, 3, 5]> : tensor<4xi64>
  %135 = onnx.node "Reshape"(%134, %c11) {domain = "", name = "n35", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %c12 = onnx.constant dense<0xFF800000> : tensor<f32>
  %136 = onnx.node "Where"(%b, %135, %c12) {domain = "", name = "n36", node_attrs = {}, version = 20 : i64} : (tensor<2x1x3x5xi1>, !onnx.value, tensor<f32>) -> !onnx.value
  %137 = onnx.node "Softmax"(%136) {domain = "", name = "n37", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %138 = onnx.node "Reshape"(%v, %c4) {domain = "", name = "n38", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %139 = onnx.node "Expand"(%138, %c5) {domain = "", name = "n39", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %140 = onnx.node "Reshape"(%139, %c6) {domain = "", name = "n40", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %141 = onnx.node "MatMul"(%137, %140) {domain = "", name = "n41", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // scores hidden by a mask, with a low number
  %142 = onnx.node "Reshape"(%k, %c1) {domain = "", name = "n42", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %143 = onnx.node "Expand"(%142, %c2) {domain = "", name = "n43", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %144 = onnx.node "Reshape"(%143, %c3) {domain = "", name = "n44", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %145 = onnx.node "Transpose"(%144) {domain = "", name = "n45", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %146 = onnx.node "Reshape"(%v, %c4) {domain = "", name = "n46", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %147 = onnx.node "Expand"(%146, %c5) {domain = "", name = "n47", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %148 = onnx.node "Reshape"(%147, %c6) {domain = "", name = "n48", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %149 = onnx.node "MatMul"(%q, %145) {domain = "", name = "n49", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %c13 = onnx.constant dense<-1.0e+09> : tensor<f32>
  %150 = onnx.node "Where"(%b, %c13, %149) {domain = "", name = "n50", node_attrs = {}, version = 20 : i64} : (tensor<2x1x3x5xi1>, tensor<f32>, !onnx.value) -> !onnx.value
  %151 = onnx.node "Softmax"(%150) {domain = "", name = "n51", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %152 = onnx.node "MatMul"(%151, %148) {domain = "", name = "n52", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // no mask; heads split by the Transpose; a scale that is computed
  %153 = onnx.node "Neg"(%k) {domain = "", name = "n53", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>) -> !onnx.value
  %c14 = onnx.constant dense<[2, 5, 2, 8]> : tensor<4xi64>
  %154 = onnx.node "Reshape"(%153, %c14) {domain = "", name = "n54", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %155 = onnx.node "Transpose"(%154) {domain = "", name = "n55", node_attrs = {perm = array<i64: 0, 2, 3, 1>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c15 = onnx.constant dense<[0]> : tensor<1xi64>
  %c16 = onnx.constant dense<[2]> : tensor<1xi64>
  %c17 = onnx.constant dense<[1]> : tensor<1xi64>
  %156 = onnx.node "Slice"(%q, %c15, %c16, %c17) {domain = "", name = "n56", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %c18 = onnx.constant dense<1.0> : tensor<f32>
  %c19 = onnx.constant dense<16.0> : tensor<f32>
  %157 = onnx.node "Sqrt"(%c19) {domain = "", name = "n57", node_attrs = {}, version = 20 : i64} : (tensor<f32>) -> !onnx.value
  %158 = onnx.node "Div"(%c18, %157) {domain = "", name = "n58", node_attrs = {}, version = 20 : i64} : (tensor<f32>, !onnx.value) -> !onnx.value
  %159 = onnx.node "Sqrt"(%158) {domain = "", name = "n59", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %160 = onnx.node "Mul"(%156, %159) {domain = "", name = "n60", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %161 = onnx.node "MatMul"(%160, %155) {domain = "", name = "n61", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %162 = onnx.node "Softmax"(%161) {domain = "", name = "n62", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %163 = onnx.node "MatMul"(%162, %v) {domain = "", name = "n63", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2x2x5x6xf32>) -> !onnx.value
  // heads in the other order are repeated before
  %c20 = onnx.constant dense<[2, 1, 2, 5, 8]> : tensor<5xi64>
  %164 = onnx.node "Reshape"(%k, %c20) {domain = "", name = "n64", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %165 = onnx.node "Expand"(%164, %c2) {domain = "", name = "n65", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %166 = onnx.node "Reshape"(%165, %c3) {domain = "", name = "n66", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %167 = onnx.node "Transpose"(%166) {domain = "", name = "n67", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c21 = onnx.constant dense<[2, 1, 2, 5, 6]> : tensor<5xi64>
  %168 = onnx.node "Reshape"(%v, %c21) {domain = "", name = "n68", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %169 = onnx.node "Expand"(%168, %c5) {domain = "", name = "n69", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %170 = onnx.node "Reshape"(%169, %c6) {domain = "", name = "n70", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %171 = onnx.node "MatMul"(%q, %167) {domain = "", name = "n71", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %172 = onnx.node "Neg"(%m) {domain = "", name = "n72", node_attrs = {}, version = 20 : i64} : (tensor<3x5xf32>) -> !onnx.value
  %173 = onnx.node "Add"(%171, %172) {domain = "", name = "n73", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %174 = onnx.node "Softmax"(%173) {domain = "", name = "n74", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %175 = onnx.node "MatMul"(%174, %170) {domain = "", name = "n75", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %113, %127, %141, %152, %163, %175 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
}

// -----

// Near misses of attention.
// CHECK-LABEL: func.func @main
// CHECK-NOT: "Attention"
// CHECK-COUNT-18: "Softmax"
// CHECK-NOT: "Attention"
// CHECK: return
module attributes {onnx.symbols = []} {
func.func @main(%q: tensor<2x4x3x8xf32>, %k: tensor<2x2x5x8xf32>, %v: tensor<2x2x5x6xf32>, %m: tensor<3x5xf32>, %b: tensor<2x1x3x5xi1>, %s: tensor<f32>, %f: tensor<2x4x5x6xf32>, %qb: tensor<2x4x3x8xbf16>, %kb: tensor<2x4x8x5xbf16>, %vb: tensor<2x4x5x6xbf16>, %kd: tensor<2x4x8x5xf32>, %qs: tensor<2x4x5x8xf32>, %n: tensor<3x5xf32>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value) {
  // softmax over the queries
  %c0 = onnx.constant dense<[2, 2, 1, 5, 8]> : tensor<5xi64>
  %101 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n1", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %c1 = onnx.constant dense<[2, 2, 2, 5, 8]> : tensor<5xi64>
  %102 = onnx.node "Expand"(%101, %c1) {domain = "", name = "n2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %c2 = onnx.constant dense<[2, 4, 5, 8]> : tensor<4xi64>
  %103 = onnx.node "Reshape"(%102, %c2) {domain = "", name = "n3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %104 = onnx.node "Transpose"(%103) {domain = "", name = "n4", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c3 = onnx.constant dense<[2, 2, 1, 5, 6]> : tensor<5xi64>
  %105 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n5", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %c4 = onnx.constant dense<[2, 2, 2, 5, 6]> : tensor<5xi64>
  %106 = onnx.node "Expand"(%105, %c4) {domain = "", name = "n6", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %c5 = onnx.constant dense<[2, 4, 5, 6]> : tensor<4xi64>
  %107 = onnx.node "Reshape"(%106, %c5) {domain = "", name = "n7", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %108 = onnx.node "MatMul"(%q, %104) {domain = "", name = "n8", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %109 = onnx.node "Add"(%108, %m) {domain = "", name = "n9", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %110 = onnx.node "Softmax"(%109) {domain = "", name = "n10", node_attrs = {axis = 2 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %111 = onnx.node "MatMul"(%110, %107) {domain = "", name = "n11", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // a scale that is no constant
  %112 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n12", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %113 = onnx.node "Expand"(%112, %c1) {domain = "", name = "n13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %114 = onnx.node "Reshape"(%113, %c2) {domain = "", name = "n14", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %115 = onnx.node "Transpose"(%114) {domain = "", name = "n15", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %116 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n16", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %117 = onnx.node "Expand"(%116, %c4) {domain = "", name = "n17", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %118 = onnx.node "Reshape"(%117, %c5) {domain = "", name = "n18", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %119 = onnx.node "MatMul"(%q, %115) {domain = "", name = "n19", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %120 = onnx.node "Mul"(%119, %s) {domain = "", name = "n20", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %121 = onnx.node "Add"(%120, %m) {domain = "", name = "n21", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %122 = onnx.node "Softmax"(%121) {domain = "", name = "n22", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %123 = onnx.node "MatMul"(%122, %118) {domain = "", name = "n23", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // scaled behind the mask
  %124 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n24", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %125 = onnx.node "Expand"(%124, %c1) {domain = "", name = "n25", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %126 = onnx.node "Reshape"(%125, %c2) {domain = "", name = "n26", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %127 = onnx.node "Transpose"(%126) {domain = "", name = "n27", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %128 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n28", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %129 = onnx.node "Expand"(%128, %c4) {domain = "", name = "n29", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %130 = onnx.node "Reshape"(%129, %c5) {domain = "", name = "n30", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %131 = onnx.node "MatMul"(%q, %127) {domain = "", name = "n31", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %132 = onnx.node "Add"(%131, %m) {domain = "", name = "n32", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %c6 = onnx.constant dense<0.5> : tensor<f32>
  %133 = onnx.node "Mul"(%132, %c6) {domain = "", name = "n33", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %134 = onnx.node "Softmax"(%133) {domain = "", name = "n34", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %135 = onnx.node "MatMul"(%134, %130) {domain = "", name = "n35", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // two masks
  %136 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n36", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %137 = onnx.node "Expand"(%136, %c1) {domain = "", name = "n37", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %138 = onnx.node "Reshape"(%137, %c2) {domain = "", name = "n38", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %139 = onnx.node "Transpose"(%138) {domain = "", name = "n39", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %140 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n40", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %141 = onnx.node "Expand"(%140, %c4) {domain = "", name = "n41", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %142 = onnx.node "Reshape"(%141, %c5) {domain = "", name = "n42", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %143 = onnx.node "MatMul"(%q, %139) {domain = "", name = "n43", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %144 = onnx.node "Add"(%143, %m) {domain = "", name = "n44", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %145 = onnx.node "Add"(%144, %n) {domain = "", name = "n45", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %146 = onnx.node "Softmax"(%145) {domain = "", name = "n46", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %147 = onnx.node "MatMul"(%146, %142) {domain = "", name = "n47", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // the weights are read elsewhere
  %148 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n48", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %149 = onnx.node "Expand"(%148, %c1) {domain = "", name = "n49", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %150 = onnx.node "Reshape"(%149, %c2) {domain = "", name = "n50", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %151 = onnx.node "Transpose"(%150) {domain = "", name = "n51", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %152 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n52", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %153 = onnx.node "Expand"(%152, %c4) {domain = "", name = "n53", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %154 = onnx.node "Reshape"(%153, %c5) {domain = "", name = "n54", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %155 = onnx.node "MatMul"(%q, %151) {domain = "", name = "n55", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %156 = onnx.node "Add"(%155, %m) {domain = "", name = "n56", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %157 = onnx.node "Softmax"(%156) {domain = "", name = "n57", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %158 = onnx.node "MatMul"(%157, %154) {domain = "", name = "n58", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // the scores are read elsewhere
  %159 = onnx.node "Neg"(%q) {domain = "", name = "n59", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>) -> !onnx.value
  %160 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n60", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %161 = onnx.node "Expand"(%160, %c1) {domain = "", name = "n61", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %162 = onnx.node "Reshape"(%161, %c2) {domain = "", name = "n62", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %163 = onnx.node "Transpose"(%162) {domain = "", name = "n63", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %164 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n64", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %165 = onnx.node "Expand"(%164, %c4) {domain = "", name = "n65", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %166 = onnx.node "Reshape"(%165, %c5) {domain = "", name = "n66", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %167 = onnx.node "MatMul"(%159, %163) {domain = "", name = "n67", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %168 = onnx.node "Add"(%167, %m) {domain = "", name = "n68", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %169 = onnx.node "Softmax"(%168) {domain = "", name = "n69", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %170 = onnx.node "MatMul"(%169, %166) {domain = "", name = "n70", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // the weights are read elsewhere in another shape
  %171 = onnx.node "Abs"(%q) {domain = "", name = "n71", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>) -> !onnx.value
  %172 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n72", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %173 = onnx.node "Expand"(%172, %c1) {domain = "", name = "n73", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %174 = onnx.node "Reshape"(%173, %c2) {domain = "", name = "n74", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %175 = onnx.node "Transpose"(%174) {domain = "", name = "n75", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %176 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n76", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %177 = onnx.node "Expand"(%176, %c4) {domain = "", name = "n77", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %178 = onnx.node "Reshape"(%177, %c5) {domain = "", name = "n78", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %179 = onnx.node "MatMul"(%171, %175) {domain = "", name = "n79", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %180 = onnx.node "Add"(%179, %m) {domain = "", name = "n80", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %181 = onnx.node "Softmax"(%180) {domain = "", name = "n81", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c7 = onnx.constant dense<[4, 2, 3, 5]> : tensor<4xi64>
  %182 = onnx.node "Reshape"(%181, %c7) {domain = "", name = "n82", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %c8 = onnx.constant dense<[2, 4, 3, 5]> : tensor<4xi64>
  %183 = onnx.node "Reshape"(%182, %c8) {domain = "", name = "n83", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %184 = onnx.node "MatMul"(%183, %178) {domain = "", name = "n84", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // weights that are NaN made one
  %185 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n85", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %186 = onnx.node "Expand"(%185, %c1) {domain = "", name = "n86", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %187 = onnx.node "Reshape"(%186, %c2) {domain = "", name = "n87", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %188 = onnx.node "Transpose"(%187) {domain = "", name = "n88", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %189 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n89", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %190 = onnx.node "Expand"(%189, %c4) {domain = "", name = "n90", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %191 = onnx.node "Reshape"(%190, %c5) {domain = "", name = "n91", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %192 = onnx.node "MatMul"(%q, %188) {domain = "", name = "n92", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %193 = onnx.node "Add"(%192, %m) {domain = "", name = "n93", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %194 = onnx.node "Softmax"(%193) {domain = "", name = "n94", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %195 = onnx.node "IsNaN"(%194) {domain = "", name = "n95", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c9 = onnx.constant dense<1.0> : tensor<f32>
  %196 = onnx.node "Where"(%195, %c9, %194) {domain = "", name = "n96", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>, !onnx.value) -> !onnx.value
  %197 = onnx.node "MatMul"(%196, %191) {domain = "", name = "n97", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // other weights behind the softmax
  %198 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n98", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %199 = onnx.node "Expand"(%198, %c1) {domain = "", name = "n99", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %200 = onnx.node "Reshape"(%199, %c2) {domain = "", name = "n100", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %201 = onnx.node "Transpose"(%200) {domain = "", name = "n101", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %202 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n102", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %203 = onnx.node "Expand"(%202, %c4) {domain = "", name = "n103", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %204 = onnx.node "Reshape"(%203, %c5) {domain = "", name = "n104", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %205 = onnx.node "MatMul"(%q, %201) {domain = "", name = "n105", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %206 = onnx.node "Add"(%205, %m) {domain = "", name = "n106", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %207 = onnx.node "Softmax"(%206) {domain = "", name = "n107", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %208 = onnx.node "Mul"(%207, %207) {domain = "", name = "n108", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %209 = onnx.node "MatMul"(%208, %204) {domain = "", name = "n109", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // values scaled
  %210 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n110", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %211 = onnx.node "Expand"(%210, %c4) {domain = "", name = "n111", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %212 = onnx.node "Reshape"(%211, %c5) {domain = "", name = "n112", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %c10 = onnx.constant dense<2.0> : tensor<f32>
  %213 = onnx.node "Mul"(%212, %c10) {domain = "", name = "n113", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<f32>) -> !onnx.value
  %214 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n114", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %215 = onnx.node "Expand"(%214, %c1) {domain = "", name = "n115", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %216 = onnx.node "Reshape"(%215, %c2) {domain = "", name = "n116", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %217 = onnx.node "Transpose"(%216) {domain = "", name = "n117", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %218 = onnx.node "MatMul"(%q, %217) {domain = "", name = "n118", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %219 = onnx.node "Add"(%218, %m) {domain = "", name = "n119", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %220 = onnx.node "Softmax"(%219) {domain = "", name = "n120", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %221 = onnx.node "MatMul"(%220, %213) {domain = "", name = "n121", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // keys repeated for their queries, values not
  %222 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n122", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %223 = onnx.node "Expand"(%222, %c1) {domain = "", name = "n123", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %224 = onnx.node "Reshape"(%223, %c2) {domain = "", name = "n124", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %225 = onnx.node "Transpose"(%224) {domain = "", name = "n125", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %226 = onnx.node "MatMul"(%q, %225) {domain = "", name = "n126", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %227 = onnx.node "Add"(%226, %m) {domain = "", name = "n127", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %228 = onnx.node "Softmax"(%227) {domain = "", name = "n128", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %229 = onnx.node "MatMul"(%228, %f) {domain = "", name = "n129", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2x4x5x6xf32>) -> !onnx.value
  // keys repeated in another order than values
  %c11 = onnx.constant dense<[2, 1, 2, 5, 6]> : tensor<5xi64>
  %230 = onnx.node "Reshape"(%v, %c11) {domain = "", name = "n130", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %231 = onnx.node "Expand"(%230, %c4) {domain = "", name = "n131", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %232 = onnx.node "Reshape"(%231, %c5) {domain = "", name = "n132", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %233 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n133", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %234 = onnx.node "Expand"(%233, %c1) {domain = "", name = "n134", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %235 = onnx.node "Reshape"(%234, %c2) {domain = "", name = "n135", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %236 = onnx.node "Transpose"(%235) {domain = "", name = "n136", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %237 = onnx.node "MatMul"(%q, %236) {domain = "", name = "n137", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %238 = onnx.node "Add"(%237, %m) {domain = "", name = "n138", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %239 = onnx.node "Softmax"(%238) {domain = "", name = "n139", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %240 = onnx.node "MatMul"(%239, %232) {domain = "", name = "n140", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // keys that come transposed
  %241 = onnx.node "MatMul"(%q, %kd) {domain = "", name = "n141", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, tensor<2x4x8x5xf32>) -> !onnx.value
  %242 = onnx.node "Add"(%241, %m) {domain = "", name = "n142", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %243 = onnx.node "Softmax"(%242) {domain = "", name = "n143", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %244 = onnx.node "MatMul"(%243, %f) {domain = "", name = "n144", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2x4x5x6xf32>) -> !onnx.value
  // keys whose rows are turned around otherwise
  %245 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n145", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %246 = onnx.node "Expand"(%245, %c1) {domain = "", name = "n146", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %247 = onnx.node "Reshape"(%246, %c2) {domain = "", name = "n147", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %c12 = onnx.constant dense<[2, 4, 8, 5]> : tensor<4xi64>
  %248 = onnx.node "Reshape"(%247, %c12) {domain = "", name = "n148", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %249 = onnx.node "Transpose"(%248) {domain = "", name = "n149", node_attrs = {perm = array<i64: 0, 1, 2, 3>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %250 = onnx.node "MatMul"(%q, %249) {domain = "", name = "n150", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %251 = onnx.node "Add"(%250, %m) {domain = "", name = "n151", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %252 = onnx.node "Softmax"(%251) {domain = "", name = "n152", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %253 = onnx.node "MatMul"(%252, %f) {domain = "", name = "n153", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2x4x5x6xf32>) -> !onnx.value
  // a mask by a value that is computed
  %254 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n154", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %255 = onnx.node "Expand"(%254, %c1) {domain = "", name = "n155", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %256 = onnx.node "Reshape"(%255, %c2) {domain = "", name = "n156", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %257 = onnx.node "Transpose"(%256) {domain = "", name = "n157", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %258 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n158", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %259 = onnx.node "Expand"(%258, %c4) {domain = "", name = "n159", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %260 = onnx.node "Reshape"(%259, %c5) {domain = "", name = "n160", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %261 = onnx.node "MatMul"(%q, %257) {domain = "", name = "n161", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %262 = onnx.node "Where"(%b, %261, %m) {domain = "", name = "n162", node_attrs = {}, version = 20 : i64} : (tensor<2x1x3x5xi1>, !onnx.value, tensor<3x5xf32>) -> !onnx.value
  %263 = onnx.node "Softmax"(%262) {domain = "", name = "n163", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %264 = onnx.node "MatMul"(%263, %260) {domain = "", name = "n164", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // a tanh over the scores
  %265 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n165", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %266 = onnx.node "Expand"(%265, %c1) {domain = "", name = "n166", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %267 = onnx.node "Reshape"(%266, %c2) {domain = "", name = "n167", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %268 = onnx.node "Transpose"(%267) {domain = "", name = "n168", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %269 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n169", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %270 = onnx.node "Expand"(%269, %c4) {domain = "", name = "n170", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %271 = onnx.node "Reshape"(%270, %c5) {domain = "", name = "n171", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %272 = onnx.node "MatMul"(%q, %268) {domain = "", name = "n172", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %273 = onnx.node "Tanh"(%272) {domain = "", name = "n173", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %274 = onnx.node "Add"(%273, %m) {domain = "", name = "n174", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %275 = onnx.node "Softmax"(%274) {domain = "", name = "n175", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %276 = onnx.node "MatMul"(%275, %271) {domain = "", name = "n176", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // an element of a sink beside the scores
  %c13 = onnx.constant dense<0.0> : tensor<f32>
  %c14 = onnx.constant dense<[2, 4, 3, 1]> : tensor<4xi64>
  %277 = onnx.node "Expand"(%c13, %c14) {domain = "", name = "n177", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<4xi64>) -> !onnx.value
  %278 = onnx.node "Reshape"(%k, %c0) {domain = "", name = "n178", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x8xf32>, tensor<5xi64>) -> !onnx.value
  %279 = onnx.node "Expand"(%278, %c1) {domain = "", name = "n179", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %280 = onnx.node "Reshape"(%279, %c2) {domain = "", name = "n180", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %281 = onnx.node "Transpose"(%280) {domain = "", name = "n181", node_attrs = {perm = array<i64: 0, 1, 3, 2>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %282 = onnx.node "Reshape"(%v, %c3) {domain = "", name = "n182", node_attrs = {}, version = 20 : i64} : (tensor<2x2x5x6xf32>, tensor<5xi64>) -> !onnx.value
  %283 = onnx.node "Expand"(%282, %c4) {domain = "", name = "n183", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<5xi64>) -> !onnx.value
  %284 = onnx.node "Reshape"(%283, %c5) {domain = "", name = "n184", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<4xi64>) -> !onnx.value
  %285 = onnx.node "MatMul"(%q, %281) {domain = "", name = "n185", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xf32>, !onnx.value) -> !onnx.value
  %286 = onnx.node "Add"(%285, %m) {domain = "", name = "n186", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3x5xf32>) -> !onnx.value
  %287 = onnx.node "Concat"(%286, %277) {domain = "", name = "n187", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %288 = onnx.node "Softmax"(%287) {domain = "", name = "n188", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %c15 = onnx.constant dense<[0]> : tensor<1xi64>
  %c16 = onnx.constant dense<[5]> : tensor<1xi64>
  %c17 = onnx.constant dense<[3]> : tensor<1xi64>
  %289 = onnx.node "Slice"(%288, %c15, %c16, %c17) {domain = "", name = "n189", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %290 = onnx.node "MatMul"(%289, %284) {domain = "", name = "n190", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  // bfloat16 rounds between the steps
  %291 = onnx.node "MatMul"(%qb, %kb) {domain = "", name = "n191", node_attrs = {}, version = 20 : i64} : (tensor<2x4x3x8xbf16>, tensor<2x4x8x5xbf16>) -> !onnx.value
  %292 = onnx.node "Softmax"(%291) {domain = "", name = "n192", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %293 = onnx.node "MatMul"(%292, %vb) {domain = "", name = "n193", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2x4x5x6xbf16>) -> !onnx.value
  return %111, %123, %135, %147, %158, %157, %170, %167, %184, %182, %197, %209, %221, %229, %240, %244, %253, %264, %276, %290, %293 : !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value, !onnx.value
}
}
