//===- Passes.td - Conversions between dialects -------------- -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_PASSES
#define MOE_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertONNXToMoE : Pass<"convert-onnx-to-moe", "::mlir::ModuleOp"> {
  let summary = "Raise routers and experts to the moe dialect";
  let description = [{
    Recognises mixture-of-experts layers by structure, one pattern per file, and
    rewrites them to `moe.route` (or `moe.routing_from`), `weights.bank` and
    `moe.experts`. Each decision is recorded for the report.
  }];
  let dependentDialects = ["::mlir::moe::MoEDialect", "::mlir::moe::weights::WeightsDialect",
                           "::mlir::moe::onnx::ONNXDialect"];
  let statistics = [
    Statistic<"layersRaised", "layers-raised", "layers rewritten to moe.experts">,
    Statistic<"layersUnraised", "layers-unraised", "layers that looked like a pattern but broke">
  ];
}

def ConvertONNXToLinalg : Pass<"convert-onnx-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower dense nodes to linalg, tensor and arith";
  let description = [{
    Every `onnx.node` becomes linalg on tensors; shapes become index arithmetic on
    `onnx.symbol` values. Nodes without a lowering are all reported at once.
    With `keep-attention`, an Attention that `gpu-select-attention` converts stays
    a node, of plain tensors.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::scf::SCFDialect", "::mlir::moe::pager::PagerDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::moe::weights::WeightsDialect"];
  let options = [Option<"keepAttention", "keep-attention", "bool", "false",
                        "leave Attention nodes for kernels of a device">];
}

def ConvertMoEToPager : Pass<"convert-moe-to-pager", "::mlir::ModuleOp"> {
  let summary = "Schedule expert compute over resident pages";
  let description = [{
    `moe.route` and `moe.experts` become buffers, calls of generated kernels, an
    early `pager.prefetch` and a `pager.for_each_ready` around the expert kernels.
    Kernels are made for the instruction set that the module's `cpu.isa` names
    ("x86-64-v3" without it). Rows of tokens are gathered once, sorted by expert;
    an expert's outputs replace its inputs, and are combined in the order of the
    choices, so that results do not depend on the order experts become resident.
  }];
  let dependentDialects = ["::mlir::moe::pager::PagerDialect", "::mlir::func::FuncDialect",
                           "::mlir::bufferization::BufferizationDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect"];
}

def ConvertMoEToWaves : Pass<"convert-moe-to-waves", "::mlir::ModuleOp"> {
  let summary = "Schedule expert compute over waves of pages on a device";
  let description = [{
    `moe.route` and `moe.experts` become buffers, launches of generated kernels, an
    early `pager.prefetch` and a `pager.for_each_wave` around the grouped expert
    kernels. Kernels are those of the set that the module's `gpu.kernel_set` names
    ("sm_80" without it), on weights of the type in `gpu.weights` (f32 without it).
    Rows are sorted by expert and combined in the order of the choices, so that
    results do not depend on how experts are spread over waves.
  }];
  let dependentDialects = ["::mlir::moe::pager::PagerDialect", "::mlir::func::FuncDialect",
                           "::mlir::bufferization::BufferizationDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::gpu::GPUDialect", "::mlir::vector::VectorDialect"];
}

#endif // MOE_CONVERSION_PASSES
