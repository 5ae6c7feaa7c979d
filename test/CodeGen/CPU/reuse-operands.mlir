// RUN: moe-opt %s --cpu-reuse-operands | FileCheck %s

// A result goes over an operand that is read for the last time, also when others
// read it before. What is read later, what views show, inputs and broadcast
// operands stay.

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @softmax
// CHECK: %[[A:.*]] = linalg.generic {{.*}} ins(%arg0 : tensor<4x4xf32>) outs(%[[E:.*]] : tensor<4x4xf32>)
// CHECK: %[[M:.*]] = linalg.generic {{.*}} ins(%[[A]] : tensor<4x4xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[M]] : tensor<4xf32>) outs(%[[A]] : tensor<4x4xf32>)
// CHECK-NEXT: ^bb0(%[[MAX:.*]]: f32, %[[SCORE:.*]]: f32):
// CHECK-NEXT: arith.subf %[[SCORE]], %[[MAX]]
func.func @softmax(%x: tensor<4x4xf32>, %init: tensor<4xf32>) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.negf %i : f32
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  %m = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%a : tensor<4x4xf32>) outs(%init : tensor<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.maximumf %i, %o : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  %b = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%a, %m : tensor<4x4xf32>, tensor<4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %0 = arith.subf %i, %j : f32
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  return %b : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @stay
// CHECK-COUNT-3: outs(%[[E:.*]] : tensor<4x4xf32>)
// CHECK: return
func.func @stay(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<16xf32>) {
  %e = tensor.empty() : tensor<4x4xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.negf %i : f32
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  // Read later: returned.
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.negf %i : f32
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  // Seen through a view.
  %v = tensor.collapse_shape %b [[0, 1]] : tensor<4x4xf32> into tensor<16xf32>
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.negf %i : f32
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  return %a, %c, %v : tensor<4x4xf32>, tensor<4x4xf32>, tensor<16xf32>
}
