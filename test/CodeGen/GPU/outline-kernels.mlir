// RUN: moe-opt %s --gpu-outline-kernels --canonicalize | FileCheck %s

// Buffers become addresses and strides, constants move into the kernel, and
// equal kernels are one.
// CHECK: module attributes {gpu.container_module}
// CHECK: gpu.module @kernels
// CHECK: llvm.mlir.global internal constant @table(dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>) {addr_space = 1
// CHECK: llvm.func @kernel(%[[H:.*]]: f32, %[[A:.*]]: !llvm.ptr<1>, %{{.*}}: i64) attributes {gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 32>}
// CHECK-DAG: %[[TABLE:.*]] = llvm.mlir.addressof @table
// CHECK-DAG: arith.truncf %[[H]] : f32 to f16
// CHECK-DAG: gpu.thread_id
// CHECK: llvm.getelementptr %[[TABLE]][1]
// CHECK: llvm.getelementptr %[[A]]
// CHECK: llvm.store {{.*}} !llvm.ptr<1>
// CHECK-NOT: llvm.func

memref.global "private" constant @table : memref<2xf32> = dense<[1.0, 2.0]>

// CHECK-LABEL: func.func @host
// CHECK: %[[W:.*]] = arith.extf %{{.*}} : f16 to f32
// CHECK: gpu.launch_func @kernels::@kernel {{.*}} args(%[[W]] : f32, %{{.*}} : memref<?x?xf32>, %{{.*}} : index)
// CHECK: gpu.launch_func @kernels::@kernel {{.*}}
func.func @host(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %h: f16) {
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %t = memref.get_global @table : memref<2xf32>
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c32, %sy = %c1, %sz = %c1) {
    %x = memref.load %t[%c1] : memref<2xf32>
    %y = arith.extf %h : f16 to f32
    %z = arith.addf %x, %y : f32
    memref.store %z, %a[%tx, %c1] : memref<?x?xf32>
    gpu.terminator
  }
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c32, %sy = %c1, %sz = %c1) {
    %x = memref.load %t[%c1] : memref<2xf32>
    %y = arith.extf %h : f16 to f32
    %z = arith.addf %x, %y : f32
    memref.store %z, %b[%tx, %c1] : memref<?x?xf32>
    gpu.terminator
  }
  return
}
