// What the widest micro-kernels become: 12 rows times two vectors and two steps
// of k make 48 multiplications in the inner loop, fed by 24 broadcasts and 4
// loads of the panel, with all sums in registers and no call. See the schedule's
// choice of rows. The instructions are counted, so that no timing is needed.

// RUN: moe-opt %s -convert-moe-to-pager -cpu-select-gemms -cpu-expand-math \
// RUN:   -canonicalize -o %t.mlir
// RUN: sed '/func.func @main/,/^  }/d; s/func.func private/func.func/' %t.mlir > %t.kernels.mlir
// RUN: moe-opt %t.kernels.mlir -convert-vector-to-llvm -convert-scf-to-cf \
// RUN:   -expand-strided-metadata -convert-math-to-llvm -convert-arith-to-llvm \
// RUN:   -finalize-memref-to-llvm -convert-func-to-llvm -convert-cf-to-llvm \
// RUN:   -reconcile-unrealized-casts \
// RUN:   | mlir-translate -mlir-to-llvmir | llc -O3 -mcpu=x86-64-v4 -o %t.s
// RUN: sed -n '/^gemm_f32_m12:/,/^.Lfunc_end/p' %t.s > %t.gemm.s
// RUN: sed -n '/^expert_down_f32_m12:/,/^.Lfunc_end/p' %t.s > %t.down.s
// RUN: sed -n '/^expert_up_f32_silu_m12:/,/^.Lfunc_end/p' %t.s > %t.up.s
// RUN: sed -n '/Inner Loop Header/,/\tj/p' %t.gemm.s | FileCheck %s --implicit-check-not=64-byte --implicit-check-not=Spill
// RUN: sed -n '/Inner Loop Header/,/\tj/p' %t.down.s | FileCheck %s --implicit-check-not=64-byte --implicit-check-not=Spill
// RUN: sed -n '/Inner Loop Header/,/\tj/p' %t.up.s | FileCheck %s --implicit-check-not=64-byte --implicit-check-not=Spill
// RUN: cat %t.gemm.s %t.down.s %t.up.s | not grep call

// CHECK: Inner Loop Header
// CHECK-COUNT-48: vfmadd{{[0-9]+}}ps
// CHECK-NOT: vfmadd
// CHECK: {{jb|jne|jl|jae|jg}}

module attributes {cpu.isa = "x86-64-v4"} {
  func.func @main(%x: tensor<?x256xf32>, %logits: tensor<?x4xf32>, %m: index) -> (tensor<?x256xf32>, tensor<?x64xf32>) {
    %g = weights.ref "g" in "f" at 0 : !weights.tensor<4x256x64xf32>
    %u = weights.ref "u" in "f" at 0 : !weights.tensor<4x256x64xf32>
    %d = weights.ref "d" in "f" at 0 : !weights.tensor<4x64x256xf32>
    %bank = weights.bank "layers.0" [gate, up, down] %g, %u, %d
      : (!weights.tensor<4x256x64xf32>, !weights.tensor<4x256x64xf32>, !weights.tensor<4x64x256xf32>)
      -> !weights.bank<4>
    %r = moe.route %logits : tensor<?x4xf32> -> !moe.routing<4, 2>
    %y = moe.experts %x, %r, %bank kinds [#moe.kind<ffn, 4>]
      : tensor<?x256xf32>, !moe.routing<4, 2>, !weights.bank<4> -> tensor<?x256xf32>
    %w = weights.ref "w" in "f" at 0 : !weights.tensor<256x64xf32>
    %b = weights.materialize %w : !weights.tensor<256x64xf32> -> tensor<256x64xf32>
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty(%m) : tensor<?x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>) -> tensor<?x64xf32>
    %c = linalg.matmul ins(%x, %b : tensor<?x256xf32>, tensor<256x64xf32>) outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
    return %y, %c : tensor<?x256xf32>, tensor<?x64xf32>
  }
}
