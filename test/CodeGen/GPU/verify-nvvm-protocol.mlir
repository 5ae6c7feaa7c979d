// RUN: moe-opt %s --pass-pipeline="builtin.module(gpu.module(verify-nvvm-protocol))" --split-input-file --verify-diagnostics

!acc = !llvm.struct<(f32, f32, f32, f32)>

// Nothing to report: a loop whose accumulators go round in branches, and a warp
// that works apart.
gpu.module @right {
  llvm.mlir.global external @dyn() {addr_space = 3 : i32} : !llvm.array<0 x i8>
  llvm.func @kernel(%a: i64, %b: i64, %n: i32, %out: !llvm.ptr<1>) {
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c32 = llvm.mlir.constant(32 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %zero = llvm.mlir.zero : !acc
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %works = llvm.icmp "ult" %tid, %c128 : i32
    nvvm.barrier0
    llvm.cond_br %works, ^loop(%n, %zero : i32, !acc), ^end
  ^loop(%i: i32, %d: !acc):
    nvvm.wgmma.fence.aligned
    %e = nvvm.wgmma.mma_async %a, %b, %d, <m = 64, n = 8, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>] : !acc -> !acc
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 1
    %next = llvm.sub %i, %c1 : i32
    %more = llvm.icmp "ne" %next, %c1 : i32
    llvm.cond_br %more, ^loop(%next, %e : i32, !acc), ^last
  ^last:
    nvvm.wgmma.wait.group.sync.aligned 0
    %x = llvm.extractvalue %e[0] : !acc
    llvm.store %x, %out : f32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
}

// -----

!acc = !llvm.struct<(f32, f32, f32, f32)>

gpu.module @wgmma {
  llvm.func @in_flight(%a: i64, %b: i64, %d: !acc, %out: !llvm.ptr<1>) {
    nvvm.wgmma.fence.aligned
    // expected-note @below {{the wgmma is here}}
    %e = nvvm.wgmma.mma_async %a, %b, %d, <m = 64, n = 8, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>] : !acc -> !acc
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 1
    // expected-error @below {{uses accumulators of a wgmma that may be in flight}}
    %x = llvm.extractvalue %e[0] : !acc
    llvm.store %x, %out : f32, !llvm.ptr<1>
    llvm.return
  }

  llvm.func @not_committed(%a: i64, %b: i64, %d: !acc) {
    %e = nvvm.wgmma.mma_async %a, %b, %d, <m = 64, n = 8, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>] : !acc -> !acc
    // expected-error @below {{waits behind a wgmma that was not committed}}
    nvvm.wgmma.wait.group.sync.aligned 0
    llvm.return
  }
}

// -----

gpu.module @shared {
  // expected-error @below {{'dyn' has no size and no external linkage}}
  llvm.mlir.global internal @dyn() {addr_space = 3 : i32} : !llvm.array<0 x i8>
}

// -----

gpu.module @divergent {
  llvm.func @block(%p: !llvm.ptr<1>) {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c32 = llvm.mlir.constant(32 : i32) : i32
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %warp = llvm.udiv %tid, %c32 : i32
    %first = llvm.icmp "eq" %warp, %c0 : i32
    llvm.cond_br %first, ^then, ^end
  ^then:
    // expected-error @below {{may differ between threads of one block}}
    nvvm.barrier0
    llvm.br ^end
  ^end:
    nvvm.barrier0
    llvm.return
  }

  llvm.func @warp(%p: !llvm.ptr<1>, %v: f32) {
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %some = llvm.icmp "ult" %tid, %c3 : i32
    llvm.cond_br %some, ^then, ^end
  ^then:
    // expected-error @below {{may differ between threads of one warp}}
    %x = nvvm.shfl.sync bfly %all, %v, %c3, %clamp : f32 -> f32
    llvm.br ^end
  ^end:
    %y = nvvm.shfl.sync bfly %all, %v, %c3, %clamp : f32 -> f32
    llvm.return
  }
}
