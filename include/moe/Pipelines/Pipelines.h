//===- Pipelines.h - Dialects, passes and stages together -------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_PIPELINES_PIPELINES_H
#define MOE_PIPELINES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::moe {

/// Registers our dialects, the upstream ones that our passes produce, and their
/// external interface models.
void registerAllDialects(DialectRegistry &registry);

/// Registers our passes, and the upstream passes that the pipelines use.
void registerAllPasses();

/// Registers the pipelines below under `moe-normalize-pipeline`,
/// `moe-cpu-kernels-pipeline` and `moe-cpu-llvm-pipeline`, and that of device
/// code under `moe-gpu-nvvm-pipeline`.
void registerAllPipelines();

/// onnx -> normalized: types for every value, one spelling for each operation,
/// recurrent states paired.
void populateNormalizePipeline(OpPassManager &pm);

/// normalized -> moe: experts and routers raised.
void populateRaisePipeline(OpPassManager &pm);

/// moe -> pager: dense nodes as linalg, expert compute over resident pages. The
/// module's `cpu.isa` names the instruction set.
void populatePagerPipeline(OpPassManager &pm);

/// pager -> places: dense products use packed kernels, the entry is bound to
/// the frame, and every weight has its place (`weights.place`): what the packer
/// reads.
void populatePlacePipeline(OpPassManager &pm);

/// The same two for a device target: expert compute in waves, kernels of the
/// set that the module's `gpu.kernel_set` names.
void populateDevicePagerPipeline(OpPassManager &pm);
void populateDevicePlacePipeline(OpPassManager &pm);

/// places -> kernels: fused, bufferized, in one arena, identical layers shared.
void populateKernelsPipeline(OpPassManager &pm, llvm::StringRef keep = "");

/// kernels -> llvm: loops, threads, calls of the runtime, the LLVM dialect.
void populateLLVMPipeline(OpPassManager &pm);

/// kernels -> llvm for a device target, in two steps: a gpu.module of kernels
/// in the llvm and nvvm dialects, which the host code refers to no more; and
/// the host code in the LLVM dialect. The second is faster without the
/// gpu.module.
void populateDeviceCodePipeline(OpPassManager &pm);
void populateHostLLVMPipeline(OpPassManager &pm);

} // namespace mlir::moe

#endif // MOE_PIPELINES_PIPELINES_H
