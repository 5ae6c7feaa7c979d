// RUN: moe-opt %s --allow-unregistered-dialect --cpu-outline-layers | FileCheck %s

// Layers that differ in their bank and in places in the arena share a body; one
// that computes something else, and what follows the last, stay.

// CHECK-LABEL: func.func @moe_run
// CHECK: call @layer
// CHECK-SAME: {cpu.layer}
// CHECK: call @layer
// CHECK: "test.other"
// CHECK: pager.for_each_ready
// CHECK: "test.norm"
// CHECK-LABEL: func.func private @layer
// CHECK-SAME: (%[[OFFSET:.*]]: index, %{{.*}}: index, %[[BANK:.*]]: !weights.bank<2>) -> i32
// CHECK: %[[BUFFER:.*]] = pager.buffer arena[%{{.*}}] at %[[OFFSET]]
// CHECK: "test.norm"(%[[BUFFER]])
// CHECK: pager.for_each_ready %[[BANK]]
func.func @moe_run() -> i32 {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %n = onnx.symbol 0
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<2x4x4xf32>
  %b0 = weights.bank "0" [up, down] %w, %w {index = 0 : i64} : (!weights.tensor<2x4x4xf32>, !weights.tensor<2x4x4xf32>) -> !weights.bank<2>
  %b1 = weights.bank "1" [up, down] %w, %w {index = 1 : i64} : (!weights.tensor<2x4x4xf32>, !weights.tensor<2x4x4xf32>) -> !weights.bank<2>
  %x0 = pager.buffer arena[%c0] at %c0 sizes(%n) : memref<?xf32>
  %k0 = pager.buffer arena[%c0] at %c64 : memref<2xi32>
  "test.norm"(%x0) : (memref<?xf32>) -> ()
  pager.for_each_ready %b0, %k0, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
    pager.yield
  }
  %x1 = pager.buffer arena[%c0] at %c128 sizes(%n) : memref<?xf32>
  %k1 = pager.buffer arena[%c0] at %c0 : memref<2xi32>
  "test.norm"(%x1) : (memref<?xf32>) -> ()
  pager.for_each_ready %b1, %k1, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
    pager.yield
  }
  "test.other"(%x1) : (memref<?xf32>) -> ()
  pager.for_each_ready %b1, %k1, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
    pager.yield
  }
  "test.norm"(%x1) : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}
