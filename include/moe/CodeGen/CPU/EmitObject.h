//===- EmitObject.h - LLVM IR and object files of a variant -----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_EMITOBJECT_H
#define MOE_CODEGEN_CPU_EMITOBJECT_H

#include "moe/CodeGen/CPU/ISA.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include <memory>
#include <string>

namespace mlir::moe::cpu {

/// Code of a model that the runtime can choose: for an instruction set, or for
/// a set of GPU kernels whose host code needs one.
struct Variant {
  std::string name;
  const ISA *isa;
};

/// Translates a module of the llvm stage. The entry functions become
/// `moe_run_<suffix>` and `moe_arena_bytes_<suffix>`, where the suffix is the
/// variant's name with `_` for `-`. Everything else is internal.
FailureOr<std::unique_ptr<llvm::Module>>
translateVariant(ModuleOp module, const Variant &variant,
                 llvm::LLVMContext &context);

/// Optimises a module and gives its object code, or its assembly. Modules of
/// different LLVM contexts can be compiled at the same time.
FailureOr<llvm::SmallVector<char, 0>>
emitObject(llvm::Module &module, const ISA &isa, bool assembly, Location loc);

/// Code for a device, as moe_rt_abi_image.
struct DeviceImage {
  std::string arch, variant;
  uint32_t kind;
  std::string bytes;
  std::string symbol; ///< what to point to when there are no bytes
};

/// The object that exports `moe_model_v1`: the metadata and the tables of
/// variants and images, in the given order.
FailureOr<llvm::SmallVector<char, 0>>
emitDescriptor(llvm::StringRef metadata, llvm::ArrayRef<Variant> variants,
               llvm::ArrayRef<DeviceImage> images, Location loc);

} // namespace mlir::moe::cpu

#endif // MOE_CODEGEN_CPU_EMITOBJECT_H
