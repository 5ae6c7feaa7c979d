//===- Ptx.cpp - Kernels through the NVPTX back end -----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ptx.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace moe_test;

static std::unique_ptr<llvm::TargetMachine> makeMachine(llvm::StringRef arch) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string problem;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, problem);
  EXPECT_TRUE(target) << problem;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, arch, "+ptx80", llvm::TargetOptions(), std::nullopt));
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

std::string moe_test::emitPtx(mlir::gpu::GPUModuleOp device,
                              llvm::StringRef arch) {
  MLIRContext &context = *device.getContext();
  registerBuiltinDialectTranslation(context);
  registerGPUDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  registerNVVMDialectTranslation(context);
  llvm::LLVMContext llvmContext;
  auto module = translateModuleToLLVMIR(device, llvmContext);
  if (!module) {
    ADD_FAILURE() << "the kernels cannot be translated";
    return "";
  }
  auto machine = makeMachine(arch);
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  optimize(*module, *machine);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  machine->addPassesToEmitFile(passes, stream, nullptr,
                               llvm::CodeGenFileType::AssemblyFile);
  passes.run(*module);
  return text.str().str();
}

std::string moe_test::assemble(llvm::StringRef ptx, llvm::StringRef arch) {
  llvm::SmallString<64> input, log;
  std::error_code error;
  llvm::sys::fs::createTemporaryFile("kernels", "ptx", input);
  llvm::sys::fs::createTemporaryFile("kernels", "log", log);
  {
    llvm::raw_fd_ostream file(input, error);
    file << ptx;
  }
  std::string option = ("-arch=" + arch).str();
  std::optional<llvm::StringRef> redirects[] = {std::nullopt, log.str(),
                                                log.str()};
  int status = llvm::sys::ExecuteAndWait(
      MOE_TEST_PTXAS,
      {MOE_TEST_PTXAS, option, "-v", "-o", "/dev/null", input.str()},
      std::nullopt, redirects);
  auto buffer = llvm::MemoryBuffer::getFile(log);
  std::string text = buffer ? (*buffer)->getBuffer().str() : "";
  EXPECT_EQ(status, 0) << text;
  llvm::sys::fs::remove(input);
  llvm::sys::fs::remove(log);
  return text;
}
