// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// Every operation and type survives printing and parsing.

// CHECK-LABEL: func.func @sources
func.func @sources() {
  // CHECK: weights.ref "gate.weight" in "model.onnx.data" at 4096 : <64x128xf32>
  %0 = weights.ref "gate.weight" in "model.onnx.data" at 4096 : !weights.tensor<64x128xf32>
  // CHECK: weights.inline "scale" dense<1.000000e+00> : tensor<4xf32> -> <4xf32>
  %1 = weights.inline "scale" dense<1.0> : tensor<4xf32> -> !weights.tensor<4xf32>
  // CHECK: weights.ref "scalar" in "f" at 0 : <i1>
  %2 = weights.ref "scalar" in "f" at 0 : !weights.tensor<i1>
  // CHECK: weights.ref "empty" in "f" at 0 : <0x4xui8>
  %3 = weights.ref "empty" in "f" at 0 : !weights.tensor<0x4xui8>
  return
}

// CHECK-LABEL: func.func @recipes
func.func @recipes(%w: !weights.tensor<64x128xf32>, %h: !weights.tensor<4xbf16>,
                   %q: !weights.tensor<8x60xi8>, %s: !weights.tensor<8x2xf32>, %z: !weights.tensor<8x2xi8>) {
  // CHECK: weights.transpose %{{.*}} [1, 0] : <64x128xf32> -> <128x64xf32>
  %0 = weights.transpose %w [1, 0] : !weights.tensor<64x128xf32> -> !weights.tensor<128x64xf32>
  // CHECK: weights.view %{{.*}} [0, 16] [64, 32] : <64x128xf32> -> <64x32xf32>
  %1 = weights.view %w [0, 16] [64, 32] : !weights.tensor<64x128xf32> -> !weights.tensor<64x32xf32>
  // CHECK: weights.reshape %{{.*}} : <64x128xf32> -> <8x8x128xf32>
  %2 = weights.reshape %w : !weights.tensor<64x128xf32> -> !weights.tensor<8x8x128xf32>
  // CHECK: weights.concat %{{.*}}, %{{.*}} axis 1 : (!weights.tensor<64x128xf32>, !weights.tensor<64x32xf32>) -> !weights.tensor<64x160xf32>
  %3 = weights.concat %w, %1 axis 1 : (!weights.tensor<64x128xf32>, !weights.tensor<64x32xf32>) -> !weights.tensor<64x160xf32>
  // CHECK: weights.stack %{{.*}}, %{{.*}} : (!weights.tensor<4xbf16>, !weights.tensor<4xbf16>) -> !weights.tensor<2x4xbf16>
  %4 = weights.stack %h, %h : (!weights.tensor<4xbf16>, !weights.tensor<4xbf16>) -> !weights.tensor<2x4xbf16>
  // CHECK: weights.cast %{{.*}} : <4xbf16> -> <4xf32>
  %5 = weights.cast %h : !weights.tensor<4xbf16> -> !weights.tensor<4xf32>
  // The last block may be short.
  // CHECK: weights.dequantize %{{.*}} scales %{{.*}} block 32 : (!weights.tensor<8x60xi8>, !weights.tensor<8x2xf32>) -> !weights.tensor<8x60xf32>
  %6 = weights.dequantize %q scales %s block 32 : (!weights.tensor<8x60xi8>, !weights.tensor<8x2xf32>) -> !weights.tensor<8x60xf32>
  // CHECK: weights.dequantize %{{.*}} scales %{{.*}} zero_points %{{.*}} block 32
  %7 = weights.dequantize %q scales %s zero_points %z block 32
    : (!weights.tensor<8x60xi8>, !weights.tensor<8x2xf32>, !weights.tensor<8x2xi8>) -> !weights.tensor<8x60xf32>
  // CHECK: weights.pack %{{.*}} panels : <64x128xf32> -> <8192xf32>
  %8 = weights.pack %w panels : !weights.tensor<64x128xf32> -> !weights.tensor<8192xf32>
  // CHECK: weights.pack %{{.*}} raw : <4xbf16> -> <4xbf16>
  %9 = weights.pack %h raw : !weights.tensor<4xbf16> -> !weights.tensor<4xbf16>
  return
}

// CHECK-LABEL: func.func @banks
func.func @banks(%g: !weights.tensor<8x64x128xf32>, %d: !weights.tensor<8x128x64xf32>,
                 %gb: !weights.tensor<8x128xf32>, %db: !weights.tensor<8x64xf32>) {
  // CHECK: weights.bank "layers.0" [gate, up, down] %{{.*}}, %{{.*}}, %{{.*}} : ({{.*}}) -> !weights.bank<8>
  %0 = weights.bank "layers.0" [gate, up, down] %g, %g, %d
    : (!weights.tensor<8x64x128xf32>, !weights.tensor<8x64x128xf32>, !weights.tensor<8x128x64xf32>) -> !weights.bank<8>
  // CHECK: weights.bank "layers.1" [up, down, gate, gate_bias, up_bias, down_bias] {{.*}} {index = 1 : i64}
  %1 = weights.bank "layers.1" [up, down, gate, gate_bias, up_bias, down_bias] %g, %d, %g, %gb, %gb, %db {index = 1 : i64}
    : (!weights.tensor<8x64x128xf32>, !weights.tensor<8x128x64xf32>, !weights.tensor<8x64x128xf32>,
       !weights.tensor<8x128xf32>, !weights.tensor<8x128xf32>, !weights.tensor<8x64xf32>) -> !weights.bank<8>
  return
}

// CHECK-LABEL: func.func @uses
func.func @uses(%w: !weights.tensor<64x128xf32>) {
  // CHECK: weights.materialize %{{.*}} : <64x128xf32> -> tensor<64x128xf32>
  %0 = weights.materialize %w : !weights.tensor<64x128xf32> -> tensor<64x128xf32>
  // CHECK: weights.materialize %{{.*}} : <64x128xf32> -> memref<64x128xf32>
  %1 = weights.materialize %w : !weights.tensor<64x128xf32> -> memref<64x128xf32>
  // CHECK: weights.place %{{.*}} at 4096 : <64x128xf32>
  weights.place %w at 4096 : !weights.tensor<64x128xf32>
  return
}
