// RUN: moe-opt %s --nvvm-to-host-simt --split-input-file --verify-diagnostics

gpu.module @kernels {
  llvm.func @kernel(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{no functional model for 'llvm.intr.pow'}}
    %y = llvm.intr.pow(%x, %x) : (f32, f32) -> f32
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @kernel() attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{no functional model for 'nvvm.cluster.arrive'}}
    nvvm.cluster.arrive
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @__nv_expf(f32) -> f32
  llvm.func @kernel(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{no functional model for a call of '__nv_expf'}}
    %y = llvm.call @__nv_expf(%x) : (f32) -> f32
    llvm.return
  }
}

// -----

gpu.module @kernels {
  // expected-error @below {{'dyn' has no size and no external linkage}}
  llvm.mlir.global internal @dyn() {addr_space = 3 : i32} : !llvm.array<0 x i8>
  llvm.func @kernel() attributes {gpu.kernel, nvvm.kernel} {
    %dyn = llvm.mlir.addressof @dyn : !llvm.ptr<3>
    %address = llvm.ptrtoint %dyn : !llvm.ptr<3> to i64
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @kernel(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{no functional model for 'llvm.inline_asm' "foo.f32 $0, $1;"}}
    %y = llvm.inline_asm "foo.f32 $0, $1;", "=f,f" %x : (f32) -> f32
    llvm.return
  }
}
