//===- Compile.cpp - From an ONNX file to a model -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Compile.h"
#include "dialects/MoE/IR/MoE.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Pass/PassManager.h"
#include "moe/CodeGen/CPU/EmitObject.h"
#include "moe/Import/Import.h"
#include "moe/Pipelines/Pipelines.h"
#include "moe/Pipelines/Signature.h"
#include "moe/Support/Report.h"
#include "moe/Target/ModelFile.h"
#include "moe/Target/Packer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Threading.h"
#include <chrono>
#include <future>
#include <sys/resource.h>

using namespace mlir;
using namespace mlir::moe;
namespace json = llvm::json;

namespace {

struct StageName {
  Stage stage;
  StringRef name;
};
constexpr StageName kStages[] = {
    {Stage::ONNX, "onnx"},       {Stage::Normalized, "normalized"},
    {Stage::MoE, "moe"},         {Stage::Pager, "pager"},
    {Stage::Kernels, "kernels"}, {Stage::LLVM, "llvm"},
    {Stage::Assembly, "asm"},    {Stage::Model, "model"}};

/// One compilation, stage by stage.
class Compiler {
public:
  Compiler(const CompileOptions &options, MLIRContext *context,
           llvm::raw_ostream &print)
      : options(options), context(context), print(print),
        loc(NameLoc::get(StringAttr::get(context, options.input))) {}
  LogicalResult run();

private:
  using Populate = void (*)(OpPassManager &);
  LogicalResult apply(ModuleOp module, Populate populate, StringRef label);
  /// Prints the module when it was asked for; true when this is the last stage.
  bool reached(Stage stage, ModuleOp module, StringRef suffix = "");
  LogicalResult compileVariant(ModuleOp module, const cpu::ISA &isa,
                               bool isFirst);
  LogicalResult startCodegen(ModuleOp module, const cpu::ISA &isa);
  LogicalResult finishCodegen();
  void recordBankChoices(ModuleOp module);
  LogicalResult writeModel();
  LogicalResult writeReport(ModuleOp module);

  const CompileOptions &options;
  MLIRContext *context;
  llvm::raw_ostream &print;
  Location loc;
  json::Object metadata, seconds;
  std::vector<const cpu::ISA *> variants;
  std::vector<std::future<FailureOr<ObjectCode>>> running;
  std::vector<ObjectCode> objects;
  std::optional<OutputFile> weightsFile;
  std::string weightsPath;
  PackedWeights packed;
};

LogicalResult Compiler::apply(ModuleOp module, Populate populate,
                              StringRef label) {
  auto begin = std::chrono::steady_clock::now();
  PassManager pm(context);
  populate(pm);
  LogicalResult result = pm.run(module);
  double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  double before = seconds.getNumber(label).value_or(0);
  seconds[label] = before + elapsed;
  return result;
}

bool Compiler::reached(Stage stage, ModuleOp module, StringRef suffix) {
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(64).enableDebugInfo(false);
  if (!options.dumpFolder.empty()) {
    SmallString<128> path(options.dumpFolder);
    llvm::sys::path::append(path, llvm::formatv("{0}-{1}{2}.mlir", int(stage),
                                                getStageName(stage), suffix)
                                      .str());
    std::error_code error;
    llvm::raw_fd_ostream stream(path, error);
    if (!error)
      module.print(stream, flags);
  }
  if (options.stop != stage)
    return false;
  module.print(print, flags);
  return true;
}

bool hasUnknownOutput(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  return main && llvm::any_of(main.getResultTypes(), [](Type type) {
           return isa<onnx::ValueType>(type);
         });
}

/// The packer describes banks before routing is lowered away: keep how many
/// experts a token takes on each bank.
void Compiler::recordBankChoices(ModuleOp module) {
  module.walk([&](ExpertsOp op) {
    if (Operation *bank = op.getBank().getDefiningOp())
      bank->setAttr("k", IntegerAttr::get(IntegerType::get(context, 64),
                                          op.getRouting().getType().getK()));
  });
}

LogicalResult Compiler::compileVariant(ModuleOp module, const cpu::ISA &isa,
                                       bool isFirst) {
  module->setAttr("cpu.isa", StringAttr::get(context, isa.name));
  if (failed(apply(module, populatePagerPipeline, "pager")))
    return failure();
  metadata["positive"] = getRequiredSizes(module);
  std::string suffix = ("-" + isa.name).str();
  if (reached(Stage::Pager, module, suffix))
    return success();
  if (failed(apply(module, populatePlacePipeline, "place")))
    return failure();
  // One layout serves every variant of the family: packed once.
  if (isFirst && options.stop == Stage::Model) {
    auto begin = std::chrono::steady_clock::now();
    auto result =
        packWeights(module, llvm::sys::path::parent_path(options.input),
                    weightsFile->temporaryPath(), options.showProgress);
    if (failed(result))
      return failure();
    packed = std::move(*result);
    seconds["pack"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
            .count();
  }
  if (failed(apply(module, populateKernelsPipeline, "kernels")))
    return failure();
  if (reached(Stage::Kernels, module, suffix))
    return success();
  if (failed(apply(module, populateLLVMPipeline, "llvm")))
    return failure();
  if (reached(Stage::LLVM, module, suffix))
    return success();
  if (isFirst) {
    json::Array kernels;
    for (Attribute name : module->getAttrOfType<ArrayAttr>("cpu.kernels"))
      kernels.push_back(cast<StringAttr>(name).getValue());
    metadata["kernels"] = std::move(kernels);
  }
  return startCodegen(module, isa);
}

/// Only the translation reads MLIR; LLVM works beside the next variant.
LogicalResult Compiler::startCodegen(ModuleOp module, const cpu::ISA &isa) {
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule = cpu::translateVariant(module, isa, *llvmContext);
  if (failed(llvmModule))
    return failure();
  bool alone = options.jobs == 1 ||
               llvm::hardware_concurrency().compute_thread_count() == 1;
  auto emit = [this, &isa, llvmContext = std::move(llvmContext),
               llvmModule = std::move(*llvmModule)]() mutable {
    return cpu::emitObject(*llvmModule, isa, options.stop == Stage::Assembly,
                           loc);
  };
  variants.push_back(&isa);
  running.push_back(std::async(
      alone ? std::launch::deferred : std::launch::async, std::move(emit)));
  return success();
}

LogicalResult Compiler::finishCodegen() {
  auto begin = std::chrono::steady_clock::now();
  for (auto &result : running) {
    FailureOr<ObjectCode> object = result.get();
    if (failed(object))
      return failure();
    if (options.stop == Stage::Assembly)
      print << StringRef(object->data(), object->size());
    objects.push_back(std::move(*object));
  }
  seconds["codegen"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  return success();
}

LogicalResult Compiler::writeModel() {
  metadata["format"] = 1;
  metadata["producer"] = "moe-compile 0.1.0";
  metadata["source"] = llvm::sys::path::filename(options.input);
  metadata["banks"] = json::Array(packed.banks);
  metadata["weights"] =
      json::Object{{"file", llvm::sys::path::filename(weightsPath)},
                   {"dense_bytes", packed.denseBytes}};
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(json::Object(metadata));
  auto descriptor = cpu::emitDescriptor(text, variants, loc);
  if (failed(descriptor))
    return failure();
  objects.push_back(std::move(*descriptor));
  auto elf = linkModel(objects, loc);
  if (failed(elf))
    return failure();
  ObjectCode model = makeModelFile(*elf, packed.weightsId);
  OutputFile modelFile(options.output);
  if (failed(modelFile.create(loc)) ||
      failed(modelFile.write(StringRef(model.data(), model.size()), loc)))
    return failure();
  // The weights first: a model without its weights is told apart by its id.
  if (failed(weightsFile->commit(loc)))
    return failure();
  return modelFile.commit(loc);
}

LogicalResult Compiler::writeReport(ModuleOp module) {
  if (options.report.empty())
    return success();
  json::Object report = getReport(module);
  report["packed_bytes"] = packed.fileBytes;
  report["seconds"] = json::Object(seconds);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  report["peak_rss"] = int64_t(usage.ru_maxrss) * 1024;
  OutputFile file(options.report);
  std::string text =
      llvm::formatv("{0:2}\n", json::Value(std::move(report))).str();
  if (failed(file.create(loc)) || failed(file.write(text, loc)))
    return failure();
  return file.commit(loc);
}

LogicalResult Compiler::run() {
  std::vector<const cpu::ISA *> isas;
  for (const std::string &name : options.isas) {
    const cpu::ISA *isa = cpu::lookupISA(name);
    if (!isa)
      return emitError(loc) << "unknown instruction set '" << name << "'";
    isas.push_back(isa);
  }
  if (!options.dumpFolder.empty())
    if (std::error_code error =
            llvm::sys::fs::create_directories(options.dumpFolder))
      return emitError(loc) << "'" << options.dumpFolder
                            << "' cannot be created: " << error.message();
  if (options.stop == Stage::Model) {
    SmallString<256> path(options.output);
    llvm::sys::path::replace_extension(path, "moew");
    weightsPath = path.str().str();
    weightsFile.emplace(weightsPath);
    if (failed(weightsFile->create(loc)))
      return failure();
  }

  auto begin = std::chrono::steady_clock::now();
  auto module = importONNX(options.input, context);
  if (failed(module))
    return failure();
  seconds["import"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  if (reached(Stage::ONNX, **module))
    return success();
  if (failed(apply(**module, populateNormalizePipeline, "normalize")))
    return failure();
  if (reached(Stage::Normalized, **module))
    return success();
  if (failed(apply(**module, populateRaisePipeline, "raise")))
    return failure();
  if (reached(Stage::MoE, **module))
    return writeReport(**module);
  // An output without a type lies behind a node that cannot be compiled: the
  // conversion lists all of those.
  if (hasUnknownOutput(**module) &&
      failed(apply(**module, populatePagerPipeline, "pager")))
    return failure();
  auto signature = takeSignature(**module);
  if (failed(signature))
    return failure();
  metadata = std::move(*signature);
  recordBankChoices(**module);

  for (auto [i, isa] : llvm::enumerate(isas)) {
    OwningOpRef<ModuleOp> clone = (*module)->clone();
    if (failed(compileVariant(*clone, *isa, i == 0)))
      return failure();
    if (options.stop != Stage::Model)
      break; // one instruction set is enough to print
  }
  if (failed(finishCodegen()))
    return failure();
  if (options.stop != Stage::Model)
    return success();
  if (failed(writeModel()))
    return failure();
  return writeReport(**module);
}

} // namespace

StringRef moe::getStageName(Stage stage) {
  for (const StageName &entry : kStages)
    if (entry.stage == stage)
      return entry.name;
  return "";
}

std::optional<Stage> moe::parseStage(StringRef name) {
  for (const StageName &entry : kStages)
    if (entry.name == name)
      return entry.stage;
  return std::nullopt;
}

LogicalResult moe::compileModel(const CompileOptions &options,
                                MLIRContext *context,
                                llvm::raw_ostream &print) {
  return Compiler(options, context, print).run();
}
