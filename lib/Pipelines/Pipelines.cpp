//===- Pipelines.cpp - The passes of each stage ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Pipelines.h"
#include "dialects/ONNX/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe/CodeGen/GPU/Passes.h"
#include "moe/CodeGen/GPU/Pipeline.h"
#include "moe/Conversion/Passes.h"

using namespace mlir;

void moe::populateNormalizePipeline(OpPassManager &pm) {
  pm.addPass(onnx::createONNXInferShapes());
  pm.addPass(onnx::createONNXNormalize());
  pm.addPass(onnx::createONNXRecognizeDense());
  pm.addPass(onnx::createONNXPairStates());
}

void moe::populateRaisePipeline(OpPassManager &pm) {
  pm.addPass(createConvertONNXToMoE());
}

void moe::populatePagerPipeline(OpPassManager &pm) {
  pm.addPass(createConvertONNXToLinalg());
  pm.addPass(createConvertMoEToPager());
}

void moe::populateDevicePagerPipeline(OpPassManager &pm) {
  ConvertONNXToLinalgOptions options;
  options.keepAttention = true;
  pm.addPass(createConvertONNXToLinalg(options));
  pm.addPass(gpu::createGPUSelectAttention());
  pm.addPass(createConvertMoEToWaves());
}

void moe::populateDevicePlacePipeline(OpPassManager &pm) {
  pm.addPass(gpu::createGPUSelectGemms());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(cpu::createCPUBindEntry());
}

void moe::populatePlacePipeline(OpPassManager &pm) {
  pm.addPass(cpu::createCPUSelectGemms());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(cpu::createCPUBindEntry());
}

void moe::populateKernelsPipeline(OpPassManager &pm, StringRef keep) {
  pm.addNestedPass<func::FuncOp>(createLinalgGeneralizeNamedOpsPass());
  // No CSE of tensors: it would make one zero-filled tensor of many, and each
  // accumulation into it a copy.
  cpu::CPUFuseElementwiseOptions fuseOptions;
  fuseOptions.keep = keep.str();
  pm.addPass(cpu::createCPUFuseElementwise(fuseOptions));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(cpu::createCPUReuseOperands());
  pm.addPass(cpu::createCPUObserveTensors());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = false;
  options.bufferAlignment = 64;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  pm.addPass(cpu::createCPUResolveDims());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(cpu::createCPUConvertCopies());
  pm.addPass(cpu::createCPUPlanArena());
  // No CSE before this: buffers that happen to share a place in one layer must
  // stay as distinct as in the others.
  pm.addPass(cpu::createCPUOutlineLayers());
  pm.addPass(createCanonicalizerPass());
}

void moe::populateHostLLVMPipeline(OpPassManager &pm) {
  pm.addPass(cpu::createCPUExpandMath());
  pm.addPass(cpu::createCPUExpandReshapes());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  // No instruction of most CPUs rounds to bfloat16.
  arith::ArithExpandOpsPassOptions expandOptions;
  expandOptions.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expandOptions));
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void moe::populateLLVMPipeline(OpPassManager &pm) {
  pm.addPass(cpu::createCPULowerLinalg());
  pm.addPass(createCSEPass());
  pm.addPass(cpu::createCPUOutlineParallel());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Equal loops of different layers, and of what no outlined layer holds.
  pm.addPass(func::createDuplicateFunctionEliminationPass());
  pm.addPass(cpu::createCPUThreadFrame());
  pm.addPass(cpu::createCPUConvertPagerToLLVM());
  populateHostLLVMPipeline(pm);
}

void moe::populateDeviceCodePipeline(OpPassManager &pm) {
  pm.addPass(gpu::createGPULowerLinalg());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(gpu::createGPUOutlineKernels());
  pm.addPass(cpu::createCPUExpandMath());
  gpu::populateNVVMPipeline(pm);
  pm.addNestedPass<mlir::gpu::GPUModuleOp>(gpu::createVerifyNVVMProtocol());
  pm.addPass(cpu::createCPUThreadFrame());
  pm.addPass(cpu::createCPUConvertPagerToLLVM());
}

void moe::registerAllPipelines() {
  PassPipelineRegistration<>("moe-normalize-pipeline",
                             "onnx to its normalized form",
                             populateNormalizePipeline);
  PassPipelineRegistration<>(
      "moe-cpu-kernels-pipeline", "placed modules to kernels on buffers",
      [](OpPassManager &pm) { populateKernelsPipeline(pm); });
  PassPipelineRegistration<>("moe-cpu-llvm-pipeline",
                             "kernels to the LLVM dialect",
                             populateLLVMPipeline);
  PassPipelineRegistration<>("moe-gpu-nvvm-pipeline",
                             "GPU kernels to the NVVM dialect",
                             gpu::populateNVVMPipeline);
  PassPipelineRegistration<>("moe-gpu-llvm-pipeline",
                             "kernels on a device to the LLVM dialect",
                             [](OpPassManager &pm) {
                               populateDeviceCodePipeline(pm);
                               populateHostLLVMPipeline(pm);
                             });
}
