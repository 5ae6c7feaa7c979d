// RUN: moe-opt %s -cpu-select-gemms | FileCheck %s

// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: %[[A:.*]]: tensor<?x48xf32>
// CHECK: %[[W:.*]] = weights.ref "w"
// CHECK: %[[P:.*]] = weights.pack %[[W]] panels : <48x40xf32> -> <3072xf32>
// CHECK: %[[B:.*]] = weights.materialize %[[P]] : <3072xf32> -> memref<3072xf32>
// CHECK-DAG: %[[AB:.*]] = bufferization.to_buffer %[[A]] read_only
// CHECK-DAG: %[[C:.*]] = memref.alloc(%{{.*}}) : memref<?x40xf32>
// CHECK: call @gemm_f32_48x40(%[[AB]], %[[B]], %[[C]])
// CHECK: pager.count "gemm_f32_48x40"
// CHECK: %[[R:.*]] = bufferization.to_tensor %[[C]] restrict writable
// CHECK-NOT: linalg.matmul
// CHECK: return %[[R]]
func.func @dynamic(%a: tensor<?x48xf32>, %m: index) -> tensor<?x40xf32> {
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<48x40xf32>
  %b = weights.materialize %w : !weights.tensor<48x40xf32> -> tensor<48x40xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%m) : tensor<?x40xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x40xf32>) -> tensor<?x40xf32>
  %c = linalg.matmul ins(%a, %b : tensor<?x48xf32>, tensor<48x40xf32>) outs(%init : tensor<?x40xf32>) -> tensor<?x40xf32>
  return %c : tensor<?x40xf32>
}

// CHECK-LABEL: func.func @static
// CHECK: %[[C:.*]] = memref.alloc() : memref<3x40xf32>
// CHECK: memref.cast %{{.*}} : memref<3x48xf32> to memref<?x48xf32>
// CHECK: memref.cast %[[C]] : memref<3x40xf32> to memref<?x40xf32>
// CHECK: call @gemm_f32_48x40
func.func @static(%a: tensor<3x48xf32>) -> tensor<3x40xf32> {
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<48x40xf32>
  %b = weights.materialize %w : !weights.tensor<48x40xf32> -> tensor<48x40xf32>
  %init = arith.constant dense<0.0> : tensor<3x40xf32>
  %c = linalg.matmul ins(%a, %b : tensor<3x48xf32>, tensor<48x40xf32>) outs(%init : tensor<3x40xf32>) -> tensor<3x40xf32>
  return %c : tensor<3x40xf32>
}

// Not a weight, not a fresh sum, not float32: left alone.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-3: linalg.matmul
// CHECK-NOT: call
// CHECK: return
func.func @others(%a: tensor<3x48xf32>, %x: tensor<48x40xf32>, %acc: tensor<3x40xf32>,
                  %d: tensor<3x48xf64>, %dacc: tensor<3x40xf64>) -> (tensor<3x40xf32>, tensor<3x40xf32>, tensor<3x40xf64>) {
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<48x40xf32>
  %b = weights.materialize %w : !weights.tensor<48x40xf32> -> tensor<48x40xf32>
  %v = weights.ref "v" in "f" at 0 : !weights.tensor<48x40xf64>
  %e = weights.materialize %v : !weights.tensor<48x40xf64> -> tensor<48x40xf64>
  %init = arith.constant dense<0.0> : tensor<3x40xf32>
  %dinit = arith.constant dense<0.0> : tensor<3x40xf64>
  %c = linalg.matmul ins(%a, %x : tensor<3x48xf32>, tensor<48x40xf32>) outs(%init : tensor<3x40xf32>) -> tensor<3x40xf32>
  %f = linalg.matmul ins(%a, %b : tensor<3x48xf32>, tensor<48x40xf32>) outs(%acc : tensor<3x40xf32>) -> tensor<3x40xf32>
  %g = linalg.matmul ins(%d, %e : tensor<3x48xf64>, tensor<48x40xf64>) outs(%dinit : tensor<3x40xf64>) -> tensor<3x40xf64>
  return %c, %f, %g : tensor<3x40xf32>, tensor<3x40xf32>, tensor<3x40xf64>
}

// One kernel for both products, parallel over panels and row blocks, and
// micro-kernels for products of any size; masked stores for the columns that a
// panel has beyond C.
// CHECK: func.func private @gemm_f32_48x40(
// CHECK: scf.parallel
// CHECK: scf.index_switch
// CHECK: {cpu.grain = 1 : i64}
// CHECK: func.func private @gemm_f32_m1(
// CHECK-SAME: passthrough = ["noinline"]
// CHECK: scf.for
// CHECK: llvm.intr.masked.store
// CHECK-NOT: func.func private @gemm_f32_48x40(
