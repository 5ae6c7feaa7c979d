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

#endif // MOE_CODEGEN_GPU_PASSES
