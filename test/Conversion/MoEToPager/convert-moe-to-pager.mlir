// RUN: moe-opt %s -split-input-file -convert-moe-to-pager | FileCheck %s

// A routed layer: the prefetch follows the routing, before unrelated work; the
// bank moves with it. Rows are gathered once, replaced by their outputs within
// the stream, and combined.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x48xf32>, %[[LOGITS:.*]]: tensor<?x16xf32>)
// CHECK: %[[T:.*]] = tensor.dim %[[LOGITS]]
// CHECK: %[[IDS:.*]] = memref.alloc(%[[T]]) : memref<?x4xi32>
// CHECK: %[[W:.*]] = memref.alloc(%[[T]]) : memref<?x4xf32>
// CHECK: %[[L:.*]] = bufferization.to_buffer %[[LOGITS]] read_only
// CHECK: call @route_e16_k4_softmax_by_sum(%[[L]], {{.*}}, %[[IDS]], %[[W]])
// CHECK: %[[BANK:.*]] = weights.bank "layers.0"
// CHECK: %[[COUNTS:.*]] = memref.alloc() : memref<16xi32>
// CHECK: %[[OFFSETS:.*]] = memref.alloc() : memref<17xi32>
// CHECK: call @dispatch_k4_ffn16(%[[IDS]], %[[COUNTS]], %[[OFFSETS]], %[[TOKEN:[a-z0-9_]+]], %[[ROW:[a-z0-9_]+]])
// CHECK: pager.prefetch %[[BANK]], %[[COUNTS]]
// CHECK: math.exp %[[X]]
// CHECK: %[[ROWS:.*]] = memref.alloc({{.*}}) : memref<?x80xf32>
// CHECK: %[[XB:.*]] = bufferization.to_buffer
// CHECK: call @gather_f32_48(%[[XB]], %[[TOKEN]], {{.*}}, %[[ROWS]])
// CHECK: %[[H:.*]] = memref.alloc(%[[T]]) : memref<?x64xf32>
// CHECK: pager.for_each_ready %[[BANK]], %[[COUNTS]], %[[T]]
// CHECK: ^bb0(%[[E:.*]]: index):
// CHECK: %[[BEGIN:.*]] = arith.index_cast
// CHECK: %[[COUNT:.*]] = arith.index_cast
// CHECK: %[[P0:.*]] = pager.wait_part %[[E]], 0
// CHECK: %[[UP:.*]] = pager.part_view %[[P0]] : memref<4608xf32>
// CHECK: call @expert_up_f32_48x40_silu(%[[ROWS]], %[[UP]], %[[H]], %[[BEGIN]], %[[COUNT]])
// CHECK: %[[P1:.*]] = pager.wait_part %[[E]], 1
// CHECK: %[[DOWN:.*]] = pager.part_view %[[P1]] : memref<2560xf32>
// CHECK: call @expert_down_f32_48x40(%[[H]], %[[DOWN]], %[[ROWS]], %[[BEGIN]], %[[COUNT]])
// CHECK: pager.count "expert_up_f32_48x40_silu", %[[COUNT]]
// CHECK: pager.count "expert_down_f32_48x40", %{{.*}}
// CHECK: %[[OUT:.*]] = memref.alloc(%[[T]]) : memref<?x48xf32>
// CHECK: call @combine_f32_48_k4(%[[ROWS]], %[[ROW]], %[[W]], %[[OUT]])
// CHECK: %[[Y:.*]] = bufferization.to_tensor %[[OUT]] restrict writable
// CHECK: return %[[Y]]

// Kernels are private, and made for as many rows as the registers hold.
// CHECK-DAG: func.func private @route_e16_k4_softmax_by_sum
// CHECK-DAG: func.func private @dispatch_k4_ffn16
// CHECK-DAG: func.func private @expert_up_f32_silu_m6
// CHECK-NOT: @expert_up_f32_silu_m7

func.func @main(%x: tensor<?x48xf32>, %logits: tensor<?x16xf32>) -> tensor<?x48xf32> {
  %r = moe.route %logits {normalize = #moe<normalize sum>}
    : tensor<?x16xf32> -> !moe.routing<16, 4>
  %z = math.exp %x : tensor<?x48xf32>
  %g = weights.ref "g" in "f" at 0 : !weights.tensor<16x48x40xf32>
  %u = weights.ref "u" in "f" at 0 : !weights.tensor<16x48x40xf32>
  %d = weights.ref "d" in "f" at 0 : !weights.tensor<16x40x48xf32>
  %bank = weights.bank "layers.0" [gate, up, down] %g, %u, %d
    : (!weights.tensor<16x48x40xf32>, !weights.tensor<16x48x40xf32>, !weights.tensor<16x40x48xf32>)
    -> !weights.bank<16>
  %y = moe.experts %z, %r, %bank kinds [#moe.kind<ffn, 16>]
    : tensor<?x48xf32>, !moe.routing<16, 4>, !weights.bank<16> -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}

// -----

// A routing made elsewhere: its weights are read as a tensor where they are
// combined. Ids that are not FFN experts of the bank get no row. Tokens of
// static number are cast for the kernels. Two layers of one shape share kernels.

// CHECK-LABEL: func.func @from
// CHECK-SAME: %[[X:.*]]: tensor<5x33xf32>, %[[IDS:.*]]: tensor<5x2xi64>, %[[W:.*]]: tensor<5x2xf32>
// CHECK: %[[IB:.*]] = bufferization.to_buffer %[[IDS]] read_only
// CHECK: %[[IC:.*]] = memref.cast %[[IB]] : memref<5x2xi64> to memref<?x2xi64>
// CHECK: call @routing_from_e12_k2_i64(%[[IC]]
// CHECK: call @dispatch_k2_ffn3_zero2_ffn5_elsewhere2
// CHECK: pager.for_each_ready
// CHECK: call @expert_up_f32_33x7_plain_bu_bd_gelu_limit3f800000
// CHECK: call @expert_down_f32_33x7_plain_bu_bd
// CHECK: %[[WB:.*]] = bufferization.to_buffer %[[W]] read_only
// CHECK: %[[WC:.*]] = memref.cast %[[WB]]
// CHECK: call @combine_f32_33_k2({{.*}}, {{.*}}, %[[WC]], %[[OUT:[a-z0-9_]+]])
// CHECK: memref.cast %[[OUT]] : memref<?x33xf32> to memref<5x33xf32>
// CHECK: pager.for_each_ready
// CHECK: call @expert_up_f32_33x7_plain_bu_bd_gelu_limit3f800000
// CHECK: func.func private @expert_up_f32_33x7_plain_bu_bd_gelu_limit3f800000(
// CHECK-NOT: func.func private @expert_up_f32_33x7_plain_bu_bd_gelu_limit3f800000(

func.func @from(%x: tensor<5x33xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>) -> tensor<5x33xf32> {
  %u = weights.ref "u" in "f" at 0 : !weights.tensor<8x33x7xf32>
  %d = weights.ref "d" in "f" at 0 : !weights.tensor<8x7x33xf32>
  %bu = weights.ref "bu" in "f" at 0 : !weights.tensor<8x7xf32>
  %bd = weights.ref "bd" in "f" at 0 : !weights.tensor<8x33xf32>
  %r = moe.routing_from %ids, %w : tensor<5x2xi64>, tensor<5x2xf32> -> !moe.routing<12, 2, ragged>
  %a = weights.bank "a" [up, down, up_bias, down_bias] %u, %d, %bu, %bd
    : (!weights.tensor<8x33x7xf32>, !weights.tensor<8x7x33xf32>, !weights.tensor<8x7xf32>, !weights.tensor<8x33xf32>)
    -> !weights.bank<8>
  %b = weights.bank "b" [up, down, up_bias, down_bias] %u, %d, %bu, %bd
    : (!weights.tensor<8x33x7xf32>, !weights.tensor<8x7x33xf32>, !weights.tensor<8x7xf32>, !weights.tensor<8x33xf32>)
    -> !weights.bank<8>
  %y = moe.experts %x, %r, %a
    kinds [#moe.kind<ffn, 3>, #moe.kind<zero, 2>, #moe.kind<ffn, 5>, #moe.kind<elsewhere, 2>]
    {activation = #moe<activation gelu>, limit = 1.0 : f32}
    : tensor<5x33xf32>, !moe.routing<12, 2, ragged>, !weights.bank<8> -> tensor<5x33xf32>
  %z = moe.experts %y, %r, %b
    kinds [#moe.kind<ffn, 3>, #moe.kind<zero, 2>, #moe.kind<ffn, 5>, #moe.kind<elsewhere, 2>]
    {activation = #moe<activation gelu>, limit = 1.0 : f32}
    : tensor<5x33xf32>, !moe.routing<12, 2, ragged>, !weights.bank<8> -> tensor<5x33xf32>
  return %z : tensor<5x33xf32>
}
