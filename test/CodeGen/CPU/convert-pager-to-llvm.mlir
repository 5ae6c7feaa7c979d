// RUN: moe-opt %s --cpu-thread-frame --cpu-convert-pager-to-llvm --split-input-file --verify-diagnostics | FileCheck %s

// Streams become loops over what the runtime hands out; a part that is missing, or
// a stream that failed, ends the run with its code.

// CHECK: module attributes {cpu.kernels = ["up"]
// CHECK-LABEL: func.func @moe_run
// CHECK-SAME: (%[[FRAME:.*]]: !llvm.ptr) -> i32
// CHECK: %[[OPENED:.*]] = llvm.call
// CHECK: cf.cond_br
// CHECK: %[[EXPERT:.*]] = llvm.call
// CHECK: arith.cmpi sge, %[[EXPERT]]
// CHECK: %[[PART:.*]] = llvm.call
// CHECK: llvm.icmp "ne" %[[PART]]
func.func @moe_run() -> i32 {
  %c0 = arith.constant 0 : index
  %n = onnx.symbol 0
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<2x4x4xf32>
  %b = weights.bank "0" [up, down] %w, %w {index = 0 : i64} : (!weights.tensor<2x4x4xf32>, !weights.tensor<2x4x4xf32>) -> !weights.bank<2>
  %k = pager.buffer arena[%c0] at %c0 : memref<2xi32>
  pager.prefetch %b, %k : !weights.bank<2>, memref<2xi32>
  pager.for_each_ready %b, %k, %n : !weights.bank<2>, memref<2xi32> {
  ^bb0(%e: index):
    %p = pager.wait_part %e, 0
    %v = pager.part_view %p : memref<16xf32>
    func.call @kernel(%v) : (memref<16xf32>) -> ()
    pager.count "up", %n
    pager.yield
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}
func.func private @kernel(memref<16xf32>)

// -----

func.func @moe_run(%n: index, %x: memref<2xi32>, %b: !weights.bank<2>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    // expected-error @below {{expert streams run in the entry or a layer, outside of loops}}
    pager.for_each_ready %b, %x, %n : !weights.bank<2>, memref<2xi32> {
    ^bb0(%e: index):
      pager.yield
    }
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

// Nobody watches: a branch. The shape travels in a table that all points share.

// CHECK-LABEL: func.func @moe_run
// CHECK: %[[TABLE:.*]] = llvm.alloca %{{.*}} x i64
// CHECK: %[[OBSERVING:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: %[[WANTED:.*]] = arith.cmpi ne, %[[OBSERVING]]
// CHECK: cf.cond_br %[[WANTED]], ^[[SHOW:.*]], ^[[REST:.*]]
// CHECK: ^[[SHOW]]:
// CHECK-COUNT-4: llvm.store
// CHECK: llvm.call {{.*}} : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
// CHECK: cf.br ^[[REST]]
// CHECK: ^[[REST]]:
func.func @moe_run(%x: memref<2x?xf32, strided<[?, ?], offset: ?>>) -> i32 {
  %c1 = arith.constant 1 : index
  pager.observe %c1, %x : memref<2x?xf32, strided<[?, ?], offset: ?>>
  %ok = arith.constant 0 : i32
  return %ok : i32
}
