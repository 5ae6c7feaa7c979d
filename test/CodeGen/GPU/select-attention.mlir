// RUN: moe-opt %s --gpu-select-attention | FileCheck %s

// States are read where they are, transpositions of operands and of the result are strides; few and many rows
// have kernels of their own, and parts of the keys are added up where there are several.

#heads = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
#same = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK: gpu.module @kernels
// CHECK-DAG: llvm.func @attention_f32_h4x2_d8x8_causallow_nan_64x64(
// CHECK-DAG: llvm.func @attention_f32_h4x2_d8x8_causallow_nan_8x64(
// CHECK-DAG: llvm.func @attention_f32_h4x2_d8x8_causallow_nan_merge(
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[Q:.*]]: tensor<2x?x4x8xf32>, %[[STATE:.*]]: !pager.state
module attributes {gpu.kernel_set = "sm_80"} {
  func.func @main(%q: tensor<2x?x4x8xf32>, %state: !pager.state<2x2x?x8xf32, axis = 2>, %new: tensor<2x2x?x8xf32>, %past: index, %n: index) -> tensor<2x?x4x8xf32> {
    // CHECK: %[[K:.*]] = pager.state_append
    %k = pager.state_append %state, %new : !pager.state<2x2x?x8xf32, axis = 2>, tensor<2x2x?x8xf32> -> tensor<2x2x?x8xf32>
    %empty = tensor.empty(%n) : tensor<2x4x?x8xf32>
    %qt = linalg.generic {indexing_maps = [#heads, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%q : tensor<2x?x4x8xf32>) outs(%empty : tensor<2x4x?x8xf32>) {
    ^bb0(%x: f32, %y: f32):
      linalg.yield %x : f32
    } -> tensor<2x4x?x8xf32>
    // CHECK: %[[OUT:.*]] = memref.alloc(%{{.*}}) : memref<2x?x4x8xf32>
    // CHECK: memref.alloc(%{{.*}}) : memref<?xf32>
    // CHECK: bufferization.to_buffer %[[Q]] read_only : tensor<2x?x4x8xf32> to memref<2x?x4x8xf32>
    // CHECK: %[[QT:.*]] = memref.transpose
    // CHECK: bufferization.to_buffer %[[K]] read_only : tensor<2x2x?x8xf32> to memref<2x2x?x8xf32, strided<[?, ?, ?, 1], offset: ?>>
    // CHECK: scf.if
    // CHECK: gpu.launch_func @kernels::@attention_f32_h4x2_d8x8_causallow_nan_8x64 blocks{{.*}} args(%[[QT]] :
    // CHECK: scf.if
    // CHECK: gpu.launch_func @kernels::@attention_f32_h4x2_d8x8_causallow_nan_merge
    // CHECK: } else {
    // CHECK: gpu.launch_func @kernels::@attention_f32_h4x2_d8x8_causallow_nan_64x64
    // CHECK: %[[R:.*]] = bufferization.to_tensor %[[OUT]] restrict writable
    // CHECK-NOT: onnx.node
    // CHECK-NOT: linalg.generic {{.*}} ins(%[[R]]
    // CHECK: return %[[R]]
    %none = onnx.none
    %a = onnx.node "Attention"(%qt, %k, %k, %none, %past) {domain = "", name = "a", version = 23 : i64,
      node_attrs = {is_causal = 1 : i64, masked = -3.40282347E+38 : f32, empty_rows = "nan", scale = 5.0e-01 : f64, softcap = 0.0 : f32}}
      : (tensor<2x4x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>, !onnx.none, index) -> tensor<2x4x?x8xf32>
    %init = tensor.empty(%n) : tensor<2x?x4x8xf32>
    %at = linalg.generic {indexing_maps = [#heads, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%a : tensor<2x4x?x8xf32>) outs(%init : tensor<2x?x4x8xf32>) {
    ^bb0(%x: f32, %y: f32):
      linalg.yield %x : f32
    } -> tensor<2x?x4x8xf32>
    return %at : tensor<2x?x4x8xf32>
  }
}
