// RUN: moe-opt %s --convert-onnx-to-linalg | FileCheck %s

// Both of a pair are slices; caches have a row for each position, or are read there first.
// Nothing is picked out of the heads element by element.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x4x3x12xf32>, %[[P:.*]]: tensor<?x3xi64>, %[[C:.*]]: tensor<1x3x8xf32>
module attributes {onnx.symbols = ["n"]} {
  func.func @main(%x: tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>, %p: tensor<?x3xi64, affine_map<()[s0] -> (s0, 3)>>, %c: tensor<1x3x8xf32>)
      -> (tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>, tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>) {
    %t = weights.ref "t" in "f" at 0 : !weights.tensor<64x6xf32>
    // CHECK: %[[A:.*]] = tensor.extract_slice %[[X]][0, 0, 0, 0] [%{{.*}}, 4, 3, 4] [1, 1, 1, 1]
    // CHECK: %[[B:.*]] = tensor.extract_slice %[[X]][0, 0, 0, 4] [%{{.*}}, 4, 3, 4] [1, 1, 1, 1]
    // CHECK: %[[LOW:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 1, 3, 4]
    // CHECK: linalg.generic {{.*}} ins(%[[A]], %[[B]], %[[LOW]],
    // CHECK: arith.subf
    // CHECK: tensor.insert_slice
    // CHECK: linalg.generic {{.*}} ins(%[[B]], %[[A]],
    // CHECK: arith.addf
    // CHECK: tensor.insert_slice
    // CHECK: tensor.extract_slice %[[X]][0, 0, 0, 8]
    // CHECK: tensor.insert_slice
    %a = onnx.node "RotaryEmbedding"(%x, %c, %c) {domain = "", name = "a", version = 23 : i64, node_attrs = {full_caches = 1 : i64, rotary_embedding_dim = 8 : i64}}
      : (tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>, tensor<1x3x8xf32>, tensor<1x3x8xf32>) -> tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>
    // CHECK: tensor.extract_slice %[[X]][0, 0, 0, 0] [%{{.*}}, 4, 3, 6] [1, 1, 1, 2]
    // CHECK: tensor.extract_slice %[[X]][0, 0, 0, 1] [%{{.*}}, 4, 3, 6] [1, 1, 1, 2]
    // CHECK: linalg.generic
    // CHECK: tensor.extract %[[P]]
    // CHECK: linalg.generic
    // CHECK-NOT: tensor.extract %[[X]]
    %b = onnx.node "RotaryEmbedding"(%x, %t, %t, %p) {domain = "", name = "b", version = 23 : i64, node_attrs = {interleaved = 1 : i64}}
      : (tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>, !weights.tensor<64x6xf32>, !weights.tensor<64x6xf32>, tensor<?x3xi64, affine_map<()[s0] -> (s0, 3)>>) -> tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>
    return %a, %b : tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>, tensor<?x4x3x12xf32, affine_map<()[s0] -> (s0, 4, 3, 12)>>
  }
}
