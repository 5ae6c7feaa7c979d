// RUN: moe-opt %s --cpu-thread-frame --cpu-convert-pager-to-llvm | FileCheck %s

// Launches, tensor maps, waves and reads of the device call the runtime.
// CHECK: module attributes {{{.*}}gpu.kernels = ["k"]
// CHECK: func.func @moe_run(%[[FRAME:.*]]: !llvm.ptr) -> i32
// CHECK-DAG: llvm.alloca %{{.*}} x i8 {alignment = 64
module attributes {gpu.container_module} {
gpu.module @kernels {
  llvm.func @k(%a: !llvm.ptr<1>, %n: i64, %m: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>}) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
func.func @moe_run() -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c0_i32 = arith.constant 0 : i32
  %counts = pager.buffer arena[%c0] at %c0 : memref<2xi32>
  %0 = weights.ref "u" in "f" at 0 : !weights.tensor<2x4x8xf32>
  %1 = weights.ref "d" in "f" at 256 : !weights.tensor<2x8x4xf32>
  %b = weights.bank "b" [up, down] %0, %1 {index = 0} : (!weights.tensor<2x4x8xf32>, !weights.tensor<2x8x4xf32>) -> !weights.bank<2>
  // CHECK: call %{{.*}}({{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
  %n = pager.read_back %counts[%c1] : memref<2xi32>
  // CHECK: llvm.call %{{.*}} -> i32
  // CHECK: cf.cond_br
  // CHECK: llvm.call %{{.*}} : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> i32
  // CHECK: arith.cmpi sgt
  // CHECK: cf.cond_br
  pager.for_each_wave %b, %counts, %c1 : !weights.bank<2>, memref<2xi32> {
  ^bb0(%slots: memref<?xi8>, %count: index, %slot_of: memref<2xi32>):
    // CHECK: llvm.call %{{.*}} : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
    %m = pager.tensor_map %slots at %c0 sizes(%c1, %count) strides(%c1) box [64, 1] swizzle 128 of bf16 : memref<?xi8>
    // CHECK: llvm.call %{{.*}} : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr, !llvm.ptr) -> ()
    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%slot_of : memref<2xi32>, %c1 : index, %m : !pager.tensor_map)
  }
  return %c0_i32 : i32
}
}
