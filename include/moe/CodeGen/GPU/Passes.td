//===- Passes.td - Code generation for GPUs ------------------ -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_GPU_PASSES
#define MOE_CODEGEN_GPU_PASSES

include "mlir/Pass/PassBase.td"

def GPUSelectGemms : Pass<"gpu-select-gemms", "::mlir::ModuleOp"> {
  let summary = "Compute products with weights by generated kernels";
  let description = [{
    A `linalg.matmul` of float32 whose right-hand side is a resident weight and
    whose accumulator is zero becomes a launch of a generated kernel, and the weight
    is packed in rows (`weights.pack`), in the type that the module's `gpu.weights`
    names. Kernels are those of the set in `gpu.kernel_set`. Runs on tensors, before
    bufferization.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect", "::mlir::math::MathDialect",
                           "::mlir::moe::pager::PagerDialect", "::mlir::moe::weights::WeightsDialect"];
  let statistics = [
    Statistic<"numSelected", "products-selected", "products that a generated kernel computes">
  ];
}

def GPULowerLinalg : Pass<"gpu-lower-linalg", "::mlir::ModuleOp"> {
  let summary = "Give structured operations and loops to threads";
  let description = [{
    In functions of the host every linalg operation on buffers, every loop over
    device memory and every store to it becomes a `gpu.launch`. A parallel point is
    a thread; sums and extrema over contiguous elements are shared by the lanes of a
    warp and combined in fixed order. Of loops, those whose iterations touch elements
    of their own become threads. A load from device memory becomes a
    `pager.read_back`.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::scf::SCFDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect", "::mlir::moe::pager::PagerDialect"];
}

def GPUOutlineKernels : Pass<"gpu-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move bodies of launches to kernels";
  let description = [{
    Every `gpu.launch` becomes a `gpu.launch_func` of an `llvm.func` in the gpu.module
    of kernels. Constants go into the kernel, a buffer becomes the address of its first
    element and the strides its type does not tell. Equal kernels are one. Kernels are
    named after the operator of the ONNX node they compute.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numLaunches", "launches", "launches whose bodies were moved">,
    Statistic<"numKernels", "kernels", "different kernels made of them">
  ];
}

def GPUConvertToNVVM : Pass<"gpu-convert-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Convert kernels to llvm and nvvm operations";
  let description = [{
    Thread and block numbers, shuffles and barriers become nvvm operations, branches
    and arithmetic llvm ones. Unlike upstream's `convert-gpu-to-nvvm` it leaves the
    math intrinsics of the llvm dialect: square roots and roundings are instructions,
    and libdevice is not linked.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def VerifyNVVMProtocol : Pass<"verify-nvvm-protocol", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Check how kernels use wgmma, barriers and shared memory";
  let description = [{
    What host execution cannot see, or only on the way that is run: accumulators of
    a wgmma used before its group was waited for, a wait in front of the commit,
    dynamic shared memory that NVPTX would make static, and operations of a warp or
    a block under conditions that may differ between its threads. Conditions are
    uniform for a warp in the forms that `Verify/Divergence.h` lists.
  }];
}

def NVVMToHostSimt : Pass<"nvvm-to-host-simt", "::mlir::ModuleOp"> {
  let summary = "Turn GPU kernels into host code that runs them thread by thread";
  let description = [{
    The contents of every gpu.module, at the level of llvm and nvvm operations,
    become host functions of the module. What a GPU thread does with others or
    with special hardware becomes a call of a functional model: `moe_simt.h` has
    their list. One constant, `image`, of type `moe_simt_image` describes the
    kernels. An operation without a model is an error. Generated code calls
    nothing by name.
  }];
  let options = [
    Option<"image", "image", "std::string", /*default=*/"\"moe_simt_image\"",
           "Name of the image">,
    Option<"instrument", "instrument", "bool", /*default=*/"true",
           "Check every access to memory">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def GPUSelectAttention : Pass<"gpu-select-attention", "::mlir::ModuleOp"> {
  let summary = "Compute attention by generated kernels";
  let description = [{
    Every Attention that `convert-onnx-to-linalg{keep-attention}` left a node becomes
    launches of the kernels of `moe/CodeGen/GPU/Attention.h`. Recurrent states are
    read where they are, with the capacity among their strides; transpositions of
    operands and of the result become strides. The node's operands are query, key,
    value, a mask or `onnx.none`, and the causal offset as an index where there is
    one. Runs on tensors, behind `convert-onnx-to-linalg` and before the entry is
    bound; all nodes that were kept must be converted here.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::vector::VectorDialect"];
  let statistics = [
    Statistic<"numSelected", "attention-selected", "attention that generated kernels compute">
  ];
}

def GPUMutateProtocol : Pass<"gpu-mutate-protocol", "::mlir::ModuleOp"> {
  let summary = "Break the protocol of a kernel, for tests of tests";
  let description = [{
    Takes one operation away that keeps threads and asynchronous copies of the
    gpu.modules in order: a barrier, fence, wait, commit, arrival or expectation of
    bytes. Without an index, says which there are. Expects llvm and nvvm operations.
  }];
  let options = [
    Option<"index", "index", "int64_t", /*default=*/"-1",
           "Which one to take away; -1: none">
  ];
  let statistics = [
    Statistic<"numOps", "ops", "operations that could be taken away">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

#endif // MOE_CODEGEN_GPU_PASSES
