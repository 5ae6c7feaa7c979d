// RUN: moe-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{a routing has at least one expert}}
func.func private @f(!moe.routing<0, 1>)

// -----

// expected-error @+1 {{k must be in [1, experts], is 0}}
func.func private @f(!moe.routing<4, 0>)

// -----

// expected-error @+1 {{k must be in [1, experts], is 5}}
func.func private @f(!moe.routing<4, 5>)

// -----

// expected-error @+1 {{expected 'ragged'}}
func.func private @f(!moe.routing<4, 2, dense>)

// -----

// expected-error @+1 {{a run of experts has at least one}}
func.func private @f() attributes {k = #moe.kind<ffn, 0>}

// -----

// expected-error @+1 {{only FFN experts have a width}}
func.func private @f() attributes {k = #moe.kind<zero, 1, width = 8>}

// -----

// expected-error @+1 {{only FFN experts have a width}}
func.func private @f() attributes {k = #moe.kind<ffn, 1, width = -8>}

// -----

func.func @f(%l: tensor<?x3x4xf32>) {
  // expected-error @+1 {{'moe.route' op logits must be a float tensor [tokens, experts]}}
  %0 = moe.route %l : tensor<?x3x4xf32> -> !moe.routing<4, 2>
  return
}

// -----

func.func @f(%l: tensor<?x4xi32>) {
  // expected-error @+1 {{'moe.route' op logits must be a float tensor [tokens, experts]}}
  %0 = moe.route %l : tensor<?x4xi32> -> !moe.routing<4, 2>
  return
}

// -----

func.func @f(%l: tensor<?x4xf32>) {
  // expected-error @+1 {{'moe.route' op logits have 4 columns for 8 experts}}
  %0 = moe.route %l : tensor<?x4xf32> -> !moe.routing<8, 2>
  return
}

// -----

func.func @f(%l: tensor<?x4xf32>) {
  // expected-error @+1 {{'moe.route' op a top-k router chooses a fixed number of experts}}
  %0 = moe.route %l : tensor<?x4xf32> -> !moe.routing<4, 2, ragged>
  return
}

// -----

func.func @f(%l: tensor<?x4xf32>) {
  // expected-error @+1 {{'moe.route' op raw logits cannot be normalised by their sum}}
  %0 = moe.route %l {score = #moe<score none>, normalize = #moe<normalize sum>} : tensor<?x4xf32> -> !moe.routing<4, 2>
  return
}

// -----

func.func @f(%i: tensor<?x2xf32>, %w: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.routing_from' op needs integer ids and float weights [tokens, k]}}
  %0 = moe.routing_from %i, %w : tensor<?x2xf32>, tensor<?x2xf32> -> !moe.routing<4, 2>
  return
}

// -----

func.func @f(%i: tensor<?xi64>, %w: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.routing_from' op needs integer ids and float weights [tokens, k]}}
  %0 = moe.routing_from %i, %w : tensor<?xi64>, tensor<?x2xf32> -> !moe.routing<4, 2>
  return
}

// -----

func.func @f(%i: tensor<?x2xi64>, %w: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.routing_from' op ids and weights need k = 3 columns}}
  %0 = moe.routing_from %i, %w : tensor<?x2xi64>, tensor<?x2xf32> -> !moe.routing<4, 3>
  return
}

// -----

func.func @f(%x: tensor<?x2x4xf32>, %r: !moe.routing<3, 2>, %b: !weights.bank<2>) {
  // expected-error @+1 {{'moe.experts' op tokens must be a float tensor [tokens, hidden]}}
  %0 = moe.experts %x, %r, %b kinds [#moe.kind<ffn, 2>, #moe.kind<zero, 1>] : tensor<?x2x4xf32>, !moe.routing<3, 2>, !weights.bank<2> -> tensor<?x2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>, %r: !moe.routing<3, 2>, %b: !weights.bank<2>) {
  // expected-error @+1 {{'moe.experts' op result must have the tokens' shape}}
  %0 = moe.experts %x, %r, %b kinds [#moe.kind<ffn, 2>, #moe.kind<zero, 1>] : tensor<?x4xf32>, !moe.routing<3, 2>, !weights.bank<2> -> tensor<?x5xf32>
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>, %r: !moe.routing<3, 2>, %b: !weights.bank<2>) {
  // expected-error @+1 {{'moe.experts' op result must have the tokens' shape}}
  %0 = moe.experts %x, %r, %b kinds [#moe.kind<ffn, 2>, #moe.kind<zero, 1>] : tensor<?x4xf32>, !moe.routing<3, 2>, !weights.bank<2> -> tensor<?x4xf16>
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>, %r: !moe.routing<4, 2>, %b: !weights.bank<2>) {
  // expected-error @+1 {{'moe.experts' op kinds name 3 experts, the routing 4}}
  %0 = moe.experts %x, %r, %b kinds [#moe.kind<ffn, 2>, #moe.kind<zero, 1>] : tensor<?x4xf32>, !moe.routing<4, 2>, !weights.bank<2> -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>, %r: !moe.routing<3, 2>, %b: !weights.bank<3>) {
  // expected-error @+1 {{'moe.experts' op kinds name 2 FFN experts, the bank 3}}
  %0 = moe.experts %x, %r, %b kinds [#moe.kind<ffn, 2>, #moe.kind<zero, 1>] : tensor<?x4xf32>, !moe.routing<3, 2>, !weights.bank<3> -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>, %r: !moe.routing<3, 2>, %b: !weights.bank<2>) {
  // expected-error @+1 {{'moe.experts' op limit must not be negative}}
  %0 = moe.experts %x, %r, %b kinds [#moe.kind<ffn, 2>, #moe.kind<zero, 1>] {limit = -1.0 : f32} : tensor<?x4xf32>, !moe.routing<3, 2>, !weights.bank<2> -> tensor<?x4xf32>
  return
}
