// RUN: moe-opt %s --cpu-expand-reshapes | FileCheck %s

// CHECK-LABEL: func.func @two_dynamic
// CHECK-SAME: (%{{.*}}: memref<?x8xf32>, %[[N:.*]]: index, %[[M:.*]]: index)
// CHECK: memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [%[[N]], %[[M]], 8], strides: [%{{.*}}, 8, 1]
func.func @two_dynamic(%x: memref<?x8xf32>, %n: index, %m: index) -> memref<?x?x8xf32> {
  %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%n, %m, 8] : memref<?x8xf32> into memref<?x?x8xf32>
  return %e : memref<?x?x8xf32>
}
