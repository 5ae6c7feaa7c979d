// RUN: moe-opt %s --nvvm-to-host-simt | FileCheck %s
// RUN: moe-opt %s --nvvm-to-host-simt="instrument=false image=other" | FileCheck %s --check-prefix=PLAIN

// CHECK-NOT: gpu.module
// PLAIN-NOT: gpu.module
gpu.module @kernels {
  llvm.mlir.global internal @bars() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<3 x i64>
  llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<0 x i8>

  // The thread is the first parameter, spaces are gone.
  // CHECK: llvm.func internal @kernel(%[[THREAD:.*]]: !llvm.ptr, %[[MAP:.*]]: !llvm.ptr, %[[OUT:.*]]: !llvm.ptr, %[[N:.*]]: i32)
  llvm.func @kernel(%map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}, %out: !llvm.ptr<1>, %n: i32) attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 64, 2>} {
    // Special registers are fields of the thread.
    // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[THREAD]][16]
    // CHECK: llvm.load %[[FIELD]] invariant
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    // The static variable is at the alignment of all, the dynamic one behind.
    // CHECK: llvm.mlir.constant(128 : i64)
    // CHECK: llvm.mlir.constant(256 : i64)
    %bars = llvm.mlir.addressof @bars : !llvm.ptr<3>
    %dyn = llvm.mlir.addressof @dyn : !llvm.ptr<3>
    // CHECK: llvm.sub
    %offset = llvm.ptrtoint %dyn : !llvm.ptr<3> to i32
    // 4 bytes, aligned to 4, shared, stored: 4 << 16 | 4 << 8 | 3 << 4 | 1.
    // CHECK: llvm.mlir.constant(263217 : i32)
    // CHECK: llvm.call
    // CHECK: llvm.store
    // PLAIN-NOT: 263217
    llvm.store %offset, %dyn : i32, !llvm.ptr<3>
    // CHECK: llvm.call
    nvvm.barrier0
    // The parameter's memory is the launch's own: not checked.
    // CHECK: llvm.load %[[MAP]]
    %word = llvm.load %map : !llvm.ptr -> i32
    // CHECK: llvm.cond_br
    %first = llvm.icmp "eq" %tid, %n : i32
    nvvm.mbarrier.init %bars, %n, predicate = %first : !llvm.ptr<3>, i32, i1
    llvm.return
  }

  // What the machine calls unpacks the arguments.
  // CHECK: llvm.func internal @kernel__run(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
  // CHECK: llvm.call @kernel(

  // Rounding to bf16 is written out and gives bits, functions are in the table.
  // CHECK: llvm.func internal @math(%{{.*}}: !llvm.ptr, %[[X:.*]]: f32) -> i16
  llvm.func @math(%x: f32) -> bf16 {
    // CHECK-NOT: llvm.intr.exp2
    // CHECK-NOT: llvm.fptrunc
    // CHECK: llvm.return
    %e = llvm.intr.exp2(%x) : (f32) -> f32
    %h = llvm.fptrunc %e : f32 to bf16
    llvm.return %h : bf16
  }
}

// CHECK: llvm.mlir.global external constant @moe_simt_image()
// PLAIN: llvm.mlir.global external constant @other()
