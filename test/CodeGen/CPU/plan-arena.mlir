// RUN: moe-opt %s --allow-unregistered-dialect --cpu-plan-arena --canonicalize | FileCheck %s

// Three buffers of one size, of which two live at a time: two places. The size is
// a function of the symbols alone.

// CHECK-LABEL: func.func @moe_arena_bytes() -> index
// CHECK: %[[N:.*]] = onnx.symbol 0
// CHECK: %[[BYTES:.*]] = arith.muli %[[N]], %c16
// CHECK: %[[ONE:.*]] = arith.andi
// CHECK: %[[TWO:.*]] = arith.addi %[[ONE]], %[[ONE]]
// CHECK: return %[[TWO]]
// CHECK-LABEL: func.func @moe_run
// CHECK-NOT: memref.alloc
// CHECK: %[[A:.*]] = pager.buffer arena[%c0] at %c0
// CHECK: %[[B:.*]] = pager.buffer arena[%c0] at %[[OFFSET:[^ ]*]]
// CHECK: "test.step"(%[[A]], %[[B]])
// CHECK: %[[C:.*]] = pager.buffer arena[%c0] at %c0
// CHECK: "test.step"(%[[B]], %[[C]])
module attributes {onnx.symbols = ["n"]} {
  func.func @moe_run() -> i32 {
    %n = onnx.symbol 0
    %a = memref.alloc(%n) : memref<?x4xf32>
    %b = memref.alloc(%n) : memref<?x4xf32>
    "test.step"(%a, %b) : (memref<?x4xf32>, memref<?x4xf32>) -> ()
    %c = memref.alloc(%n) : memref<?x4xf32>
    "test.step"(%b, %c) : (memref<?x4xf32>, memref<?x4xf32>) -> ()
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}
