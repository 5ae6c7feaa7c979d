// RUN: moe-opt %s --cpu-resolve-dims --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @views
// CHECK-SAME: %[[N:[a-z0-9]+]]: index, %[[M:[a-z0-9]+]]: index
// CHECK: %[[NM:.*]] = arith.muli %[[N]], %[[M]]
// CHECK: return %[[N]], %[[M]], %[[NM]]
func.func @views(%n: index, %m: index, %nm: index) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc(%nm) : memref<?x4xf32>
  %e = memref.expand_shape %a [[0, 1], [2]] output_shape [%n, %m, 4] : memref<?x4xf32> into memref<?x?x4xf32>
  %d0 = memref.dim %e, %c0 : memref<?x?x4xf32>
  %d1 = memref.dim %e, %c1 : memref<?x?x4xf32>
  %c = memref.collapse_shape %e [[0, 1], [2]] : memref<?x?x4xf32> into memref<?x4xf32>
  %d2 = memref.dim %c, %c0 : memref<?x4xf32>
  return %d0, %d1, %d2 : index, index, index
}
