//===- Images.cpp - Device code as PTX and cubins -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/GPU/Images.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "moe/CodeGen/Common/OptimiseModule.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

using namespace mlir;
using namespace mlir::moe;
using moe::gpu::Architecture;

namespace {

/// Architectures that LLVM's back end and ptxas know, with the oldest version
/// of PTX that has them: drivers read no newer one than they know.
struct KnownArchitecture {
  StringRef name, version;
  moe::gpu::KernelSet set;
};
using moe::gpu::KernelSet;
constexpr KnownArchitecture kArchitectures[] = {
    {"sm_80", "+ptx70", KernelSet::SM80},
    {"sm_86", "+ptx71", KernelSet::SM80},
    {"sm_87", "+ptx74", KernelSet::SM80},
    {"sm_89", "+ptx78", KernelSet::SM80},
    {"sm_90", "+ptx78", KernelSet::SM80},
    {"sm_90a", "+ptx80", KernelSet::SM90a},
    {"sm_100", "+ptx86", KernelSet::SM80},
    {"sm_103", "+ptx88", KernelSet::SM80},
    {"sm_120", "+ptx87", KernelSet::SM80},
    {"sm_121", "+ptx88", KernelSet::SM80}};

const KnownArchitecture *lookup(StringRef name) {
  for (const KnownArchitecture &known : kArchitectures)
    if (known.name == name)
      return &known;
  return nullptr;
}

} // namespace

std::optional<Architecture> moe::gpu::parseArchitecture(StringRef text) {
  bool isHostSimt = text.consume_front("host-simt:");
  const KnownArchitecture *known = lookup(text);
  // Functional models are of the sets, not of each architecture.
  if (!known || (isHostSimt && text != getName(known->set)))
    return std::nullopt;
  return Architecture{text.str(), known->set, isHostSimt};
}

std::string moe::gpu::listArchitectures() {
  std::string list;
  for (const KnownArchitecture &known : kArchitectures)
    list += known.name.str() + ", ";
  return list + "host-simt:sm_80, host-simt:sm_90a";
}

llvm::json::Array moe::gpu::describeKernels(ModuleOp module) {
  llvm::json::Array kernels;
  auto names = module->getAttrOfType<ArrayAttr>("gpu.kernels");
  auto device = module.lookupSymbol<mlir::gpu::GPUModuleOp>(kKernelsModule);
  for (Attribute name :
       names ? names : ArrayAttr::get(module.getContext(), {})) {
    StringRef text = cast<StringAttr>(name).getValue();
    bool mma = false, tma = false, wgmma = false;
    device.lookupSymbol(text)->walk([&](Operation *op) {
      mma |= isa<NVVM::MmaOp>(op);
      wgmma |= isa<NVVM::WgmmaMmaAsyncOp>(op);
      tma |=
          op->getName().getStringRef().starts_with("nvvm.cp.async.bulk.tensor");
    });
    llvm::json::Array uses;
    for (auto [used, feature] : {std::pair(mma, "mma"), std::pair(tma, "tma"),
                                 std::pair(wgmma, "wgmma")})
      if (used)
        uses.push_back(feature);
    kernels.push_back(
        llvm::json::Object{{"name", text}, {"uses", std::move(uses)}});
  }
  return kernels;
}

FailureOr<std::unique_ptr<llvm::Module>>
moe::gpu::translateDeviceCode(ModuleOp module, llvm::LLVMContext &context) {
  MLIRContext *mlirContext = module.getContext();
  registerBuiltinDialectTranslation(*mlirContext);
  registerLLVMDialectTranslation(*mlirContext);
  registerGPUDialectTranslation(*mlirContext);
  registerNVVMDialectTranslation(*mlirContext);
  auto device = module.lookupSymbol<mlir::gpu::GPUModuleOp>(kKernelsModule);
  OwningOpRef<mlir::gpu::GPUModuleOp> clone = device.clone();
  // What has no intrinsic becomes inline PTX.
  PassManager pm(mlirContext, mlir::gpu::GPUModuleOp::getOperationName());
  pm.addPass(createConvertNVVMToLLVMPass());
  if (failed(pm.run(*clone)))
    return failure();
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(*clone, context, "moe_kernels");
  if (!result)
    return module.emitError("kernels cannot be translated to LLVM IR");
  return result;
}

static FailureOr<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const Architecture &architecture, Location loc) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  std::string message;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return emitError(loc, "this LLVM has no NVPTX back end: ") << message;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, architecture.name, lookup(architecture.name)->version, options,
      std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  return machine;
}

FailureOr<std::string> moe::gpu::emitPTX(llvm::Module &module,
                                         const Architecture &architecture,
                                         Location loc) {
  auto machine = createTargetMachine(architecture, loc);
  if (failed(machine))
    return failure();
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  optimiseModule(module, **machine);
  SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                      llvm::CodeGenFileType::AssemblyFile))
    return emitError(loc, "this LLVM cannot write PTX");
  passes.run(module);
  std::string ptx(bytes.begin(), bytes.end());
  size_t call = ptx.find(".extern .func");
  if (call != std::string::npos)
    return emitError(loc, "a kernel calls a function that no driver has: ")
           << StringRef(ptx).substr(call).take_until(
                  [](char c) { return c == '\n'; });
  return ptx;
}
