// RUN: moe-opt %s --split-input-file --allow-unregistered-dialect --cpu-outline-layers | FileCheck %s

// Layers that differ in their bank and in places in the arena share a body. What
// the calls differ in is a row of a table: here positions, in the entry's array,
// of the buffers' offsets.

// CHECK: memref.global "private" constant @layer_table : memref<2x2xi64> = dense<{{\[\[}}0, 2], [1, 0]]>
// CHECK-LABEL: func.func @moe_run
// CHECK: %[[PLACES:.*]] = memref.alloca(%{{.*}}) : memref<?xindex>
// CHECK: %[[B0:.*]] = weights.bank "0"
// CHECK: %[[B1:.*]] = weights.bank "1"
// CHECK: call @layer(%c0{{.*}}, %[[PLACES]], %[[B0]]) {cpu.layer}
// CHECK-NOT: "test.norm"
// CHECK: call @layer(%c1{{.*}}, %[[PLACES]], %[[B1]]) {cpu.layer}
// CHECK: "test.other"
// CHECK: "test.norm"
// CHECK-LABEL: func.func private @layer
// CHECK-SAME: (%[[ROW:.*]]: index, %[[PLACES:.*]]: memref<?xindex>, %[[BANK:.*]]: !weights.bank<2>) -> i32
// CHECK: %[[TABLE:.*]] = memref.get_global @layer_table
// CHECK: %[[LOADED:.*]] = memref.load %[[TABLE]][%[[ROW]], %c0{{.*}}]
// CHECK: %[[NUMBER:.*]] = arith.index_cast %[[LOADED]]
// CHECK: %[[OFFSET:.*]] = memref.load %[[PLACES]][%[[NUMBER]]]
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
  %o0 = arith.addi %n, %c64 : index
  %o1 = arith.addi %n, %c128 : index
  %x0 = pager.buffer arena[%c0] at %o0 sizes(%n) : memref<?xf32>
  %k0 = pager.buffer arena[%c0] at %o1 : memref<2xi32>
  "test.norm"(%x0) : (memref<?xf32>) -> ()
  pager.for_each_ready %b0, %k0, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
    pager.yield
  }
  %o2 = arith.muli %n, %c128 : index
  %x1 = pager.buffer arena[%c0] at %o2 sizes(%n) : memref<?xf32>
  %k1 = pager.buffer arena[%c0] at %o0 : memref<2xi32>
  "test.norm"(%x1) : (memref<?xf32>) -> ()
  pager.for_each_ready %b1, %k1, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
    pager.yield
  }
  "test.other"(%x1) : (memref<?xf32>) -> ()
  "test.norm"(%x1) {epilogue} : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

// Two kinds of attention and two of blocks, in an order that does not repeat:
// a function for each piece that occurs in several places, whatever follows it.
// The norm's weight, at the same place in all calls, is no column.

// CHECK-NOT: @layer_table
// CHECK: @layer_1_table : memref<4x1xi64> = dense<{{\[\[}}0], [64], [128], [64]]>

// CHECK-LABEL: func.func @moe_run
// CHECK-COUNT-16: call @layer
// CHECK-NOT: call @layer
// CHECK-NOT: "test
// CHECK: return
// CHECK-COUNT-6: func.func private @layer
// CHECK-NOT: func.func private @layer
func.func @moe_run() -> i32 {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %x = pager.buffer arena[%c0] at %c0 : memref<4xf32>
  %y = pager.buffer arena[%c0] at %c64 : memref<4xf32>
  %w0 = pager.buffer dense[%c0] at %c0 : memref<4xf32>
  %w1 = pager.buffer dense[%c0] at %c64 : memref<4xf32>
  %w2 = pager.buffer dense[%c0] at %c128 : memref<4xf32>
  "test.norm"(%x, %w0) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.sliding"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.project"(%y, %w0) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.add"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.wide"(%y, %w0) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.norm"(%x, %w0) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.full"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.project"(%y, %w1) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.add"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.narrow"(%y, %w1) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.norm"(%x, %w0) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.sliding"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.project"(%y, %w2) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.add"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.narrow"(%y, %w2) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.norm"(%x, %w0) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.full"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.project"(%y, %w1) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.add"(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  "test.wide"(%y, %w1) : (memref<4xf32>, memref<4xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

// An operation whose result another uses stays, and the result is passed.

// CHECK-LABEL: func.func @moe_run
// CHECK: %[[F:.*]] = "test.read"
// CHECK: call @layer(%{{.*}}, %{{.*}}, %[[F]])
// CHECK: call @layer(%{{.*}}, %{{.*}}, %[[F]])
// CHECK: func.func private @layer(%{{.*}}: index, %{{.*}}: memref<?xindex>, %[[F:.*]]: f32)
// CHECK: %[[G:.*]] = arith.negf %[[F]]
// CHECK: "test.scale"(%[[G]])
func.func @moe_run() -> i32 {
  %f = "test.read"() : () -> f32
  %g = arith.negf %f : f32
  "test.scale"(%g) : (f32) -> ()
  "test.end"() : () -> ()
  "test.scale"(%g) : (f32) -> ()
  "test.end"() : () -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}
