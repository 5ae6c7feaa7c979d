// RUN: moe-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{a state has integer or float elements}}
func.func private @f(!pager.state<?xindex, axis = 0>)

// -----

// expected-error @+1 {{the axis must be a dimension of the state}}
func.func private @f(!pager.state<?x4xf32, axis = 2>)

// -----

// expected-error @+1 {{the dimension a state grows along is dynamic}}
func.func private @f(!pager.state<?x4xf32, axis = 1>)

// -----

func.func @f(%b: !weights.bank<2>, %c: memref<3xi32>) {
  // expected-error @+1 {{'pager.prefetch' op counts must be memref<2xi32>, is 'memref<3xi32>'}}
  pager.prefetch %b, %c : !weights.bank<2>, memref<3xi32>
  return
}

// -----

func.func @f(%b: !weights.bank<2>, %c: memref<2xi64>) {
  // expected-error @+1 {{'pager.prefetch' op counts must be memref<2xi32>, is 'memref<2xi64>'}}
  pager.prefetch %b, %c : !weights.bank<2>, memref<2xi64>
  return
}

// -----

func.func @f(%b: !weights.bank<2>, %c: memref<2x1xi32>, %n: index) {
  // expected-error @+1 {{'pager.for_each_ready' op counts must be memref<2xi32>, is 'memref<2x1xi32>'}}
  pager.for_each_ready %b, %c, %n : !weights.bank<2>, memref<2x1xi32> {
  ^bb0(%e: index):
  }
  return
}

// -----

func.func @f(%b: !weights.bank<2>, %c: memref<2xi32>, %n: index) {
  // expected-error @+1 {{'pager.for_each_ready' op body takes the expert id, an index}}
  pager.for_each_ready %b, %c, %n : !weights.bank<2>, memref<2xi32> {
  }
  return
}

// -----

func.func @f(%b: !weights.bank<2>, %c: memref<2xi32>, %n: index) {
  // expected-error @+1 {{'pager.for_each_ready' op streams cannot nest}}
  pager.for_each_ready %b, %c, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
    pager.for_each_ready %b, %c, %n : !weights.bank<2>, memref<2xi32> {
    ^bb0(%f: index):
    }
  }
  return
}

// -----

func.func @f(%e: index) {
  // expected-error @+1 {{'pager.wait_part' op expects parent op 'pager.for_each_ready'}}
  %0 = pager.wait_part %e, 0
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'pager.yield' op expects parent op to be one of 'pager.for_each_ready, pager.for_each_wave'}}
  pager.yield
}

// -----

func.func @f(%s: !pager.state<?x4xf32, axis = 0>, %v: tensor<?xf32>) {
  // expected-error @+1 {{'pager.state_append' op value and result need the state's rank and element type}}
  %0 = pager.state_append %s, %v : !pager.state<?x4xf32, axis = 0>, tensor<?xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%s: !pager.state<?x4xf32, axis = 0>, %v: tensor<?x4xf32>) {
  // expected-error @+1 {{'pager.state_append' op value and result need the state's rank and element type}}
  %0 = pager.state_append %s, %v : !pager.state<?x4xf32, axis = 0>, tensor<?x4xf32> -> tensor<?x4xf16>
  return
}

// -----

func.func @f(%s: !pager.state<?x4xf32, axis = 0>, %v: tensor<?x5xf32>) {
  // expected-error @+1 {{'pager.state_append' op value differs from the state in dimension 1}}
  %0 = pager.state_append %s, %v : !pager.state<?x4xf32, axis = 0>, tensor<?x5xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%s: index, %o: index) {
  // expected-error @+1 {{'pager.buffer' op needs a strided layout without offset}}
  %0 = pager.buffer arena[%s] at %o : memref<4xf32, strided<[1], offset: 8>>
  return
}

// -----

func.func @f(%s: index, %o: index) {
  // expected-error @+1 {{'pager.buffer' op needs a strided layout without offset}}
  %0 = pager.buffer arena[%s] at %o : memref<4xf32, affine_map<(d0) -> (d0 mod 2)>>
  return
}

// -----

func.func @f(%s: index, %o: index) {
  // expected-error @+1 {{'pager.buffer' op needs one size for each dynamic dimension}}
  %0 = pager.buffer arena[%s] at %o : memref<?x4xf32>
  return
}

// -----

func.func @f(%s: index, %o: index) {
  // expected-error @+1 {{'pager.buffer' op needs one stride for each dynamic stride}}
  %0 = pager.buffer state[%s] at %o sizes(%s) : memref<?x4xf32, strided<[?, 1]>>
  return
}

// -----

func.func @f(%n: index) {
  // expected-error @+1 {{'pager.parallel' op body takes the loop index}}
  pager.parallel %n grain %n {
  }
  return
}

// -----

func.func @f(%b: !weights.bank<2>, %c: memref<2xi32>, %n: index) {
  // expected-error @+1 {{body takes the slots ('memref<?xi8>'), their number (index) and the slot of each expert ('memref<2xi32>')}}
  pager.for_each_wave %b, %c, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
  }
  return
}

// -----

func.func @f(%b: !weights.bank<2>, %c: memref<3xi32>, %n: index) {
  // expected-error @+1 {{'pager.for_each_wave' op counts must be memref<2xi32>, is 'memref<3xi32>'}}
  pager.for_each_wave %b, %c, %n : !weights.bank<2>, memref<3xi32> {
  ^bb0(%slots: memref<?xi8>, %count: index, %slot_of: memref<2xi32>):
  }
  return
}

// -----

func.func @f(%m: memref<?xi8>, %n: index) {
  // expected-error @+1 {{has 1 to 5 sizes, as many box extents and one stride less}}
  %0 = pager.tensor_map %m at %n sizes(%n, %n) strides(%n) box [64] swizzle 128 of bf16 : memref<?xi8>
  return
}

// -----

func.func @f(%m: memref<?xi8>, %n: index) {
  // expected-error @+1 {{box extents are 1 to 256, the innermost a multiple of 16 bytes}}
  %0 = pager.tensor_map %m at %n sizes(%n, %n) strides(%n) box [7, 64] swizzle 128 of bf16 : memref<?xi8>
  return
}

// -----

func.func @f(%m: memref<?xi8>, %n: index) {
  // expected-error @+1 {{swizzles 0, 32, 64 or 128 bytes}}
  %0 = pager.tensor_map %m at %n sizes(%n, %n) strides(%n) box [8, 64] swizzle 16 of bf16 : memref<?xi8>
  return
}

// -----

func.func @f(%m: memref<?xi8>, %n: index) {
  // expected-error @+1 {{the box's rows are longer than the swizzle}}
  %0 = pager.tensor_map %m at %n sizes(%n, %n) strides(%n) box [128, 64] swizzle 128 of bf16 : memref<?xi8>
  return
}

// -----

func.func @f(%m: memref<?x2xi64>, %i: index) {
  // expected-error @+1 {{'pager.read_back' op needs one index for each dimension}}
  %0 = pager.read_back %m[%i] : memref<?x2xi64>
  return
}
