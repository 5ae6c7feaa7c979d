// RUN: moe-opt %s -onnx-infer-shapes -split-input-file -verify-diagnostics

// All contradictions are reported at once, each with its node and both shapes.
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<64x96xf32>
  %bi = weights.ref "bi" in "model.data" at 0 : !weights.tensor<96xf32>
  %c = onnx.constant dense<[5, -1]> : tensor<2xi64>
  // expected-error @+1 {{node 'a' (MatMul): multiplies [b, s, 48] by [64, 96]}}
  %a = onnx.node "MatMul" (%x, %w) {domain = "", name = "a", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<64x96xf32>) -> !onnx.value
  // expected-error @+1 {{node 'g' (Gather): axis 3 of a tensor of rank 3}}
  %g = onnx.node "Gather" (%x, %c) {domain = "", name = "g", node_attrs = {axis = 3 : i64}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<2xi64>) -> !onnx.value
  %user = onnx.node "Relu" (%a) {domain = "", name = "user", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  // expected-error @+1 {{node 'sum' (Add): shapes [b, s, 48] and [96] do not broadcast}}
  %sum = onnx.node "Add" (%x, %bi) {domain = "", name = "sum", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<96xf32>) -> !onnx.value
  return %user : !onnx.value
}
}

// -----

// A name cannot be two sizes.
module attributes {onnx.symbols = ["b", "k"]} {
func.func @main(%x: tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>, %r: tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<8x4xf32>
  %v = weights.ref "v" in "model.data" at 0 : !weights.tensor<9x4xf32>
  %one = onnx.node "MatMul" (%x, %w) {domain = "", name = "one", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>, !weights.tensor<8x4xf32>) -> !onnx.value
  // expected-error @+1 {{node 'two' (MatMul): needs dimension 'k' to be 9, but another node needs it to be 8}}
  %two = onnx.node "MatMul" (%r, %v) {domain = "", name = "two", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>, !weights.tensor<9x4xf32>) -> !onnx.value
  return %two : !onnx.value
}
}

// -----

// Reshape.
module attributes {onnx.symbols = []} {
func.func @main(%x: tensor<2x3xf32>) -> (!onnx.value) {
  %a = onnx.constant dense<[4, 2]> : tensor<2xi64>
  %b = onnx.constant dense<[-1, -1]> : tensor<2xi64>
  %c = onnx.constant dense<[1, 1, 0]> : tensor<3xi64>
  %d = onnx.constant dense<[-1, 4]> : tensor<2xi64>
  %e = onnx.constant dense<[-2, -3]> : tensor<2xi64>
  // expected-error @+1 {{node 'r1' (Reshape): cannot reshape [2, 3] to [4, 2]}}
  %r1 = onnx.node "Reshape" (%x, %a) {domain = "", name = "r1", node_attrs = {}, version = 20 : i64}
    : (tensor<2x3xf32>, tensor<2xi64>) -> !onnx.value
  // expected-error @+1 {{node 'r2' (Reshape): the shape has more than one -1}}
  %r2 = onnx.node "Reshape" (%x, %b) {domain = "", name = "r2", node_attrs = {}, version = 20 : i64}
    : (tensor<2x3xf32>, tensor<2xi64>) -> !onnx.value
  // expected-error @+1 {{node 'r3' (Reshape): 0 in the shape copies dimension 2 of a tensor of rank 2}}
  %r3 = onnx.node "Reshape" (%x, %c) {domain = "", name = "r3", node_attrs = {}, version = 20 : i64}
    : (tensor<2x3xf32>, tensor<3xi64>) -> !onnx.value
  // expected-error @+1 {{node 'r4' (Reshape): cannot reshape [2, 3] to [-1, 4]}}
  %r4 = onnx.node "Reshape" (%x, %d) {domain = "", name = "r4", node_attrs = {}, version = 20 : i64}
    : (tensor<2x3xf32>, tensor<2xi64>) -> !onnx.value
  // expected-error @+1 {{node 'r5' (Reshape): gives a dimension of size -2}}
  %r5 = onnx.node "Reshape" (%x, %e) {domain = "", name = "r5", node_attrs = {}, version = 20 : i64}
    : (tensor<2x3xf32>, tensor<2xi64>) -> !onnx.value
  return %r5 : !onnx.value
}
}

// -----

// Dimensions in and out.
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value) {
  %a1 = onnx.constant dense<1> : tensor<1xi64>
  %aa = onnx.constant dense<[1, 1]> : tensor<2xi64>
  %rp = onnx.constant dense<[1, 2, 3]> : tensor<3xi64>
  // expected-error @+1 {{node 'sq' (Squeeze): squeezes dimension 1 of [b, 3]}}
  %sq = onnx.node "Squeeze" (%x, %a1) {domain = "", name = "sq", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<1xi64>) -> !onnx.value
  // expected-error @+1 {{node 'un' (Unsqueeze): inserts one dimension twice}}
  %un = onnx.node "Unsqueeze" (%x, %aa) {domain = "", name = "un", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<2xi64>) -> !onnx.value
  // expected-error @+1 {{node 'fl' (Flatten): flattens at dimension 3 of [b, 3]}}
  %fl = onnx.node "Flatten" (%x) {domain = "", name = "fl", node_attrs = {axis = 3 : i64}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  // expected-error @+1 {{node 't1' (Transpose): permutes 3 dimensions of a tensor of rank 2}}
  %t1 = onnx.node "Transpose" (%x) {domain = "", name = "t1", node_attrs = {perm = array<i64: 0, 1, 2>}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  // expected-error @+1 {{node 't2' (Transpose): its permutation is not one}}
  %t2 = onnx.node "Transpose" (%x) {domain = "", name = "t2", node_attrs = {perm = array<i64: 0, 0>}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  // expected-error @+1 {{node 'ti' (Tile): has 3 repeats for a tensor of rank 2}}
  %ti = onnx.node "Tile" (%x, %rp) {domain = "", name = "ti", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<3xi64>) -> !onnx.value
  // expected-error @+1 {{node 'co' (ConstantOfShape): its value has 2 elements instead of one}}
  %co = onnx.node "ConstantOfShape" (%rp) {domain = "", name = "co", node_attrs = {value = dense<[1, 2]> : tensor<2xi64>}, version = 20 : i64}
    : (tensor<3xi64>) -> !onnx.value
  return %sq : !onnx.value
}
}

// -----

// Choosing and placing.
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, %y: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, %z: tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> (!onnx.value) {
  %i3 = onnx.constant dense<3> : tensor<i64>
  %i2 = onnx.constant dense<[0, 0]> : tensor<2xi64>
  %i1 = onnx.constant dense<0> : tensor<1xi64>
  %k9 = onnx.constant dense<9> : tensor<1xi64>
  %p3 = onnx.constant dense<[1, 2, 3]> : tensor<3xi64>
  %j = onnx.constant dense<[[0, 0, 0]]> : tensor<1x3xi64>
  // expected-error @+1 {{node 'c1' (Concat): concatenates [b, 3] and [b, 4] along dimension 0}}
  %c1 = onnx.node "Concat" (%x, %y) {domain = "", name = "c1", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> !onnx.value
  // expected-error @+1 {{node 'c2' (Concat): concatenates [b, 3] and [b], of different ranks}}
  %c2 = onnx.node "Concat" (%x, %z) {domain = "", name = "c2", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> !onnx.value
  // expected-error @+1 {{node 's1' (Slice): has 2 starts, 1 axes and 2 steps}}
  %s1 = onnx.node "Slice" (%x, %i2, %i2, %i1) {domain = "", name = "s1", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<2xi64>, tensor<2xi64>, tensor<1xi64>) -> !onnx.value
  // expected-error @+1 {{node 's2' (Slice): has a step of 0}}
  %s2 = onnx.node "Slice" (%x, %i1, %k9, %i1, %i1) {domain = "", name = "s2", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
  // expected-error @+1 {{node 'sp' (Split): splits [b, 3] along dimension 1 into 2 parts of 4 in all, for 2 results}}
  %sp:2 = onnx.node "Split" (%x) {domain = "", name = "sp", node_attrs = {axis = 1 : i64, split = array<i64: 2, 2>}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value, !onnx.value)
  // expected-error @+1 {{node 'sn' (Split): splits off a part of -1}}
  %sn:2 = onnx.node "Split" (%x) {domain = "", name = "sn", node_attrs = {axis = 1 : i64, split = array<i64: 4, -1>}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value, !onnx.value)
  // expected-error @+1 {{node 'g' (Gather): gathers element 3 of 3}}
  %g = onnx.node "Gather" (%x, %i3) {domain = "", name = "g", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<i64>) -> !onnx.value
  // expected-error @+1 {{node 'ge' (GatherElements): gathers from [b, 3] with indices [1], of different ranks}}
  %ge = onnx.node "GatherElements" (%x, %i1) {domain = "", name = "ge", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<1xi64>) -> !onnx.value
  // expected-error @+1 {{node 'gn' (GatherND): gathers from [b, 3] with indices [1, 3]}}
  %gn = onnx.node "GatherND" (%x, %j) {domain = "", name = "gn", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<1x3xi64>) -> !onnx.value
  // expected-error @+1 {{node 'se' (ScatterElements): scatters [b] at [1] into [b, 3], of different ranks}}
  %se = onnx.node "ScatterElements" (%x, %i1, %z) {domain = "", name = "se", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<1xi64>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> !onnx.value
  // expected-error @+1 {{node 'tk' (TopK): takes 9 of 3}}
  %tk:2 = onnx.node "TopK" (%x, %k9) {domain = "", name = "tk", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<1xi64>) -> (!onnx.value, !onnx.value)
  // expected-error @+1 {{node 'pd' (Pad): has 3 pads for 2 dimensions}}
  %pd = onnx.node "Pad" (%x, %p3) {domain = "", name = "pd", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<3xi64>) -> !onnx.value
  return %c1 : !onnx.value
}
}

// -----

// Products.
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, %s: tensor<f32>, %y: tensor<?x4x3xf32, affine_map<()[s0] -> (s0, 4, 3)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<4x5xf32>
  %bi = weights.ref "bi" in "model.data" at 0 : !weights.tensor<6xf32>
  // expected-error @+1 {{node 'm' (MatMul): multiplies a scalar}}
  %m = onnx.node "MatMul" (%x, %s) {domain = "", name = "m", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<f32>) -> !onnx.value
  // expected-error @+1 {{node 'g1' (Gemm): multiplies [b, 3] by [4, 5]}}
  %g1 = onnx.node "Gemm" (%x, %w) {domain = "", name = "g1", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4x5xf32>) -> !onnx.value
  // expected-error @+1 {{node 'g2' (Gemm): multiplies [b, 4, 3] by [4, 5]; both must be matrices}}
  %g2 = onnx.node "Gemm" (%y, %w) {domain = "", name = "g2", node_attrs = {}, version = 20 : i64}
    : (tensor<?x4x3xf32, affine_map<()[s0] -> (s0, 4, 3)>>, !weights.tensor<4x5xf32>) -> !onnx.value
  // expected-error @+1 {{node 'g3' (Gemm): shapes [4, 4] and [6] do not broadcast}}
  %g3 = onnx.node "Gemm" (%w, %w, %bi) {domain = "", name = "g3", node_attrs = {transB = 1 : i64}, version = 20 : i64}
    : (!weights.tensor<4x5xf32>, !weights.tensor<4x5xf32>, !weights.tensor<6xf32>) -> !onnx.value
  // expected-error @+1 {{node 'e1' (Einsum): its equation 'ij' has 1 terms for 2 operands}}
  %e1 = onnx.node "Einsum" (%x, %w) {domain = "", name = "e1", node_attrs = {equation = "ij"}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4x5xf32>) -> !onnx.value
  // expected-error @+1 {{node 'e2' (Einsum): its equation 'i,jk->i' does not fit [b, 3]}}
  %e2 = onnx.node "Einsum" (%x, %w) {domain = "", name = "e2", node_attrs = {equation = "i,jk->i"}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4x5xf32>) -> !onnx.value
  // expected-error @+1 {{node 'e3' (Einsum): dimension 'j' of equation 'ij,jk->ik' is both 3 and 4}}
  %e3 = onnx.node "Einsum" (%x, %w) {domain = "", name = "e3", node_attrs = {equation = "ij,jk->ik"}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4x5xf32>) -> !onnx.value
  // expected-error @+1 {{node 'e4' (Einsum): the result of equation 'ij,kl->iz' has a dimension that no operand has}}
  %e4 = onnx.node "Einsum" (%x, %w) {domain = "", name = "e4", node_attrs = {equation = "ij,kl->iz"}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4x5xf32>) -> !onnx.value
  // expected-error @+1 {{node 'nb' (MatMulNBits): multiplies [b, 3] by [4, 5]}}
  %nb = onnx.node "MatMulNBits" (%x, %w, %w) {domain = "com.microsoft", name = "nb", node_attrs = {K = 4 : i64, N = 5 : i64, block_size = 16 : i64}, version = 1 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4x5xf32>, !weights.tensor<4x5xf32>) -> !onnx.value
  return %m : !onnx.value
}
}

// -----

// Normalizations.
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<4xf32>
  %u = weights.ref "u" in "model.data" at 0 : !weights.tensor<2x1x3xf32>
  // expected-error @+1 {{node 'l' (LayerNormalization): shapes [3] and [4] do not broadcast}}
  %l = onnx.node "LayerNormalization" (%x, %w) {domain = "", name = "l", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4xf32>) -> !onnx.value
  // expected-error @+1 {{node 'r' (RMSNormalization): shapes [3] and [2, 1, 3] do not broadcast}}
  %r = onnx.node "RMSNormalization" (%x, %u) {domain = "", name = "r", node_attrs = {}, version = 23 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<2x1x3xf32>) -> !onnx.value
  // expected-error @+1 {{node 's' (SkipLayerNormalization): shapes [3] and [4] do not broadcast}}
  %s = onnx.node "SkipLayerNormalization" (%x, %x, %w) {domain = "com.microsoft", name = "s", node_attrs = {}, version = 1 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4xf32>) -> !onnx.value
  // expected-error @+1 {{node 'so' (Softmax): axis 2 of a tensor of rank 2}}
  %so = onnx.node "Softmax" (%x) {domain = "", name = "so", node_attrs = {axis = 2 : i64}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  return %l : !onnx.value
}
}

// -----

// Attention.
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%q: tensor<?x4x?x12xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 12)>>, %k: tensor<?x3x7x12xf32, affine_map<()[s0, s1] -> (s0, 3, 7, 12)>>, %v: tensor<?x3x8x12xf32, affine_map<()[s0, s1] -> (s0, 3, 8, 12)>>, %h: tensor<?x4x?x8xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 8)>>, %f: tensor<?x?x50xf32, affine_map<()[s0, s1] -> (s0, s1, 50)>>, %g: tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, %x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, %m: tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>) -> (!onnx.value) {
  // expected-error @+1 {{node 'a1' (Attention): query [b, 4, s, 12], key [b, s, 24] and value [b, s, 24] must all have rank 3 or 4}}
  %a1 = onnx.node "Attention" (%q, %g, %g) {domain = "", name = "a1", node_attrs = {}, version = 23 : i64}
    : (tensor<?x4x?x12xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 12)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>) -> !onnx.value
  // expected-error @+1 {{node 'a2' (Attention): operands of rank 3 need q_num_heads and kv_num_heads}}
  %a2 = onnx.node "Attention" (%g, %g, %g) {domain = "", name = "a2", node_attrs = {}, version = 23 : i64}
    : (tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>) -> !onnx.value
  // expected-error @+1 {{node 'a3' (Attention): 50 columns are not 4 heads}}
  %a3 = onnx.node "Attention" (%f, %g, %g) {domain = "", name = "a3", node_attrs = {q_num_heads = 4 : i64, kv_num_heads = 2 : i64}, version = 23 : i64}
    : (tensor<?x?x50xf32, affine_map<()[s0, s1] -> (s0, s1, 50)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>) -> !onnx.value
  // expected-error @+1 {{node 'a4' (Attention): query [b, 4, s, 12] and key [b, 4, s, 8] have heads of different sizes}}
  %a4 = onnx.node "Attention" (%q, %h, %h) {domain = "", name = "a4", node_attrs = {}, version = 23 : i64}
    : (tensor<?x4x?x12xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 12)>>, tensor<?x4x?x8xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 8)>>, tensor<?x4x?x8xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 8)>>) -> !onnx.value
  // expected-error @+1 {{node 'a5' (Attention): key [b, 3, 7, 12] and value [b, 3, 8, 12] have different lengths}}
  %a5 = onnx.node "Attention" (%q, %k, %v) {domain = "", name = "a5", node_attrs = {}, version = 23 : i64}
    : (tensor<?x4x?x12xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 12)>>, tensor<?x3x7x12xf32, affine_map<()[s0, s1] -> (s0, 3, 7, 12)>>, tensor<?x3x8x12xf32, affine_map<()[s0, s1] -> (s0, 3, 8, 12)>>) -> !onnx.value
  // expected-error @+1 {{node 'a6' (Attention): 4 query heads are no multiple of 3 key heads}}
  %a6 = onnx.node "Attention" (%q, %k, %k) {domain = "", name = "a6", node_attrs = {}, version = 23 : i64}
    : (tensor<?x4x?x12xf32, affine_map<()[s0, s1] -> (s0, 4, s1, 12)>>, tensor<?x3x7x12xf32, affine_map<()[s0, s1] -> (s0, 3, 7, 12)>>, tensor<?x3x7x12xf32, affine_map<()[s0, s1] -> (s0, 3, 7, 12)>>) -> !onnx.value
  // expected-error @+1 {{node 'm1' (MultiHeadAttention): needs num_heads}}
  %m1 = onnx.node "MultiHeadAttention" (%x, %x, %x) {domain = "com.microsoft", name = "m1", node_attrs = {num_heads = 0 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  // expected-error @+1 {{node 'm2' (MultiHeadAttention): 50 columns are not 4 heads}}
  %m2 = onnx.node "MultiHeadAttention" (%f, %x, %x) {domain = "com.microsoft", name = "m2", node_attrs = {num_heads = 4 : i64}, version = 1 : i64}
    : (tensor<?x?x50xf32, affine_map<()[s0, s1] -> (s0, s1, 50)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  // expected-error @+1 {{node 'm3' (MultiHeadAttention): query [b, s, 48] and key [b, s, 24] have heads of different sizes}}
  %m3 = onnx.node "MultiHeadAttention" (%x, %g, %g) {domain = "com.microsoft", name = "m3", node_attrs = {num_heads = 4 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>) -> !onnx.value
  %none = onnx.none
  %first = onnx.node "MultiHeadAttention" (%x, %x, %x, %none) {domain = "com.microsoft", name = "first", node_attrs = {num_heads = 4 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.none) -> !onnx.value
  // expected-error @+1 {{node 'm4' (MultiHeadAttention): past state [b, s] must have rank 4}}
  %m4:3 = onnx.node "MultiHeadAttention" (%x, %x, %x, %none, %none, %none, %m, %m) {domain = "com.microsoft", name = "m4", node_attrs = {num_heads = 4 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.none, !onnx.none, !onnx.none, tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>, tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>) -> (!onnx.value, !onnx.value, !onnx.value)
  %len = onnx.constant dense<1> : tensor<1xi32>
  // expected-error @+1 {{node 'q1' (GroupQueryAttention): 4 query heads are no multiple of 3 key heads}}
  %q1 = onnx.node "GroupQueryAttention" (%x, %g, %g, %none, %none, %len, %len) {domain = "com.microsoft", name = "q1", node_attrs = {num_heads = 4 : i64, kv_num_heads = 3 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, !onnx.none, !onnx.none, tensor<1xi32>, tensor<1xi32>) -> !onnx.value
  // expected-error @+1 {{node 'q2' (GroupQueryAttention): 50 columns are not 4 heads}}
  %q2 = onnx.node "GroupQueryAttention" (%f, %g, %g, %none, %none, %len, %len) {domain = "com.microsoft", name = "q2", node_attrs = {num_heads = 4 : i64, kv_num_heads = 2 : i64}, version = 1 : i64}
    : (tensor<?x?x50xf32, affine_map<()[s0, s1] -> (s0, s1, 50)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1] -> (s0, s1, 24)>>, !onnx.none, !onnx.none, tensor<1xi32>, tensor<1xi32>) -> !onnx.value
  // expected-error @+1 {{node 'q3' (GroupQueryAttention): query [b, s, 48] and key [b, s, 48] have heads of different sizes}}
  %q3 = onnx.node "GroupQueryAttention" (%x, %x, %x, %none, %none, %len, %len) {domain = "com.microsoft", name = "q3", node_attrs = {num_heads = 4 : i64, kv_num_heads = 2 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.none, !onnx.none, tensor<1xi32>, tensor<1xi32>) -> !onnx.value
  // expected-error @+1 {{node 'ro' (RotaryEmbedding): rotates [b, s], which must have rank 3 or 4}}
  %ro = onnx.node "RotaryEmbedding" (%m, %m, %m) {domain = "", name = "ro", node_attrs = {}, version = 23 : i64}
    : (tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>, tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>, tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1)>>) -> !onnx.value
  return %a1 : !onnx.value
}
}

// -----

// Experts.
module attributes {onnx.symbols = ["t"]} {
func.func @main(%x: tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>, %r: tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, %r4: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<8x32x64xf32>
  %u = weights.ref "u" in "model.data" at 0 : !weights.tensor<8x32xf32>
  %none = onnx.none
  // expected-error @+1 {{node 'e1' (MoE): tokens [t, 48] do not fit expert weights [8, 32, 64]}}
  %e1 = onnx.node "MoE" (%x, %r, %w, %none, %w) {domain = "com.microsoft", name = "e1", node_attrs = {}, version = 1 : i64}
    : (tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>, tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, !weights.tensor<8x32x64xf32>, !onnx.none, !weights.tensor<8x32x64xf32>) -> !onnx.value
  // expected-error @+1 {{node 'e2' (MoE): routes with [t, 4] to 8 experts}}
  %e2 = onnx.node "MoE" (%x, %r4, %w, %none, %w) {domain = "com.microsoft", name = "e2", node_attrs = {}, version = 1 : i64}
    : (tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>, tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, !weights.tensor<8x32x64xf32>, !onnx.none, !weights.tensor<8x32x64xf32>) -> !onnx.value
  // expected-error @+1 {{node 'e3' (MoE): the weights of its experts [8, 32] must have rank 3}}
  %e3 = onnx.node "MoE" (%x, %r, %u, %none, %w) {domain = "com.microsoft", name = "e3", node_attrs = {}, version = 1 : i64}
    : (tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>, tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>, !weights.tensor<8x32xf32>, !onnx.none, !weights.tensor<8x32x64xf32>) -> !onnx.value
  return %e1 : !onnx.value
}
}

// -----

// The file declares another type for its output.
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value {onnx.declared = tensor<?x4xf32>, onnx.name = "logits"}) {
  // expected-error @+1 {{output 'logits' of node 'y' (Relu) is declared as 'tensor<?x4xf32>' but is 'tensor<?x3xf32>'}}
  %y = onnx.node "Relu" (%x) {domain = "", name = "y", node_attrs = {}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  return %y : !onnx.value
}
}

// -----

// So is another element type or rank.
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> (!onnx.value {onnx.declared = tensor<?x1xf32>, onnx.name = "ids"}) {
  // expected-error @+1 {{output 'ids' of node 'y' (ArgMax) is declared as 'tensor<?x1xf32>' but is 'tensor<?x1xi64>'}}
  %y = onnx.node "ArgMax" (%x) {domain = "", name = "y", node_attrs = {axis = 1 : i64}, version = 20 : i64}
    : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  return %y : !onnx.value
}
}

// -----

// Bodies.
module attributes {onnx.symbols = ["b"]} {
func.func @main(%c: tensor<i1>, %n: tensor<i64>, %x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value {
  %w = weights.ref "w" in "f" at 0 : !weights.tensor<4x3xf32>
  // expected-error @+1 {{node 'if1' (If): its branches give 1 and 0 values for 1 results}}
  %1 = onnx.node "If" (%c) {body_names = ["else_branch", "then_branch"], domain = "", name = "if1", node_attrs = {}, version = 20 : i64} bodies {
    onnx.yield %x : tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
  }, {
    onnx.yield
  } : (tensor<i1>) -> !onnx.value
  // expected-error @+1 {{node 'if2' (If): its branches give different element types for result 0}}
  %2 = onnx.node "If" (%c) {body_names = ["else_branch", "then_branch"], domain = "", name = "if2", node_attrs = {}, version = 20 : i64} bodies {
    onnx.yield %c : tensor<i1>
  }, {
    onnx.yield %n : tensor<i64>
  } : (tensor<i1>) -> !onnx.value
  %3 = onnx.node "If" (%c) {body_names = ["else_branch", "then_branch"], domain = "", name = "if3", node_attrs = {}, version = 20 : i64} bodies {
    // expected-error @+1 {{node 'inner' (MatMul): multiplies [b, 3] by [4, 3]}}
    %4 = onnx.node "MatMul" (%x, %w) {domain = "", name = "inner", node_attrs = {}, version = 20 : i64}
      : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, !weights.tensor<4x3xf32>) -> !onnx.value
    onnx.yield %4 : !onnx.value
  }, {
    onnx.yield %x : tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
  } : (tensor<i1>) -> !onnx.value
  // expected-error @+1 {{node 'l1' (Loop): carries 1 values, its body takes 2 operands and it has 1 results}}
  %5 = onnx.node "Loop" (%n, %c, %x) {body_names = ["body"], domain = "", name = "l1", node_attrs = {}, version = 20 : i64} bodies {
  ^bb0(%i: !onnx.value, %go: !onnx.value):
    onnx.yield %go, %x : !onnx.value, tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
  } : (tensor<i64>, tensor<i1>, tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  // expected-error @+1 {{node 'l2' (Loop): its body gives 1 values for 1 results and a condition}}
  %6 = onnx.node "Loop" (%n, %c, %x) {body_names = ["body"], domain = "", name = "l2", node_attrs = {}, version = 20 : i64} bodies {
  ^bb0(%i: !onnx.value, %go: !onnx.value, %v: !onnx.value):
    onnx.yield %go : !onnx.value
  } : (tensor<i64>, tensor<i1>, tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  // expected-error @+1 {{node 's1' (Scan): scans 2 of 1 operands, its body takes 1 and it has 1 results}}
  %7 = onnx.node "Scan" (%x) {body_names = ["body"], domain = "", name = "s1", node_attrs = {num_scan_inputs = 2 : i64}, version = 20 : i64} bodies {
  ^bb0(%v: !onnx.value):
    onnx.yield %v : !onnx.value
  } : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  // expected-error @+1 {{node 's2' (Scan): its body gives 0 values for 1 results}}
  %8 = onnx.node "Scan" (%x) {body_names = ["body"], domain = "", name = "s2", node_attrs = {num_scan_inputs = 1 : i64}, version = 20 : i64} bodies {
  ^bb0(%v: !onnx.value):
    onnx.yield
  } : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>) -> !onnx.value
  return %8 : !onnx.value
}
}

// -----

// A range needs a step.
module attributes {onnx.symbols = []} {
func.func @main() -> (!onnx.value) {
  %a = onnx.constant dense<0> : tensor<i64>
  %f = onnx.constant dense<0.0> : tensor<f32>
  // expected-error @+1 {{node 'r' (Range): has a step of 0}}
  %r = onnx.node "Range" (%a, %a, %a) {domain = "", name = "r", node_attrs = {}, version = 20 : i64} : (tensor<i64>, tensor<i64>, tensor<i64>) -> !onnx.value
  // expected-error @+1 {{node 's' (Range): has a step of 0}}
  %s = onnx.node "Range" (%f, %f, %f) {domain = "", name = "s", node_attrs = {}, version = 20 : i64} : (tensor<f32>, tensor<f32>, tensor<f32>) -> !onnx.value
  return %r : !onnx.value
}
}
