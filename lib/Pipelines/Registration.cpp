//===- Registration.cpp - Dialects and passes of the tools ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/MoE/IR/MoE.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "dialects/ONNX/Transforms/Passes.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe/CodeGen/GPU/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Pipelines/Pipelines.h"

void mlir::moe::registerAllDialects(DialectRegistry &registry) {
  registry.insert<onnx::ONNXDialect, weights::WeightsDialect, MoEDialect,
                  pager::PagerDialect>();
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
}

void mlir::moe::registerAllPasses() {
  mlir::registerAllPasses();
  onnx::registerONNXPasses();
  registerConversionPasses();
  cpu::registerCodeGenCPUPasses();
  gpu::registerCodeGenGPUPasses();
  registerAllPipelines();
}
