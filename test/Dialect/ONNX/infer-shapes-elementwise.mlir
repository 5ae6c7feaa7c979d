// RUN: moe-opt %s -onnx-infer-shapes -split-input-file | FileCheck %s

// Operators that work element by element: shapes broadcast and integer elements are followed.

// Types stay or broadcast; comparisons give booleans.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s0, s1)>
// CHECK: "Exp"{{.*}}name = "e"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "Add"{{.*}}name = "a"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "Mul"{{.*}}name = "mm"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "Less"{{.*}}name = "l"{{.*}} -> tensor<?x?x48xi1, #[[MAP0]]>
// CHECK: "Where"{{.*}}name = "q"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "Cast"{{.*}}name = "c"{{.*}} -> tensor<?x?xf32, #[[MAP1]]>
// CHECK: "CastLike"{{.*}}name = "cl"{{.*}} -> tensor<?x?xf32, #[[MAP1]]>
// CHECK: "IsNaN"{{.*}}name = "n"{{.*}} -> tensor<?x?x48xi1, #[[MAP0]]>
// CHECK: "Dropout"{{.*}}name = "d"{{.*}} -> (tensor<?x?x48xf32, #[[MAP0]]>, tensor<?x?x48xi1, #[[MAP0]]>)
// CHECK: "FastGelu"{{.*}}name = "fg"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "Max"{{.*}}name = "mi"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, %m: tensor<?x1x48xf32, affine_map<()[s0, s1] -> (s0, 1, 48)>>, %i: tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<48xf32>
  %e = onnx.node "Exp" (%x) {domain = "", name = "e", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %a = onnx.node "Add" (%e, %w) {domain = "", name = "a", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !weights.tensor<48xf32>) -> !onnx.value
  %mm = onnx.node "Mul" (%m, %a) {domain = "", name = "mm", node_attrs = {}, version = 20 : i64}
    : (tensor<?x1x48xf32, affine_map<()[s0, s1] -> (s0, 1, 48)>>, !onnx.value) -> !onnx.value
  %l = onnx.node "Less" (%a, %mm) {domain = "", name = "l", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %q = onnx.node "Where" (%l, %x, %a) {domain = "", name = "q", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.value) -> !onnx.value
  %c = onnx.node "Cast" (%i) {domain = "", name = "c", node_attrs = {to = 1 : i64}, version = 20 : i64}
    : (tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>) -> !onnx.value
  %cl = onnx.node "CastLike" (%i, %x) {domain = "", name = "cl", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %n = onnx.node "IsNaN" (%q) {domain = "", name = "n", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %d:2 = onnx.node "Dropout" (%q) {domain = "", name = "d", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> (!onnx.value, !onnx.value)
  %fg = onnx.node "FastGelu" (%d#0) {domain = "com.microsoft", name = "fg", node_attrs = {}, version = 1 : i64}
    : (!onnx.value) -> !onnx.value
  %mi = onnx.node "Max" (%x, %mm, %w) {domain = "", name = "mi", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.value, !weights.tensor<48xf32>) -> !onnx.value
  return %fg : !onnx.value
}
}

// -----

// Arithmetic on shapes is exact on polynomials; what is not is unknown.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s0, s1 + 1, 50)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1] -> (0, 1, 2)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1] -> (s0 * s0, s1 * s1, 2304)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1] -> (0, 0, 0)>
// CHECK-DAG: #[[MAP5:.+]] = affine_map<()[s0, s1] -> (-s0, -s1, -48)>
// CHECK-DAG: #[[MAP6:.+]] = affine_map<()[s0, s1] -> (1, 0, 0)>
// CHECK-DAG: #[[MAP7:.+]] = affine_map<()[s0, s1] -> (1, 1, 1)>
// CHECK: "Shape"{{.*}}name = "sh"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Add"{{.*}}name = "sum"{{.*}}shape_values = [#[[MAP1]]]{{.*}} -> tensor<3xi64>
// CHECK: "Sub"{{.*}}name = "dif"{{.*}}shape_values = [#[[MAP2]]]{{.*}} -> tensor<3xi64>
// CHECK: "Mul"{{.*}}name = "mul"{{.*}}shape_values = [#[[MAP3]]]{{.*}} -> tensor<3xi64>
// CHECK: "Div"{{.*}}name = "quo"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Div"{{.*}}name = "inexact"{{.*}} -> tensor<3xi64>
// CHECK: "Mod"{{.*}}name = "rest"{{.*}}shape_values = [#[[MAP4]]]{{.*}} -> tensor<3xi64>
// CHECK: "Max"{{.*}}name = "big"{{.*}}shape_values = [#[[MAP1]]]{{.*}} -> tensor<3xi64>
// CHECK: "Neg"{{.*}}name = "neg"{{.*}}shape_values = [#[[MAP5]]]{{.*}} -> tensor<3xi64>
// CHECK: "Abs"{{.*}}name = "abs"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Equal"{{.*}}name = "eq"{{.*}}shape_values = [#[[MAP6]]]{{.*}} -> tensor<3xi1>
// CHECK: "Greater"{{.*}}name = "gt"{{.*}} -> tensor<3xi1>
// CHECK: "GreaterOrEqual"{{.*}}name = "ge"{{.*}}shape_values = [#[[MAP7]]]{{.*}} -> tensor<3xi1>
// CHECK: "Not"{{.*}}name = "nt"{{.*}}shape_values = [#[[MAP4]]]{{.*}} -> tensor<3xi1>
// CHECK: "Where"{{.*}}name = "wh"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Cast"{{.*}}name = "ca"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi32>
// CHECK: "Identity"{{.*}}name = "id"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi32>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> (!onnx.value) {
  %c2 = onnx.constant dense<2> : tensor<i64>
  %ch = onnx.constant dense<12> : tensor<i64>
  %cs = onnx.constant dense<[0, 1, 2]> : tensor<3xi64>
  %sh = onnx.node "Shape" (%x) {domain = "", name = "sh", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %sum = onnx.node "Add" (%sh, %cs) {domain = "", name = "sum", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %dif = onnx.node "Sub" (%sum, %sh) {domain = "", name = "dif", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %mul = onnx.node "Mul" (%sh, %sh) {domain = "", name = "mul", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %quo = onnx.node "Div" (%mul, %sh) {domain = "", name = "quo", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %inexact = onnx.node "Div" (%sh, %c2) {domain = "", name = "inexact", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<i64>) -> !onnx.value
  %rest = onnx.node "Mod" (%mul, %sh) {domain = "", name = "rest", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %big = onnx.node "Max" (%sh, %sum) {domain = "", name = "big", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %neg = onnx.node "Neg" (%sh) {domain = "", name = "neg", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %abs = onnx.node "Abs" (%sh) {domain = "", name = "abs", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %eq = onnx.node "Equal" (%sum, %sh) {domain = "", name = "eq", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %gt = onnx.node "Greater" (%sum, %dif) {domain = "", name = "gt", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %ge = onnx.node "GreaterOrEqual" (%sum, %sh) {domain = "", name = "ge", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, !onnx.value) -> !onnx.value
  %nt = onnx.node "Not" (%ge) {domain = "", name = "nt", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %wh = onnx.node "Where" (%nt, %cs, %sh) {domain = "", name = "wh", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<3xi64>, !onnx.value) -> !onnx.value
  %ca = onnx.node "Cast" (%sh) {domain = "", name = "ca", node_attrs = {to = 6 : i64}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %id = onnx.node "Identity" (%ca) {domain = "", name = "id", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  return %id : !onnx.value
}
}

// -----

// Exporters guard -1 in a target shape with Equal and Where: dimensions are not negative.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (0, 0, 0)>
// CHECK: "Shape"{{.*}}name = "sh"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Equal"{{.*}}name = "eq"{{.*}}shape_values = [#[[MAP1]]]{{.*}} -> tensor<3xi1>
// CHECK: "Where"{{.*}}name = "wh"{{.*}}shape_values = [#[[MAP0]]]{{.*}} -> tensor<3xi64>
// CHECK: "Expand"{{.*}}name = "y"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> (!onnx.value) {
  %m1 = onnx.constant dense<-1> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<3xi64>
  %sh = onnx.node "Shape" (%x) {domain = "", name = "sh", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %eq = onnx.node "Equal" (%sh, %m1) {domain = "", name = "eq", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<i64>) -> !onnx.value
  %wh = onnx.node "Where" (%eq, %one, %sh) {domain = "", name = "wh", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<3xi64>, !onnx.value) -> !onnx.value
  %y = onnx.node "Expand" (%x, %wh) {domain = "", name = "y", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.value) -> !onnx.value
  return %y : !onnx.value
}
}

// -----

// A named size beside a constant or another name must be equal to it.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2] -> (4, s1)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2] -> (s0, s2)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2] -> (s0, 4)>
// CHECK: module attributes {onnx.equal_dims = [#[[MAP2]], #[[MAP3]]]
// CHECK: "Add"{{.*}}name = "u"{{.*}} -> tensor<?x?xf32, #[[MAP0]]>
// CHECK: "Add"{{.*}}name = "v"{{.*}} -> tensor<4x?xf32, #[[MAP1]]>
module attributes {onnx.symbols = ["b", "s", "t"]} {
func.func @main(%x: tensor<?x?xf32, affine_map<()[s0, s1, s2] -> (s0, s1)>>, %y: tensor<?x?xf32, affine_map<()[s0, s1, s2] -> (s2, s1)>>, %z: tensor<4x?xf32, affine_map<()[s0, s1, s2] -> (4, s1)>>) -> (!onnx.value) {
  %u = onnx.node "Add" (%x, %y) {domain = "", name = "u", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?xf32, affine_map<()[s0, s1, s2] -> (s0, s1)>>, tensor<?x?xf32, affine_map<()[s0, s1, s2] -> (s2, s1)>>) -> !onnx.value
  %v = onnx.node "Add" (%u, %z) {domain = "", name = "v", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<4x?xf32, affine_map<()[s0, s1, s2] -> (4, s1)>>) -> !onnx.value
  return %v : !onnx.value
}
}
