// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// Every operation and type survives printing and parsing.

// CHECK-LABEL: func.func @stream
func.func @stream(%bank: !weights.bank<8>, %counts: memref<8xi32>, %tokens: index) {
  // CHECK: pager.prefetch %{{.*}}, %{{.*}} : <8>, memref<8xi32>
  pager.prefetch %bank, %counts : !weights.bank<8>, memref<8xi32>
  // CHECK: pager.for_each_ready %{{.*}}, %{{.*}}, %{{.*}} : <8>, memref<8xi32> {
  // CHECK-NEXT: ^bb0(%[[E:.*]]: index):
  pager.for_each_ready %bank, %counts, %tokens : !weights.bank<8>, memref<8xi32> {
  ^bb0(%expert: index):
    // CHECK: %[[PART:.*]] = pager.wait_part %[[E]], 0
    %part = pager.wait_part %expert, 0
    // CHECK: pager.part_view %[[PART]] : memref<6144xf32>
    %panels = pager.part_view %part : memref<6144xf32>
    // CHECK: pager.count "ffn_up", %{{.*}}
    pager.count "ffn_up", %tokens
  }
  return
}

// CHECK-LABEL: func.func @states
func.func @states(%s: !pager.state<?x2x?x12xf32, axis = 2>, %new: tensor<?x2x?x12xf32>, %m: memref<?x2x?x12xf32>, %slot: index) {
  // CHECK: pager.state_append %{{.*}}, %{{.*}} : <?x2x?x12xf32, axis = 2>, tensor<?x2x?x12xf32> -> tensor<?x2x?x12xf32>
  %0 = pager.state_append %s, %new : !pager.state<?x2x?x12xf32, axis = 2>, tensor<?x2x?x12xf32> -> tensor<?x2x?x12xf32>
  // CHECK: pager.state_append {{.*}} memref<?x2x?x12xf32> -> memref<?x2x?x12xf32>
  %1 = pager.state_append %s, %m : !pager.state<?x2x?x12xf32, axis = 2>, memref<?x2x?x12xf32> -> memref<?x2x?x12xf32>
  // CHECK: pager.state_capacity %{{.*}}
  %2 = pager.state_capacity %slot
  // CHECK: pager.observe %{{.*}}, %{{.*}} : memref<?x2x?x12xf32>
  pager.observe %slot, %m : memref<?x2x?x12xf32>
  return
}

// CHECK-LABEL: func.func @buffers
func.func @buffers(%slot: index, %at: index, %n: index) {
  // CHECK: pager.buffer {{ *}}input[%{{.*}}] at %{{.*}} : memref<4xi64>
  %0 = pager.buffer input[%slot] at %at : memref<4xi64>
  // CHECK: pager.buffer {{ *}}output[%{{.*}}] at %{{.*}} sizes(%{{.*}}) : memref<?x48xf32>
  %1 = pager.buffer output[%slot] at %at sizes(%n) : memref<?x48xf32>
  // CHECK: pager.buffer {{ *}}state[%{{.*}}] at %{{.*}} sizes(%{{.*}}) strides(%{{.*}}) : memref<?x48xf32, strided<[?, 1]>>
  %2 = pager.buffer state[%slot] at %at sizes(%n) strides(%n) : memref<?x48xf32, strided<[?, 1]>>
  // CHECK: pager.buffer {{ *}}arena[%{{.*}}] at %{{.*}} : memref<f32>
  %3 = pager.buffer arena[%slot] at %at : memref<f32>
  // CHECK: pager.buffer {{ *}}dense[%{{.*}}] at %{{.*}} : memref<8x8xbf16>
  %4 = pager.buffer dense[%slot] at %at : memref<8x8xbf16>
  return
}

// CHECK-LABEL: func.func @parallel
func.func @parallel(%n: index, %g: index, %x: memref<?xf32>) {
  // CHECK: pager.parallel %{{.*}} grain %{{.*}} {
  // CHECK-NEXT: ^bb0(%{{.*}}: index):
  pager.parallel %n grain %g {
  ^bb0(%i: index):
    pager.count "rows", %i
  }
  // CHECK: pager.parallel_call @body(%{{.*}}) of %{{.*}} grain %{{.*}} : memref<?xf32>
  pager.parallel_call @body(%x) of %n grain %g : memref<?xf32>
  return
}
func.func private @body(memref<?xf32>, index, index)

// CHECK-LABEL: func.func @wave
func.func @wave(%b: !weights.bank<8>, %c: memref<8xi32>, %n: index) {
  // CHECK: pager.for_each_wave %{{.*}}, %{{.*}}, %{{.*}} : <8>, memref<8xi32> {
  pager.for_each_wave %b, %c, %n : !weights.bank<8>, memref<8xi32> {
  ^bb0(%slots: memref<?xi8>, %count: index, %slot_of: memref<8xi32>):
    // CHECK: pager.tensor_map %{{.*}} at %{{.*}} sizes(%{{.*}}, %{{.*}}) strides(%{{.*}}) box [64, 128] swizzle 128 of bf16 : memref<?xi8>
    %m = pager.tensor_map %slots at %n sizes(%n, %count) strides(%n) box [64, 128] swizzle 128 of bf16 : memref<?xi8>
  }
  return
}

// CHECK-LABEL: func.func @read
func.func @read(%m: memref<?x2xi64>, %i: index) -> i64 {
  // CHECK: pager.read_back %{{.*}}[%{{.*}}, %{{.*}}] : memref<?x2xi64>
  %0 = pager.read_back %m[%i, %i] : memref<?x2xi64>
  return %0 : i64
}
