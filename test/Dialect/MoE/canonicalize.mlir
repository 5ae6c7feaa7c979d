// RUN: moe-opt %s -canonicalize -cse | FileCheck %s

// Routing and experts have no effects: equal ones are shared, unused ones go.
// CHECK-LABEL: func.func @pure
func.func @pure(%x: tensor<?x64xf32>, %l: tensor<?x8xf32>, %bank: !weights.bank<8>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: %[[R:.*]] = moe.route
  // CHECK-NOT: moe.route
  // CHECK: %[[Y:.*]] = moe.experts %{{.*}}, %[[R]]
  // CHECK-NOT: moe.experts
  // CHECK: return %[[Y]], %[[Y]]
  %a = moe.route %l : tensor<?x8xf32> -> !moe.routing<8, 2>
  %b = moe.route %l : tensor<?x8xf32> -> !moe.routing<8, 2>
  %unused = moe.route %l : tensor<?x8xf32> -> !moe.routing<8, 4>
  %0 = moe.experts %x, %a, %bank kinds [#moe.kind<ffn, 8>] : tensor<?x64xf32>, !moe.routing<8, 2>, !weights.bank<8> -> tensor<?x64xf32>
  %1 = moe.experts %x, %b, %bank kinds [#moe.kind<ffn, 8>] : tensor<?x64xf32>, !moe.routing<8, 2>, !weights.bank<8> -> tensor<?x64xf32>
  return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
}

// A router with another scale is another router.
// CHECK-LABEL: func.func @different
func.func @different(%l: tensor<?x8xf32>) -> (!moe.routing<8, 2>, !moe.routing<8, 2>) {
  // CHECK: %[[A:.*]] = moe.route
  // CHECK: %[[B:.*]] = moe.route
  // CHECK: return %[[A]], %[[B]]
  %a = moe.route %l : tensor<?x8xf32> -> !moe.routing<8, 2>
  %b = moe.route %l {scale = 2.0 : f32} : tensor<?x8xf32> -> !moe.routing<8, 2>
  return %a, %b : !moe.routing<8, 2>, !moe.routing<8, 2>
}
