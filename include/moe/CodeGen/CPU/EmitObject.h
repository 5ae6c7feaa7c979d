//===- EmitObject.h - LLVM IR and object files of a variant -----*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_EMITOBJECT_H
#define MOE_CODEGEN_CPU_EMITOBJECT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include <memory>
#include <string>

namespace mlir::moe::cpu {

/// An instruction set that code is generated for.
struct ISA {
  llvm::StringRef name; ///< as in --march and --isa: "x86-64-v4"
  uint64_t features;    ///< MOE_RT_ABI_X86_64_* bits the CPU must have
  unsigned vectorBits;  ///< preferred vector width
};

/// The instruction set of this name, or null. The names: "x86-64-v3",
/// "x86-64-v4".
const ISA *lookupISA(llvm::StringRef name);

/// All instruction sets, weakest first.
llvm::ArrayRef<ISA> getISAs();

/// Translates a module of the llvm stage and optimises it for `isa`. The entry
/// functions become `moe_run_<suffix>` and `moe_arena_bytes_<suffix>`, where
/// the suffix is the ISA's name with `_` for `-`. Everything else is internal.
FailureOr<std::unique_ptr<llvm::Module>>
translateVariant(ModuleOp module, const ISA &isa, llvm::LLVMContext &context);

/// Object code of an optimised module, or its assembly.
FailureOr<llvm::SmallVector<char, 0>>
emitObject(llvm::Module &module, const ISA &isa, bool assembly, Location loc);

/// The object that exports `moe_model_v1`: the metadata and the table of
/// variants, in the given order.
FailureOr<llvm::SmallVector<char, 0>>
emitDescriptor(llvm::StringRef metadata, llvm::ArrayRef<const ISA *> variants,
               Location loc);

} // namespace mlir::moe::cpu

#endif // MOE_CODEGEN_CPU_EMITOBJECT_H
