// RUN: moe-opt %s -onnx-infer-shapes -split-input-file | FileCheck %s

// Operators that make, take and change shapes.

// Shape, Size and what picks from them.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s1, 48)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1] -> ((s0 * s1) * 48)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1] -> (s0)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1] -> (48, s0)>
// CHECK-DAG: #[[MAP5:.+]] = affine_map<()[s0, s1] -> (s1 * 48)>
// CHECK-DAG: #[[MAP6:.+]] = affine_map<()[s0, s1] -> (s0 + s1 + 48)>
// CHECK: "Shape"{{.*}}name = "sh"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Shape"{{.*}}name = "part"{{.*}}shape_values = [#[[MAP1]]]{{.*}} -> tensor<2xi64>
// CHECK: "Size"{{.*}}name = "n"{{.*}}shape_values = [#[[MAP2]]]{{.*}} -> tensor<i64>
// CHECK: "Gather"{{.*}}name = "batch"{{.*}}shape_values = [#[[MAP3]]]{{.*}} -> tensor<i64>
// CHECK: "Gather"{{.*}}name = "two"{{.*}}shape_values = [#[[MAP4]]]{{.*}} -> tensor<2xi64>
// CHECK: "Slice"{{.*}}name = "tail"{{.*}}shape_values = [#[[MAP1]]]{{.*}} -> tensor<2xi64>
// CHECK: "Unsqueeze"{{.*}}name = "u"{{.*}}shape_values = [#[[MAP3]]]{{.*}} -> tensor<1xi64>
// CHECK: "Concat"{{.*}}name = "cat"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Split"{{.*}}name = "h"{{.*}}shape_values = [#[[MAP3]], #[[MAP1]]]{{.*}} -> (tensor<1xi64>, tensor<2xi64>)
// CHECK: "Squeeze"{{.*}}name = "sq"{{.*}}shape_values = [#[[MAP3]]]{{.*}} -> tensor<i64>
// CHECK: "ReduceProd"{{.*}}name = "pr"{{.*}}shape_values = [#[[MAP5]]]{{.*}} -> tensor<i64>
// CHECK: "ReduceSum"{{.*}}name = "sm"{{.*}}shape_values = [#[[MAP6]]]{{.*}} -> tensor<i64>
// CHECK: "Identity"{{.*}}name = "id"{{.*}}shape_values = [#[[MAP5]]]{{.*}} -> tensor<i64>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> (!onnx.value) {
  %c0 = onnx.constant dense<0> : tensor<i64>
  %cm = onnx.constant dense<[-1, 0]> : tensor<2xi64>
  %c1 = onnx.constant dense<1> : tensor<1xi64>
  %cend = onnx.constant dense<9223372036854775807> : tensor<1xi64>
  %cax = onnx.constant dense<0> : tensor<1xi64>
  %sh = onnx.node "Shape" (%x) {domain = "", name = "sh", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %part = onnx.node "Shape" (%x) {domain = "", name = "part", node_attrs = {start = -2 : i64, end = 3 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %n = onnx.node "Size" (%x) {domain = "", name = "n", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %batch = onnx.node "Gather" (%sh, %c0) {domain = "", name = "batch", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<i64>) -> !onnx.value
  %two = onnx.node "Gather" (%sh, %cm) {domain = "", name = "two", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %tail = onnx.node "Slice" (%sh, %c1, %cend, %cax) {domain = "", name = "tail", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %u = onnx.node "Unsqueeze" (%batch, %cax) {domain = "", name = "u", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %cat = onnx.node "Concat" (%u, %tail) {domain = "", name = "cat", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %h:2 = onnx.node "Split" (%cat) {domain = "", name = "h", node_attrs = {split = array<i64: 1, 2>, axis = 0 : i64}, version = 20 : i64}
    : (!onnx.value) -> (!onnx.value, !onnx.value)
  %sq = onnx.node "Squeeze" (%h#0, %cax) {domain = "", name = "sq", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %pr = onnx.node "ReduceProd" (%h#1, %cax) {domain = "", name = "pr", node_attrs = {keepdims = 0 : i64}, version = 20 : i64}
    : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %sm = onnx.node "ReduceSum" (%sh) {domain = "", name = "sm", node_attrs = {keepdims = 0 : i64}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %id = onnx.node "Identity" (%pr) {domain = "", name = "id", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  return %id : !onnx.value
}
}

// -----

// Reshape: 0 copies, -1 is divided exactly, several names may cancel.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 4, 12)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2] -> (s0 * s1, 48)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, -1)>
// CHECK-DAG: #[[MAP5:.+]] = affine_map<()[s0, s1, s2] -> (s2, 5)>
// CHECK-DAG: #[[MAP6:.+]] = affine_map<()[s0, s1, s2] -> (1, (s0 * s1) * 48)>
// CHECK: module attributes {onnx.bound_symbols = 2 : i64, onnx.symbols = ["b", "s", "odd_0_d0"]
// CHECK: "Reshape"{{.*}}name = "heads"{{.*}} -> tensor<?x?x4x12xf32, #[[MAP0]]>
// CHECK: "Reshape"{{.*}}name = "flat"{{.*}} -> tensor<?x48xf32, #[[MAP1]]>
// CHECK: "Reshape"{{.*}}name = "back"{{.*}} -> tensor<?x48xf32, #[[MAP1]]>
// CHECK: "Shape"{{.*}}name = "sh"{{.*}}shape_values = [#[[MAP2]]]{{.*}} -> tensor<3xi64>
// CHECK: "Gather"{{.*}}name = "bs"{{.*}}shape_values = [#[[MAP3]]]{{.*}} -> tensor<2xi64>
// CHECK: "Concat"{{.*}}name = "tgt"{{.*}}shape_values = [#[[MAP4]]]{{.*}} -> tensor<3xi64>
// CHECK: "Reshape"{{.*}}name = "again"{{.*}} -> tensor<?x?x48xf32, #[[MAP2]]>
// CHECK: "Reshape"{{.*}}name = "odd"{{.*}} -> tensor<?x5xf32, #[[MAP5]]>
// CHECK: "Flatten"{{.*}}name = "fl"{{.*}} -> tensor<?x48xf32, #[[MAP1]]>
// CHECK: "Flatten"{{.*}}name = "f0"{{.*}} -> tensor<1x?xf32, #[[MAP6]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> (!onnx.value) {
  %a = onnx.constant dense<[0, 0, 4, 12]> : tensor<4xi64>
  %b0 = onnx.constant dense<[-1, 48]> : tensor<2xi64>
  %c = onnx.constant dense<[0, -1]> : tensor<2xi64>
  %i = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %m1 = onnx.constant dense<-1> : tensor<1xi64>
  %e5 = onnx.constant dense<[-1, 5]> : tensor<2xi64>
  %heads = onnx.node "Reshape" (%x, %a) {domain = "", name = "heads", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<4xi64>) -> !onnx.value
  %flat = onnx.node "Reshape" (%x, %b0) {domain = "", name = "flat", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<2xi64>) -> !onnx.value
  %back = onnx.node "Reshape" (%flat, %c) {domain = "", name = "back", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %sh = onnx.node "Shape" (%x) {domain = "", name = "sh", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %bs = onnx.node "Gather" (%sh, %i) {domain = "", name = "bs", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %tgt = onnx.node "Concat" (%bs, %m1) {domain = "", name = "tgt", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %again = onnx.node "Reshape" (%flat, %tgt) {domain = "", name = "again", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %odd = onnx.node "Reshape" (%x, %e5) {domain = "", name = "odd", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<2xi64>) -> !onnx.value
  %fl = onnx.node "Flatten" (%x) {domain = "", name = "fl", node_attrs = {axis = 2 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %f0 = onnx.node "Flatten" (%x) {domain = "", name = "f0", node_attrs = {axis = -3 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  return %again : !onnx.value
}
}

// -----

// A part of the target that depends on data leaves the rest.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2, s3] -> (s2, s3, 12)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2, s3] -> ((s0 * s1) * 4, 12)>
// CHECK: module attributes {onnx.bound_symbols = 2 : i64, onnx.symbols = ["b", "s", "y_0_d0", "y_0_d1"]
// CHECK: "Add"{{.*}}name = "two"{{.*}} -> tensor<1xi64>
// CHECK: "Concat"{{.*}}name = "tgt"{{.*}} -> tensor<3xi64>
// CHECK: "Reshape"{{.*}}name = "y"{{.*}} -> tensor<?x?x12xf32, #[[MAP0]]>
// CHECK: "Concat"{{.*}}name = "tg"{{.*}} -> tensor<2xi64>
// CHECK: "Reshape"{{.*}}name = "z"{{.*}} -> tensor<?x12xf32, #[[MAP1]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, %k: tensor<1xi64>) -> (!onnx.value) {
  %c = onnx.constant dense<12> : tensor<1xi64>
  %two = onnx.node "Add" (%k, %k) {domain = "", name = "two", node_attrs = {}, version = 20 : i64}
    : (tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %tgt = onnx.node "Concat" (%k, %two, %c) {domain = "", name = "tgt", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (tensor<1xi64>, !onnx.value, tensor<1xi64>) -> !onnx.value
  %y = onnx.node "Reshape" (%x, %tgt) {domain = "", name = "y", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.value) -> !onnx.value
  %tg = onnx.node "Concat" (%k, %c) {domain = "", name = "tg", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %z = onnx.node "Reshape" (%x, %tg) {domain = "", name = "z", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.value) -> !onnx.value
  return %z : !onnx.value
}
}

// -----

// allowzero keeps a size of 0.
// CHECK: "Reshape"{{.*}}name = "y"{{.*}} -> tensor<0x3xf32>
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x0xf32, affine_map<()[s0] -> (s0, 0)>>) -> (!onnx.value) {
  %a = onnx.constant dense<[0, 3]> : tensor<2xi64>
  %y = onnx.node "Reshape" (%x, %a) {domain = "", name = "y", node_attrs = {allowzero = 1 : i64}, version = 20 : i64}
    : (tensor<?x0xf32, affine_map<()[s0] -> (s0, 0)>>, tensor<2xi64>) -> !onnx.value
  return %y : !onnx.value
}
}

// -----

// Axes are an input or, before opset 13, an attribute.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (1, s0, s1, 1)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1] -> (s0, 1, s1)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1] -> (1, s1, 1, s0)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1] -> (1, s1, s0, 1)>
// CHECK: "Squeeze"{{.*}}name = "sq"{{.*}} -> tensor<?x?xf32, #[[MAP0]]>
// CHECK: "Squeeze"{{.*}}name = "all"{{.*}} -> tensor<?x?xf32, #[[MAP0]]>
// CHECK: "Squeeze"{{.*}}name = "old"{{.*}} -> tensor<?x?xf32, #[[MAP0]]>
// CHECK: "Unsqueeze"{{.*}}name = "un"{{.*}} -> tensor<1x?x?x1xf32, #[[MAP1]]>
// CHECK: "Unsqueeze"{{.*}}name = "oldun"{{.*}} -> tensor<?x1x?xf32, #[[MAP2]]>
// CHECK: "Transpose"{{.*}}name = "tr"{{.*}} -> tensor<1x?x1x?xf32, #[[MAP3]]>
// CHECK: "Transpose"{{.*}}name = "rev"{{.*}} -> tensor<1x?x?x1xf32, #[[MAP4]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x1x?xf32, affine_map<()[s0, s1] -> (s0, 1, s1)>>) -> (!onnx.value) {
  %c1 = onnx.constant dense<1> : tensor<1xi64>
  %cm = onnx.constant dense<[0, -1]> : tensor<2xi64>
  %sq = onnx.node "Squeeze" (%x, %c1) {domain = "", name = "sq", node_attrs = {}, version = 20 : i64}
    : (tensor<?x1x?xf32, affine_map<()[s0, s1] -> (s0, 1, s1)>>, tensor<1xi64>) -> !onnx.value
  %all = onnx.node "Squeeze" (%x) {domain = "", name = "all", node_attrs = {}, version = 20 : i64}
    : (tensor<?x1x?xf32, affine_map<()[s0, s1] -> (s0, 1, s1)>>) -> !onnx.value
  %old = onnx.node "Squeeze" (%x) {domain = "", name = "old", node_attrs = {axes = array<i64: -2>}, version = 11 : i64}
    : (tensor<?x1x?xf32, affine_map<()[s0, s1] -> (s0, 1, s1)>>) -> !onnx.value
  %un = onnx.node "Unsqueeze" (%sq, %cm) {domain = "", name = "un", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %oldun = onnx.node "Unsqueeze" (%sq) {domain = "", name = "oldun", node_attrs = {axes = array<i64: 1>}, version = 11 : i64}
    : (!onnx.value) -> !onnx.value
  %tr = onnx.node "Transpose" (%un) {domain = "", name = "tr", node_attrs = {perm = array<i64: 3, 2, 0, 1>}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %rev = onnx.node "Transpose" (%un) {domain = "", name = "rev", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  return %rev : !onnx.value
}
}

// -----

// Expand, Tile, ConstantOfShape and Range.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2] -> (s0, 3, s1)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2] -> (s0, 6, s1 * 3)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2] -> (2)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2] -> (5, 5)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1, s2] -> (s1)>
// CHECK-DAG: #[[MAP5:.+]] = affine_map<()[s0, s1, s2] -> (0, 3, 6)>
// CHECK-DAG: #[[MAP6:.+]] = affine_map<()[s0, s1, s2] -> (s2)>
// CHECK: module attributes {onnx.bound_symbols = 2 : i64, onnx.symbols = ["b", "s", "r3_0_d0"]
// CHECK: "Expand"{{.*}}name = "ex"{{.*}} -> tensor<?x3x?xf32, #[[MAP0]]>
// CHECK: "Tile"{{.*}}name = "ti"{{.*}} -> tensor<?x6x?xf32, #[[MAP1]]>
// CHECK: "Shape"{{.*}}name = "sh"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "ConstantOfShape"{{.*}}name = "cos"{{.*}} -> tensor<?x3x?xf32, #[[MAP0]]>
// CHECK: "Shape"{{.*}}name = "two"{{.*}}shape_values = [#[[MAP2]]]{{.*}} -> tensor<1xi64>
// CHECK: "ConstantOfShape"{{.*}}name = "co"{{.*}}shape_values = [#[[MAP3]]]{{.*}} -> tensor<2xi64>
// CHECK: "Gather"{{.*}}name = "seq"{{.*}}shape_values = [#[[MAP4]]]{{.*}} -> tensor<i64>
// CHECK: "Range"{{.*}}name = "r1"{{.*}} -> tensor<?xi64, #[[MAP4]]>
// CHECK: "Range"{{.*}}name = "r2"{{.*}}shape_values = [#[[MAP5]]]{{.*}} -> tensor<3xi64>
// CHECK: "Range"{{.*}}name = "r3"{{.*}} -> tensor<?xi64, #[[MAP6]]>
// CHECK: "Range"{{.*}}name = "r4"{{.*}} -> tensor<8xf32>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x1x?xf32, affine_map<()[s0, s1] -> (s0, 1, s1)>>, %k: tensor<i64>) -> (!onnx.value) {
  %e = onnx.constant dense<[3, 1]> : tensor<2xi64>
  %r = onnx.constant dense<[1, 2, 3]> : tensor<3xi64>
  %z = onnx.constant dense<0> : tensor<i64>
  %o = onnx.constant dense<1> : tensor<i64>
  %t = onnx.constant dense<3> : tensor<i64>
  %n7 = onnx.constant dense<7> : tensor<i64>
  %ax = onnx.constant dense<2> : tensor<i64>
  %f0 = onnx.constant dense<0.0> : tensor<f32>
  %f1 = onnx.constant dense<0.25> : tensor<f32>
  %f2 = onnx.constant dense<2.0> : tensor<f32>
  %ex = onnx.node "Expand" (%x, %e) {domain = "", name = "ex", node_attrs = {}, version = 20 : i64}
    : (tensor<?x1x?xf32, affine_map<()[s0, s1] -> (s0, 1, s1)>>, tensor<2xi64>) -> !onnx.value
  %ti = onnx.node "Tile" (%ex, %r) {domain = "", name = "ti", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %sh = onnx.node "Shape" (%ex) {domain = "", name = "sh", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %cos = onnx.node "ConstantOfShape" (%sh) {domain = "", name = "cos", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %two = onnx.node "Shape" (%e) {domain = "", name = "two", node_attrs = {}, version = 20 : i64}
    : (tensor<2xi64>) -> !onnx.value
  %co = onnx.node "ConstantOfShape" (%two) {domain = "", name = "co", node_attrs = {value = dense<5> : tensor<1xi64>}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %seq = onnx.node "Gather" (%sh, %ax) {domain = "", name = "seq", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<i64>) -> !onnx.value
  %r1 = onnx.node "Range" (%z, %seq, %o) {domain = "", name = "r1", node_attrs = {}, version = 20 : i64}
    : (tensor<i64>, !onnx.value, tensor<i64>) -> !onnx.value
  %r2 = onnx.node "Range" (%z, %n7, %t) {domain = "", name = "r2", node_attrs = {}, version = 20 : i64}
    : (tensor<i64>, tensor<i64>, tensor<i64>) -> !onnx.value
  %r3 = onnx.node "Range" (%z, %k, %o) {domain = "", name = "r3", node_attrs = {}, version = 20 : i64}
    : (tensor<i64>, tensor<i64>, tensor<i64>) -> !onnx.value
  %r4 = onnx.node "Range" (%f0, %f2, %f1) {domain = "", name = "r4", node_attrs = {}, version = 20 : i64}
    : (tensor<f32>, tensor<f32>, tensor<f32>) -> !onnx.value
  return %r4 : !onnx.value
}
}
