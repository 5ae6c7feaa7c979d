//===- TranslateHostSimt.cpp - LLVM IR of host execution ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "moe/CodeGen/GPU/HostSimt.h"
#include "moe/CodeGen/GPU/Passes.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::moe;

FailureOr<std::unique_ptr<llvm::Module>>
moe::gpu::translateHostSimt(ModuleOp module, llvm::LLVMContext &context,
                            StringRef imageName, bool instrument) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  OwningOpRef<ModuleOp> host = ModuleOp::create(module.getLoc());
  for (auto device : module.getOps<mlir::gpu::GPUModuleOp>())
    host->push_back(device->clone());
  NVVMToHostSimtOptions options;
  options.image = imageName.str();
  options.instrument = instrument;
  PassManager passes(module.getContext());
  passes.addPass(createNVVMToHostSimt(options));
  if (failed(passes.run(*host)))
    return failure();
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(*host, context, "host-simt");
  if (!result)
    return module.emitError("device code cannot be translated for the host");

  // Of every host the same code: results must not depend on where tests run.
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  result->setTargetTriple(triple);
  result->setDataLayout(triple.computeDataLayout());
  for (llvm::Function &function : *result) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", "x86-64-v3");
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  return result;
}
