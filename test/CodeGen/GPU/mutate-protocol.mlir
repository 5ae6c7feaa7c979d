// RUN: moe-opt %s -gpu-mutate-protocol -o /dev/null 2>&1 | FileCheck %s --check-prefix=LIST
// RUN: moe-opt %s -gpu-mutate-protocol=index=0 | FileCheck %s --check-prefix=FIRST
// RUN: moe-opt %s -gpu-mutate-protocol=index=2 | FileCheck %s --check-prefix=TEST
// RUN: moe-opt %s -gpu-mutate-protocol=index=3 | FileCheck %s --check-prefix=EXPECT
// RUN: not moe-opt %s -gpu-mutate-protocol=index=5 2>&1 | FileCheck %s --check-prefix=BEYOND

// LIST: remark: protocol 0: nvvm.barrier0 0 of kernel 'kernel'
// LIST: remark: protocol 1: nvvm.barrier0 1 of kernel 'kernel'
// LIST: remark: protocol 2: nvvm.mbarrier.try_wait 0 of kernel 'kernel'
// LIST: remark: protocol 3: nvvm.mbarrier.arrive.expect_tx 0 of kernel 'kernel'
// LIST: remark: protocol 4: nvvm.cp.async.wait.group 0 of kernel 'kernel'
// LIST-NOT: protocol 5

// FIRST-COUNT-1: nvvm.barrier0
// FIRST-NOT: nvvm.barrier0

// TEST: %[[TRUE:.*]] = llvm.mlir.constant(true)
// TEST-NOT: try_wait
// TEST: llvm.cond_br %[[TRUE]]

// EXPECT: %[[NONE:.*]] = llvm.mlir.constant(0 : i32)
// EXPECT: nvvm.mbarrier.arrive.expect_tx %{{.*}}, %[[NONE]]

// BEYOND: error: no operation 5 of the protocol, there are 5

gpu.module @kernels {
  llvm.func @kernel(%barrier: !llvm.ptr<3>, %phase: i32, %bytes: i32, %any: i1)
      attributes {gpu.kernel, nvvm.kernel} {
    nvvm.barrier0
    nvvm.barrier0
    llvm.br ^wait
  ^wait:
    %done = nvvm.mbarrier.try_wait %barrier, %phase : !llvm.ptr<3>, i32 -> i1
    llvm.cond_br %done, ^end, ^wait
  ^end:
    nvvm.mbarrier.arrive.expect_tx %barrier, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.wait.group 0
    llvm.return
  }
}
