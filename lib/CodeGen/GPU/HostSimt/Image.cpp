//===- Image.cpp - The image of host execution ----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

LLVM::LLVMFuncOp gpu::createWrapper(LLVM::LLVMFuncOp kernel,
                                    ArrayRef<Type> parameters,
                                    ArrayRef<bool> isByValue) {
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel->getContext());
  b.setInsertionPointAfter(kernel);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer});
  auto wrapper = LLVM::LLVMFuncOp::create(
      b, (kernel.getSymName() + "__run").str(), type, LLVM::Linkage::Internal);
  Block *entry = wrapper.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  SmallVector<Value> arguments = {entry->getArgument(0)};
  for (auto [i, parameter] : llvm::enumerate(parameters)) {
    Value slot =
        LLVM::GEPOp::create(b, pointer, pointer, entry->getArgument(1),
                            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
    Value address = LLVM::LoadOp::create(b, pointer, slot);
    arguments.push_back(
        isByValue[i] ? address
                     : LLVM::LoadOp::create(b, parameter, address).getResult());
  }
  LLVM::CallOp::create(b, kernel, arguments);
  LLVM::ReturnOp::create(b, ValueRange());
  return wrapper;
}

namespace {

/// Defines constants of a module.
class ConstantBuilder {
public:
  ConstantBuilder(ModuleOp module, StringRef prefix)
      : b(module.getLoc(), module.getContext()), module(module),
        prefix(prefix) {}

  /// The address of a string that ends in 0, in the current initialiser.
  Value getString(StringRef text) {
    LLVM::GlobalOp &global = strings[text];
    if (!global) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(module.getBody());
      std::string bytes = (text + StringRef("\0", 1)).str();
      global = LLVM::GlobalOp::create(
          b, LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()),
          /*isConstant=*/true, LLVM::Linkage::Private, nextName(),
          b.getStringAttr(bytes));
    }
    return LLVM::AddressOfOp::create(b, global);
  }

  Value getAddress(Operation *symbol) {
    return LLVM::AddressOfOp::create(b,
                                     LLVM::LLVMPointerType::get(b.getContext()),
                                     SymbolTable::getSymbolName(symbol));
  }

  Value getInteger(unsigned bits, uint64_t value) {
    return gpu::getInteger(b, bits, value);
  }

  /// A constant array or structure of these elements, built in its initialiser;
  /// `elements` gives the i-th one.
  LLVM::GlobalOp create(Type type, size_t count, LLVM::Linkage linkage,
                        StringRef name,
                        function_ref<SmallVector<Value>(size_t)> elements) {
    b.setInsertionPointToEnd(module.getBody());
    auto global = LLVM::GlobalOp::create(b, type, /*isConstant=*/true, linkage,
                                         name.empty() ? nextName() : name.str(),
                                         Attribute());
    b.createBlock(&global.getInitializerRegion());
    Value value = LLVM::UndefOp::create(b, type);
    bool isArray = isa<LLVM::LLVMArrayType>(type);
    for (size_t i = 0; i < count; ++i) {
      SmallVector<Value> fields = elements(i);
      for (auto [j, field] : llvm::enumerate(fields)) {
        SmallVector<int64_t> position;
        if (isArray)
          position.push_back(i);
        if (!isArray || fields.size() > 1)
          position.push_back(j);
        value = LLVM::InsertValueOp::create(b, value, field, position);
      }
    }
    LLVM::ReturnOp::create(b, value);
    return global;
  }

  Type getStruct(ArrayRef<Type> fields) {
    return LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
  }

  ImplicitLocOpBuilder b;

private:
  std::string nextName() { return (prefix + "_" + Twine(nextNumber++)).str(); }

  ModuleOp module;
  std::string prefix;
  unsigned nextNumber = 0;
  llvm::StringMap<LLVM::GlobalOp> strings;
};

} // namespace

static LLVM::GlobalOp createKernels(ConstantBuilder &c,
                                    ArrayRef<HostKernel> kernels) {
  Type pointer = LLVM::LLVMPointerType::get(c.b.getContext());
  Type i32 = c.b.getI32Type();
  SmallVector<LLVM::GlobalOp> sizes;
  for (const HostKernel &kernel : kernels) {
    ArrayRef<uint32_t> bytes = kernel.argumentBytes;
    sizes.push_back(
        c.create(LLVM::LLVMArrayType::get(i32, bytes.size()), bytes.size(),
                 LLVM::Linkage::Private, "", [&](size_t i) {
                   return SmallVector<Value>{c.getInteger(32, bytes[i])};
                 }));
  }
  Type type =
      c.getStruct({pointer, pointer, i32, i32, i32, i32, pointer}); // _kernel
  return c.create(LLVM::LLVMArrayType::get(type, kernels.size()),
                  kernels.size(), LLVM::Linkage::Private, "", [&](size_t i) {
                    const HostKernel &kernel = kernels[i];
                    return SmallVector<Value>{
                        c.getString(kernel.name),
                        c.getAddress(kernel.run),
                        c.getInteger(32, kernel.shared.staticBytes),
                        c.getInteger(32, kernel.shared.alignment),
                        c.getInteger(32, kernel.maxThreads),
                        c.getInteger(32, kernel.argumentBytes.size()),
                        c.getAddress(sizes[i]),
                    };
                  });
}

void gpu::createImage(ModuleOp module, StringRef name, bool instrumented,
                      ArrayRef<HostKernel> kernels,
                      const LocationTable &table) {
  ConstantBuilder c(module, name);
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i32 = c.b.getI32Type(), i64 = c.b.getI64Type();
  ArrayRef<LocationTable::Entry> entries = table.getEntries();
  LLVM::GlobalOp kernelTable = createKernels(c, kernels);
  LLVM::GlobalOp locations = c.create(
      LLVM::LLVMArrayType::get(c.getStruct({pointer, pointer, i64, pointer}),
                               entries.size()),
      entries.size(), LLVM::Linkage::Private, "", [&](size_t i) {
        return SmallVector<Value>{c.getString(entries[i].kernel),
                                  c.getString(entries[i].op),
                                  c.getInteger(64, entries[i].ordinal),
                                  c.getString(entries[i].source)};
      });
  c.create(c.getStruct({i32, i32, i32, i32, pointer, i64, pointer, i64}), 1,
           LLVM::Linkage::External, name, [&](size_t) {
             return SmallVector<Value>{c.getInteger(32, MOE_SIMT_VERSION),
                                       c.getInteger(32, sizeof(moe_simt_image)),
                                       c.getInteger(32, instrumented),
                                       c.getInteger(32, 0),
                                       c.getAddress(kernelTable),
                                       c.getInteger(64, kernels.size()),
                                       c.getAddress(locations),
                                       c.getInteger(64, entries.size())};
           });
}
