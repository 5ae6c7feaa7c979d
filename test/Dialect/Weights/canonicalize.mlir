// RUN: moe-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func.func @transposes
// CHECK-SAME: (%[[W:.*]]: !weights.tensor<2x3x4xf32>)
func.func @transposes(%w: !weights.tensor<2x3x4xf32>)
    -> (!weights.tensor<2x3x4xf32>, !weights.tensor<2x3x4xf32>, !weights.tensor<4x2x3xf32>) {
  // CHECK: %[[T:.*]] = weights.transpose %[[W]] [2, 0, 1] : <2x3x4xf32> -> <4x2x3xf32>
  // CHECK: return %[[W]], %[[W]], %[[T]]
  %same = weights.transpose %w [0, 1, 2] : !weights.tensor<2x3x4xf32> -> !weights.tensor<2x3x4xf32>
  %a = weights.transpose %w [1, 2, 0] : !weights.tensor<2x3x4xf32> -> !weights.tensor<3x4x2xf32>
  %back = weights.transpose %a [2, 0, 1] : !weights.tensor<3x4x2xf32> -> !weights.tensor<2x3x4xf32>
  %twice = weights.transpose %a [1, 2, 0] : !weights.tensor<3x4x2xf32> -> !weights.tensor<4x2x3xf32>
  return %same, %back, %twice : !weights.tensor<2x3x4xf32>, !weights.tensor<2x3x4xf32>, !weights.tensor<4x2x3xf32>
}

// CHECK-LABEL: func.func @reshapes
// CHECK-SAME: (%[[W:.*]]: !weights.tensor<6x4xf32>)
func.func @reshapes(%w: !weights.tensor<6x4xf32>) -> (!weights.tensor<6x4xf32>, !weights.tensor<3x8xf32>) {
  // CHECK: %[[R:.*]] = weights.reshape %[[W]] : <6x4xf32> -> <3x8xf32>
  // CHECK: return %[[W]], %[[R]]
  %a = weights.reshape %w : !weights.tensor<6x4xf32> -> !weights.tensor<24xf32>
  %b = weights.reshape %a : !weights.tensor<24xf32> -> !weights.tensor<6x4xf32>
  %c = weights.reshape %a : !weights.tensor<24xf32> -> !weights.tensor<3x8xf32>
  return %b, %c : !weights.tensor<6x4xf32>, !weights.tensor<3x8xf32>
}

// CHECK-LABEL: func.func @nothing_to_do
// CHECK-SAME: (%[[W:.*]]: !weights.tensor<6x4xf32>)
func.func @nothing_to_do(%w: !weights.tensor<6x4xf32>) -> (!weights.tensor<6x4xf32>, !weights.tensor<6x4xf32>) {
  // CHECK-NEXT: return %[[W]], %[[W]]
  %a = weights.view %w [0, 0] [6, 4] : !weights.tensor<6x4xf32> -> !weights.tensor<6x4xf32>
  %b = weights.cast %w : !weights.tensor<6x4xf32> -> !weights.tensor<6x4xf32>
  return %a, %b : !weights.tensor<6x4xf32>, !weights.tensor<6x4xf32>
}

// A cast there and back rounds: it stays. A view of a part stays.
// CHECK-LABEL: func.func @kept
func.func @kept(%w: !weights.tensor<6x4xf32>) -> (!weights.tensor<6x4xf32>, !weights.tensor<2x4xf32>) {
  // CHECK: weights.cast %{{.*}} : <6x4xf32> -> <6x4xbf16>
  // CHECK: weights.cast %{{.*}} : <6x4xbf16> -> <6x4xf32>
  // CHECK: weights.view
  %a = weights.cast %w : !weights.tensor<6x4xf32> -> !weights.tensor<6x4xbf16>
  %b = weights.cast %a : !weights.tensor<6x4xbf16> -> !weights.tensor<6x4xf32>
  %c = weights.view %w [4, 0] [2, 4] : !weights.tensor<6x4xf32> -> !weights.tensor<2x4xf32>
  return %b, %c : !weights.tensor<6x4xf32>, !weights.tensor<2x4xf32>
}

// CHECK-LABEL: func.func @placed_weights_stay
func.func @placed_weights_stay(%w: !weights.tensor<6x4xf32>) {
  // CHECK-NEXT: weights.place
  // CHECK-NEXT: return
  weights.place %w at 0 : !weights.tensor<6x4xf32>
  %unused = weights.materialize %w : !weights.tensor<6x4xf32> -> tensor<6x4xf32>
  return
}
