// RUN: moe-opt %s --cpu-outline-parallel --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @f(
// CHECK: pager.parallel_call @f_body(%{{.*}}) of %{{.*}} grain %{{.*}} : memref<?xf32>
// CHECK-LABEL: func.func private @f_body
// CHECK-SAME: (%[[X:.*]]: memref<?xf32>, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
func.func @f(%x: memref<?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %zero, %x[%i] : memref<?xf32>
  } {cpu.grain = 16 : i64}
  return
}

// -----

func.func @nested(%n: index, %x: memref<?xf32>) {
  %c1 = arith.constant 1 : index
  pager.parallel %n grain %c1 {
  ^bb0(%i: index):
    // expected-error @below {{parallel loops cannot nest}}
    pager.parallel %n grain %c1 {
    ^bb0(%j: index):
      "memref.assume_alignment"(%x) {alignment = 4 : i32} : (memref<?xf32>) -> memref<?xf32>
    }
  }
  return
}
