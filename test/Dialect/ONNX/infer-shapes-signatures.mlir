// RUN: moe-opt %s -onnx-infer-shapes -split-input-file -verify-diagnostics

// Missing and surplus operands and results; all nodes are reported, each once.
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x3xf32>, %k: tensor<1xi64>) -> (!onnx.value) {
  %none = onnx.none
  // expected-error @+1 {{node 'ln' (LayerNormalization): input 1 (Scale) is missing}}
  %ln = onnx.node "LayerNormalization" (%x) {domain = "", name = "ln", node_attrs = {}, version = 20 : i64} : (tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 'e' (LayerNormalization): input 1 (Scale) is missing}}
  %e = onnx.node "LayerNormalization" (%x, %none, %x) {domain = "", name = "e", node_attrs = {}, version = 20 : i64} : (tensor<2x3xf32>, !onnx.none, tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 'sm' (Softmax): input 0 (input) is missing}}
  %sm = onnx.node "Softmax" () {domain = "", name = "sm", node_attrs = {}, version = 20 : i64} : () -> !onnx.value
  // expected-error @+1 {{node 'tk' (TopK): has 1 output, gives at least 2; input 1 (K) is missing}}
  %tk = onnx.node "TopK" (%x) {domain = "", name = "tk", node_attrs = {}, version = 20 : i64} : (tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 're' (Relu): has 3 inputs, takes at most 1}}
  %re = onnx.node "Relu" (%x, %x, %x) {domain = "", name = "re", node_attrs = {}, version = 20 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 'rn' (RMSNormalization): has 3 outputs, gives at most 1}}
  %rn:3 = onnx.node "RMSNormalization" (%x, %x) {domain = "", name = "rn", node_attrs = {}, version = 23 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> (!onnx.value, !onnx.value, !onnx.value)
  // expected-error @+1 {{node 'cc' (Concat): input 1 (inputs) is missing}}
  %cc = onnx.node "Concat" (%x, %none, %x) {domain = "", name = "cc", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<2x3xf32>, !onnx.none, tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 'mx' (Max): input 0 (data) is missing}}
  %mx = onnx.node "Max" () {domain = "", name = "mx", node_attrs = {}, version = 20 : i64} : () -> !onnx.value
  // What is left out at the end counts for nothing.
  %ok = onnx.node "Relu" (%x, %none) {domain = "", name = "ok", node_attrs = {}, version = 20 : i64} : (tensor<2x3xf32>, !onnx.none) -> !onnx.value
  // expected-error @+1 {{node 'mo' (MoE): has 9 inputs, takes at most 8}}
  %mo = onnx.node "MoE" (%x, %x, %x, %none, %x, %none, %none, %none, %x) {domain = "com.microsoft", name = "mo", node_attrs = {}, version = 1 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, !onnx.none, tensor<2x3xf32>, !onnx.none, !onnx.none, !onnx.none, tensor<2x3xf32>) -> !onnx.value
  return %sm : !onnx.value
}
}

// -----

// Attributes.
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x3xf32>) -> (!onnx.value) {
  // expected-error @+1 {{node 'c' (Concat): attribute 'axis' (int) is missing}}
  %c = onnx.node "Concat" (%x) {domain = "", name = "c", node_attrs = {}, version = 20 : i64} : (tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 't' (Transpose): attribute 'perm' is of kind string, must be ints}}
  %t = onnx.node "Transpose" (%x) {domain = "", name = "t", node_attrs = {perm = "10"}, version = 20 : i64} : (tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 'l' (LayerNormalization): attribute 'axis' is of kind ints, must be int; attribute 'epsilon' is of kind int, must be float}}
  %l = onnx.node "LayerNormalization" (%x, %x) {domain = "", name = "l", node_attrs = {axis = array<i64: 1>, epsilon = 1 : i64}, version = 20 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 'g' (Gelu): attribute 'approximate' is 'zork', must be one of none, tanh}}
  %g = onnx.node "Gelu" (%x) {domain = "", name = "g", node_attrs = {approximate = "zork"}, version = 20 : i64} : (tensor<2x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 'v' (ConstantOfShape): input 0 (input) is missing; attribute 'value' is of kind float, must be tensor}}
  %v = onnx.node "ConstantOfShape" () {domain = "", name = "v", node_attrs = {value = 1.0 : f32}, version = 20 : i64} : () -> !onnx.value
  // expected-error @+1 {{node 'i' (If): input 0 (cond) is missing; attribute 'then_branch' (graph) is missing; attribute 'else_branch' (graph) is missing}}
  %i = onnx.node "If" () {domain = "", name = "i", node_attrs = {}, version = 20 : i64} : () -> !onnx.value
  // Exporters add their own; operators without a row stay as they are.
  %own = onnx.node "Relu" (%x) {domain = "", name = "own", node_attrs = {pkg.torch = "aten.relu"}, version = 20 : i64} : (tensor<2x3xf32>) -> !onnx.value
  %any = onnx.node "Own" (%x) {domain = "com.example", name = "any", node_attrs = {axis = "a"}, version = 1 : i64} : (tensor<2x3xf32>) -> !onnx.value
  return %c : !onnx.value
}
}

// -----

// Element types.
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x2xf32>, %d: tensor<2x2xf64>, %i: tensor<2x2xi64>, %b: tensor<2x2xi1>, %v: !onnx.value) -> (!onnx.value) {
  // expected-error @+1 {{node 'm' (MatMul): input 1 (B) has elements of f64, must be f32 as input 0 (A)}}
  %m = onnx.node "MatMul" (%x, %d) {domain = "", name = "m", node_attrs = {}, version = 20 : i64} : (tensor<2x2xf32>, tensor<2x2xf64>) -> !onnx.value
  // expected-error @+1 {{node 'c' (Concat): input 2 (inputs) has elements of i64, must be f32 as input 0 (inputs)}}
  %c = onnx.node "Concat" (%x, %x, %i) {domain = "", name = "c", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xi64>) -> !onnx.value
  // expected-error @+1 {{node 'a' (And): input 0 (A) has elements of f32, must be i1}}
  %a = onnx.node "And" (%x, %b) {domain = "", name = "a", node_attrs = {}, version = 20 : i64} : (tensor<2x2xf32>, tensor<2x2xi1>) -> !onnx.value
  // expected-error @+1 {{node 's' (Add): input 0 (A) has elements of i1, must be a number; input 1 (B) has elements of i1, must be a number}}
  %s = onnx.node "Add" (%b, %b) {domain = "", name = "s", node_attrs = {}, version = 20 : i64} : (tensor<2x2xi1>, tensor<2x2xi1>) -> !onnx.value
  // expected-error @+1 {{node 'e' (Exp): input 0 (X) has elements of i64, must be a float type}}
  %e = onnx.node "Exp" (%i) {domain = "", name = "e", node_attrs = {}, version = 20 : i64} : (tensor<2x2xi64>) -> !onnx.value
  // expected-error @+1 {{node 'g' (Gather): input 1 (indices) has elements of f32, must be i32 or i64}}
  %g = onnx.node "Gather" (%x, %x) {domain = "", name = "g", node_attrs = {}, version = 20 : i64} : (tensor<2x2xf32>, tensor<2x2xf32>) -> !onnx.value
  // Powers may be of another type since version 12, not before.
  %p = onnx.node "Pow" (%x, %i) {domain = "", name = "p", node_attrs = {}, version = 13 : i64} : (tensor<2x2xf32>, tensor<2x2xi64>) -> !onnx.value
  // expected-error @+1 {{node 'q' (Pow): input 1 (Y) has elements of i64, must be f32 as input 0 (X)}}
  %q = onnx.node "Pow" (%x, %i) {domain = "", name = "q", node_attrs = {}, version = 11 : i64} : (tensor<2x2xf32>, tensor<2x2xi64>) -> !onnx.value
  // A type that is not known contradicts nothing.
  %u = onnx.node "Add" (%x, %v) {domain = "", name = "u", node_attrs = {}, version = 20 : i64} : (tensor<2x2xf32>, !onnx.value) -> !onnx.value
  // expected-error @+1 {{node 'to' (Cast): casts to element type 99 of ONNX, which is not supported}}
  %to = onnx.node "Cast" (%x) {domain = "", name = "to", node_attrs = {to = 99 : i64}, version = 20 : i64} : (tensor<2x2xf32>) -> !onnx.value
  return %m : !onnx.value
}
}

// -----

// Versions: axes as attribute, then as input.
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<1x3xf32>, %a: tensor<1xi64>) -> (!onnx.value) {
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %low = onnx.constant dense<0.0> : tensor<f32>
  %s11 = onnx.node "Squeeze" (%x) {domain = "", name = "s11", node_attrs = {axes = array<i64: 0>}, version = 11 : i64} : (tensor<1x3xf32>) -> !onnx.value
  %s13 = onnx.node "Squeeze" (%x, %zero) {domain = "", name = "s13", node_attrs = {}, version = 13 : i64} : (tensor<1x3xf32>, tensor<1xi64>) -> !onnx.value
  // expected-error @+1 {{node 'u11' (Unsqueeze): has 2 inputs, takes at most 1; attribute 'axes' (ints) is missing}}
  %u11 = onnx.node "Unsqueeze" (%x, %zero) {domain = "", name = "u11", node_attrs = {}, version = 11 : i64} : (tensor<1x3xf32>, tensor<1xi64>) -> !onnx.value
  // expected-error @+1 {{node 'u13' (Unsqueeze): input 1 (axes) is missing}}
  %u13 = onnx.node "Unsqueeze" (%x) {domain = "", name = "u13", node_attrs = {axes = array<i64: 0>}, version = 13 : i64} : (tensor<1x3xf32>) -> !onnx.value
  %r11 = onnx.node "ReduceSum" (%x) {domain = "", name = "r11", node_attrs = {axes = array<i64: 0>}, version = 11 : i64} : (tensor<1x3xf32>) -> !onnx.value
  %r13 = onnx.node "ReduceSum" (%x, %zero) {domain = "", name = "r13", node_attrs = {}, version = 13 : i64} : (tensor<1x3xf32>, tensor<1xi64>) -> !onnx.value
  // expected-error @+1 {{node 'm13' (ReduceMax): has 2 inputs, takes at most 1}}
  %m13 = onnx.node "ReduceMax" (%x, %zero) {domain = "", name = "m13", node_attrs = {}, version = 13 : i64} : (tensor<1x3xf32>, tensor<1xi64>) -> !onnx.value
  %c6 = onnx.node "Clip" (%x) {domain = "", name = "c6", node_attrs = {min = 0.0 : f32}, version = 7 : i64} : (tensor<1x3xf32>) -> !onnx.value
  %c11 = onnx.node "Clip" (%x, %low) {domain = "", name = "c11", node_attrs = {}, version = 11 : i64} : (tensor<1x3xf32>, tensor<f32>) -> !onnx.value
  return %s11 : !onnx.value
}
}

// -----

// Nodes in bodies are checked as well, and axes and ranks after them.
module attributes {onnx.symbols = []} {
func.func @main(%c: tensor<i1>, %x: tensor<2x4x8xf32>, %i: tensor<2x4x8xi64>, %s: tensor<f32>, %ids: tensor<2x4xi64>) -> (!onnx.value) {
  %y = onnx.node "If" (%c) {body_names = ["else_branch", "then_branch"], domain = "", name = "if", node_attrs = {}, version = 20 : i64} bodies {
    // expected-error @+1 {{node 'in' (Add): input 1 (B) is missing}}
    %a = onnx.node "Add" (%x) {domain = "", name = "in", node_attrs = {}, version = 20 : i64} : (tensor<2x4x8xf32>) -> !onnx.value
    onnx.yield %a : !onnx.value
  }, {
    onnx.yield %x : tensor<2x4x8xf32>
  } : (tensor<i1>) -> !onnx.value
  // expected-error @+1 {{node 'ge' (GatherElements): axis 99 of a tensor of rank 3}}
  %ge = onnx.node "GatherElements" (%x, %i) {domain = "", name = "ge", node_attrs = {axis = 99 : i64}, version = 20 : i64} : (tensor<2x4x8xf32>, tensor<2x4x8xi64>) -> !onnx.value
  // expected-error @+1 {{node 'se' (ScatterElements): axis -99 of a tensor of rank 3}}
  %se = onnx.node "ScatterElements" (%x, %i, %x) {domain = "", name = "se", node_attrs = {axis = -99 : i64}, version = 20 : i64} : (tensor<2x4x8xf32>, tensor<2x4x8xi64>, tensor<2x4x8xf32>) -> !onnx.value
  // expected-error @+1 {{node 'mh' (MultiHeadAttention): value [] must have rank 3 or 4}}
  %mh = onnx.node "MultiHeadAttention" (%x, %x, %s) {domain = "com.microsoft", name = "mh", node_attrs = {num_heads = 2 : i64}, version = 1 : i64} : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<f32>) -> !onnx.value
  // expected-error @+1 {{node 'ro' (RotaryEmbedding): its cosines or sines [] must have rank 2 or 3}}
  %ro = onnx.node "RotaryEmbedding" (%x, %ids, %s, %s) {domain = "com.microsoft", name = "ro", node_attrs = {num_heads = 2 : i64}, version = 1 : i64} : (tensor<2x4x8xf32>, tensor<2x4xi64>, tensor<f32>, tensor<f32>) -> !onnx.value
  return %y : !onnx.value
}
}
