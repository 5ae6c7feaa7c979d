// RUN: moe-opt %s -onnx-infer-shapes -split-input-file | FileCheck %s

// Operators that choose and place elements.

// Concat adds along its axis.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2] -> (s0, 2, s1 + s2, 12)>
// CHECK: "Concat"{{.*}}name = "k"{{.*}} -> tensor<?x2x?x12xf32, #[[MAP0]]>
module attributes {onnx.symbols = ["b", "s", "p"]} {
func.func @main(%past: tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, %new: tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 12)>>) -> (!onnx.value) {
  %k = onnx.node "Concat" (%past, %new) {domain = "", name = "k", node_attrs = {axis = -2 : i64}, version = 20 : i64}
    : (tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 12)>>) -> !onnx.value
  return %k : !onnx.value
}
}

// -----

// Slice: bounds are exact where they lie inside the dimension whatever it is.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2, s3] -> (s0, s1 + s2, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2, s3] -> (s0, s1 + s2, 24)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2, s3] -> (s0, 1, 48)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2, s3] -> (s0, s3, 48)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1, s2, s3] -> (s1 + s2)>
// CHECK: module attributes {onnx.bound_symbols = 3 : i64, onnx.positive_dims = [#[[MAP4]]], onnx.symbols = ["b", "s", "p", "cut_0_d1"]
// CHECK: "Shape"{{.*}}name = "sh"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Slice"{{.*}}name = "half"{{.*}} -> tensor<?x?x24xf32, #[[MAP1]]>
// CHECK: "Slice"{{.*}}name = "rest"{{.*}} -> tensor<?x?x24xf32, #[[MAP1]]>
// CHECK: "Slice"{{.*}}name = "last"{{.*}} -> tensor<?x1x48xf32, #[[MAP2]]>
// CHECK: "Slice"{{.*}}name = "cut"{{.*}} -> tensor<?x?x48xf32, #[[MAP3]]>
// CHECK: "Slice"{{.*}}name = "skip"{{.*}} -> tensor<?x?x24xf32, #[[MAP1]]>
// CHECK: "Slice"{{.*}}name = "revs"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "Slice"{{.*}}name = "rev"{{.*}} -> tensor<2x10xf32>
// CHECK: "Slice"{{.*}}name = "empty"{{.*}} -> tensor<2x0xf32>
// CHECK: "Slice"{{.*}}name = "clamped"{{.*}} -> tensor<2x2xf32>
module attributes {onnx.symbols = ["b", "s", "p"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>, %w: tensor<2x10xf32>) -> (!onnx.value) {
  %c0 = onnx.constant dense<0> : tensor<1xi64>
  %c1 = onnx.constant dense<1> : tensor<1xi64>
  %m1 = onnx.constant dense<-1> : tensor<1xi64>
  %c2 = onnx.constant dense<2> : tensor<1xi64>
  %c24 = onnx.constant dense<24> : tensor<1xi64>
  %max = onnx.constant dense<9223372036854775807> : tensor<1xi64>
  %min = onnx.constant dense<-9223372036854775807> : tensor<1xi64>
  %mp = onnx.constant dense<-20> : tensor<1xi64>
  %sh = onnx.node "Shape" (%x) {domain = "", name = "sh", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>) -> !onnx.value
  %half = onnx.node "Slice" (%x, %c0, %c24, %c2) {domain = "", name = "half", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %rest = onnx.node "Slice" (%x, %c24, %max, %m1) {domain = "", name = "rest", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %last = onnx.node "Slice" (%x, %m1, %max, %c1) {domain = "", name = "last", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %cut = onnx.node "Slice" (%x, %c1, %c2, %c1) {domain = "", name = "cut", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %skip = onnx.node "Slice" (%x, %c0, %max, %c2, %c2) {domain = "", name = "skip", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %revs = onnx.node "Slice" (%x, %m1, %min, %c1, %m1) {domain = "", name = "revs", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s2 + s1, 48)>>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %rev = onnx.node "Slice" (%w, %m1, %min, %c1, %m1) {domain = "", name = "rev", node_attrs = {}, version = 20 : i64}
    : (tensor<2x10xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %empty = onnx.node "Slice" (%w, %c24, %max, %c1) {domain = "", name = "empty", node_attrs = {}, version = 20 : i64}
    : (tensor<2x10xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %clamped = onnx.node "Slice" (%w, %mp, %c2, %c1) {domain = "", name = "clamped", node_attrs = {}, version = 20 : i64}
    : (tensor<2x10xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  return %half : !onnx.value
}
}

// -----

// Split: attribute, input, equal parts, uneven last part.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0] -> (s0, 3)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0] -> (s0, 7)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0] -> (s0, 4)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0] -> (s0, 6)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0] -> (s0, 2)>
// CHECK: "Split"{{.*}}name = "a"{{.*}} -> (tensor<?x3xf32, #[[MAP0]]>, tensor<?x7xf32, #[[MAP1]]>)
// CHECK: "Split"{{.*}}name = "d"{{.*}} -> (tensor<?x4xf32, #[[MAP2]]>, tensor<?x6xf32, #[[MAP3]]>)
// CHECK: "Split"{{.*}}name = "f"{{.*}} -> (tensor<?x4xf32, #[[MAP2]]>, tensor<?x4xf32, #[[MAP2]]>, tensor<?x2xf32, #[[MAP4]]>)
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x10xf32, affine_map<()[s0] -> (s0, 10)>>) -> (!onnx.value) {
  %c = onnx.constant dense<[3, 7]> : tensor<2xi64>
  %a:2 = onnx.node "Split" (%x, %c) {domain = "", name = "a", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x10xf32, affine_map<()[s0] -> (s0, 10)>>, tensor<2xi64>) -> (!onnx.value, !onnx.value)
  %d:2 = onnx.node "Split" (%x) {domain = "", name = "d", node_attrs = {split = array<i64: 4, 6>, axis = -1 : i64}, version = 11 : i64}
    : (tensor<?x10xf32, affine_map<()[s0] -> (s0, 10)>>) -> (!onnx.value, !onnx.value)
  %f:3 = onnx.node "Split" (%x) {domain = "", name = "f", node_attrs = {axis = 1 : i64, num_outputs = 3 : i64}, version = 20 : i64}
    : (tensor<?x10xf32, affine_map<()[s0] -> (s0, 10)>>) -> (!onnx.value, !onnx.value, !onnx.value)
  return %a#0 : !onnx.value
}
}

// -----

// Gather and relatives.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s0, s0, s1, 48)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1] -> (s0, s1)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1] -> (s0, 4, 48)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1] -> (s0, 4)>
// CHECK: "Gather"{{.*}}name = "emb"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "Gather"{{.*}}name = "mid"{{.*}} -> tensor<?x?x?x48xf32, #[[MAP1]]>
// CHECK: "GatherElements"{{.*}}name = "ge"{{.*}} -> tensor<?x?xi64, #[[MAP2]]>
// CHECK: "GatherND"{{.*}}name = "gn"{{.*}} -> tensor<?x4x48xf32, #[[MAP3]]>
// CHECK: "GatherND"{{.*}}name = "gb"{{.*}} -> tensor<?x4xf32, #[[MAP4]]>
// CHECK: "ScatterND"{{.*}}name = "sn"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "ScatterElements"{{.*}}name = "se"{{.*}} -> tensor<?x?xi64, #[[MAP2]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, %ids: tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>, %i2: tensor<?x4x2xi64, affine_map<()[s0, s1] -> (s0, 4, 2)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<256x48xf32>
  %emb = onnx.node "Gather" (%w, %ids) {domain = "", name = "emb", node_attrs = {}, version = 20 : i64}
    : (!weights.tensor<256x48xf32>, tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>) -> !onnx.value
  %mid = onnx.node "Gather" (%x, %ids) {domain = "", name = "mid", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>) -> !onnx.value
  %ge = onnx.node "GatherElements" (%ids, %ids) {domain = "", name = "ge", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>, tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>) -> !onnx.value
  %gn = onnx.node "GatherND" (%x, %i2) {domain = "", name = "gn", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x4x2xi64, affine_map<()[s0, s1] -> (s0, 4, 2)>>) -> !onnx.value
  %gb = onnx.node "GatherND" (%x, %i2) {domain = "", name = "gb", node_attrs = {batch_dims = 1 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x4x2xi64, affine_map<()[s0, s1] -> (s0, 4, 2)>>) -> !onnx.value
  %sn = onnx.node "ScatterND" (%x, %i2, %gn) {domain = "", name = "sn", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x4x2xi64, affine_map<()[s0, s1] -> (s0, 4, 2)>>, !onnx.value) -> !onnx.value
  %se = onnx.node "ScatterElements" (%ids, %ids, %ids) {domain = "", name = "se", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>, tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>, tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>) -> !onnx.value
  return %emb : !onnx.value
}
}

// -----

// TopK, OneHot, Pad, Trilu, CumSum.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 4)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2] -> (s0, s2, 16)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 4, 16)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2] -> (s0, 16, s1, 4)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1 + 3, 16)>
// CHECK-DAG: #[[MAP5:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 16)>
// CHECK: module attributes {onnx.bound_symbols = 2 : i64, onnx.symbols = ["b", "s", "vd_0_d1"]
// CHECK: "TopK"{{.*}}name = "v4"{{.*}} -> (tensor<?x?x4xf32, #[[MAP0]]>, tensor<?x?x4xi64, #[[MAP0]]>)
// CHECK: "TopK"{{.*}}name = "vd"{{.*}} -> (tensor<?x?x16xf32, #[[MAP1]]>, tensor<?x?x16xi64, #[[MAP1]]>)
// CHECK: "OneHot"{{.*}}name = "oh"{{.*}} -> tensor<?x?x4x16xi64, #[[MAP2]]>
// CHECK: "OneHot"{{.*}}name = "o1"{{.*}} -> tensor<?x16x?x4xi64, #[[MAP3]]>
// CHECK: "Pad"{{.*}}name = "pd"{{.*}} -> tensor<?x?x16xf32, #[[MAP4]]>
// CHECK: "Trilu"{{.*}}name = "tr"{{.*}} -> tensor<?x?x16xf32, #[[MAP5]]>
// CHECK: "CumSum"{{.*}}name = "cu"{{.*}} -> tensor<?x?x16xf32, #[[MAP5]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x16xf32, affine_map<()[s0, s1] -> (s0, s1, 16)>>, %dyn: tensor<1xi64>) -> (!onnx.value) {
  %k = onnx.constant dense<4> : tensor<1xi64>
  %d = onnx.constant dense<16> : tensor<i64>
  %v = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %p = onnx.constant dense<[0, 1, 0, 0, 2, 0]> : tensor<6xi64>
  %ax = onnx.constant dense<1> : tensor<i64>
  %v4:2 = onnx.node "TopK" (%x, %k) {domain = "", name = "v4", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x16xf32, affine_map<()[s0, s1] -> (s0, s1, 16)>>, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %vd:2 = onnx.node "TopK" (%x, %dyn) {domain = "", name = "vd", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x?x16xf32, affine_map<()[s0, s1] -> (s0, s1, 16)>>, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %oh = onnx.node "OneHot" (%v4#1, %d, %v) {domain = "", name = "oh", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<i64>, tensor<2xi64>) -> !onnx.value
  %o1 = onnx.node "OneHot" (%v4#1, %d, %v) {domain = "", name = "o1", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (!onnx.value, tensor<i64>, tensor<2xi64>) -> !onnx.value
  %pd = onnx.node "Pad" (%x, %p) {domain = "", name = "pd", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x16xf32, affine_map<()[s0, s1] -> (s0, s1, 16)>>, tensor<6xi64>) -> !onnx.value
  %tr = onnx.node "Trilu" (%x) {domain = "", name = "tr", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x16xf32, affine_map<()[s0, s1] -> (s0, s1, 16)>>) -> !onnx.value
  %cu = onnx.node "CumSum" (%x, %ax) {domain = "", name = "cu", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x16xf32, affine_map<()[s0, s1] -> (s0, s1, 16)>>, tensor<i64>) -> !onnx.value
  return %oh : !onnx.value
}
}

// -----

// What depends on data gets a symbol of its own.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2, s3, s4] -> (2, s1)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2, s3, s4] -> (s2, 16)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2, s3, s4] -> (s3)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2, s3, s4] -> (s4)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1, s2, s3, s4] -> (s0 * 16)>
// CHECK-DAG: #[[MAP5:.+]] = affine_map<()[s0, s1, s2, s3, s4] -> (s1, 2)>
// CHECK: module attributes {onnx.bound_symbols = 1 : i64, onnx.symbols = ["b", "nz_0_d1", "cp_0_d0", "cf_0_d0", "u_0_d0"]
// CHECK: "NonZero"{{.*}}name = "nz"{{.*}} -> tensor<2x?xi64, #[[MAP0]]>
// CHECK: "Compress"{{.*}}name = "cp"{{.*}} -> tensor<?x16xf32, #[[MAP1]]>
// CHECK: "Compress"{{.*}}name = "cf"{{.*}} -> tensor<?xf32, #[[MAP2]]>
// CHECK: "Unique"{{.*}}name = "u"{{.*}} -> (tensor<?xf32, #[[MAP3]]>, tensor<?xi64, #[[MAP3]]>, tensor<?xi64, #[[MAP4]]>, tensor<?xi64, #[[MAP3]]>)
// CHECK: "Transpose"{{.*}}name = "tr"{{.*}} -> tensor<?x2xi64, #[[MAP5]]>
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>, %c: tensor<?xi1, affine_map<()[s0] -> (s0)>>) -> (!onnx.value) {
  %nz = onnx.node "NonZero" (%x) {domain = "", name = "nz", node_attrs = {}, version = 20 : i64}
    : (tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>) -> !onnx.value
  %cp = onnx.node "Compress" (%x, %c) {domain = "", name = "cp", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>, tensor<?xi1, affine_map<()[s0] -> (s0)>>) -> !onnx.value
  %cf = onnx.node "Compress" (%x, %c) {domain = "", name = "cf", node_attrs = {}, version = 20 : i64}
    : (tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>, tensor<?xi1, affine_map<()[s0] -> (s0)>>) -> !onnx.value
  %u:4 = onnx.node "Unique" (%x) {domain = "", name = "u", node_attrs = {}, version = 20 : i64}
    : (tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value)
  %tr = onnx.node "Transpose" (%nz) {domain = "", name = "tr", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  return %tr : !onnx.value
}
}
