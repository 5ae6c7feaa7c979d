// RUN: moe-opt %s -split-input-file -verify-diagnostics -convert-moe-to-pager

// All problems are reported at once.
func.func @kinds(%x: tensor<?x4xf32>, %logits: tensor<?x6xf32>) -> tensor<?x4xf32> {
  %u = weights.ref "u" in "f" at 0 : !weights.tensor<2x4x4xf16>
  %d = weights.ref "d" in "f" at 0 : !weights.tensor<2x4x4xf32>
  %bank = weights.bank "b" [up, down] %u, %d
    : (!weights.tensor<2x4x4xf16>, !weights.tensor<2x4x4xf32>) -> !weights.bank<2>
  %r = moe.route %logits : tensor<?x6xf32> -> !moe.routing<6, 2>
  // expected-error @+4 {{expert weights 'up' in 'f16' are not supported: cast them to float32}}
  // expected-error @+3 {{experts of kind 'copy' cannot be scheduled: eliminate them first}}
  // expected-error @+2 {{experts of kind 'constant' cannot be scheduled: eliminate them first}}
  // expected-error @+1 {{experts of width 8 in a bank of width 4 are not supported}}
  %y = moe.experts %x, %r, %bank kinds [#moe.kind<ffn, 2, width = 8>, #moe.kind<copy, 3>, #moe.kind<constant, 1>]
    : tensor<?x4xf32>, !moe.routing<6, 2>, !weights.bank<2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @types(%x: tensor<?x4xf16>, %logits: tensor<?x2xf16>) -> tensor<?x4xf16> {
  %u = weights.ref "u" in "f" at 0 : !weights.tensor<2x8x4xf32>
  %d = weights.ref "d" in "f" at 0 : !weights.tensor<2x4x8xf32>
  %bank = weights.bank "b" [up, down] %u, %d
    : (!weights.tensor<2x8x4xf32>, !weights.tensor<2x4x8xf32>) -> !weights.bank<2>
  // expected-error @+1 {{routing in 'f16' is not supported: the router computes in float32}}
  %r = moe.route %logits : tensor<?x2xf16> -> !moe.routing<2, 2>
  // expected-error @+2 {{experts on tokens of 'f16' are not supported: only float32 is}}
  // expected-error @+1 {{tokens have 4 features, the experts of the bank 8}}
  %y = moe.experts %x, %r, %bank kinds [#moe.kind<ffn, 2>]
    : tensor<?x4xf16>, !moe.routing<2, 2>, !weights.bank<2> -> tensor<?x4xf16>
  return %y : tensor<?x4xf16>
}

// -----

func.func @ids(%x: tensor<?x4xf32>, %ids: tensor<?x2xi8>, %w: tensor<?x2xf16>) -> tensor<?x4xf32> {
  // expected-error @+2 {{routing in 'f16' is not supported: the router computes in float32}}
  // expected-error @+1 {{expert ids in 'i8' are not supported: cast them to int64}}
  %r = moe.routing_from %ids, %w : tensor<?x2xi8>, tensor<?x2xf16> -> !moe.routing<2, 2, ragged>
  return %x : tensor<?x4xf32>
}

// -----

func.func @sources(%x: tensor<?x4xf32>, %r: !moe.routing<2, 2>, %bank: !weights.bank<2>) -> tensor<?x4xf32> {
  // expected-error @+2 {{the routing must come from moe.route or moe.routing_from}}
  // expected-error @+1 {{the bank must come from weights.bank}}
  %y = moe.experts %x, %r, %bank kinds [#moe.kind<ffn, 2>]
    : tensor<?x4xf32>, !moe.routing<2, 2>, !weights.bank<2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{unknown instruction set "i386": use "x86-64-v3" "x86-64-v4"}}
module attributes {cpu.isa = "i386"} {
}
