// RUN: moe-opt %s --cpu-lower-linalg --canonicalize | FileCheck %s

// The innermost parallel dimension stays a loop; the others are one parallel loop.
// CHECK-LABEL: func.func @elementwise
// CHECK: pager.parallel
// CHECK: arith.remui
// CHECK: scf.for
// CHECK: memref.load
// CHECK: math.exp
// CHECK: memref.store
func.func @elementwise(%x: memref<?x?x8xf32>, %y: memref<?x?x8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
                  iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%x : memref<?x?x8xf32>) outs(%y : memref<?x?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  }
  return
}

// A reduction over consecutive elements accumulates in a register.
// CHECK-LABEL: func.func @dot
// CHECK: pager.parallel
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args
// CHECK: arith.addf {{.*}} fastmath<reassoc>
// CHECK: memref.store %[[SUM]]
func.func @dot(%x: memref<?x64xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, r) -> (a, r)>, affine_map<(a, r) -> (a)>],
                  iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<?x64xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a fastmath<reassoc> : f32
    linalg.yield %s : f32
  }
  return
}

// One over strided elements goes row by row through memory.
// CHECK-LABEL: func.func @axpy
// CHECK: pager.parallel
// CHECK: scf.for
// CHECK-NOT: iter_args
// CHECK: scf.for
func.func @axpy(%p: memref<?x?xf32>, %v: memref<?x32xf32>, %y: memref<?x32xf32>) {
  linalg.matmul ins(%p, %v : memref<?x?xf32>, memref<?x32xf32>) outs(%y : memref<?x32xf32>)
  return
}
