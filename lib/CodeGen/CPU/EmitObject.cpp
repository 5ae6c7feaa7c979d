//===- EmitObject.cpp - LLVM IR and object files of a variant -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/CPU/EmitObject.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "moe/CodeGen/Common/OptimiseModule.h"
#include "moe_rt/moe_rt_abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <cstddef>
#include <mutex>

using namespace mlir;
using namespace mlir::moe;
using mlir::moe::cpu::ISA;

static constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

static std::string suffixOf(const cpu::Variant &variant) {
  std::string suffix = variant.name;
  llvm::replace(suffix, '-', '_');
  return suffix;
}

static FailureOr<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const ISA &isa, Location loc) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  std::string message;
  llvm::Triple triple(kTriple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return emitError(loc, "this LLVM has no x86 back end: ") << message;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, isa.name, /*Features=*/"", options, llvm::Reloc::PIC_,
      /*CM=*/std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  return machine;
}

/// The runtime asks for the arena's size with the symbols alone: a function
/// that wraps them in a frame whose other fields are not read.
static void wrapArenaBytes(llvm::Module &module, StringRef name) {
  llvm::LLVMContext &context = module.getContext();
  llvm::Function *inner = module.getFunction("moe_arena_bytes");
  auto *pointer = llvm::PointerType::getUnqual(context);
  auto *i64 = llvm::Type::getInt64Ty(context);
  auto *wrapper =
      llvm::Function::Create(llvm::FunctionType::get(i64, {pointer}, false),
                             llvm::GlobalValue::ExternalLinkage, name, module);
  llvm::IRBuilder<> builder(
      llvm::BasicBlock::Create(context, "entry", wrapper));
  if (inner->arg_size() == 0) {
    builder.CreateRet(builder.CreateCall(inner));
    return;
  }
  llvm::Value *frame = builder.CreateAlloca(
      llvm::ArrayType::get(builder.getInt8Ty(), sizeof(moe_rt_abi_frame)));
  llvm::cast<llvm::AllocaInst>(frame)->setAlignment(llvm::Align(8));
  llvm::Value *field = builder.CreateConstGEP1_64(
      builder.getInt8Ty(), frame, offsetof(moe_rt_abi_frame, symbols));
  builder.CreateStore(wrapper->getArg(0), field);
  builder.CreateRet(builder.CreateCall(inner, {frame}));
}

/// Kernels stay functions: inlined into the entry they would make one function
/// whose compilation takes more than linear time.
static void keepKernelsApart(llvm::Module &module) {
  for (llvm::Function &function : module) {
    if (function.getName() != "moe_run" &&
        !function.getName().starts_with("layer"))
      continue;
    for (llvm::BasicBlock &block : function)
      for (llvm::Instruction &instruction : block)
        if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction))
          if (llvm::Function *callee = call->getCalledFunction())
            if (!callee->isDeclaration())
              callee->addFnAttr(llvm::Attribute::NoInline);
  }
}

FailureOr<std::unique_ptr<llvm::Module>>
cpu::translateVariant(ModuleOp module, const Variant &variant,
                      llvm::LLVMContext &context) {
  const ISA &isa = *variant.isa;
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context, "moe");
  if (!result)
    return module.emitError("cannot be translated to LLVM IR");
  auto machine = createTargetMachine(isa, module.getLoc());
  if (failed(machine))
    return failure();
  result->setTargetTriple(llvm::Triple(kTriple));
  result->setDataLayout((*machine)->createDataLayout());

  keepKernelsApart(*result);
  std::string suffix = suffixOf(variant);
  wrapArenaBytes(*result, "moe_arena_bytes_" + suffix);
  result->getFunction("moe_run")->setName("moe_run_" + suffix);
  std::string bits = std::to_string(isa.getVectorBits());
  for (llvm::Function &function : *result) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", isa.name);
    function.addFnAttr("prefer-vector-width", bits);
    function.addFnAttr("min-legal-vector-width", bits);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (function.getName().ends_with(suffix))
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    else
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  return result;
}

static llvm::PipelineTuningOptions getTuning() {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = true;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = false;
  return tuning;
}

FailureOr<SmallVector<char, 0>> cpu::emitObject(llvm::Module &module,
                                                const ISA &isa, bool assembly,
                                                Location loc) {
  auto machine = createTargetMachine(isa, loc);
  if (failed(machine))
    return failure();
  module.setTargetTriple(llvm::Triple(kTriple));
  module.setDataLayout((*machine)->createDataLayout());
  optimiseModule(module, **machine, getTuning());
  SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  auto kind = assembly ? llvm::CodeGenFileType::AssemblyFile
                       : llvm::CodeGenFileType::ObjectFile;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, kind))
    return emitError(loc, "this LLVM cannot write x86 object files");
  passes.run(module);
  return bytes;
}
