// As kernels-assembly.mlir, with 16 registers of 8 floats: 6 rows times two
// vectors and two steps of k, a panel in two passes; 2 rows take all four
// vectors of a panel in one pass.

// RUN: moe-opt %s -cpu-select-gemms -canonicalize -o %t.mlir
// RUN: sed '/func.func @main/,/^  }/d; s/func.func private/func.func/' %t.mlir > %t.kernels.mlir
// RUN: moe-opt %t.kernels.mlir -convert-vector-to-llvm -convert-scf-to-cf \
// RUN:   -expand-strided-metadata -convert-arith-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-func-to-llvm -convert-cf-to-llvm -reconcile-unrealized-casts \
// RUN:   | mlir-translate -mlir-to-llvmir | llc -O3 -mcpu=x86-64-v3 -o %t.s
// RUN: sed -n '/^gemm_f32_m6:/,/^.Lfunc_end/p' %t.s | sed -n '/Inner Loop Header/,/\tj/p' \
// RUN:   | FileCheck %s --check-prefix=WIDE --implicit-check-not=Spill --implicit-check-not=Reload
// RUN: sed -n '/^gemm_f32_m2:/,/^.Lfunc_end/p' %t.s | sed -n '/Inner Loop Header/,/\tj/p' \
// RUN:   | FileCheck %s --check-prefix=NARROW --implicit-check-not=Spill --implicit-check-not=Reload
// RUN: not grep -E 'zmm|[xy]mm(1[6-9]|[23][0-9])|gemm_f32_m7:' %t.s

// The unrolled loop, and the one for what is left, of each pass.
// WIDE: Inner Loop Header
// WIDE-COUNT-24: vfmadd{{[0-9]+}}ps
// WIDE: Inner Loop Header
// WIDE-COUNT-12: vfmadd{{[0-9]+}}ps
// WIDE: Inner Loop Header
// WIDE-COUNT-24: vfmadd{{[0-9]+}}ps
// WIDE: Inner Loop Header
// WIDE-COUNT-12: vfmadd{{[0-9]+}}ps
// WIDE-NOT: vfmadd

// NARROW: Inner Loop Header
// NARROW-COUNT-16: vfmadd{{[0-9]+}}ps
// NARROW: Inner Loop Header
// NARROW-COUNT-8: vfmadd{{[0-9]+}}ps
// NARROW-NOT: vfmadd

module {
  func.func @main(%x: tensor<?x256xf32>, %m: index) -> tensor<?x64xf32> {
    %w = weights.ref "w" in "f" at 0 : !weights.tensor<256x64xf32>
    %b = weights.materialize %w : !weights.tensor<256x64xf32> -> tensor<256x64xf32>
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty(%m) : tensor<?x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>) -> tensor<?x64xf32>
    %c = linalg.matmul ins(%x, %b : tensor<?x256xf32>, tensor<256x64xf32>) outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
    return %c : tensor<?x64xf32>
  }
}
