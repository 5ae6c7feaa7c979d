// RUN: moe-opt %s -canonicalize -cse | FileCheck %s

// What moves or counts has an effect and stays; views and sizes are shared.
// CHECK-LABEL: func.func @effects
func.func @effects(%bank: !weights.bank<8>, %counts: memref<8xi32>, %n: index, %s: !pager.state<?x4xf32, axis = 0>, %v: memref<?x4xf32>) {
  // CHECK: pager.prefetch
  pager.prefetch %bank, %counts : !weights.bank<8>, memref<8xi32>
  // CHECK: pager.state_append
  %0 = pager.state_append %s, %v : !pager.state<?x4xf32, axis = 0>, memref<?x4xf32> -> memref<?x4xf32>
  // CHECK: pager.for_each_ready
  pager.for_each_ready %bank, %counts, %n : !weights.bank<8>, memref<8xi32> {
  ^bb0(%e: index):
    // CHECK: pager.wait_part %{{.*}}, 0
    // CHECK: pager.wait_part %{{.*}}, 1
    %a = pager.wait_part %e, 0
    %b = pager.wait_part %e, 1
    // CHECK: pager.count
    pager.count "rows", %n
  }
  return
}

// CHECK-LABEL: func.func @views
func.func @views(%slot: index, %at: index) -> (memref<4xf32>, memref<4xf32>, index, index) {
  // CHECK-NEXT: %[[B:.*]] = pager.buffer arena
  // CHECK-NEXT: %[[L:.*]] = pager.state_capacity
  // CHECK-NEXT: return %[[B]], %[[B]], %[[L]], %[[L]]
  %0 = pager.buffer arena[%slot] at %at : memref<4xf32>
  %1 = pager.buffer arena[%slot] at %at : memref<4xf32>
  %2 = pager.state_capacity %slot
  %3 = pager.state_capacity %slot
  %unused = pager.buffer input[%slot] at %at : memref<4xf32>
  return %0, %1, %2, %3 : memref<4xf32>, memref<4xf32>, index, index
}

// The size of a buffer is its operand.
// CHECK-LABEL: func.func @sizes
// CHECK-SAME: %[[N:.*]]: index)
func.func @sizes(%slot: index, %at: index, %n: index) -> (index, index) {
  // CHECK-DAG: %[[C:.*]] = arith.constant 48 : index
  // CHECK: return %{{.*}}, %[[C]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = pager.buffer output[%slot] at %at sizes(%n) : memref<?x48xf32>
  %1 = memref.dim %0, %c0 : memref<?x48xf32>
  %2 = memref.dim %0, %c1 : memref<?x48xf32>
  return %1, %2 : index, index
}
