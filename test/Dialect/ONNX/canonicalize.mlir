// RUN: moe-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func.func @constants_are_shared
func.func @constants_are_shared() -> (tensor<2xi64>, tensor<2xi64>, tensor<f32>) {
  // CHECK-DAG: %[[A:.*]] = onnx.constant dense<1> : tensor<2xi64>
  // CHECK-DAG: %[[B:.*]] = onnx.constant dense<1.000000e+00> : tensor<f32>
  // CHECK: return %[[A]], %[[A]], %[[B]]
  %0 = onnx.constant dense<1> : tensor<2xi64>
  %1 = onnx.constant dense<1> : tensor<2xi64>
  %2 = onnx.constant dense<1.0> : tensor<f32>
  return %0, %1, %2 : tensor<2xi64>, tensor<2xi64>, tensor<f32>
}

// CHECK-LABEL: func.func @omitted_operands_are_shared
func.func @omitted_operands_are_shared() -> (!onnx.none, !onnx.none) {
  // CHECK: %[[N:.*]] = onnx.none
  // CHECK-NOT: onnx.none{{$}}
  // CHECK: return %[[N]], %[[N]]
  %0 = onnx.none
  %1 = onnx.none
  return %0, %1 : !onnx.none, !onnx.none
}

// Nodes have no effects: what nobody reads goes, also with a body.
// CHECK-LABEL: func.func @unused
func.func @unused(%c: tensor<i1>) {
  // CHECK-NEXT: return
  %0 = onnx.node "Not" (%c) {domain = "", name = "a", version = 20 : i64, node_attrs = {}} : (tensor<i1>) -> tensor<i1>
  %1 = onnx.node "If" (%0) {domain = "", name = "b", version = 20 : i64, node_attrs = {}, body_names = ["else_branch", "then_branch"]} bodies {
    onnx.yield %c : tensor<i1>
  }, {
    onnx.yield %0 : tensor<i1>
  } : (tensor<i1>) -> tensor<i1>
  return
}
