// RUN: moe-opt %s -onnx-infer-shapes -split-input-file | FileCheck %s

// Reductions and normalizations.

// Axes are an attribute, an input or all.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 1)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s0, s1)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1] -> (s0, 1, 48)>
// CHECK: "ReduceMean"{{.*}}name = "a"{{.*}} -> tensor<?x?x1xf32, #[[MAP0]]>
// CHECK: "ReduceSum"{{.*}}name = "d"{{.*}} -> tensor<?x?xf32, #[[MAP1]]>
// CHECK: "ReduceMax"{{.*}}name = "e"{{.*}} -> tensor<1x1x1xf32>
// CHECK: "ReduceMin"{{.*}}name = "f"{{.*}} -> tensor<?x?x48xf32, #[[MAP2]]>
// CHECK: "ArgMax"{{.*}}name = "g"{{.*}} -> tensor<?x?xi64, #[[MAP1]]>
// CHECK: "ArgMin"{{.*}}name = "h"{{.*}} -> tensor<?x1x48xi64, #[[MAP3]]>
// CHECK: "Softmax"{{.*}}name = "i"{{.*}} -> tensor<?x?x48xf32, #[[MAP2]]>
// CHECK: "LogSoftmax"{{.*}}name = "j"{{.*}} -> tensor<?x?x48xf32, #[[MAP2]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> (!onnx.value) {
  %c = onnx.constant dense<-1> : tensor<1xi64>
  %a = onnx.node "ReduceMean" (%x) {domain = "", name = "a", node_attrs = {axes = array<i64: -1>}, version = 13 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %d = onnx.node "ReduceSum" (%x, %c) {domain = "", name = "d", node_attrs = {keepdims = 0 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<1xi64>) -> !onnx.value
  %e = onnx.node "ReduceMax" (%x) {domain = "", name = "e", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %f = onnx.node "ReduceMin" (%x) {domain = "", name = "f", node_attrs = {noop_with_empty_axes = 1 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %g = onnx.node "ArgMax" (%x) {domain = "", name = "g", node_attrs = {axis = 2 : i64, keepdims = 0 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %h = onnx.node "ArgMin" (%x) {domain = "", name = "h", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %i = onnx.node "Softmax" (%x) {domain = "", name = "i", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %j = onnx.node "LogSoftmax" (%x) {domain = "", name = "j", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  return %a : !onnx.value
}
}

// -----

// Normalizations keep the shape and give statistics.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s0, s1, 1)>
// CHECK: "LayerNormalization"{{.*}}name = "a"{{.*}} -> (tensor<?x?x48xf32, #[[MAP0]]>, tensor<?x?x1xf32, #[[MAP1]]>, tensor<?x?x1xf32, #[[MAP1]]>)
// CHECK: "RMSNormalization"{{.*}}name = "r"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "SimplifiedLayerNormalization"{{.*}}name = "s0"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "SkipSimplifiedLayerNormalization"{{.*}}name = "sk"{{.*}} -> (tensor<?x?x48xf32, #[[MAP0]]>, tensor<?x?x1xf32, #[[MAP1]]>, tensor<?x?x1xf32, #[[MAP1]]>, tensor<?x?x48xf32, #[[MAP0]]>)
// CHECK: "SkipLayerNormalization"{{.*}}name = "k2"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<48xf32>
  %a:3 = onnx.node "LayerNormalization" (%x, %w, %w) {domain = "", name = "a", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<48xf32>, !weights.tensor<48xf32>) -> (!onnx.value, !onnx.value, !onnx.value)
  %r = onnx.node "RMSNormalization" (%x, %w) {domain = "", name = "r", node_attrs = {}, version = 23 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<48xf32>) -> !onnx.value
  %s0 = onnx.node "SimplifiedLayerNormalization" (%x, %w) {domain = "", name = "s0", node_attrs = {axis = -1 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<48xf32>) -> !onnx.value
  %sk:4 = onnx.node "SkipSimplifiedLayerNormalization" (%r, %s0, %w) {domain = "com.microsoft", name = "sk", node_attrs = {}, version = 1 : i64}
    : (!onnx.value, !onnx.value, !weights.tensor<48xf32>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value)
  %k2 = onnx.node "SkipLayerNormalization" (%sk#0, %sk#3, %w) {domain = "com.microsoft", name = "k2", node_attrs = {}, version = 1 : i64}
    : (!onnx.value, !onnx.value, !weights.tensor<48xf32>) -> !onnx.value
  return %a#0 : !onnx.value
}
}
