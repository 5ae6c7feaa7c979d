//===- Images.h - Device code as PTX and cubins -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_GPU_IMAGES_H
#define MOE_CODEGEN_GPU_IMAGES_H

#include "moe/CodeGen/GPU/KernelSet.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/JSON.h"
#include <memory>

namespace mlir::moe::gpu {

/// What --gpu-arch names: an architecture, and the set of kernels for it.
struct Architecture {
  std::string name; // "sm_86", "sm_90a"
  KernelSet set;    // sm_90a has a set of its own, others from sm_80 on have
                    // that of sm_80
  bool isHostSimt;  // "host-simt:" before the name
  std::string text() const { return (isHostSimt ? "host-simt:" : "") + name; }
};

/// Reads one element of --gpu-arch; nothing for what is no architecture that
/// there are kernels for.
std::optional<Architecture> parseArchitecture(llvm::StringRef text);

/// All that parseArchitecture reads, for messages.
std::string listArchitectures();

/// What the kernels of a set are and use, in the order in which launches number
/// them: [{"name": ..., "uses": ["mma", "tma", "wgmma"]}]. `module` is of the
/// llvm stage.
llvm::json::Array describeKernels(ModuleOp module);

/// The kernels of `module` (of the llvm stage, left as it is) in LLVM IR for
/// the NVPTX back end.
FailureOr<std::unique_ptr<llvm::Module>>
translateDeviceCode(ModuleOp module, llvm::LLVMContext &context);

/// PTX for this architecture. Emits an error when the back end fails or the
/// code calls a function that no driver has.
FailureOr<std::string> emitPTX(llvm::Module &module,
                               const Architecture &architecture, Location loc);

/// The assembler of the CUDA Toolkit: from the environment variable MOE_PTXAS,
/// PATH, or /usr/local/cuda/bin; empty when there is none.
std::string findAssembler();

/// A cubin, and what ptxas says of each kernel: {"NAME": {"registers": n,
/// "shared_bytes": n, "spill_bytes": n}}.
struct Cubin {
  std::string bytes;
  llvm::json::Object resources;
};
FailureOr<Cubin> assemble(llvm::StringRef ptx, const Architecture &architecture,
                          llvm::StringRef assembler, Location loc);

} // namespace mlir::moe::gpu

#endif // MOE_CODEGEN_GPU_IMAGES_H
