// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// Every operation, type and attribute survives printing and parsing.

// CHECK-LABEL: func.func @routers
func.func @routers(%logits: tensor<?x16xf32>, %ids: tensor<?x2xi64>, %w: tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} : tensor<?x16xf32> -> <16, 4>
  %0 = moe.route %logits : tensor<?x16xf32> -> !moe.routing<16, 4>
  // CHECK: moe.route %{{.*}} {normalize = #moe<normalize sum>, scale = 2.500000e+00 : f32, score = #moe<score sigmoid>}
  %1 = moe.route %logits {score = #moe<score sigmoid>, normalize = #moe<normalize sum>, scale = 2.5 : f32}
    : tensor<?x16xf32> -> !moe.routing<16, 4>
  // CHECK: moe.route %{{.*}} {normalize = #moe<normalize softmax>, score = #moe<score none>}
  %2 = moe.route %logits {score = #moe<score none>, normalize = #moe<normalize softmax>}
    : tensor<?x16xf32> -> !moe.routing<16, 4>
  // CHECK: moe.routing_from %{{.*}}, %{{.*}} : tensor<?x2xi64>, tensor<?x2xf32> -> <8, 2>
  %3 = moe.routing_from %ids, %w : tensor<?x2xi64>, tensor<?x2xf32> -> !moe.routing<8, 2>
  // CHECK: moe.routing_from {{.*}} -> <8, 2, ragged>
  %4 = moe.routing_from %ids, %w : tensor<?x2xi64>, tensor<?x2xf32> -> !moe.routing<8, 2, ragged>
  return
}

// CHECK-LABEL: func.func @experts
func.func @experts(%x: tensor<?x64xf32>, %r: !moe.routing<12, 2>, %bank: !weights.bank<8>) -> tensor<?x64xf32> {
  // CHECK: moe.experts %{{.*}}, %{{.*}}, %{{.*}} kinds [#moe.kind<ffn, 8>, #moe.kind<elsewhere, 4>] : tensor<?x64xf32>, <12, 2>, <8> -> tensor<?x64xf32>
  %0 = moe.experts %x, %r, %bank kinds [#moe.kind<ffn, 8>, #moe.kind<elsewhere, 4>]
    : tensor<?x64xf32>, !moe.routing<12, 2>, !weights.bank<8> -> tensor<?x64xf32>
  // CHECK: kinds [#moe.kind<ffn, 6>, #moe.kind<zero, 1>, #moe.kind<copy, 2>, #moe.kind<constant, 1>, #moe.kind<ffn, 2, width = 32>]
  // CHECK-SAME: {activation = #moe<activation gelu_tanh>, alpha = 1.702000e+00 : f32, beta = 1.000000e+00 : f32, limit = 7.000000e+00 : f32}
  %1 = moe.experts %0, %r, %bank
    kinds [#moe.kind<ffn, 6>, #moe.kind<zero, 1>, #moe.kind<copy, 2>, #moe.kind<constant, 1>, #moe.kind<ffn, 2, width = 32>]
    {activation = #moe<activation gelu_tanh>, alpha = 1.702 : f32, beta = 1.0 : f32, limit = 7.0 : f32}
    : tensor<?x64xf32>, !moe.routing<12, 2>, !weights.bank<8> -> tensor<?x64xf32>
  return %1 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @activations
// CHECK-SAME: [#moe<activation identity>, #moe<activation relu>, #moe<activation silu>, #moe<activation gelu>]
func.func @activations() attributes {a = [#moe<activation identity>, #moe<activation relu>, #moe<activation silu>, #moe<activation gelu>]} {
  return
}
