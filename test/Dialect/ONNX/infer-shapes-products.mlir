// RUN: moe-opt %s -onnx-infer-shapes -split-input-file | FileCheck %s

// Matrix products, attention and fused operators.

// MatMul, Gemm and Einsum.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 96)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s0, s1)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1] -> (s0, 48, s1)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1] -> (s0, s1, s1)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1] -> (s1, 96)>
// CHECK-DAG: #[[MAP5:.+]] = affine_map<()[s0, s1] -> (s0, 96, s1)>
// CHECK: "MatMul"{{.*}}name = "a"{{.*}} -> tensor<?x?x96xf32, #[[MAP0]]>
// CHECK: "MatMul"{{.*}}name = "ve"{{.*}} -> tensor<?x?xf32, #[[MAP1]]>
// CHECK: "MatMul"{{.*}}name = "vv"{{.*}} -> tensor<96xf32>
// CHECK: "Transpose"{{.*}}name = "t"{{.*}} -> tensor<?x48x?xf32, #[[MAP2]]>
// CHECK: "MatMul"{{.*}}name = "sc"{{.*}} -> tensor<?x?x?xf32, #[[MAP3]]>
// CHECK: "Gemm"{{.*}}name = "g"{{.*}} -> tensor<?x96xf32, #[[MAP4]]>
// CHECK: "Einsum"{{.*}}name = "ei"{{.*}} -> tensor<?x96x?xf32, #[[MAP5]]>
// CHECK: "Einsum"{{.*}}name = "dots"{{.*}} -> tensor<?x?x96xf32, #[[MAP0]]>
// CHECK: "Einsum"{{.*}}name = "impl"{{.*}} -> tensor<?x96x?xf32, #[[MAP5]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, %m: tensor<?x48xf32, affine_map<()[s0, s1] -> (s1, 48)>>, %v: tensor<48xf32>) -> (!onnx.value) {
  %w = weights.ref "w" in "model.data" at 0 : !weights.tensor<48x96xf32>
  %wt = weights.ref "wt" in "model.data" at 0 : !weights.tensor<96x48xf32>
  %bi = weights.ref "bi" in "model.data" at 0 : !weights.tensor<96xf32>
  %a = onnx.node "MatMul" (%x, %w) {domain = "", name = "a", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<48x96xf32>) -> !onnx.value
  %ve = onnx.node "MatMul" (%x, %v) {domain = "", name = "ve", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, tensor<48xf32>) -> !onnx.value
  %vv = onnx.node "MatMul" (%v, %w) {domain = "", name = "vv", node_attrs = {}, version = 20 : i64}
    : (tensor<48xf32>, !weights.tensor<48x96xf32>) -> !onnx.value
  %t = onnx.node "Transpose" (%x) {domain = "", name = "t", node_attrs = {perm = array<i64: 0, 2, 1>}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>) -> !onnx.value
  %sc = onnx.node "MatMul" (%x, %t) {domain = "", name = "sc", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !onnx.value) -> !onnx.value
  %g = onnx.node "Gemm" (%m, %wt, %bi) {domain = "", name = "g", node_attrs = {transB = 1 : i64}, version = 20 : i64}
    : (tensor<?x48xf32, affine_map<()[s0, s1] -> (s1, 48)>>, !weights.tensor<96x48xf32>, !weights.tensor<96xf32>) -> !onnx.value
  %ei = onnx.node "Einsum" (%x, %w) {domain = "", name = "ei", node_attrs = {equation = "bsk,kn->bns"}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<48x96xf32>) -> !onnx.value
  %dots = onnx.node "Einsum" (%x, %w) {domain = "", name = "dots", node_attrs = {equation = "...k,kn->...n"}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<48x96xf32>) -> !onnx.value
  %impl = onnx.node "Einsum" (%x, %w) {domain = "", name = "impl", node_attrs = {equation = "bsk,kn"}, version = 20 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1] -> (s0, s1, 48)>>, !weights.tensor<48x96xf32>) -> !onnx.value
  return %a : !onnx.value
}
}

// -----

// Attention over a past; rank 3 and rank 4.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2] -> (s0, 4, s1, 8)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2] -> (s0, 2, s1 + s2, 12)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2] -> (s0, 2, s1 + s2, 8)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2] -> (s0, 4, s1, s1 + s2)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 48)>
// CHECK: "Attention"{{.*}}name = "a"{{.*}} -> tensor<?x4x?x8xf32, #[[MAP0]]>
// CHECK: "Attention"{{.*}}name = "y"{{.*}} -> (tensor<?x4x?x8xf32, #[[MAP0]]>, tensor<?x2x?x12xf32, #[[MAP1]]>, tensor<?x2x?x8xf32, #[[MAP2]]>, tensor<?x4x?x?xf32, #[[MAP3]]>)
// CHECK: "Attention"{{.*}}name = "f"{{.*}} -> tensor<?x?x48xf32, #[[MAP4]]>
module attributes {onnx.symbols = ["b", "s", "p"]} {
func.func @main(%q: tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s1, 12)>>, %k: tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 12)>>, %v: tensor<?x2x?x8xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 8)>>, %pk: tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, %pv: tensor<?x2x?x8xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 8)>>, %q3: tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, %k3: tensor<?x?x24xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 24)>>) -> (!onnx.value) {
  %a = onnx.node "Attention" (%q, %k, %v) {domain = "", name = "a", node_attrs = {}, version = 23 : i64}
    : (tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s1, 12)>>, tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 12)>>, tensor<?x2x?x8xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 8)>>) -> !onnx.value
  %none = onnx.none
  %y:4 = onnx.node "Attention" (%q, %k, %v, %none, %pk, %pv) {domain = "", name = "y", node_attrs = {}, version = 23 : i64}
    : (tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s1, 12)>>, tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 12)>>, tensor<?x2x?x8xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s1, 8)>>, !onnx.none, tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, tensor<?x2x?x8xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 8)>>) -> (!onnx.value, !onnx.value, !onnx.value, !onnx.value)
  %f = onnx.node "Attention" (%q3, %k3, %k3) {domain = "", name = "f", node_attrs = {q_num_heads = 4 : i64, kv_num_heads = 2 : i64}, version = 23 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, tensor<?x?x24xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 24)>>) -> !onnx.value
  return %a : !onnx.value
}
}

// -----

// com.microsoft: attention and rotary embeddings.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 48)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1, s2] -> (s0, 4, s1 + s2, 12)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1, s2] -> (s0, 2, s1 + s2, 12)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1, s2] -> (s0, s1, 24)>
// CHECK-DAG: #[[MAP4:.+]] = affine_map<()[s0, s1, s2] -> (s0, 1, s1, 12)>
// CHECK: "RotaryEmbedding"{{.*}}name = "r"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "MultiHeadAttention"{{.*}}name = "a"{{.*}} -> tensor<?x?x48xf32, #[[MAP0]]>
// CHECK: "MultiHeadAttention"{{.*}}name = "b1"{{.*}} -> (tensor<?x?x48xf32, #[[MAP0]]>, tensor<?x4x?x12xf32, #[[MAP1]]>, tensor<?x4x?x12xf32, #[[MAP1]]>)
// CHECK: "GroupQueryAttention"{{.*}}name = "g"{{.*}} -> (tensor<?x?x48xf32, #[[MAP0]]>, tensor<?x2x?x12xf32, #[[MAP2]]>, tensor<?x2x?x12xf32, #[[MAP2]]>)
// CHECK: "GroupQueryAttention"{{.*}}name = "pa"{{.*}} -> (tensor<?x?x24xf32, #[[MAP3]]>, tensor<?x1x?x12xf32, #[[MAP4]]>, tensor<?x1x?x12xf32, #[[MAP4]]>)
module attributes {onnx.symbols = ["b", "s", "p"]} {
func.func @main(%x: tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, %k: tensor<?x?x24xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 24)>>, %k4: tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s1, 12)>>, %past: tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s2, 12)>>, %gp: tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, %ids: tensor<?x?xi64, affine_map<()[s0, s1, s2] -> (s0, s1)>>) -> (!onnx.value) {
  %cos = weights.ref "cos" in "model.data" at 0 : !weights.tensor<64x6xf32>
  %r = onnx.node "RotaryEmbedding" (%x, %ids, %cos, %cos) {domain = "com.microsoft", name = "r", node_attrs = {}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, tensor<?x?xi64, affine_map<()[s0, s1, s2] -> (s0, s1)>>, !weights.tensor<64x6xf32>, !weights.tensor<64x6xf32>) -> !onnx.value
  %a = onnx.node "MultiHeadAttention" (%r, %x, %x) {domain = "com.microsoft", name = "a", node_attrs = {num_heads = 4 : i64}, version = 1 : i64}
    : (!onnx.value, tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>) -> !onnx.value
  %none = onnx.none
  %b1:3 = onnx.node "MultiHeadAttention" (%x, %k4, %k4, %none, %none, %none, %past, %past) {domain = "com.microsoft", name = "b1", node_attrs = {num_heads = 4 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s1, 12)>>, tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s1, 12)>>, !onnx.none, !onnx.none, !onnx.none, tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s2, 12)>>, tensor<?x4x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 4, s2, 12)>>) -> (!onnx.value, !onnx.value, !onnx.value)
  %len = onnx.constant dense<1> : tensor<1xi32>
  %g:3 = onnx.node "GroupQueryAttention" (%x, %k, %k, %gp, %gp, %len, %len) {domain = "com.microsoft", name = "g", node_attrs = {num_heads = 4 : i64, kv_num_heads = 2 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, tensor<?x?x24xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 24)>>, tensor<?x?x24xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 24)>>, tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, tensor<?x2x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, 2, s2, 12)>>, tensor<1xi32>, tensor<1xi32>) -> (!onnx.value, !onnx.value, !onnx.value)
  %pa:3 = onnx.node "GroupQueryAttention" (%x, %none, %none, %none, %none, %len, %len) {domain = "com.microsoft", name = "pa", node_attrs = {num_heads = 2 : i64, kv_num_heads = 1 : i64}, version = 1 : i64}
    : (tensor<?x?x48xf32, affine_map<()[s0, s1, s2] -> (s0, s1, 48)>>, !onnx.none, !onnx.none, !onnx.none, !onnx.none, tensor<1xi32>, tensor<1xi32>) -> (!onnx.value, !onnx.value, !onnx.value)
  return %a : !onnx.value
}
}

// -----

// com.microsoft: experts, quantised products, convolution with state.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0, s1] -> (s0, s1, 64)>
// CHECK-DAG: #[[MAP1:.+]] = affine_map<()[s0, s1] -> (s0, s1, 96)>
// CHECK-DAG: #[[MAP2:.+]] = affine_map<()[s0, s1] -> (s0, 64, s1)>
// CHECK-DAG: #[[MAP3:.+]] = affine_map<()[s0, s1] -> (s0, 64, 2)>
// CHECK: "MoE"{{.*}}name = "e"{{.*}} -> tensor<?x?x64xf32, #[[MAP0]]>
// CHECK: "MatMulNBits"{{.*}}name = "n"{{.*}} -> tensor<?x?x96xf32, #[[MAP1]]>
// CHECK: "CausalConvWithState"{{.*}}name = "y"{{.*}} -> (tensor<?x64x?xf32, #[[MAP2]]>, tensor<?x64x2xf32, #[[MAP3]]>)
// CHECK: "QMoE"{{.*}}name = "qm"{{.*}} -> tensor<?x?x64xf32, #[[MAP0]]>
// CHECK: "QuantizeLinear"{{.*}}name = "qu"{{.*}} -> tensor<?x?x64xui8, #[[MAP0]]>
// CHECK: "DequantizeLinear"{{.*}}name = "de"{{.*}} -> tensor<?x?x64xf32, #[[MAP0]]>
module attributes {onnx.symbols = ["b", "s"]} {
func.func @main(%x: tensor<?x?x64xf32, affine_map<()[s0, s1] -> (s0, s1, 64)>>, %r: tensor<?x8xf32, affine_map<()[s0, s1] -> (s0 * s1, 8)>>, %c: tensor<?x64x?xf32, affine_map<()[s0, s1] -> (s0, 64, s1)>>, %st: tensor<?x64x2xf32, affine_map<()[s0, s1] -> (s0, 64, 2)>>) -> (!onnx.value) {
  %f1 = weights.ref "f1" in "model.data" at 0 : !weights.tensor<8x96x64xf32>
  %f2 = weights.ref "f2" in "model.data" at 0 : !weights.tensor<8x64x48xf32>
  %q = weights.ref "q" in "model.data" at 0 : !weights.tensor<96x2x16xui8>
  %sc = weights.ref "sc" in "model.data" at 0 : !weights.tensor<192xf32>
  %cw = weights.ref "cw" in "model.data" at 0 : !weights.tensor<64x1x3xf32>
  %none = onnx.none
  %e = onnx.node "MoE" (%x, %r, %f1, %none, %f2) {domain = "com.microsoft", name = "e", node_attrs = {k = 2 : i64}, version = 1 : i64}
    : (tensor<?x?x64xf32, affine_map<()[s0, s1] -> (s0, s1, 64)>>, tensor<?x8xf32, affine_map<()[s0, s1] -> (s0 * s1, 8)>>, !weights.tensor<8x96x64xf32>, !onnx.none, !weights.tensor<8x64x48xf32>) -> !onnx.value
  %n = onnx.node "MatMulNBits" (%x, %q, %sc) {domain = "com.microsoft", name = "n", node_attrs = {K = 64 : i64, N = 96 : i64, block_size = 16 : i64}, version = 1 : i64}
    : (tensor<?x?x64xf32, affine_map<()[s0, s1] -> (s0, s1, 64)>>, !weights.tensor<96x2x16xui8>, !weights.tensor<192xf32>) -> !onnx.value
  %y:2 = onnx.node "CausalConvWithState" (%c, %cw, %none, %st) {domain = "com.microsoft", name = "y", node_attrs = {}, version = 1 : i64}
    : (tensor<?x64x?xf32, affine_map<()[s0, s1] -> (s0, 64, s1)>>, !weights.tensor<64x1x3xf32>, !onnx.none, tensor<?x64x2xf32, affine_map<()[s0, s1] -> (s0, 64, 2)>>) -> (!onnx.value, !onnx.value)
  %qm = onnx.node "QMoE" (%x, %r, %f1, %none, %none, %f1) {domain = "com.microsoft", name = "qm", node_attrs = {k = 2 : i64}, version = 1 : i64}
    : (tensor<?x?x64xf32, affine_map<()[s0, s1] -> (s0, s1, 64)>>, tensor<?x8xf32, affine_map<()[s0, s1] -> (s0 * s1, 8)>>, !weights.tensor<8x96x64xf32>, !onnx.none, !onnx.none, !weights.tensor<8x96x64xf32>) -> !onnx.value
  %qu = onnx.node "QuantizeLinear" (%x, %x) {domain = "", name = "qu", node_attrs = {}, version = 20 : i64}
    : (tensor<?x?x64xf32, affine_map<()[s0, s1] -> (s0, s1, 64)>>, tensor<?x?x64xf32, affine_map<()[s0, s1] -> (s0, s1, 64)>>) -> !onnx.value
  %de = onnx.node "DequantizeLinear" (%qu, %x) {domain = "", name = "de", node_attrs = {}, version = 20 : i64}
    : (!onnx.value, tensor<?x?x64xf32, affine_map<()[s0, s1] -> (s0, s1, 64)>>) -> !onnx.value
  return %e : !onnx.value
}
}

// -----

// An operator without a rule keeps its type unknown, and so do its users.
// CHECK-DAG: #[[MAP0:.+]] = affine_map<()[s0] -> (s0, 4)>
// CHECK: "Unheard"{{.*}}name = "a"{{.*}} -> !onnx.value
// CHECK: "Relu"{{.*}}name = "c"{{.*}} -> !onnx.value
// CHECK: "Relu"{{.*}}name = "d"{{.*}} -> tensor<?x4xf32, #[[MAP0]]>
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> (!onnx.value) {
  %a = onnx.node "Unheard" (%x) {domain = "com.microsoft", name = "a", node_attrs = {}, version = 1 : i64}
    : (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> !onnx.value
  %c = onnx.node "Relu" (%a) {domain = "", name = "c", node_attrs = {}, version = 20 : i64}
    : (!onnx.value) -> !onnx.value
  %d = onnx.node "Relu" (%x) {domain = "", name = "d", node_attrs = {}, version = 20 : i64}
    : (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> !onnx.value
  return %c : !onnx.value
}
}

// -----

// A row is chosen by version: this operator came with opset 23.
// CHECK: "RotaryEmbedding"{{.*}}name = "a"{{.*}} -> !onnx.value
module attributes {onnx.symbols = ["b"]} {
func.func @main(%x: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> (!onnx.value) {
  %a = onnx.node "RotaryEmbedding" (%x, %x, %x) {domain = "", name = "a", node_attrs = {}, version = 20 : i64}
    : (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> !onnx.value
  return %a : !onnx.value
}
}
