// RUN: moe-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{weights have integer or float elements, not 'index'}}
func.func private @f(!weights.tensor<4xindex>)

// -----

// expected-error @+1 {{expected static shape}}
func.func private @f(!weights.tensor<?x4xf32>)

// -----

// expected-error @+1 {{the weight's size overflows}}
func.func private @f(!weights.tensor<9000000000x9000000000xf32>)

// -----

// expected-error @+1 {{a bank has at least one expert}}
func.func private @f(!weights.bank<0>)

// -----

func.func @f() {
  // expected-error @+1 {{'weights.ref' op needs a file name}}
  %0 = weights.ref "w" in "" at 0 : !weights.tensor<4xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'weights.ref' op has a negative offset}}
  %0 = weights.ref "w" in "f" at -8 : !weights.tensor<4xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'weights.inline' op has a value of type 'tensor<2xf32>' but is '!weights.tensor<4xf32>'}}
  %0 = weights.inline "w" dense<1.0> : tensor<2xf32> -> !weights.tensor<4xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'weights.inline' op has a value of type 'tensor<4xf32>' but is '!weights.tensor<4xf16>'}}
  %0 = weights.inline "w" dense<1.0> : tensor<4xf32> -> !weights.tensor<4xf16>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.transpose' op permutes 1 dimensions of a tensor of rank 2}}
  %0 = weights.transpose %w [0] : !weights.tensor<2x3xf32> -> !weights.tensor<2x3xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.transpose' op needs a permutation of the dimensions}}
  %0 = weights.transpose %w [0, 0] : !weights.tensor<2x3xf32> -> !weights.tensor<2x2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.transpose' op needs a permutation of the dimensions}}
  %0 = weights.transpose %w [2, 0] : !weights.tensor<2x3xf32> -> !weights.tensor<2x2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.transpose' op result shape does not match the permutation}}
  %0 = weights.transpose %w [1, 0] : !weights.tensor<2x3xf32> -> !weights.tensor<2x3xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.transpose' op cannot change the element type}}
  %0 = weights.transpose %w [1, 0] : !weights.tensor<2x3xf32> -> !weights.tensor<3x2xf16>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.view' op needs one offset and one size for each dimension}}
  %0 = weights.view %w [0] [2] : !weights.tensor<2x3xf32> -> !weights.tensor<2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.view' op reaches outside of dimension 1}}
  %0 = weights.view %w [0, 2] [2, 2] : !weights.tensor<2x3xf32> -> !weights.tensor<2x2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.view' op reaches outside of dimension 0}}
  %0 = weights.view %w [-1, 0] [2, 3] : !weights.tensor<2x3xf32> -> !weights.tensor<2x3xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.view' op result type does not match the sizes}}
  %0 = weights.view %w [0, 0] [2, 2] : !weights.tensor<2x3xf32> -> !weights.tensor<2x3xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.reshape' op must keep the number and type of elements}}
  %0 = weights.reshape %w : !weights.tensor<2x3xf32> -> !weights.tensor<5xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.reshape' op must keep the number and type of elements}}
  %0 = weights.reshape %w : !weights.tensor<2x3xf32> -> !weights.tensor<6xf16>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'weights.concat' op needs a source}}
  %0 = "weights.concat"() {axis = 0 : i64} : () -> !weights.tensor<2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2xf32>) {
  // expected-error @+1 {{'weights.concat' op axis is out of range}}
  %0 = weights.concat %w axis 1 : (!weights.tensor<2xf32>) -> !weights.tensor<2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2xf32>, %v: !weights.tensor<2xf16>) {
  // expected-error @+1 {{'weights.concat' op sources differ in rank or element type}}
  %0 = weights.concat %w, %v axis 0 : (!weights.tensor<2xf32>, !weights.tensor<2xf16>) -> !weights.tensor<4xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>, %v: !weights.tensor<2x4xf32>) {
  // expected-error @+1 {{'weights.concat' op sources differ in dimension 1}}
  %0 = weights.concat %w, %v axis 0 : (!weights.tensor<2x3xf32>, !weights.tensor<2x4xf32>) -> !weights.tensor<4x3xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.concat' op result dimension 0 must be 4}}
  %0 = weights.concat %w, %w axis 0 : (!weights.tensor<2x3xf32>, !weights.tensor<2x3xf32>) -> !weights.tensor<5x3xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'weights.stack' op needs a source}}
  %0 = "weights.stack"() : () -> !weights.tensor<0xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2xf32>, %v: !weights.tensor<3xf32>) {
  // expected-error @+1 {{'weights.stack' op sources must have one type}}
  %0 = weights.stack %w, %v : (!weights.tensor<2xf32>, !weights.tensor<3xf32>) -> !weights.tensor<2x2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2xf32>) {
  // expected-error @+1 {{'weights.stack' op result type does not match the sources}}
  %0 = weights.stack %w, %w : (!weights.tensor<2xf32>, !weights.tensor<2xf32>) -> !weights.tensor<4xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2xf32>) {
  // expected-error @+1 {{'weights.cast' op cannot change the shape}}
  %0 = weights.cast %w : !weights.tensor<2xf32> -> !weights.tensor<3xf16>
  return
}

// -----

func.func @f(%q: !weights.tensor<2x4xf32>, %s: !weights.tensor<2x2xf32>) {
  // expected-error @+1 {{'weights.dequantize' op codes must be integers}}
  %0 = weights.dequantize %q scales %s block 2 : (!weights.tensor<2x4xf32>, !weights.tensor<2x2xf32>) -> !weights.tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: !weights.tensor<2x4xi8>, %s: !weights.tensor<2x2xf32>) {
  // expected-error @+1 {{'weights.dequantize' op codes and result must have one shape}}
  %0 = weights.dequantize %q scales %s block 2 : (!weights.tensor<2x4xi8>, !weights.tensor<2x2xf32>) -> !weights.tensor<4x2xf32>
  return
}

// -----

func.func @f(%q: !weights.tensor<2x4xi8>, %s: !weights.tensor<2x2xf32>) {
  // expected-error @+1 {{'weights.dequantize' op needs a positive block size}}
  %0 = weights.dequantize %q scales %s block 0 : (!weights.tensor<2x4xi8>, !weights.tensor<2x2xf32>) -> !weights.tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: !weights.tensor<2x4xi8>, %s: !weights.tensor<2x1xf32>) {
  // expected-error @+1 {{'weights.dequantize' op scales need one value for each block of 3}}
  %0 = weights.dequantize %q scales %s block 3 : (!weights.tensor<2x4xi8>, !weights.tensor<2x1xf32>) -> !weights.tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: !weights.tensor<2x4xi8>, %s: !weights.tensor<2x2xf32>, %z: !weights.tensor<2xi8>) {
  // expected-error @+1 {{'weights.dequantize' op zero points need one value for each block of 2}}
  %0 = weights.dequantize %q scales %s zero_points %z block 2 : (!weights.tensor<2x4xi8>, !weights.tensor<2x2xf32>, !weights.tensor<2xi8>) -> !weights.tensor<2x4xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x4xf32>) {
  // expected-error @+1 {{'weights.pack' op keeps the type of raw bytes}}
  %0 = weights.pack %w raw : !weights.tensor<2x4xf32> -> !weights.tensor<8xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<4xf32>) {
  // expected-error @+1 {{'weights.pack' op panels and rows need a [K, N] matrix}}
  %0 = weights.pack %w panels : !weights.tensor<4xf32> -> !weights.tensor<4xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x4xf32>) {
  // expected-error @+1 {{'weights.pack' op result must be the 64 elements of the panels}}
  %0 = weights.pack %w panels : !weights.tensor<2x4xf32> -> !weights.tensor<8xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>) {
  // expected-error @+1 {{unknown role 'gates'}}
  %0 = weights.bank "b" [gates] %w : (!weights.tensor<2x3x4xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>) {
  // expected-error @+1 {{'weights.bank' op needs one role for each tensor}}
  %0 = weights.bank "b" [up, down] %w : (!weights.tensor<2x3x4xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>) {
  // expected-error @+1 {{'weights.bank' op roles must be known and different}}
  %0 = weights.bank "b" [up, up] %w, %w : (!weights.tensor<2x3x4xf32>, !weights.tensor<2x3x4xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'up' must have rank 3}}
  %0 = weights.bank "b" [up] %w : (!weights.tensor<2x3xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'up_bias' must have rank 2}}
  %0 = weights.bank "b" [up_bias] %w : (!weights.tensor<2x3x4xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'up' has 2 experts, the bank 3}}
  %0 = weights.bank "b" [up] %w : (!weights.tensor<2x3x4xf32>) -> !weights.bank<3>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>) {
  // expected-error @+1 {{'weights.bank' op needs an up and a down tensor}}
  %0 = weights.bank "b" [gate, up] %w, %w : (!weights.tensor<2x3x4xf32>, !weights.tensor<2x3x4xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'down' has the wrong shape}}
  %0 = weights.bank "b" [up, down] %w, %w : (!weights.tensor<2x3x4xf32>, !weights.tensor<2x3x4xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>, %d: !weights.tensor<2x4x3xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'gate' has the wrong shape}}
  %0 = weights.bank "b" [up, down, gate] %w, %d, %d : (!weights.tensor<2x3x4xf32>, !weights.tensor<2x4x3xf32>, !weights.tensor<2x4x3xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>, %d: !weights.tensor<2x4x3xf32>, %c: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'gate_bias' has the wrong shape}}
  %0 = weights.bank "b" [up, down, gate_bias] %w, %d, %c : (!weights.tensor<2x3x4xf32>, !weights.tensor<2x4x3xf32>, !weights.tensor<2x3xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>, %d: !weights.tensor<2x4x3xf32>, %c: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'up_bias' has the wrong shape}}
  %0 = weights.bank "b" [up, down, up_bias] %w, %d, %c : (!weights.tensor<2x3x4xf32>, !weights.tensor<2x4x3xf32>, !weights.tensor<2x3xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3x4xf32>, %d: !weights.tensor<2x4x3xf32>, %c: !weights.tensor<2x4xf32>) {
  // expected-error @+1 {{'weights.bank' op tensor 'down_bias' has the wrong shape}}
  %0 = weights.bank "b" [up, down, down_bias] %w, %d, %c : (!weights.tensor<2x3x4xf32>, !weights.tensor<2x4x3xf32>, !weights.tensor<2x4xf32>) -> !weights.bank<2>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.materialize' op must keep shape and element type}}
  %0 = weights.materialize %w : !weights.tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

func.func @f(%w: !weights.tensor<2x3xf32>) {
  // expected-error @+1 {{'weights.materialize' op must keep shape and element type}}
  %0 = weights.materialize %w : !weights.tensor<2x3xf32> -> memref<2x3xf16>
  return
}
