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

// Dot products with one row: eight together, those left over one by one; the
// elements left over of a row under a mask.
// CHECK-LABEL: func.func @dots
// CHECK: pager.parallel
// CHECK: scf.for {{.*}} step %c8
// CHECK: scf.for {{.*}} to %c16 step %c8 iter_args
// CHECK-COUNT-8: vector.fma
// CHECK: vector.constant_mask [4]
// CHECK-COUNT-9: vector.maskedload
// CHECK: vector.shuffle {{.*}} [0, 2, 8, 10, 4, 6, 12, 14]
// CHECK: vector.store
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args
// CHECK: memref.store
func.func @dots(%q: memref<?x?x20xf32>, %k: memref<?x?x20xf32>, %y: memref<?x?x?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(h, s, l, d) -> (h, s, d)>, affine_map<(h, s, l, d) -> (h, l, d)>,
                                   affine_map<(h, s, l, d) -> (h, s, l)>],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
    ins(%q, %k : memref<?x?x20xf32>, memref<?x?x20xf32>) outs(%y : memref<?x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p fastmath<reassoc> : f32
    linalg.yield %s : f32
  }
  return
}

// Columns that are few stay in registers, here 64 and 12.
// CHECK-LABEL: func.func @columns
// CHECK: pager.parallel
// CHECK-COUNT-8: vector.load
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.broadcast
// CHECK-COUNT-8: vector.fma
// CHECK-COUNT-8: vector.store
// CHECK: vector.load
// CHECK: vector.maskedload
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-2: vector.fma
// CHECK: vector.store
// CHECK: vector.maskedstore
func.func @columns(%p: memref<?x?xf32>, %v: memref<?x76xf32>, %y: memref<?x76xf32>) {
  linalg.generic {indexing_maps = [affine_map<(s, d, l) -> (s, l)>, affine_map<(s, d, l) -> (l, d)>, affine_map<(s, d, l) -> (s, d)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%p, %v : memref<?x?xf32>, memref<?x76xf32>) outs(%y : memref<?x76xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %o, %m fastmath<reassoc> : f32
    linalg.yield %s : f32
  }
  return
}

// Neither: a difference of products, and columns of a matrix with a stride.
// CHECK-LABEL: func.func @others
// CHECK-NOT: vector.
// CHECK: return
func.func @others(%q: memref<?x12xf32>, %k: memref<?x12xf32>, %y: memref<?x?xf32>, %v: memref<?x12xf32, strided<[24, 2]>>,
                  %z: memref<?x12xf32>) {
  linalg.generic {indexing_maps = [affine_map<(s, l, d) -> (s, d)>, affine_map<(s, l, d) -> (l, d)>, affine_map<(s, l, d) -> (s, l)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%q, %k : memref<?x12xf32>, memref<?x12xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.subf %o, %m fastmath<reassoc> : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(s, d, l) -> (s, l)>, affine_map<(s, d, l) -> (l, d)>, affine_map<(s, d, l) -> (s, d)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%y, %v : memref<?x?xf32>, memref<?x12xf32, strided<[24, 2]>>) outs(%z : memref<?x12xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %o, %m fastmath<reassoc> : f32
    linalg.yield %s : f32
  }
  return
}
