// RUN: moe-opt %s -split-input-file -onnx-infer-shapes -onnx-normalize -convert-onnx-to-moe | FileCheck %s

// Weights gathered for each choice; see BatchedGather.cpp for the graph.

// Gate and up in one matrix, in halves, on the left.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<6x4xf32>
// CHECK: %[[W13:.*]] = weights.ref "w13"
// CHECK: %[[W2:.*]] = weights.ref "w2"
// CHECK: %[[L:.*]] = onnx.node "MatMul"(%[[X]]
// CHECK: %[[G:.*]] = weights.view %[[W13]] [0, 0, 0] [5, 3, 4]
// CHECK: %[[GT:.*]] = weights.transpose %[[G]] [0, 2, 1]
// CHECK: %[[U:.*]] = weights.view %[[W13]] [0, 3, 0] [5, 3, 4]
// CHECK: %[[UT:.*]] = weights.transpose %[[U]] [0, 2, 1]
// CHECK: %[[DT:.*]] = weights.transpose %[[W2]] [0, 2, 1]
// CHECK: %[[R:.*]] = moe.route %[[L]] {normalize = #moe<normalize sum>
// CHECK: %[[B:.*]] = weights.bank "y" [gate, up, down] %[[GT]], %[[UT]], %[[DT]]
// CHECK: %[[Y:.*]] = moe.experts %[[X]], %[[R]], %[[B]] kinds [#moe.kind<ffn, 5>]
// CHECK: return %[[Y]]

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x5xf32>
  %w13 = weights.ref "w13" in "f" at 0 : !weights.tensor<5x6x4xf32>
  %w2 = weights.ref "w2" in "f" at 0 : !weights.tensor<5x4x3xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %mlast = onnx.constant dense<2> : tensor<1xi64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x5xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %sum = onnx.node "ReduceSum" (%top#0, %last) {domain = "", name = "sum", node_attrs = {keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %weights = onnx.node "Div" (%top#0, %sum) {domain = "", name = "weights", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %rep = onnx.constant dense<[1, 2, 1]> : tensor<3xi64>
  %xu = onnx.node "Unsqueeze" (%x, %one) {domain = "", name = "xu", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, tensor<1xi64>) -> !onnx.value
  %rows = onnx.node "Tile" (%xu, %rep) {domain = "", name = "rows", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %pairs = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %ids = onnx.node "Reshape" (%top#1, %pairs) {domain = "", name = "ids", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %g13 = onnx.node "GatherND" (%w13, %ids) {domain = "", name = "g13", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x6x4xf32>, !onnx.value) -> !onnx.value
  %col = onnx.constant dense<[12, 4, 1]> : tensor<3xi64>
  %xc = onnx.node "Reshape" (%rows, %col) {domain = "", name = "xc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %p13 = onnx.node "MatMul" (%g13, %xc) {domain = "", name = "p13", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h13 = onnx.node "Squeeze" (%p13, %mlast) {domain = "", name = "h13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %gu:2 = onnx.node "Split" (%h13) {domain = "", name = "gu", node_attrs = {axis = 1 : i64, num_outputs = 2 : i64}, version = 20 : i64} : (!onnx.value) -> (!onnx.value, !onnx.value)
  %sig = onnx.node "Sigmoid" (%gu#0) {domain = "", name = "sig", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %silu = onnx.node "Mul" (%gu#0, %sig) {domain = "", name = "silu", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h = onnx.node "Mul" (%silu, %gu#1) {domain = "", name = "h", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %g2 = onnx.node "GatherND" (%w2, %ids) {domain = "", name = "g2", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x4x3xf32>, !onnx.value) -> !onnx.value
  %hc = onnx.node "Unsqueeze" (%h, %mlast) {domain = "", name = "hc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %p2 = onnx.node "MatMul" (%g2, %hc) {domain = "", name = "p2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o = onnx.node "Squeeze" (%p2, %mlast) {domain = "", name = "o", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %wc = onnx.node "Reshape" (%weights, %pairs) {domain = "", name = "wc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %ow = onnx.node "Mul" (%o, %wc) {domain = "", name = "ow", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %tk = onnx.constant dense<[6, 2, 4]> : tensor<3xi64>
  %owt = onnx.node "Reshape" (%ow, %tk) {domain = "", name = "owt", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %y = onnx.node "ReduceSum" (%owt, %one) {domain = "", name = "y", node_attrs = {keepdims = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  return %y : !onnx.value
}

// -----

// The reverse order of the router, interleaved columns, biases.
// CHECK-LABEL: func.func @main
// CHECK: weights.view %{{.*}} [0, 0, 0, 0] [5, 3, 1, 4] : <5x3x2x4xf32>
// CHECK: weights.view %{{.*}} [0, 0, 1, 0] [5, 3, 1, 4] : <5x3x2x4xf32>
// CHECK: moe.route {{.*}}normalize = #moe<normalize softmax>, score = #moe<score none>
// CHECK: weights.bank "y" [gate, up, down, gate_bias, up_bias, down_bias]

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x5xf32>
  %w13 = weights.ref "w13" in "f" at 0 : !weights.tensor<5x6x4xf32>
  %w2 = weights.ref "w2" in "f" at 0 : !weights.tensor<5x4x3xf32>
  %b13 = weights.ref "b13" in "f" at 0 : !weights.tensor<5x6xf32>
  %b2 = weights.ref "b2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %mlast = onnx.constant dense<2> : tensor<1xi64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x5xf32>) -> !onnx.value
  %top:2 = onnx.node "TopK" (%logits, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %weights = onnx.node "Softmax" (%top#0) {domain = "", name = "weights", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %rep = onnx.constant dense<[1, 2, 1]> : tensor<3xi64>
  %xu = onnx.node "Unsqueeze" (%x, %one) {domain = "", name = "xu", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, tensor<1xi64>) -> !onnx.value
  %rows = onnx.node "Tile" (%xu, %rep) {domain = "", name = "rows", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %pairs = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %ids = onnx.node "Reshape" (%top#1, %pairs) {domain = "", name = "ids", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %g13 = onnx.node "GatherND" (%w13, %ids) {domain = "", name = "g13", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x6x4xf32>, !onnx.value) -> !onnx.value
  %col = onnx.constant dense<[12, 4, 1]> : tensor<3xi64>
  %xc = onnx.node "Reshape" (%rows, %col) {domain = "", name = "xc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %p13 = onnx.node "MatMul" (%g13, %xc) {domain = "", name = "p13", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h13 = onnx.node "Squeeze" (%p13, %mlast) {domain = "", name = "h13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %gb13 = onnx.node "GatherND" (%b13, %ids) {domain = "", name = "gb13", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x6xf32>, !onnx.value) -> !onnx.value
  %h13b = onnx.node "Add" (%h13, %gb13) {domain = "", name = "h13b", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %s0 = onnx.constant dense<0> : tensor<1xi64>
  %s1 = onnx.constant dense<1> : tensor<1xi64>
  %se = onnx.constant dense<6> : tensor<1xi64>
  %st = onnx.constant dense<2> : tensor<1xi64>
  %gate = onnx.node "Slice" (%h13b, %s0, %se, %one, %st) {domain = "", name = "gate", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %up = onnx.node "Slice" (%h13b, %s1, %se, %one, %st) {domain = "", name = "up", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  %sig = onnx.node "Sigmoid" (%gate) {domain = "", name = "sig", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %silu = onnx.node "Mul" (%gate, %sig) {domain = "", name = "silu", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h = onnx.node "Mul" (%silu, %up) {domain = "", name = "h", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %g2 = onnx.node "GatherND" (%w2, %ids) {domain = "", name = "g2", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x4x3xf32>, !onnx.value) -> !onnx.value
  %hc = onnx.node "Unsqueeze" (%h, %mlast) {domain = "", name = "hc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %p2 = onnx.node "MatMul" (%g2, %hc) {domain = "", name = "p2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o = onnx.node "Squeeze" (%p2, %mlast) {domain = "", name = "o", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %gb2 = onnx.node "GatherND" (%b2, %ids) {domain = "", name = "gb2", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x4xf32>, !onnx.value) -> !onnx.value
  %ob = onnx.node "Add" (%o, %gb2) {domain = "", name = "ob", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %wc = onnx.node "Reshape" (%weights, %pairs) {domain = "", name = "wc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %ow = onnx.node "Mul" (%ob, %wc) {domain = "", name = "ow", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %tk = onnx.constant dense<[6, 2, 4]> : tensor<3xi64>
  %owt = onnx.node "Reshape" (%ow, %tk) {domain = "", name = "owt", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %y = onnx.node "ReduceSum" (%owt, %one) {domain = "", name = "y", node_attrs = {keepdims = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  return %y : !onnx.value
}

// -----

// On the right, without a gate, tokens stretched by the product, the weighted
// sum as an Einsum.
// CHECK-LABEL: func.func @main
// CHECK: %[[W1:.*]] = weights.ref "w1"
// CHECK: %[[W2:.*]] = weights.ref "w2"
// CHECK: weights.bank "y" [up, down] %[[W1]], %[[W2]]
// CHECK: moe.experts {{.*}}activation = #moe<activation relu>

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x5xf32>
  %w1 = weights.ref "w1" in "f" at 0 : !weights.tensor<5x4x3xf32>
  %w2 = weights.ref "w2" in "f" at 0 : !weights.tensor<5x3x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %axes = onnx.constant dense<[1, 2]> : tensor<2xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x5xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %xu = onnx.node "Unsqueeze" (%x, %axes) {domain = "", name = "xu", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, tensor<2xi64>) -> !onnx.value
  %g1 = onnx.node "Gather" (%w1, %top#1) {domain = "", name = "g1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!weights.tensor<5x4x3xf32>, !onnx.value) -> !onnx.value
  %p1 = onnx.node "MatMul" (%xu, %g1) {domain = "", name = "p1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h = onnx.node "Relu" (%p1) {domain = "", name = "h", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %g2 = onnx.node "Gather" (%w2, %top#1) {domain = "", name = "g2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!weights.tensor<5x3x4xf32>, !onnx.value) -> !onnx.value
  %p2 = onnx.node "MatMul" (%h, %g2) {domain = "", name = "p2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o = onnx.node "Squeeze" (%p2, %two) {domain = "", name = "o", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %y = onnx.node "Einsum" (%top#0, %o) {domain = "", name = "y", node_attrs = {equation = "tk,tkh->th"}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %y : !onnx.value
}

// -----

// Another activation.
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x5xf32>
  %w13 = weights.ref "w13" in "f" at 0 : !weights.tensor<5x6x4xf32>
  %w2 = weights.ref "w2" in "f" at 0 : !weights.tensor<5x4x3xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %mlast = onnx.constant dense<2> : tensor<1xi64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x5xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %sum = onnx.node "ReduceSum" (%top#0, %last) {domain = "", name = "sum", node_attrs = {keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %weights = onnx.node "Div" (%top#0, %sum) {domain = "", name = "weights", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %rep = onnx.constant dense<[1, 2, 1]> : tensor<3xi64>
  %xu = onnx.node "Unsqueeze" (%x, %one) {domain = "", name = "xu", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, tensor<1xi64>) -> !onnx.value
  %rows = onnx.node "Tile" (%xu, %rep) {domain = "", name = "rows", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %pairs = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %ids = onnx.node "Reshape" (%top#1, %pairs) {domain = "", name = "ids", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %g13 = onnx.node "GatherND" (%w13, %ids) {domain = "", name = "g13", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x6x4xf32>, !onnx.value) -> !onnx.value
  %col = onnx.constant dense<[12, 4, 1]> : tensor<3xi64>
  %xc = onnx.node "Reshape" (%rows, %col) {domain = "", name = "xc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %p13 = onnx.node "MatMul" (%g13, %xc) {domain = "", name = "p13", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h13 = onnx.node "Squeeze" (%p13, %mlast) {domain = "", name = "h13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %gu:2 = onnx.node "Split" (%h13) {domain = "", name = "gu", node_attrs = {axis = 1 : i64, num_outputs = 2 : i64}, version = 20 : i64} : (!onnx.value) -> (!onnx.value, !onnx.value)
  %sig = onnx.node "Tanh" (%gu#0) {domain = "", name = "sig", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %silu = onnx.node "Mul" (%gu#0, %sig) {domain = "", name = "silu", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h = onnx.node "Mul" (%silu, %gu#1) {domain = "", name = "h", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %g2 = onnx.node "GatherND" (%w2, %ids) {domain = "", name = "g2", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x4x3xf32>, !onnx.value) -> !onnx.value
  %hc = onnx.node "Unsqueeze" (%h, %mlast) {domain = "", name = "hc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %p2 = onnx.node "MatMul" (%g2, %hc) {domain = "", name = "p2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o = onnx.node "Squeeze" (%p2, %mlast) {domain = "", name = "o", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %wc = onnx.node "Reshape" (%weights, %pairs) {domain = "", name = "wc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %ow = onnx.node "Mul" (%o, %wc) {domain = "", name = "ow", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %tk = onnx.constant dense<[6, 2, 4]> : tensor<3xi64>
  %owt = onnx.node "Reshape" (%ow, %tk) {domain = "", name = "owt", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %y = onnx.node "ReduceSum" (%owt, %one) {domain = "", name = "y", node_attrs = {keepdims = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  return %y : !onnx.value
}

// -----

// The second matrix of other experts.
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x5xf32>
  %w13 = weights.ref "w13" in "f" at 0 : !weights.tensor<5x6x4xf32>
  %w2 = weights.ref "w2" in "f" at 0 : !weights.tensor<5x4x3xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %mlast = onnx.constant dense<2> : tensor<1xi64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x5xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %sum = onnx.node "ReduceSum" (%top#0, %last) {domain = "", name = "sum", node_attrs = {keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %weights = onnx.node "Div" (%top#0, %sum) {domain = "", name = "weights", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %rep = onnx.constant dense<[1, 2, 1]> : tensor<3xi64>
  %xu = onnx.node "Unsqueeze" (%x, %one) {domain = "", name = "xu", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, tensor<1xi64>) -> !onnx.value
  %rows = onnx.node "Tile" (%xu, %rep) {domain = "", name = "rows", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %pairs = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %ids = onnx.node "Reshape" (%top#1, %pairs) {domain = "", name = "ids", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %g13 = onnx.node "GatherND" (%w13, %ids) {domain = "", name = "g13", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x6x4xf32>, !onnx.value) -> !onnx.value
  %col = onnx.constant dense<[12, 4, 1]> : tensor<3xi64>
  %xc = onnx.node "Reshape" (%rows, %col) {domain = "", name = "xc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %p13 = onnx.node "MatMul" (%g13, %xc) {domain = "", name = "p13", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h13 = onnx.node "Squeeze" (%p13, %mlast) {domain = "", name = "h13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %gu:2 = onnx.node "Split" (%h13) {domain = "", name = "gu", node_attrs = {axis = 1 : i64, num_outputs = 2 : i64}, version = 20 : i64} : (!onnx.value) -> (!onnx.value, !onnx.value)
  %sig = onnx.node "Sigmoid" (%gu#0) {domain = "", name = "sig", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %silu = onnx.node "Mul" (%gu#0, %sig) {domain = "", name = "silu", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h = onnx.node "Mul" (%silu, %gu#1) {domain = "", name = "h", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ids2 = onnx.node "Sub" (%ids, %ids) {domain = "", name = "ids2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %g2 = onnx.node "GatherND" (%w2, %ids2) {domain = "", name = "g2", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x4x3xf32>, !onnx.value) -> !onnx.value
  %hc = onnx.node "Unsqueeze" (%h, %mlast) {domain = "", name = "hc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %p2 = onnx.node "MatMul" (%g2, %hc) {domain = "", name = "p2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o = onnx.node "Squeeze" (%p2, %mlast) {domain = "", name = "o", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %wc = onnx.node "Reshape" (%weights, %pairs) {domain = "", name = "wc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %ow = onnx.node "Mul" (%o, %wc) {domain = "", name = "ow", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %tk = onnx.constant dense<[6, 2, 4]> : tensor<3xi64>
  %owt = onnx.node "Reshape" (%ow, %tk) {domain = "", name = "owt", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %y = onnx.node "ReduceSum" (%owt, %one) {domain = "", name = "y", node_attrs = {keepdims = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  return %y : !onnx.value
}

// -----

// The tokens in the order of the choices.
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x5xf32>
  %w13 = weights.ref "w13" in "f" at 0 : !weights.tensor<5x6x4xf32>
  %w2 = weights.ref "w2" in "f" at 0 : !weights.tensor<5x4x3xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %mlast = onnx.constant dense<2> : tensor<1xi64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x5xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %sum = onnx.node "ReduceSum" (%top#0, %last) {domain = "", name = "sum", node_attrs = {keepdims = 1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %weights = onnx.node "Div" (%top#0, %sum) {domain = "", name = "weights", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %rep = onnx.constant dense<[2, 1, 1]> : tensor<3xi64>
  %xu = onnx.node "Unsqueeze" (%x, %zero) {domain = "", name = "xu", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, tensor<1xi64>) -> !onnx.value
  %rows = onnx.node "Tile" (%xu, %rep) {domain = "", name = "rows", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %pairs = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %ids = onnx.node "Reshape" (%top#1, %pairs) {domain = "", name = "ids", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %g13 = onnx.node "GatherND" (%w13, %ids) {domain = "", name = "g13", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x6x4xf32>, !onnx.value) -> !onnx.value
  %col = onnx.constant dense<[12, 4, 1]> : tensor<3xi64>
  %xc = onnx.node "Reshape" (%rows, %col) {domain = "", name = "xc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %p13 = onnx.node "MatMul" (%g13, %xc) {domain = "", name = "p13", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h13 = onnx.node "Squeeze" (%p13, %mlast) {domain = "", name = "h13", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %gu:2 = onnx.node "Split" (%h13) {domain = "", name = "gu", node_attrs = {axis = 1 : i64, num_outputs = 2 : i64}, version = 20 : i64} : (!onnx.value) -> (!onnx.value, !onnx.value)
  %sig = onnx.node "Sigmoid" (%gu#0) {domain = "", name = "sig", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %silu = onnx.node "Mul" (%gu#0, %sig) {domain = "", name = "silu", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %h = onnx.node "Mul" (%silu, %gu#1) {domain = "", name = "h", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %g2 = onnx.node "GatherND" (%w2, %ids) {domain = "", name = "g2", node_attrs = {}, version = 20 : i64} : (!weights.tensor<5x4x3xf32>, !onnx.value) -> !onnx.value
  %hc = onnx.node "Unsqueeze" (%h, %mlast) {domain = "", name = "hc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %p2 = onnx.node "MatMul" (%g2, %hc) {domain = "", name = "p2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o = onnx.node "Squeeze" (%p2, %mlast) {domain = "", name = "o", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %wc = onnx.node "Reshape" (%weights, %pairs) {domain = "", name = "wc", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %ow = onnx.node "Mul" (%o, %wc) {domain = "", name = "ow", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %tk = onnx.constant dense<[6, 2, 4]> : tensor<3xi64>
  %owt = onnx.node "Reshape" (%ow, %tk) {domain = "", name = "owt", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<3xi64>) -> !onnx.value
  %y = onnx.node "ReduceSum" (%owt, %one) {domain = "", name = "y", node_attrs = {keepdims = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  return %y : !onnx.value
}
