// RUN: moe-opt %s --cpu-observe-tensors | FileCheck %s

// Behind each tensor of the file comes an observation, in the order of the
// computation: what has its shape, or else a loop with its elements in another.
// A reshape of a loop's operand has the loop's location and is not its tensor. A
// kernel's product is a buffer, which may never become a tensor.

// CHECK: module attributes {cpu.points = {{\[\[}}"a" : tensor<4x2xf32>, "mul", "Mul", tensor<4x2xf32>],
// CHECK-SAME: ["b" : tensor<8xf32>, "neg", "Neg", tensor<4x2xf32>],
// CHECK-SAME: ["" : tensor<8xf32>, "moe", "Experts", tensor<8xf32>],
// CHECK-SAME: ["p" : tensor<1x4x2xf32>, "product", "MatMul", tensor<4x2xf32>]]}
// CHECK-LABEL: func.func @moe_run
// CHECK: %[[A:.*]] = linalg.generic
// CHECK: %[[SEEN:.*]] = bufferization.to_buffer %[[A]] read_only
// CHECK: %[[N0:.*]] = arith.constant 0 : index
// CHECK: pager.observe %[[N0]], %[[SEEN]] : memref<4x2xf32, strided<[?, ?], offset: ?>>
// CHECK: linalg.generic
// CHECK: arith.constant 1 : index
// CHECK: pager.observe
// CHECK: tensor.collapse_shape
// CHECK: pager.observe
// CHECK: call @gemm(%{{.*}}, %[[P:[a-z0-9_]+]])
// CHECK: %[[VIEW:.*]] = memref.cast %[[P]]
// CHECK: pager.observe %{{.*}}, %[[VIEW]]
// CHECK-NOT: pager.observe
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func private @gemm(memref<8xf32>, memref<4x2xf32>)
func.func @moe_run(%x: tensor<8xf32>, %m: memref<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<4x2xf32>
  %r = tensor.expand_shape %x [[0, 1]] output_shape [4, 2] : tensor<8xf32> into tensor<4x2xf32> loc(#neg)
  %a = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%r : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.mulf %i, %i : f32
    linalg.yield %0 : f32
  } -> tensor<4x2xf32> loc(#mul)
  %b = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.negf %i : f32
    linalg.yield %0 : f32
  } -> tensor<4x2xf32> loc(#neg)
  %c = tensor.collapse_shape %b [[0, 1]] : tensor<4x2xf32> into tensor<8xf32> loc(#moe)
  %p = memref.alloc() : memref<4x2xf32> loc(#product)
  call @gemm(%m, %p) : (memref<8xf32>, memref<4x2xf32>) -> () loc(#product)
  return %c : tensor<8xf32>
}
#mul = loc(fused<["Mul", "a" : tensor<4x2xf32>]>["mul"])
#neg = loc(fused<["Neg", "b" : tensor<8xf32>]>["neg"])
#product = loc(fused<["MatMul", "p" : tensor<1x4x2xf32>]>["product"])
#moe = loc(fused<["Experts", "" : tensor<8xf32>]>["moe"])
