// RUN: moe-opt %s --cpu-bind-entry | FileCheck %s

// Inputs, states, weights and outputs become buffers of the frame; the state's
// output is the state itself, with the capacity as the stride of its axis.

module attributes {onnx.symbols = ["n", "past"]} {
  // CHECK-LABEL: func.func @moe_run() -> i32
  // CHECK: %[[REF:.*]] = weights.ref
  // CHECK: weights.place %[[REF]] at 0
  // CHECK-DAG: pager.buffer input[%{{.*}}] at %{{.*}} sizes(%{{.*}}) : memref<?x4xf32>
  // CHECK-DAG: pager.buffer dense[%{{.*}}] at %{{.*}} : memref<4xf32>
  // CHECK: %[[PAST:.*]] = onnx.symbol 1
  // CHECK: %[[CAPACITY:.*]] = pager.state_capacity
  // CHECK: %[[STATE:.*]] = pager.buffer state{{.*}} : memref<2x?x4xf32, strided<[?, 4, 1]>>
  // CHECK: memref.subview %[[STATE]][0, %[[PAST]], 0]
  // CHECK: pager.buffer output
  // CHECK: return %{{.*}} : i32
  func.func @main(%x: tensor<?x4xf32> {cpu.dims = affine_map<()[s0, s1] -> (s0, 4)>},
                  %s: !pager.state<2x?x4xf32, axis = 1> {onnx.state_output = 1 : i64, onnx.state_axis = 1 : i64,
                                                            cpu.dims = affine_map<()[s0, s1] -> (2, s1, 4)>},
                  %new: tensor<2x?x4xf32> {cpu.dims = affine_map<()[s0, s1] -> (2, s0, 4)>}) -> tensor<?x4xf32> {
    %w = weights.ref "w" in "f" at 0 : !weights.tensor<4xf32>
    %t = weights.materialize %w : !weights.tensor<4xf32> -> tensor<4xf32>
    %all = pager.state_append %s, %new : !pager.state<2x?x4xf32, axis = 1>, tensor<2x?x4xf32> -> tensor<2x?x4xf32>
    %c0 = arith.constant 0 : index
    %a = tensor.extract %t[%c0] : tensor<4xf32>
    %b = tensor.extract %all[%c0, %c0, %c0] : tensor<2x?x4xf32>
    %sum = arith.addf %a, %b : f32
    %y = tensor.insert %sum into %x[%c0, %c0] : tensor<?x4xf32>
    return %y : tensor<?x4xf32>
  }
}
