//===- EmitDescriptor.cpp - What a model tells the runtime ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/CPU/EmitObject.h"
#include "moe_rt/moe_rt_abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Builds the constants of moe_rt_abi.h.
class Descriptor {
public:
  Descriptor() : module("moe_descriptor", context) {
    pointer = llvm::PointerType::getUnqual(context);
    i32 = llvm::Type::getInt32Ty(context);
    i64 = llvm::Type::getInt64Ty(context);
  }
  llvm::Module &build(StringRef metadata, ArrayRef<cpu::Variant> variants,
                      ArrayRef<cpu::DeviceImage> images);

private:
  llvm::Constant *number(llvm::Type *type, uint64_t value) {
    return llvm::ConstantInt::get(type, value);
  }
  llvm::Constant *constant(llvm::Constant *data, uint64_t alignment);
  llvm::Constant *text(StringRef value) {
    return constant(llvm::ConstantDataArray::getString(context, value), 1);
  }
  llvm::Constant *function(const std::string &name, llvm::Type *result);
  llvm::Constant *table(llvm::StructType *type,
                        ArrayRef<llvm::Constant *> rows);
  llvm::Constant *variantRow(const cpu::Variant &variant);
  llvm::Constant *imageRow(const cpu::DeviceImage &image);

  llvm::LLVMContext context;
  llvm::Module module;
  llvm::PointerType *pointer;
  llvm::Type *i32, *i64;
};

} // namespace

llvm::Constant *Descriptor::constant(llvm::Constant *data, uint64_t alignment) {
  auto *global = new llvm::GlobalVariable(
      module, data->getType(), true, llvm::GlobalValue::PrivateLinkage, data);
  global->setAlignment(llvm::Align(alignment));
  return global;
}

llvm::Constant *Descriptor::function(const std::string &name,
                                     llvm::Type *result) {
  auto *type = llvm::FunctionType::get(result, {pointer}, false);
  auto *declared = llvm::Function::Create(
      type, llvm::GlobalValue::ExternalLinkage, name, module);
  declared->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return declared;
}

llvm::Constant *Descriptor::table(llvm::StructType *type,
                                  ArrayRef<llvm::Constant *> rows) {
  if (rows.empty())
    return llvm::ConstantPointerNull::get(pointer);
  return constant(
      llvm::ConstantArray::get(llvm::ArrayType::get(type, rows.size()), rows),
      8);
}

llvm::Constant *Descriptor::variantRow(const cpu::Variant &variant) {
  std::string suffix = variant.name;
  llvm::replace(suffix, '-', '_');
  return llvm::ConstantStruct::getAnon(
      context, {text(variant.name), number(i64, variant.isa->features),
                function("moe_run_" + suffix, i32),
                function("moe_arena_bytes_" + suffix, i64)});
}

llvm::Constant *Descriptor::imageRow(const cpu::DeviceImage &image) {
  llvm::Constant *data;
  uint64_t bytes = image.bytes.size();
  if (image.symbol.empty()) {
    // PTX is text: the driver wants its end marked.
    bool isText = image.kind == MOE_RT_IMAGE_PTX;
    data = constant(
        llvm::ConstantDataArray::getString(context, image.bytes, isText), 64);
    bytes += isText;
  } else {
    auto *global = new llvm::GlobalVariable(
        module, llvm::Type::getInt8Ty(context), true,
        llvm::GlobalValue::ExternalLinkage, nullptr, image.symbol);
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    data = global;
  }
  return llvm::ConstantStruct::getAnon(
      context, {text(image.arch), text(image.variant), number(i32, image.kind),
                number(i32, 0), data, number(i64, bytes)});
}

llvm::Module &Descriptor::build(StringRef metadata,
                                ArrayRef<cpu::Variant> variants,
                                ArrayRef<cpu::DeviceImage> images) {
  module.setPICLevel(llvm::PICLevel::BigPIC);
  SmallVector<llvm::Constant *> variantRows, imageRows;
  for (const cpu::Variant &variant : variants)
    variantRows.push_back(variantRow(variant));
  for (const cpu::DeviceImage &image : images)
    imageRows.push_back(imageRow(image));
  auto *variantType =
      llvm::StructType::get(context, {pointer, i64, pointer, pointer});
  auto *imageType = llvm::StructType::get(
      context, {pointer, pointer, i32, i32, pointer, i64});
  auto *model = llvm::ConstantStruct::getAnon(
      context, {number(i64, MOE_RT_ABI_MAGIC), number(i32, MOE_RT_ABI_VERSION),
                number(i32, sizeof(moe_rt_abi_model)), text(metadata),
                number(i64, metadata.size()), table(variantType, variantRows),
                number(i64, variantRows.size()), table(imageType, imageRows),
                number(i64, imageRows.size())});
  new llvm::GlobalVariable(module, model->getType(), true,
                           llvm::GlobalValue::ExternalLinkage, model,
                           MOE_RT_ABI_SYMBOL);
  return module;
}

FailureOr<SmallVector<char, 0>>
cpu::emitDescriptor(StringRef metadata, ArrayRef<Variant> variants,
                    ArrayRef<DeviceImage> images, Location loc) {
  Descriptor descriptor;
  llvm::Module &module = descriptor.build(metadata, variants, images);
  return emitObject(module, *variants.front().isa, /*assembly=*/false, loc);
}
