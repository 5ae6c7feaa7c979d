// RUN: moe-opt %s --gpu-lower-linalg --canonicalize --split-input-file | FileCheck %s

// A point of an elementwise operation is a thread.
// CHECK-LABEL: func.func @elementwise
// CHECK: %[[N:.*]] = memref.dim
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %[[N]], %c256
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %[[BLOCKS]], {{.*}}) threads({{.*}}) in (%{{.*}} = %c256
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %{{.*}}, %[[N]]
// CHECK: scf.if %[[INSIDE]]
// CHECK: arith.negf
// CHECK: memref.store
func.func @elementwise(%n: index) {
  %c0 = arith.constant 0 : index
  %a = pager.buffer arena[%c0] at %c0 sizes(%n) : memref<?xf32>
  linalg.generic {indexing_maps = [affine_map<(i)->(i)>, affine_map<(i)->(i)>], iterator_types = ["parallel"]} ins(%a : memref<?xf32>) outs(%a : memref<?xf32>) {
  ^bb0(%x: f32, %o: f32):
    %y = arith.negf %x : f32
    linalg.yield %y : f32
  }
  return
}

// -----

// A sum in any order is shared by the lanes of a warp, in a fixed one.
// CHECK-LABEL: func.func @sum
// CHECK: gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c128
// CHECK: scf.for %{{.*}} = %{{.*}} to %c48 step %c32
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: memref.store
func.func @sum(%n: index) {
  %c0 = arith.constant 0 : index
  %a = pager.buffer arena[%c0] at %c0 sizes(%n) : memref<?x48xf32>
  %s = pager.buffer arena[%c0] at %n sizes(%n) : memref<?xf32>
  linalg.generic {indexing_maps = [affine_map<(i,j)->(i,j)>, affine_map<(i,j)->(i)>], iterator_types = ["parallel", "reduction"]} ins(%a : memref<?x48xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%x: f32, %o: f32):
    %p = arith.addf %o, %x fastmath<reassoc> : f32
    linalg.yield %p : f32
  }
  return
}

// -----

// Without leave to reorder, and along a stride, a thread adds one step after
// the other.
// CHECK-LABEL: func.func @in_order
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.launch
// CHECK: scf.for %{{.*}} = %c0 to %c48 step %c1
// CHECK: gpu.launch
// CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step %c1
// CHECK-NOT: gpu.shuffle
func.func @in_order(%n: index) {
  %c0 = arith.constant 0 : index
  %a = pager.buffer arena[%c0] at %c0 sizes(%n) : memref<?x48xf32>
  %s = pager.buffer arena[%c0] at %n sizes(%n) : memref<?xf32>
  %t = pager.buffer arena[%c0] at %n : memref<48xf32>
  linalg.generic {indexing_maps = [affine_map<(i,j)->(i,j)>, affine_map<(i,j)->(i)>], iterator_types = ["parallel", "reduction"]} ins(%a : memref<?x48xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%x: f32, %o: f32):
    %p = arith.addf %o, %x : f32
    linalg.yield %p : f32
  }
  linalg.generic {indexing_maps = [affine_map<(j,i)->(i,j)>, affine_map<(j,i)->(j)>], iterator_types = ["parallel", "reduction"]} ins(%a : memref<?x48xf32>) outs(%t : memref<48xf32>) {
  ^bb0(%x: f32, %o: f32):
    %p = arith.addf %o, %x fastmath<reassoc> : f32
    linalg.yield %p : f32
  }
  return
}

// -----

// Of a scatter, the index loop stays in order; rows of the result are threads.
// CHECK-LABEL: func.func @scatter
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %c256
// CHECK: gpu.launch
// CHECK: scf.for %{{.*}} = %c0 to %c12 step %c1
// CHECK-NOT: scf.for
func.func @scatter(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c12 = arith.constant 12 : index
  %i = pager.buffer input[%c0] at %c0 : memref<12xindex>
  %u = pager.buffer arena[%c0] at %c0 sizes(%n) : memref<12x?xf32>
  %o = pager.buffer arena[%c0] at %n sizes(%n) : memref<20x?xf32>
  scf.for %a = %c0 to %c12 step %c1 {
    scf.for %b = %c0 to %n step %c1 {
      %at = memref.load %i[%a] : memref<12xindex>
      %v = memref.load %u[%a, %b] : memref<12x?xf32>
      memref.store %v, %o[%at, %b] : memref<20x?xf32>
    }
  }
  return
}

// -----

// Single elements: a store is a launch, a load is read back; tables of the
// host stay where they are.
// CHECK-LABEL: func.func @elements
// CHECK: %[[TABLE:.*]] = memref.load %arg1
// CHECK: %[[READ:.*]] = pager.read_back %{{.*}}[%[[TABLE]]]
// CHECK: gpu.launch
// CHECK: memref.store %[[READ]]
func.func @elements(%n: index, %table: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  %a = pager.buffer arena[%c0] at %c0 sizes(%n) : memref<?xf32>
  %i = memref.load %table[%c0] : memref<?xindex>
  %x = memref.load %a[%i] : memref<?xf32>
  memref.store %x, %a[%c0] : memref<?xf32>
  return
}
