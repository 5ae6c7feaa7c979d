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

/// Translates a module of the llvm stage for `isa`. The entry functions become
/// `moe_run_<suffix>` and `moe_arena_bytes_<suffix>`, where the suffix is the
/// ISA's name with `_` for `-`. Everything else is internal.
FailureOr<std::unique_ptr<llvm::Module>>
translateVariant(ModuleOp module, const ISA &isa, llvm::LLVMContext &context);

/// Optimises a module and gives its object code, or its assembly. Modules of
/// different LLVM contexts can be compiled at the same time.
FailureOr<llvm::SmallVector<char, 0>>
emitObject(llvm::Module &module, const ISA &isa, bool assembly, Location loc);

/// The object that exports `moe_model_v1`: the metadata and the table of
/// variants, in the given order.
FailureOr<llvm::SmallVector<char, 0>>
emitDescriptor(llvm::StringRef metadata, llvm::ArrayRef<const ISA *> variants,
               Location loc);

} // namespace mlir::moe::cpu

#endif // MOE_CODEGEN_CPU_EMITOBJECT_H
