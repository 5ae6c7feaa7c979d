// RUN: moe-opt %s -split-input-file -onnx-infer-shapes -onnx-normalize -convert-onnx-to-moe | FileCheck %s

// One expert after the other; see ExpertLoop.cpp for the graph.

// A one-hot mask, weights by token * k + choice, terms added to zeros, the
// experts in any order.
// CHECK: module attributes {{.*}}pattern = "expert-loop", router = "softmax-topk"
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<6x4xf32>
// CHECK: %[[G:.*]] = weights.stack %[[G0:.*]], %[[G1:.*]], %[[G2:.*]] :
// CHECK: %[[U:.*]] = weights.stack
// CHECK: %[[D:.*]] = weights.stack
// CHECK: %[[R:.*]] = moe.route
// CHECK: %[[B:.*]] = weights.bank {{.*}} [gate, up, down] %[[G]], %[[U]], %[[D]]
// CHECK: %[[Y:.*]] = moe.experts %[[X]], %[[R]], %[[B]] kinds [#moe.kind<ffn, 3>]
// CHECK-NOT: onnx.node
// CHECK: return %[[Y]]

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x3xf32>
  %g0 = weights.ref "g0" in "f" at 0 : !weights.tensor<4x5xf32>
  %u0 = weights.ref "u0" in "f" at 0 : !weights.tensor<4x5xf32>
  %d0 = weights.ref "d0" in "f" at 0 : !weights.tensor<5x4xf32>
  %g1 = weights.ref "g1" in "f" at 0 : !weights.tensor<4x5xf32>
  %u1 = weights.ref "u1" in "f" at 0 : !weights.tensor<4x5xf32>
  %d1 = weights.ref "d1" in "f" at 0 : !weights.tensor<5x4xf32>
  %g2 = weights.ref "g2" in "f" at 0 : !weights.tensor<4x5xf32>
  %u2 = weights.ref "u2" in "f" at 0 : !weights.tensor<4x5xf32>
  %d2 = weights.ref "d2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %kk = onnx.constant dense<2> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %depth = onnx.constant dense<3> : tensor<i64>
  %onoff = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %z1 = onnx.constant dense<0> : tensor<1xi64>
  %o1 = onnx.constant dense<1> : tensor<1xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %tshape = onnx.constant dense<[6, 4]> : tensor<2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %e2 = onnx.constant dense<2> : tensor<i64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x3xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %zeros = onnx.node "Expand" (%zero, %tshape) {domain = "", name = "zeros", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2xi64>) -> !onnx.value
  %oh = onnx.node "OneHot" (%top#1, %depth, %onoff) {domain = "", name = "oh", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>, tensor<2xi64>) -> !onnx.value
  %mask = onnx.node "Transpose" (%oh) {domain = "", name = "mask", node_attrs = {perm = array<i64: 2, 1, 0>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %m_0 = onnx.node "Gather" (%mask, %e1) {domain = "", name = "m_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_0 = onnx.node "NonZero" (%m_0) {domain = "", name = "nz_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_0 = onnx.constant dense<1> : tensor<i64>
  %r1_0 = onnx.constant dense<0> : tensor<i64>
  %t_0 = onnx.node "Gather" (%nz_0, %r0_0) {domain = "", name = "t_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_0 = onnx.node "Gather" (%nz_0, %r1_0) {domain = "", name = "c_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_0 = onnx.node "Gather" (%x, %t_0) {domain = "", name = "x_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_0 = onnx.node "MatMul" (%x_0, %g1) {domain = "", name = "gp_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_0 = onnx.node "Sigmoid" (%gp_0) {domain = "", name = "sg_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_0 = onnx.node "Mul" (%gp_0, %sg_0) {domain = "", name = "a_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_0 = onnx.node "MatMul" (%x_0, %u1) {domain = "", name = "up_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_0 = onnx.node "Mul" (%a_0, %up_0) {domain = "", name = "h_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_0 = onnx.node "MatMul" (%h_0, %d1) {domain = "", name = "o_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_0 = onnx.node "Unsqueeze" (%t_0, %o1) {domain = "", name = "tu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %flat = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %wf = onnx.node "Reshape" (%top#0, %flat) {domain = "", name = "wf", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %tk_0 = onnx.node "Mul" (%t_0, %kk) {domain = "", name = "tk_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_0 = onnx.node "Add" (%tk_0, %c_0) {domain = "", name = "p_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_0 = onnx.node "Gather" (%wf, %p_0) {domain = "", name = "w_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_0 = onnx.node "Mul" (%o_0, %w_0) {domain = "", name = "y_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_0 = onnx.node "Shape" (%y_0) {domain = "", name = "ys_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_0 = onnx.node "Expand" (%tu_0, %ys_0) {domain = "", name = "ix_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_0 = onnx.node "ScatterElements" (%zeros, %ix_0, %y_0) {domain = "", name = "sc_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_0 = onnx.node "Add" (%zeros, %sc_0) {domain = "", name = "n_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_1 = onnx.node "Gather" (%mask, %e0) {domain = "", name = "m_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_1 = onnx.node "NonZero" (%m_1) {domain = "", name = "nz_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_1 = onnx.constant dense<1> : tensor<i64>
  %r1_1 = onnx.constant dense<0> : tensor<i64>
  %t_1 = onnx.node "Gather" (%nz_1, %r0_1) {domain = "", name = "t_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_1 = onnx.node "Gather" (%nz_1, %r1_1) {domain = "", name = "c_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_1 = onnx.node "Gather" (%x, %t_1) {domain = "", name = "x_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_1 = onnx.node "MatMul" (%x_1, %g0) {domain = "", name = "gp_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_1 = onnx.node "Sigmoid" (%gp_1) {domain = "", name = "sg_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_1 = onnx.node "Mul" (%gp_1, %sg_1) {domain = "", name = "a_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_1 = onnx.node "MatMul" (%x_1, %u0) {domain = "", name = "up_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_1 = onnx.node "Mul" (%a_1, %up_1) {domain = "", name = "h_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_1 = onnx.node "MatMul" (%h_1, %d0) {domain = "", name = "o_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_1 = onnx.node "Unsqueeze" (%t_1, %o1) {domain = "", name = "tu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_1 = onnx.node "Mul" (%t_1, %kk) {domain = "", name = "tk_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_1 = onnx.node "Add" (%tk_1, %c_1) {domain = "", name = "p_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_1 = onnx.node "Gather" (%wf, %p_1) {domain = "", name = "w_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_1 = onnx.node "Mul" (%o_1, %w_1) {domain = "", name = "y_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_1 = onnx.node "Shape" (%y_1) {domain = "", name = "ys_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_1 = onnx.node "Expand" (%tu_1, %ys_1) {domain = "", name = "ix_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_1 = onnx.node "ScatterElements" (%zeros, %ix_1, %y_1) {domain = "", name = "sc_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_1 = onnx.node "Add" (%n_0, %sc_1) {domain = "", name = "n_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_2 = onnx.node "Gather" (%mask, %e2) {domain = "", name = "m_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_2 = onnx.node "NonZero" (%m_2) {domain = "", name = "nz_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_2 = onnx.constant dense<1> : tensor<i64>
  %r1_2 = onnx.constant dense<0> : tensor<i64>
  %t_2 = onnx.node "Gather" (%nz_2, %r0_2) {domain = "", name = "t_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_2 = onnx.node "Gather" (%nz_2, %r1_2) {domain = "", name = "c_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_2 = onnx.node "Gather" (%x, %t_2) {domain = "", name = "x_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_2 = onnx.node "MatMul" (%x_2, %g2) {domain = "", name = "gp_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_2 = onnx.node "Sigmoid" (%gp_2) {domain = "", name = "sg_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_2 = onnx.node "Mul" (%gp_2, %sg_2) {domain = "", name = "a_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_2 = onnx.node "MatMul" (%x_2, %u2) {domain = "", name = "up_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_2 = onnx.node "Mul" (%a_2, %up_2) {domain = "", name = "h_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_2 = onnx.node "MatMul" (%h_2, %d2) {domain = "", name = "o_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_2 = onnx.node "Unsqueeze" (%t_2, %o1) {domain = "", name = "tu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_2 = onnx.node "Mul" (%t_2, %kk) {domain = "", name = "tk_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_2 = onnx.node "Add" (%tk_2, %c_2) {domain = "", name = "p_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_2 = onnx.node "Gather" (%wf, %p_2) {domain = "", name = "w_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_2 = onnx.node "Mul" (%o_2, %w_2) {domain = "", name = "y_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_2 = onnx.node "Shape" (%y_2) {domain = "", name = "ys_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_2 = onnx.node "Expand" (%tu_2, %ys_2) {domain = "", name = "ix_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_2 = onnx.node "ScatterElements" (%zeros, %ix_2, %y_2) {domain = "", name = "sc_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_2 = onnx.node "Add" (%n_1, %sc_2) {domain = "", name = "n_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %n_2 : !onnx.value
}

// -----

// Equal masks, weights by GatherND, terms added in place to what is not zeros.
// CHECK: module attributes {{.*}}pattern = "expert-loop"
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<6x4xf32>
// CHECK: %[[Y:.*]] = moe.experts %[[X]]
// CHECK: %[[S:.*]] = onnx.node "Add"(%[[X]], %[[Y]])
// CHECK: return %[[S]]

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x3xf32>
  %g0 = weights.ref "g0" in "f" at 0 : !weights.tensor<4x5xf32>
  %u0 = weights.ref "u0" in "f" at 0 : !weights.tensor<4x5xf32>
  %d0 = weights.ref "d0" in "f" at 0 : !weights.tensor<5x4xf32>
  %g1 = weights.ref "g1" in "f" at 0 : !weights.tensor<4x5xf32>
  %u1 = weights.ref "u1" in "f" at 0 : !weights.tensor<4x5xf32>
  %d1 = weights.ref "d1" in "f" at 0 : !weights.tensor<5x4xf32>
  %g2 = weights.ref "g2" in "f" at 0 : !weights.tensor<4x5xf32>
  %u2 = weights.ref "u2" in "f" at 0 : !weights.tensor<4x5xf32>
  %d2 = weights.ref "d2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %kk = onnx.constant dense<2> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %depth = onnx.constant dense<3> : tensor<i64>
  %onoff = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %z1 = onnx.constant dense<0> : tensor<1xi64>
  %o1 = onnx.constant dense<1> : tensor<1xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %tshape = onnx.constant dense<[6, 4]> : tensor<2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %e2 = onnx.constant dense<2> : tensor<i64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x3xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %zeros = onnx.node "Expand" (%zero, %tshape) {domain = "", name = "zeros", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2xi64>) -> !onnx.value
  %m_0 = onnx.node "Equal" (%top#1, %e0) {domain = "", name = "m_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_0 = onnx.node "NonZero" (%m_0) {domain = "", name = "nz_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_0 = onnx.constant dense<0> : tensor<i64>
  %r1_0 = onnx.constant dense<1> : tensor<i64>
  %t_0 = onnx.node "Gather" (%nz_0, %r0_0) {domain = "", name = "t_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_0 = onnx.node "Gather" (%nz_0, %r1_0) {domain = "", name = "c_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_0 = onnx.node "Gather" (%x, %t_0) {domain = "", name = "x_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_0 = onnx.node "MatMul" (%x_0, %g0) {domain = "", name = "gp_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_0 = onnx.node "Sigmoid" (%gp_0) {domain = "", name = "sg_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_0 = onnx.node "Mul" (%gp_0, %sg_0) {domain = "", name = "a_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_0 = onnx.node "MatMul" (%x_0, %u0) {domain = "", name = "up_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_0 = onnx.node "Mul" (%a_0, %up_0) {domain = "", name = "h_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_0 = onnx.node "MatMul" (%h_0, %d0) {domain = "", name = "o_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_0 = onnx.node "Unsqueeze" (%t_0, %o1) {domain = "", name = "tu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %cu_0 = onnx.node "Unsqueeze" (%c_0, %o1) {domain = "", name = "cu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %pr_0 = onnx.node "Concat" (%tu_0, %cu_0) {domain = "", name = "pr_0", node_attrs = {axis = 1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %a2 = onnx.constant dense<2> : tensor<1xi64>
  %wu = onnx.node "Unsqueeze" (%top#0, %a2) {domain = "", name = "wu", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %w_0 = onnx.node "GatherND" (%wu, %pr_0) {domain = "", name = "w_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_0 = onnx.node "Mul" (%o_0, %w_0) {domain = "", name = "y_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %n_0 = onnx.node "ScatterND" (%x, %tu_0, %y_0) {domain = "", name = "n_0", node_attrs = {reduction = "add"}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value, !onnx.value) -> !onnx.value
  %m_1 = onnx.node "Equal" (%top#1, %e1) {domain = "", name = "m_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_1 = onnx.node "NonZero" (%m_1) {domain = "", name = "nz_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_1 = onnx.constant dense<0> : tensor<i64>
  %r1_1 = onnx.constant dense<1> : tensor<i64>
  %t_1 = onnx.node "Gather" (%nz_1, %r0_1) {domain = "", name = "t_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_1 = onnx.node "Gather" (%nz_1, %r1_1) {domain = "", name = "c_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_1 = onnx.node "Gather" (%x, %t_1) {domain = "", name = "x_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_1 = onnx.node "MatMul" (%x_1, %g1) {domain = "", name = "gp_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_1 = onnx.node "Sigmoid" (%gp_1) {domain = "", name = "sg_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_1 = onnx.node "Mul" (%gp_1, %sg_1) {domain = "", name = "a_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_1 = onnx.node "MatMul" (%x_1, %u1) {domain = "", name = "up_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_1 = onnx.node "Mul" (%a_1, %up_1) {domain = "", name = "h_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_1 = onnx.node "MatMul" (%h_1, %d1) {domain = "", name = "o_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_1 = onnx.node "Unsqueeze" (%t_1, %o1) {domain = "", name = "tu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %cu_1 = onnx.node "Unsqueeze" (%c_1, %o1) {domain = "", name = "cu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %pr_1 = onnx.node "Concat" (%tu_1, %cu_1) {domain = "", name = "pr_1", node_attrs = {axis = 1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_1 = onnx.node "GatherND" (%wu, %pr_1) {domain = "", name = "w_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_1 = onnx.node "Mul" (%o_1, %w_1) {domain = "", name = "y_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %n_1 = onnx.node "ScatterND" (%n_0, %tu_1, %y_1) {domain = "", name = "n_1", node_attrs = {reduction = "add"}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %m_2 = onnx.node "Equal" (%top#1, %e2) {domain = "", name = "m_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_2 = onnx.node "NonZero" (%m_2) {domain = "", name = "nz_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_2 = onnx.constant dense<0> : tensor<i64>
  %r1_2 = onnx.constant dense<1> : tensor<i64>
  %t_2 = onnx.node "Gather" (%nz_2, %r0_2) {domain = "", name = "t_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_2 = onnx.node "Gather" (%nz_2, %r1_2) {domain = "", name = "c_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_2 = onnx.node "Gather" (%x, %t_2) {domain = "", name = "x_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_2 = onnx.node "MatMul" (%x_2, %g2) {domain = "", name = "gp_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_2 = onnx.node "Sigmoid" (%gp_2) {domain = "", name = "sg_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_2 = onnx.node "Mul" (%gp_2, %sg_2) {domain = "", name = "a_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_2 = onnx.node "MatMul" (%x_2, %u2) {domain = "", name = "up_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_2 = onnx.node "Mul" (%a_2, %up_2) {domain = "", name = "h_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_2 = onnx.node "MatMul" (%h_2, %d2) {domain = "", name = "o_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_2 = onnx.node "Unsqueeze" (%t_2, %o1) {domain = "", name = "tu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %cu_2 = onnx.node "Unsqueeze" (%c_2, %o1) {domain = "", name = "cu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %pr_2 = onnx.node "Concat" (%tu_2, %cu_2) {domain = "", name = "pr_2", node_attrs = {axis = 1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_2 = onnx.node "GatherND" (%wu, %pr_2) {domain = "", name = "w_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_2 = onnx.node "Mul" (%o_2, %w_2) {domain = "", name = "y_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %n_2 = onnx.node "ScatterND" (%n_1, %tu_2, %y_2) {domain = "", name = "n_2", node_attrs = {reduction = "add"}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  return %n_2 : !onnx.value
}

// -----

// An expert is missing.
// CHECK: module attributes {{.*}}moe.report.unraised = [{{.*}}only 2 of 3 experts are in the file, expert 1 is missing
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x3xf32>
  %g0 = weights.ref "g0" in "f" at 0 : !weights.tensor<4x5xf32>
  %u0 = weights.ref "u0" in "f" at 0 : !weights.tensor<4x5xf32>
  %d0 = weights.ref "d0" in "f" at 0 : !weights.tensor<5x4xf32>
  %g2 = weights.ref "g2" in "f" at 0 : !weights.tensor<4x5xf32>
  %u2 = weights.ref "u2" in "f" at 0 : !weights.tensor<4x5xf32>
  %d2 = weights.ref "d2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %kk = onnx.constant dense<2> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %depth = onnx.constant dense<3> : tensor<i64>
  %onoff = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %z1 = onnx.constant dense<0> : tensor<1xi64>
  %o1 = onnx.constant dense<1> : tensor<1xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %tshape = onnx.constant dense<[6, 4]> : tensor<2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %e2 = onnx.constant dense<2> : tensor<i64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x3xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %zeros = onnx.node "Expand" (%zero, %tshape) {domain = "", name = "zeros", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2xi64>) -> !onnx.value
  %oh = onnx.node "OneHot" (%top#1, %depth, %onoff) {domain = "", name = "oh", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>, tensor<2xi64>) -> !onnx.value
  %mask = onnx.node "Transpose" (%oh) {domain = "", name = "mask", node_attrs = {perm = array<i64: 2, 1, 0>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %m_0 = onnx.node "Gather" (%mask, %e0) {domain = "", name = "m_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_0 = onnx.node "NonZero" (%m_0) {domain = "", name = "nz_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_0 = onnx.constant dense<1> : tensor<i64>
  %r1_0 = onnx.constant dense<0> : tensor<i64>
  %t_0 = onnx.node "Gather" (%nz_0, %r0_0) {domain = "", name = "t_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_0 = onnx.node "Gather" (%nz_0, %r1_0) {domain = "", name = "c_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_0 = onnx.node "Gather" (%x, %t_0) {domain = "", name = "x_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_0 = onnx.node "MatMul" (%x_0, %g0) {domain = "", name = "gp_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_0 = onnx.node "Sigmoid" (%gp_0) {domain = "", name = "sg_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_0 = onnx.node "Mul" (%gp_0, %sg_0) {domain = "", name = "a_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_0 = onnx.node "MatMul" (%x_0, %u0) {domain = "", name = "up_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_0 = onnx.node "Mul" (%a_0, %up_0) {domain = "", name = "h_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_0 = onnx.node "MatMul" (%h_0, %d0) {domain = "", name = "o_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_0 = onnx.node "Unsqueeze" (%t_0, %o1) {domain = "", name = "tu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %flat = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %wf = onnx.node "Reshape" (%top#0, %flat) {domain = "", name = "wf", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %tk_0 = onnx.node "Mul" (%t_0, %kk) {domain = "", name = "tk_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_0 = onnx.node "Add" (%tk_0, %c_0) {domain = "", name = "p_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_0 = onnx.node "Gather" (%wf, %p_0) {domain = "", name = "w_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_0 = onnx.node "Mul" (%o_0, %w_0) {domain = "", name = "y_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_0 = onnx.node "Shape" (%y_0) {domain = "", name = "ys_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_0 = onnx.node "Expand" (%tu_0, %ys_0) {domain = "", name = "ix_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_0 = onnx.node "ScatterElements" (%zeros, %ix_0, %y_0) {domain = "", name = "sc_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_0 = onnx.node "Add" (%zeros, %sc_0) {domain = "", name = "n_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_1 = onnx.node "Gather" (%mask, %e2) {domain = "", name = "m_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_1 = onnx.node "NonZero" (%m_1) {domain = "", name = "nz_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_1 = onnx.constant dense<1> : tensor<i64>
  %r1_1 = onnx.constant dense<0> : tensor<i64>
  %t_1 = onnx.node "Gather" (%nz_1, %r0_1) {domain = "", name = "t_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_1 = onnx.node "Gather" (%nz_1, %r1_1) {domain = "", name = "c_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_1 = onnx.node "Gather" (%x, %t_1) {domain = "", name = "x_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_1 = onnx.node "MatMul" (%x_1, %g2) {domain = "", name = "gp_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_1 = onnx.node "Sigmoid" (%gp_1) {domain = "", name = "sg_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_1 = onnx.node "Mul" (%gp_1, %sg_1) {domain = "", name = "a_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_1 = onnx.node "MatMul" (%x_1, %u2) {domain = "", name = "up_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_1 = onnx.node "Mul" (%a_1, %up_1) {domain = "", name = "h_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_1 = onnx.node "MatMul" (%h_1, %d2) {domain = "", name = "o_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_1 = onnx.node "Unsqueeze" (%t_1, %o1) {domain = "", name = "tu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_1 = onnx.node "Mul" (%t_1, %kk) {domain = "", name = "tk_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_1 = onnx.node "Add" (%tk_1, %c_1) {domain = "", name = "p_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_1 = onnx.node "Gather" (%wf, %p_1) {domain = "", name = "w_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_1 = onnx.node "Mul" (%o_1, %w_1) {domain = "", name = "y_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_1 = onnx.node "Shape" (%y_1) {domain = "", name = "ys_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_1 = onnx.node "Expand" (%tu_1, %ys_1) {domain = "", name = "ix_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_1 = onnx.node "ScatterElements" (%zeros, %ix_1, %y_1) {domain = "", name = "sc_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_1 = onnx.node "Add" (%n_0, %sc_1) {domain = "", name = "n_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %n_1 : !onnx.value
}

// -----

// An expert is there twice.
// CHECK: module attributes {{.*}}moe.report.unraised = [{{.*}}expert 1 is there twice
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x3xf32>
  %g0 = weights.ref "g0" in "f" at 0 : !weights.tensor<4x5xf32>
  %u0 = weights.ref "u0" in "f" at 0 : !weights.tensor<4x5xf32>
  %d0 = weights.ref "d0" in "f" at 0 : !weights.tensor<5x4xf32>
  %g1 = weights.ref "g1" in "f" at 0 : !weights.tensor<4x5xf32>
  %u1 = weights.ref "u1" in "f" at 0 : !weights.tensor<4x5xf32>
  %d1 = weights.ref "d1" in "f" at 0 : !weights.tensor<5x4xf32>
  %g2 = weights.ref "g2" in "f" at 0 : !weights.tensor<4x5xf32>
  %u2 = weights.ref "u2" in "f" at 0 : !weights.tensor<4x5xf32>
  %d2 = weights.ref "d2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %kk = onnx.constant dense<2> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %depth = onnx.constant dense<3> : tensor<i64>
  %onoff = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %z1 = onnx.constant dense<0> : tensor<1xi64>
  %o1 = onnx.constant dense<1> : tensor<1xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %tshape = onnx.constant dense<[6, 4]> : tensor<2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %e2 = onnx.constant dense<2> : tensor<i64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x3xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %zeros = onnx.node "Expand" (%zero, %tshape) {domain = "", name = "zeros", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2xi64>) -> !onnx.value
  %oh = onnx.node "OneHot" (%top#1, %depth, %onoff) {domain = "", name = "oh", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>, tensor<2xi64>) -> !onnx.value
  %mask = onnx.node "Transpose" (%oh) {domain = "", name = "mask", node_attrs = {perm = array<i64: 2, 1, 0>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %m_0 = onnx.node "Gather" (%mask, %e0) {domain = "", name = "m_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_0 = onnx.node "NonZero" (%m_0) {domain = "", name = "nz_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_0 = onnx.constant dense<1> : tensor<i64>
  %r1_0 = onnx.constant dense<0> : tensor<i64>
  %t_0 = onnx.node "Gather" (%nz_0, %r0_0) {domain = "", name = "t_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_0 = onnx.node "Gather" (%nz_0, %r1_0) {domain = "", name = "c_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_0 = onnx.node "Gather" (%x, %t_0) {domain = "", name = "x_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_0 = onnx.node "MatMul" (%x_0, %g0) {domain = "", name = "gp_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_0 = onnx.node "Sigmoid" (%gp_0) {domain = "", name = "sg_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_0 = onnx.node "Mul" (%gp_0, %sg_0) {domain = "", name = "a_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_0 = onnx.node "MatMul" (%x_0, %u0) {domain = "", name = "up_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_0 = onnx.node "Mul" (%a_0, %up_0) {domain = "", name = "h_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_0 = onnx.node "MatMul" (%h_0, %d0) {domain = "", name = "o_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_0 = onnx.node "Unsqueeze" (%t_0, %o1) {domain = "", name = "tu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %flat = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %wf = onnx.node "Reshape" (%top#0, %flat) {domain = "", name = "wf", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %tk_0 = onnx.node "Mul" (%t_0, %kk) {domain = "", name = "tk_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_0 = onnx.node "Add" (%tk_0, %c_0) {domain = "", name = "p_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_0 = onnx.node "Gather" (%wf, %p_0) {domain = "", name = "w_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_0 = onnx.node "Mul" (%o_0, %w_0) {domain = "", name = "y_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_0 = onnx.node "Shape" (%y_0) {domain = "", name = "ys_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_0 = onnx.node "Expand" (%tu_0, %ys_0) {domain = "", name = "ix_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_0 = onnx.node "ScatterElements" (%zeros, %ix_0, %y_0) {domain = "", name = "sc_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_0 = onnx.node "Add" (%zeros, %sc_0) {domain = "", name = "n_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_1 = onnx.node "Gather" (%mask, %e1) {domain = "", name = "m_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_1 = onnx.node "NonZero" (%m_1) {domain = "", name = "nz_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_1 = onnx.constant dense<1> : tensor<i64>
  %r1_1 = onnx.constant dense<0> : tensor<i64>
  %t_1 = onnx.node "Gather" (%nz_1, %r0_1) {domain = "", name = "t_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_1 = onnx.node "Gather" (%nz_1, %r1_1) {domain = "", name = "c_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_1 = onnx.node "Gather" (%x, %t_1) {domain = "", name = "x_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_1 = onnx.node "MatMul" (%x_1, %g1) {domain = "", name = "gp_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_1 = onnx.node "Sigmoid" (%gp_1) {domain = "", name = "sg_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_1 = onnx.node "Mul" (%gp_1, %sg_1) {domain = "", name = "a_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_1 = onnx.node "MatMul" (%x_1, %u1) {domain = "", name = "up_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_1 = onnx.node "Mul" (%a_1, %up_1) {domain = "", name = "h_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_1 = onnx.node "MatMul" (%h_1, %d1) {domain = "", name = "o_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_1 = onnx.node "Unsqueeze" (%t_1, %o1) {domain = "", name = "tu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_1 = onnx.node "Mul" (%t_1, %kk) {domain = "", name = "tk_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_1 = onnx.node "Add" (%tk_1, %c_1) {domain = "", name = "p_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_1 = onnx.node "Gather" (%wf, %p_1) {domain = "", name = "w_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_1 = onnx.node "Mul" (%o_1, %w_1) {domain = "", name = "y_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_1 = onnx.node "Shape" (%y_1) {domain = "", name = "ys_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_1 = onnx.node "Expand" (%tu_1, %ys_1) {domain = "", name = "ix_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_1 = onnx.node "ScatterElements" (%zeros, %ix_1, %y_1) {domain = "", name = "sc_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_1 = onnx.node "Add" (%n_0, %sc_1) {domain = "", name = "n_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_2 = onnx.node "Gather" (%mask, %e2) {domain = "", name = "m_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_2 = onnx.node "NonZero" (%m_2) {domain = "", name = "nz_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_2 = onnx.constant dense<1> : tensor<i64>
  %r1_2 = onnx.constant dense<0> : tensor<i64>
  %t_2 = onnx.node "Gather" (%nz_2, %r0_2) {domain = "", name = "t_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_2 = onnx.node "Gather" (%nz_2, %r1_2) {domain = "", name = "c_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_2 = onnx.node "Gather" (%x, %t_2) {domain = "", name = "x_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_2 = onnx.node "MatMul" (%x_2, %g2) {domain = "", name = "gp_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_2 = onnx.node "Sigmoid" (%gp_2) {domain = "", name = "sg_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_2 = onnx.node "Mul" (%gp_2, %sg_2) {domain = "", name = "a_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_2 = onnx.node "MatMul" (%x_2, %u2) {domain = "", name = "up_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_2 = onnx.node "Mul" (%a_2, %up_2) {domain = "", name = "h_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_2 = onnx.node "MatMul" (%h_2, %d2) {domain = "", name = "o_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_2 = onnx.node "Unsqueeze" (%t_2, %o1) {domain = "", name = "tu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_2 = onnx.node "Mul" (%t_2, %kk) {domain = "", name = "tk_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_2 = onnx.node "Add" (%tk_2, %c_2) {domain = "", name = "p_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_2 = onnx.node "Gather" (%wf, %p_2) {domain = "", name = "w_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_2 = onnx.node "Mul" (%o_2, %w_2) {domain = "", name = "y_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_2 = onnx.node "Shape" (%y_2) {domain = "", name = "ys_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_2 = onnx.node "Expand" (%tu_2, %ys_2) {domain = "", name = "ix_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_2 = onnx.node "ScatterElements" (%zeros, %ix_2, %y_2) {domain = "", name = "sc_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_2 = onnx.node "Add" (%n_1, %sc_2) {domain = "", name = "n_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_3 = onnx.node "Gather" (%mask, %e1) {domain = "", name = "m_3", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_3 = onnx.node "NonZero" (%m_3) {domain = "", name = "nz_3", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_3 = onnx.constant dense<1> : tensor<i64>
  %r1_3 = onnx.constant dense<0> : tensor<i64>
  %t_3 = onnx.node "Gather" (%nz_3, %r0_3) {domain = "", name = "t_3", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_3 = onnx.node "Gather" (%nz_3, %r1_3) {domain = "", name = "c_3", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_3 = onnx.node "Gather" (%x, %t_3) {domain = "", name = "x_3", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_3 = onnx.node "MatMul" (%x_3, %g1) {domain = "", name = "gp_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_3 = onnx.node "Sigmoid" (%gp_3) {domain = "", name = "sg_3", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_3 = onnx.node "Mul" (%gp_3, %sg_3) {domain = "", name = "a_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_3 = onnx.node "MatMul" (%x_3, %u1) {domain = "", name = "up_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_3 = onnx.node "Mul" (%a_3, %up_3) {domain = "", name = "h_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_3 = onnx.node "MatMul" (%h_3, %d1) {domain = "", name = "o_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_3 = onnx.node "Unsqueeze" (%t_3, %o1) {domain = "", name = "tu_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_3 = onnx.node "Mul" (%t_3, %kk) {domain = "", name = "tk_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_3 = onnx.node "Add" (%tk_3, %c_3) {domain = "", name = "p_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_3 = onnx.node "Gather" (%wf, %p_3) {domain = "", name = "w_3", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_3 = onnx.node "Mul" (%o_3, %w_3) {domain = "", name = "y_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_3 = onnx.node "Shape" (%y_3) {domain = "", name = "ys_3", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_3 = onnx.node "Expand" (%tu_3, %ys_3) {domain = "", name = "ix_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_3 = onnx.node "ScatterElements" (%zeros, %ix_3, %y_3) {domain = "", name = "sc_3", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_3 = onnx.node "Add" (%n_2, %sc_3) {domain = "", name = "n_3", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %n_3 : !onnx.value
}

// -----

// Another activation.
// CHECK: module attributes {{.*}}moe.report.unraised = [{{.*}}no known activation
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x3xf32>
  %g0 = weights.ref "g0" in "f" at 0 : !weights.tensor<4x5xf32>
  %u0 = weights.ref "u0" in "f" at 0 : !weights.tensor<4x5xf32>
  %d0 = weights.ref "d0" in "f" at 0 : !weights.tensor<5x4xf32>
  %g1 = weights.ref "g1" in "f" at 0 : !weights.tensor<4x5xf32>
  %u1 = weights.ref "u1" in "f" at 0 : !weights.tensor<4x5xf32>
  %d1 = weights.ref "d1" in "f" at 0 : !weights.tensor<5x4xf32>
  %g2 = weights.ref "g2" in "f" at 0 : !weights.tensor<4x5xf32>
  %u2 = weights.ref "u2" in "f" at 0 : !weights.tensor<4x5xf32>
  %d2 = weights.ref "d2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %kk = onnx.constant dense<2> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %depth = onnx.constant dense<3> : tensor<i64>
  %onoff = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %z1 = onnx.constant dense<0> : tensor<1xi64>
  %o1 = onnx.constant dense<1> : tensor<1xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %tshape = onnx.constant dense<[6, 4]> : tensor<2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %e2 = onnx.constant dense<2> : tensor<i64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x3xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %zeros = onnx.node "Expand" (%zero, %tshape) {domain = "", name = "zeros", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2xi64>) -> !onnx.value
  %oh = onnx.node "OneHot" (%top#1, %depth, %onoff) {domain = "", name = "oh", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>, tensor<2xi64>) -> !onnx.value
  %mask = onnx.node "Transpose" (%oh) {domain = "", name = "mask", node_attrs = {perm = array<i64: 2, 1, 0>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %m_0 = onnx.node "Gather" (%mask, %e0) {domain = "", name = "m_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_0 = onnx.node "NonZero" (%m_0) {domain = "", name = "nz_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_0 = onnx.constant dense<1> : tensor<i64>
  %r1_0 = onnx.constant dense<0> : tensor<i64>
  %t_0 = onnx.node "Gather" (%nz_0, %r0_0) {domain = "", name = "t_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_0 = onnx.node "Gather" (%nz_0, %r1_0) {domain = "", name = "c_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_0 = onnx.node "Gather" (%x, %t_0) {domain = "", name = "x_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_0 = onnx.node "MatMul" (%x_0, %g0) {domain = "", name = "gp_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_0 = onnx.node "Tanh" (%gp_0) {domain = "", name = "sg_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_0 = onnx.node "Mul" (%gp_0, %sg_0) {domain = "", name = "a_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_0 = onnx.node "MatMul" (%x_0, %u0) {domain = "", name = "up_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_0 = onnx.node "Mul" (%a_0, %up_0) {domain = "", name = "h_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_0 = onnx.node "MatMul" (%h_0, %d0) {domain = "", name = "o_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_0 = onnx.node "Unsqueeze" (%t_0, %o1) {domain = "", name = "tu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %flat = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %wf = onnx.node "Reshape" (%top#0, %flat) {domain = "", name = "wf", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %tk_0 = onnx.node "Mul" (%t_0, %kk) {domain = "", name = "tk_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_0 = onnx.node "Add" (%tk_0, %c_0) {domain = "", name = "p_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_0 = onnx.node "Gather" (%wf, %p_0) {domain = "", name = "w_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_0 = onnx.node "Mul" (%o_0, %w_0) {domain = "", name = "y_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_0 = onnx.node "Shape" (%y_0) {domain = "", name = "ys_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_0 = onnx.node "Expand" (%tu_0, %ys_0) {domain = "", name = "ix_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_0 = onnx.node "ScatterElements" (%zeros, %ix_0, %y_0) {domain = "", name = "sc_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_0 = onnx.node "Add" (%zeros, %sc_0) {domain = "", name = "n_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_1 = onnx.node "Gather" (%mask, %e1) {domain = "", name = "m_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_1 = onnx.node "NonZero" (%m_1) {domain = "", name = "nz_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_1 = onnx.constant dense<1> : tensor<i64>
  %r1_1 = onnx.constant dense<0> : tensor<i64>
  %t_1 = onnx.node "Gather" (%nz_1, %r0_1) {domain = "", name = "t_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_1 = onnx.node "Gather" (%nz_1, %r1_1) {domain = "", name = "c_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_1 = onnx.node "Gather" (%x, %t_1) {domain = "", name = "x_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_1 = onnx.node "MatMul" (%x_1, %g1) {domain = "", name = "gp_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_1 = onnx.node "Tanh" (%gp_1) {domain = "", name = "sg_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_1 = onnx.node "Mul" (%gp_1, %sg_1) {domain = "", name = "a_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_1 = onnx.node "MatMul" (%x_1, %u1) {domain = "", name = "up_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_1 = onnx.node "Mul" (%a_1, %up_1) {domain = "", name = "h_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_1 = onnx.node "MatMul" (%h_1, %d1) {domain = "", name = "o_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_1 = onnx.node "Unsqueeze" (%t_1, %o1) {domain = "", name = "tu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_1 = onnx.node "Mul" (%t_1, %kk) {domain = "", name = "tk_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_1 = onnx.node "Add" (%tk_1, %c_1) {domain = "", name = "p_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_1 = onnx.node "Gather" (%wf, %p_1) {domain = "", name = "w_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_1 = onnx.node "Mul" (%o_1, %w_1) {domain = "", name = "y_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_1 = onnx.node "Shape" (%y_1) {domain = "", name = "ys_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_1 = onnx.node "Expand" (%tu_1, %ys_1) {domain = "", name = "ix_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_1 = onnx.node "ScatterElements" (%zeros, %ix_1, %y_1) {domain = "", name = "sc_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_1 = onnx.node "Add" (%n_0, %sc_1) {domain = "", name = "n_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_2 = onnx.node "Gather" (%mask, %e2) {domain = "", name = "m_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_2 = onnx.node "NonZero" (%m_2) {domain = "", name = "nz_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_2 = onnx.constant dense<1> : tensor<i64>
  %r1_2 = onnx.constant dense<0> : tensor<i64>
  %t_2 = onnx.node "Gather" (%nz_2, %r0_2) {domain = "", name = "t_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_2 = onnx.node "Gather" (%nz_2, %r1_2) {domain = "", name = "c_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_2 = onnx.node "Gather" (%x, %t_2) {domain = "", name = "x_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_2 = onnx.node "MatMul" (%x_2, %g2) {domain = "", name = "gp_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_2 = onnx.node "Tanh" (%gp_2) {domain = "", name = "sg_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_2 = onnx.node "Mul" (%gp_2, %sg_2) {domain = "", name = "a_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_2 = onnx.node "MatMul" (%x_2, %u2) {domain = "", name = "up_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_2 = onnx.node "Mul" (%a_2, %up_2) {domain = "", name = "h_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_2 = onnx.node "MatMul" (%h_2, %d2) {domain = "", name = "o_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_2 = onnx.node "Unsqueeze" (%t_2, %o1) {domain = "", name = "tu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_2 = onnx.node "Mul" (%t_2, %kk) {domain = "", name = "tk_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_2 = onnx.node "Add" (%tk_2, %c_2) {domain = "", name = "p_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_2 = onnx.node "Gather" (%wf, %p_2) {domain = "", name = "w_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_2 = onnx.node "Mul" (%o_2, %w_2) {domain = "", name = "y_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_2 = onnx.node "Shape" (%y_2) {domain = "", name = "ys_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_2 = onnx.node "Expand" (%tu_2, %ys_2) {domain = "", name = "ix_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_2 = onnx.node "ScatterElements" (%zeros, %ix_2, %y_2) {domain = "", name = "sc_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_2 = onnx.node "Add" (%n_1, %sc_2) {domain = "", name = "n_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %n_2 : !onnx.value
}

// -----

// Rows are written over, not added.
// CHECK: module attributes {{.*}}moe.report.unraised = [{{.*}}writes over the sum of the other experts
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x3xf32>
  %g0 = weights.ref "g0" in "f" at 0 : !weights.tensor<4x5xf32>
  %u0 = weights.ref "u0" in "f" at 0 : !weights.tensor<4x5xf32>
  %d0 = weights.ref "d0" in "f" at 0 : !weights.tensor<5x4xf32>
  %g1 = weights.ref "g1" in "f" at 0 : !weights.tensor<4x5xf32>
  %u1 = weights.ref "u1" in "f" at 0 : !weights.tensor<4x5xf32>
  %d1 = weights.ref "d1" in "f" at 0 : !weights.tensor<5x4xf32>
  %g2 = weights.ref "g2" in "f" at 0 : !weights.tensor<4x5xf32>
  %u2 = weights.ref "u2" in "f" at 0 : !weights.tensor<4x5xf32>
  %d2 = weights.ref "d2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %kk = onnx.constant dense<2> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %depth = onnx.constant dense<3> : tensor<i64>
  %onoff = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %z1 = onnx.constant dense<0> : tensor<1xi64>
  %o1 = onnx.constant dense<1> : tensor<1xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %tshape = onnx.constant dense<[6, 4]> : tensor<2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %e2 = onnx.constant dense<2> : tensor<i64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x3xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %zeros = onnx.node "Expand" (%zero, %tshape) {domain = "", name = "zeros", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2xi64>) -> !onnx.value
  %m_0 = onnx.node "Equal" (%top#1, %e0) {domain = "", name = "m_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_0 = onnx.node "NonZero" (%m_0) {domain = "", name = "nz_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_0 = onnx.constant dense<0> : tensor<i64>
  %r1_0 = onnx.constant dense<1> : tensor<i64>
  %t_0 = onnx.node "Gather" (%nz_0, %r0_0) {domain = "", name = "t_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_0 = onnx.node "Gather" (%nz_0, %r1_0) {domain = "", name = "c_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_0 = onnx.node "Gather" (%x, %t_0) {domain = "", name = "x_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_0 = onnx.node "MatMul" (%x_0, %g0) {domain = "", name = "gp_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_0 = onnx.node "Sigmoid" (%gp_0) {domain = "", name = "sg_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_0 = onnx.node "Mul" (%gp_0, %sg_0) {domain = "", name = "a_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_0 = onnx.node "MatMul" (%x_0, %u0) {domain = "", name = "up_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_0 = onnx.node "Mul" (%a_0, %up_0) {domain = "", name = "h_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_0 = onnx.node "MatMul" (%h_0, %d0) {domain = "", name = "o_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_0 = onnx.node "Unsqueeze" (%t_0, %o1) {domain = "", name = "tu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %cu_0 = onnx.node "Unsqueeze" (%c_0, %o1) {domain = "", name = "cu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %pr_0 = onnx.node "Concat" (%tu_0, %cu_0) {domain = "", name = "pr_0", node_attrs = {axis = 1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %a2 = onnx.constant dense<2> : tensor<1xi64>
  %wu = onnx.node "Unsqueeze" (%top#0, %a2) {domain = "", name = "wu", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %w_0 = onnx.node "GatherND" (%wu, %pr_0) {domain = "", name = "w_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_0 = onnx.node "Mul" (%o_0, %w_0) {domain = "", name = "y_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %n_0 = onnx.node "ScatterND" (%zeros, %tu_0, %y_0) {domain = "", name = "n_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %m_1 = onnx.node "Equal" (%top#1, %e1) {domain = "", name = "m_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_1 = onnx.node "NonZero" (%m_1) {domain = "", name = "nz_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_1 = onnx.constant dense<0> : tensor<i64>
  %r1_1 = onnx.constant dense<1> : tensor<i64>
  %t_1 = onnx.node "Gather" (%nz_1, %r0_1) {domain = "", name = "t_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_1 = onnx.node "Gather" (%nz_1, %r1_1) {domain = "", name = "c_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_1 = onnx.node "Gather" (%x, %t_1) {domain = "", name = "x_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_1 = onnx.node "MatMul" (%x_1, %g1) {domain = "", name = "gp_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_1 = onnx.node "Sigmoid" (%gp_1) {domain = "", name = "sg_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_1 = onnx.node "Mul" (%gp_1, %sg_1) {domain = "", name = "a_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_1 = onnx.node "MatMul" (%x_1, %u1) {domain = "", name = "up_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_1 = onnx.node "Mul" (%a_1, %up_1) {domain = "", name = "h_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_1 = onnx.node "MatMul" (%h_1, %d1) {domain = "", name = "o_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_1 = onnx.node "Unsqueeze" (%t_1, %o1) {domain = "", name = "tu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %cu_1 = onnx.node "Unsqueeze" (%c_1, %o1) {domain = "", name = "cu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %pr_1 = onnx.node "Concat" (%tu_1, %cu_1) {domain = "", name = "pr_1", node_attrs = {axis = 1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_1 = onnx.node "GatherND" (%wu, %pr_1) {domain = "", name = "w_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_1 = onnx.node "Mul" (%o_1, %w_1) {domain = "", name = "y_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %n_1 = onnx.node "ScatterND" (%n_0, %tu_1, %y_1) {domain = "", name = "n_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %m_2 = onnx.node "Equal" (%top#1, %e2) {domain = "", name = "m_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_2 = onnx.node "NonZero" (%m_2) {domain = "", name = "nz_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_2 = onnx.constant dense<0> : tensor<i64>
  %r1_2 = onnx.constant dense<1> : tensor<i64>
  %t_2 = onnx.node "Gather" (%nz_2, %r0_2) {domain = "", name = "t_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_2 = onnx.node "Gather" (%nz_2, %r1_2) {domain = "", name = "c_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_2 = onnx.node "Gather" (%x, %t_2) {domain = "", name = "x_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_2 = onnx.node "MatMul" (%x_2, %g2) {domain = "", name = "gp_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_2 = onnx.node "Sigmoid" (%gp_2) {domain = "", name = "sg_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_2 = onnx.node "Mul" (%gp_2, %sg_2) {domain = "", name = "a_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_2 = onnx.node "MatMul" (%x_2, %u2) {domain = "", name = "up_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_2 = onnx.node "Mul" (%a_2, %up_2) {domain = "", name = "h_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_2 = onnx.node "MatMul" (%h_2, %d2) {domain = "", name = "o_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_2 = onnx.node "Unsqueeze" (%t_2, %o1) {domain = "", name = "tu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %cu_2 = onnx.node "Unsqueeze" (%c_2, %o1) {domain = "", name = "cu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %pr_2 = onnx.node "Concat" (%tu_2, %cu_2) {domain = "", name = "pr_2", node_attrs = {axis = 1 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_2 = onnx.node "GatherND" (%wu, %pr_2) {domain = "", name = "w_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_2 = onnx.node "Mul" (%o_2, %w_2) {domain = "", name = "y_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %n_2 = onnx.node "ScatterND" (%n_1, %tu_2, %y_2) {domain = "", name = "n_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  return %n_2 : !onnx.value
}

// -----

// The choices are taken for tokens.
// CHECK: module attributes {{.*}}moe.report.unraised = [{{.*}}adds to the choices, not to the tokens
// CHECK-LABEL: func.func @main
// CHECK-NOT: moe.
// CHECK: return

func.func @main(%x: tensor<6x4xf32>) -> (!onnx.value) {
  %router = weights.ref "router" in "f" at 0 : !weights.tensor<4x3xf32>
  %g0 = weights.ref "g0" in "f" at 0 : !weights.tensor<4x5xf32>
  %u0 = weights.ref "u0" in "f" at 0 : !weights.tensor<4x5xf32>
  %d0 = weights.ref "d0" in "f" at 0 : !weights.tensor<5x4xf32>
  %g1 = weights.ref "g1" in "f" at 0 : !weights.tensor<4x5xf32>
  %u1 = weights.ref "u1" in "f" at 0 : !weights.tensor<4x5xf32>
  %d1 = weights.ref "d1" in "f" at 0 : !weights.tensor<5x4xf32>
  %g2 = weights.ref "g2" in "f" at 0 : !weights.tensor<4x5xf32>
  %u2 = weights.ref "u2" in "f" at 0 : !weights.tensor<4x5xf32>
  %d2 = weights.ref "d2" in "f" at 0 : !weights.tensor<5x4xf32>
  %k = onnx.constant dense<2> : tensor<1xi64>
  %kk = onnx.constant dense<2> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %depth = onnx.constant dense<3> : tensor<i64>
  %onoff = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %z1 = onnx.constant dense<0> : tensor<1xi64>
  %o1 = onnx.constant dense<1> : tensor<1xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %tshape = onnx.constant dense<[6, 4]> : tensor<2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %e2 = onnx.constant dense<2> : tensor<i64>
  %logits = onnx.node "MatMul" (%x, %router) {domain = "", name = "logits", node_attrs = {}, version = 20 : i64} : (tensor<6x4xf32>, !weights.tensor<4x3xf32>) -> !onnx.value
  %scores = onnx.node "Softmax" (%logits) {domain = "", name = "scores", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %top:2 = onnx.node "TopK" (%scores, %k) {domain = "", name = "top", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  %zeros = onnx.node "Expand" (%zero, %tshape) {domain = "", name = "zeros", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<2xi64>) -> !onnx.value
  %oh = onnx.node "OneHot" (%top#1, %depth, %onoff) {domain = "", name = "oh", node_attrs = {axis = -1 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>, tensor<2xi64>) -> !onnx.value
  %mask = onnx.node "Transpose" (%oh) {domain = "", name = "mask", node_attrs = {perm = array<i64: 2, 1, 0>}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %m_0 = onnx.node "Gather" (%mask, %e0) {domain = "", name = "m_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_0 = onnx.node "NonZero" (%m_0) {domain = "", name = "nz_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_0 = onnx.constant dense<0> : tensor<i64>
  %r1_0 = onnx.constant dense<1> : tensor<i64>
  %t_0 = onnx.node "Gather" (%nz_0, %r0_0) {domain = "", name = "t_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_0 = onnx.node "Gather" (%nz_0, %r1_0) {domain = "", name = "c_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_0 = onnx.node "Gather" (%x, %t_0) {domain = "", name = "x_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_0 = onnx.node "MatMul" (%x_0, %g0) {domain = "", name = "gp_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_0 = onnx.node "Sigmoid" (%gp_0) {domain = "", name = "sg_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_0 = onnx.node "Mul" (%gp_0, %sg_0) {domain = "", name = "a_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_0 = onnx.node "MatMul" (%x_0, %u0) {domain = "", name = "up_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_0 = onnx.node "Mul" (%a_0, %up_0) {domain = "", name = "h_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_0 = onnx.node "MatMul" (%h_0, %d0) {domain = "", name = "o_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_0 = onnx.node "Unsqueeze" (%t_0, %o1) {domain = "", name = "tu_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %flat = onnx.constant dense<[12, 1]> : tensor<2xi64>
  %wf = onnx.node "Reshape" (%top#0, %flat) {domain = "", name = "wf", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<2xi64>) -> !onnx.value
  %tk_0 = onnx.node "Mul" (%t_0, %kk) {domain = "", name = "tk_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_0 = onnx.node "Add" (%tk_0, %c_0) {domain = "", name = "p_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_0 = onnx.node "Gather" (%wf, %p_0) {domain = "", name = "w_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_0 = onnx.node "Mul" (%o_0, %w_0) {domain = "", name = "y_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_0 = onnx.node "Shape" (%y_0) {domain = "", name = "ys_0", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_0 = onnx.node "Expand" (%tu_0, %ys_0) {domain = "", name = "ix_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_0 = onnx.node "ScatterElements" (%zeros, %ix_0, %y_0) {domain = "", name = "sc_0", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_0 = onnx.node "Add" (%zeros, %sc_0) {domain = "", name = "n_0", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_1 = onnx.node "Gather" (%mask, %e1) {domain = "", name = "m_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_1 = onnx.node "NonZero" (%m_1) {domain = "", name = "nz_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_1 = onnx.constant dense<0> : tensor<i64>
  %r1_1 = onnx.constant dense<1> : tensor<i64>
  %t_1 = onnx.node "Gather" (%nz_1, %r0_1) {domain = "", name = "t_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_1 = onnx.node "Gather" (%nz_1, %r1_1) {domain = "", name = "c_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_1 = onnx.node "Gather" (%x, %t_1) {domain = "", name = "x_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_1 = onnx.node "MatMul" (%x_1, %g1) {domain = "", name = "gp_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_1 = onnx.node "Sigmoid" (%gp_1) {domain = "", name = "sg_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_1 = onnx.node "Mul" (%gp_1, %sg_1) {domain = "", name = "a_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_1 = onnx.node "MatMul" (%x_1, %u1) {domain = "", name = "up_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_1 = onnx.node "Mul" (%a_1, %up_1) {domain = "", name = "h_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_1 = onnx.node "MatMul" (%h_1, %d1) {domain = "", name = "o_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_1 = onnx.node "Unsqueeze" (%t_1, %o1) {domain = "", name = "tu_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_1 = onnx.node "Mul" (%t_1, %kk) {domain = "", name = "tk_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_1 = onnx.node "Add" (%tk_1, %c_1) {domain = "", name = "p_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_1 = onnx.node "Gather" (%wf, %p_1) {domain = "", name = "w_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_1 = onnx.node "Mul" (%o_1, %w_1) {domain = "", name = "y_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_1 = onnx.node "Shape" (%y_1) {domain = "", name = "ys_1", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_1 = onnx.node "Expand" (%tu_1, %ys_1) {domain = "", name = "ix_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_1 = onnx.node "ScatterElements" (%zeros, %ix_1, %y_1) {domain = "", name = "sc_1", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_1 = onnx.node "Add" (%n_0, %sc_1) {domain = "", name = "n_1", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %m_2 = onnx.node "Gather" (%mask, %e2) {domain = "", name = "m_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %nz_2 = onnx.node "NonZero" (%m_2) {domain = "", name = "nz_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %r0_2 = onnx.constant dense<0> : tensor<i64>
  %r1_2 = onnx.constant dense<1> : tensor<i64>
  %t_2 = onnx.node "Gather" (%nz_2, %r0_2) {domain = "", name = "t_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %c_2 = onnx.node "Gather" (%nz_2, %r1_2) {domain = "", name = "c_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %x_2 = onnx.node "Gather" (%x, %t_2) {domain = "", name = "x_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (tensor<6x4xf32>, !onnx.value) -> !onnx.value
  %gp_2 = onnx.node "MatMul" (%x_2, %g2) {domain = "", name = "gp_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %sg_2 = onnx.node "Sigmoid" (%gp_2) {domain = "", name = "sg_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %a_2 = onnx.node "Mul" (%gp_2, %sg_2) {domain = "", name = "a_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %up_2 = onnx.node "MatMul" (%x_2, %u2) {domain = "", name = "up_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<4x5xf32>) -> !onnx.value
  %h_2 = onnx.node "Mul" (%a_2, %up_2) {domain = "", name = "h_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %o_2 = onnx.node "MatMul" (%h_2, %d2) {domain = "", name = "o_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !weights.tensor<5x4xf32>) -> !onnx.value
  %tu_2 = onnx.node "Unsqueeze" (%t_2, %o1) {domain = "", name = "tu_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<1xi64>) -> !onnx.value
  %tk_2 = onnx.node "Mul" (%t_2, %kk) {domain = "", name = "tk_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, tensor<i64>) -> !onnx.value
  %p_2 = onnx.node "Add" (%tk_2, %c_2) {domain = "", name = "p_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %w_2 = onnx.node "Gather" (%wf, %p_2) {domain = "", name = "w_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %y_2 = onnx.node "Mul" (%o_2, %w_2) {domain = "", name = "y_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %ys_2 = onnx.node "Shape" (%y_2) {domain = "", name = "ys_2", node_attrs = {}, version = 20 : i64} : (!onnx.value) -> !onnx.value
  %ix_2 = onnx.node "Expand" (%tu_2, %ys_2) {domain = "", name = "ix_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  %sc_2 = onnx.node "ScatterElements" (%zeros, %ix_2, %y_2) {domain = "", name = "sc_2", node_attrs = {axis = 0 : i64}, version = 20 : i64} : (!onnx.value, !onnx.value, !onnx.value) -> !onnx.value
  %n_2 = onnx.node "Add" (%n_1, %sc_2) {domain = "", name = "n_2", node_attrs = {}, version = 20 : i64} : (!onnx.value, !onnx.value) -> !onnx.value
  return %n_2 : !onnx.value
}
