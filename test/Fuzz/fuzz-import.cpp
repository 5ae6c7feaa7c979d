//===- fuzz-import.cpp - ONNX files ---------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "Mutate.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "moe/Import/Import.h"
#include "moe/Pipelines/Pipelines.h"

using namespace mlir;

/// Types and attributes stay in a context: one serves some inputs, not all.
static MLIRContext &freshContext() {
  static std::unique_ptr<MLIRContext> context;
  static unsigned uses = 0;
  if (uses++ % 64 == 0) {
    DialectRegistry registry;
    moe::registerAllDialects(registry);
    context = std::make_unique<MLIRContext>(registry,
                                            MLIRContext::Threading::DISABLED);
    context->getDiagEngine().registerHandler(
        [](Diagnostic &) { return success(); });
  }
  return *context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  static const moe_fuzz::InputFile file("input.onnx");
  MLIRContext &context = freshContext();
  auto module = moe::importONNX(file.write(data, bytes), &context);
  if (failed(module))
    return 0;
  auto run = [&](llvm::function_ref<void(OpPassManager &)> populate) {
    PassManager pm(&context);
    populate(pm);
    return succeeded(pm.run(**module));
  };
  if (!run(moe::populateNormalizePipeline) || !run(moe::populateRaisePipeline))
    return 0;
  (**module)->setAttr("cpu.isa", StringAttr::get(&context, "x86-64-v3"));
  if (run(moe::populatePagerPipeline) && run(moe::populatePlacePipeline))
    run([&](OpPassManager &pm) {
      moe::populateKernelsPipeline(pm, bytes % 4 ? "" : ".*"); // kept tensors
    });
  return 0;
}

/// Mutations of bytes rarely give a message that can be parsed.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes,
                                          size_t most, unsigned seed) {
  if (seed % 16 == 0)
    return LLVMFuzzerMutate(data, bytes, most);
  size_t result = moe_fuzz::mutateModel(data, bytes, most, seed);
  return result ? result : LLVMFuzzerMutate(data, bytes, most);
}
