//===- Compile.cpp - From an ONNX file to a model -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Compile.h"
#include "CompileTarget.h"
#include "DeviceImages.h"
#include "Reproducer.h"
#include "dialects/MoE/IR/MoE.h"
#include "dialects/ONNX/IR/ONNX.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Pass/PassManager.h"
#include "moe/CodeGen/CPU/EmitObject.h"
#include "moe/Import/Import.h"
#include "moe/Pipelines/Pipelines.h"
#include "moe/Pipelines/Signature.h"
#include "moe/Support/Provenance.h"
#include "moe/Support/Report.h"
#include "moe/Target/ModelFile.h"
#include "moe/Target/Packer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/Threading.h"
#include <chrono>
#include <ctime>
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
      : options(options), context(context),
        print(options.output.empty() ? print : printedStream),
        loc(NameLoc::get(StringAttr::get(context, options.input))) {}
  Outcome run();

private:
  using Populate = function_ref<void(OpPassManager &)>;
  LogicalResult apply(ModuleOp module, Populate populate, StringRef label);
  LogicalResult dump(Stage stage, ModuleOp module, StringRef suffix);
  /// Prints the module when it was asked for. A result ends the compilation:
  /// this is the last stage, or the module could not be written.
  std::optional<LogicalResult> reached(Stage stage, ModuleOp module,
                                       StringRef suffix = "");
  LogicalResult openOutputs();
  LogicalResult refuseInput(StringRef file, StringRef what);
  LogicalResult compile();
  LogicalResult commitOutputs();
  LogicalResult lowerForDevice(ModuleOp module);
  LogicalResult compileVariant(ModuleOp module, const cpu::Variant &variant,
                               bool isFirst);
  LogicalResult startImages(ModuleOp module, gpu::KernelSet set);
  LogicalResult startCodegen(ModuleOp module, const cpu::Variant &variant);
  bool isForDevice() const { return !options.gpuArchs.empty(); }
  bool runsAlone() const;
  LogicalResult finishCodegen();
  void recordBankChoices(ModuleOp module);
  LogicalResult writeModel();
  LogicalResult writeReport();

  const CompileOptions &options;
  MLIRContext *context;
  std::string printed;
  llvm::raw_string_ostream printedStream{printed};
  llvm::raw_ostream &print;
  Location loc;
  OwningOpRef<ModuleOp> module;
  bool hasDefect = false, faultHappened = false;
  json::Object metadata, seconds;
  std::vector<cpu::Variant> variants;
  CompileTarget target;
  /// An object, and the CPU time that it took.
  using Generated = std::pair<FailureOr<ObjectCode>, double>;
  std::vector<std::future<Generated>> running;
  std::vector<ObjectCode> objects;
  /// Images of a set, and the CPU time that they took.
  using GeneratedImages = std::pair<FailureOr<DeviceImages>, double>;
  std::vector<std::future<GeneratedImages>> runningImages;
  std::vector<cpu::DeviceImage> images;
  /// The model, or the printed stage.
  std::optional<OutputFile> outputFile;
  std::optional<OutputFile> weightsFile, reportFile;
  std::string weightsPath;
  PackedWeights packed;
};

/// Whether only a defect of the compiler can make passes of this stage fail:
/// what a file may contain was checked before.
static bool isInternal(StringRef label) {
  return label == "place" || label == "kernels" || label == "llvm";
}

LogicalResult Compiler::apply(ModuleOp module, Populate populate,
                              StringRef label) {
  auto begin = std::chrono::steady_clock::now();
  PassManager pm(context);
  populate(pm);
  bool isInvalid = false;
  pm.enableVerifier(false);
  pm.addInstrumentation(createChecker(isInvalid, options.reproducerFolder));
  if (!options.fault.empty())
    pm.addInstrumentation(createFault(options.fault, faultHappened));
  LogicalResult result = pm.run(module);
  hasDefect |= isInvalid || (failed(result) && isInternal(label));
  double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  double before = seconds.getNumber(label).value_or(0);
  seconds[label] = before + elapsed;
  return success(succeeded(result) && !isInvalid);
}

static OpPrintingFlags printingFlags() {
  return OpPrintingFlags().elideLargeElementsAttrs(64).enableDebugInfo(false);
}

LogicalResult Compiler::dump(Stage stage, ModuleOp module, StringRef suffix) {
  SmallString<128> path(options.dumpFolder);
  llvm::sys::path::append(path, llvm::formatv("{0}-{1}{2}.mlir", int(stage),
                                              getStageName(stage), suffix)
                                    .str());
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (!error) {
    module.print(stream, printingFlags());
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  if (!error)
    return success();
  // Half a module would be taken for the whole.
  (void)llvm::sys::fs::remove(path);
  return emitError(loc) << "'" << path
                        << "' cannot be written: " << error.message();
}

std::optional<LogicalResult> Compiler::reached(Stage stage, ModuleOp module,
                                               StringRef suffix) {
  if (!options.dumpFolder.empty() && failed(dump(stage, module, suffix)))
    return failure();
  if (options.stop != stage)
    return std::nullopt;
  module.print(print, printingFlags());
  return success();
}

bool hasUnknownOutput(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  return main && llvm::any_of(main.getResultTypes(), [](Type type) {
           return isa<onnx::ValueType>(type);
         });
}

/// Whether the file has a tensor, computed by a node, whose name matches.
static bool hasTensor(ModuleOp module, StringRef names) {
  llvm::Regex regex(names);
  WalkResult found = module.walk([&](onnx::NodeOp op) {
    auto provenance = getProvenance(op.getLoc());
    return provenance && llvm::any_of(provenance->tensors,
                                      [&](StringAttr tensor) {
                                        return regex.match(tensor.getValue());
                                      })
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  return found.wasInterrupted();
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

/// Kernels are done when host code is lowered: they wait beside the module.
LogicalResult Compiler::lowerForDevice(ModuleOp module) {
  if (failed(apply(module, populateDeviceCodePipeline, "llvm")))
    return failure();
  Operation *kernels = module.lookupSymbol(gpu::kKernelsModule);
  if (!kernels)
    return apply(module, populateHostLLVMPipeline, "llvm");
  kernels->remove();
  LogicalResult result = apply(module, populateHostLLVMPipeline, "llvm");
  module.getBody()->push_front(kernels);
  return result;
}

LogicalResult Compiler::compileVariant(ModuleOp module,
                                       const cpu::Variant &variant,
                                       bool isFirst) {
  setTarget(module, variant, options);
  if (failed(apply(module,
                   isForDevice() ? populateDevicePagerPipeline
                                 : populatePagerPipeline,
                   "pager")))
    return failure();
  metadata["positive"] = getRequiredSizes(module);
  std::string suffix = "-" + variant.name;
  if (auto result = reached(Stage::Pager, module, suffix))
    return *result;
  if (failed(apply(module,
                   isForDevice() ? populateDevicePlacePipeline
                                 : populatePlacePipeline,
                   "place")))
    return failure();
  // One layout serves every variant of the family: packed once.
  if (isFirst && options.stop == Stage::Model) {
    auto begin = std::chrono::steady_clock::now();
    auto result =
        weightsFile
            ? packWeights(module, llvm::sys::path::parent_path(options.input),
                          weightsFile->temporaryPath(), options.showProgress)
            : planWeights(module);
    if (failed(result))
      return failure();
    packed = std::move(*result);
    seconds["pack"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
            .count();
  }
  auto kernels = [&](OpPassManager &pm) {
    populateKernelsPipeline(pm, options.keepTensors);
  };
  if (failed(apply(module, kernels, "kernels")))
    return failure();
  // The code of every variant passes the same tensors.
  json::Array points = getPoints(module);
  if (!isFirst && *metadata.getArray("points") != points)
    return module.emitError("the instruction sets fuse differently");
  metadata["points"] = std::move(points);
  if (auto result = reached(Stage::Kernels, module, suffix))
    return *result;
  if (failed(isForDevice() ? lowerForDevice(module)
                           : apply(module, populateLLVMPipeline, "llvm")))
    return failure();
  if (auto result = reached(Stage::LLVM, module, suffix))
    return *result;
  if (isFirst) {
    json::Array kernels;
    for (Attribute name : module->getAttrOfType<ArrayAttr>("cpu.kernels"))
      kernels.push_back(cast<StringAttr>(name).getValue());
    metadata["kernels"] = std::move(kernels);
  }
  if (isForDevice() &&
      failed(startImages(module, *gpu::lookupKernelSet(variant.name))))
    return failure();
  return startCodegen(module, variant);
}

/// CPU time of this thread.
static double getThreadSeconds() {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

bool Compiler::runsAlone() const {
  return options.jobs == 1 ||
         llvm::hardware_concurrency().compute_thread_count() == 1;
}

/// Takes the device code out of the module: what is left is the host's.
LogicalResult Compiler::startImages(ModuleOp module, gpu::KernelSet set) {
  metadata.try_emplace("gpu_kernels", json::Object());
  (*metadata.getObject("gpu_kernels"))[gpu::getName(set)] =
      gpu::describeKernels(module);
  std::vector<gpu::Architecture> wanted;
  llvm::copy_if(target.architectures, std::back_inserter(wanted),
                [&](const auto &each) { return each.set == set; });
  auto job = std::make_unique<DeviceImagesJob>(set, std::move(wanted));
  if (failed(job->translate(module)))
    return failure();
  module.lookupSymbol(gpu::kKernelsModule)->erase();
  auto emit = [this, job = std::move(job)]() {
    double begin = getThreadSeconds();
    auto result = job->emit(loc);
    return GeneratedImages(std::move(result), getThreadSeconds() - begin);
  };
  runningImages.push_back(
      std::async(runsAlone() ? std::launch::deferred : std::launch::async,
                 std::move(emit)));
  return success();
}

/// Only the translation reads MLIR; LLVM works beside the next variant.
LogicalResult Compiler::startCodegen(ModuleOp module,
                                     const cpu::Variant &variant) {
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule = cpu::translateVariant(module, variant, *llvmContext);
  if (failed(llvmModule))
    return failure();
  const cpu::ISA &isa = *variant.isa;
  auto emit = [this, &isa, llvmContext = std::move(llvmContext),
               llvmModule = std::move(*llvmModule)]() mutable {
    double begin = getThreadSeconds();
    auto object =
        cpu::emitObject(*llvmModule, isa, options.stop == Stage::Assembly, loc);
    return Generated(std::move(object), getThreadSeconds() - begin);
  };
  variants.push_back(variant);
  running.push_back(
      std::async(runsAlone() ? std::launch::deferred : std::launch::async,
                 std::move(emit)));
  return success();
}

/// Waits for the code; `codegen` is what it took of CPUs, side by side or not.
LogicalResult Compiler::finishCodegen() {
  double total = 0;
  for (auto &result : running) {
    auto [object, elapsed] = result.get();
    total += elapsed;
    if (failed(object))
      return failure();
    if (options.stop == Stage::Assembly)
      print << StringRef(object->data(), object->size());
    objects.push_back(std::move(*object));
  }
  json::Object resources;
  for (auto &result : runningImages) {
    auto [made, elapsed] = result.get();
    total += elapsed;
    if (failed(made))
      return failure();
    llvm::move(made->images, std::back_inserter(images));
    llvm::move(made->objects, std::back_inserter(objects));
    for (auto &[arch, kernels] : made->resources)
      resources[arch.str()] = std::move(kernels);
  }
  if (isForDevice())
    metadata["resources"] = std::move(resources);
  seconds["codegen"] = total;
  return success();
}

LogicalResult Compiler::writeModel() {
  metadata["format"] = 1;
  metadata["target"] = isForDevice() ? "cuda" : "cpu";
  metadata["producer"] = "moe-compile 0.1.0";
  metadata["source"] = llvm::sys::path::filename(options.input);
  metadata["banks"] = json::Array(packed.banks);
  metadata["weights"] =
      json::Object{{"file", llvm::sys::path::filename(weightsPath)},
                   {"dense_bytes", packed.denseBytes}};
  if (isForDevice()) {
    json::Array list;
    for (const cpu::DeviceImage &image : images)
      list.push_back(json::Object{{"arch", image.arch},
                                  {"kind", getKindName(image.kind)},
                                  {"bytes", int64_t(image.bytes.size())}});
    metadata["images"] = std::move(list);
  }
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(json::Object(metadata));
  auto descriptor = cpu::emitDescriptor(text, variants, images, loc);
  if (failed(descriptor))
    return failure();
  objects.push_back(std::move(*descriptor));
  auto elf = linkModel(objects, loc);
  if (failed(elf))
    return failure();
  ObjectCode model = makeModelFile(*elf, packed.weightsId);
  return outputFile->write(StringRef(model.data(), model.size()), loc);
}

LogicalResult Compiler::writeReport() {
  json::Object report = getReport(*module);
  report["packed_bytes"] = packed.fileBytes;
  report["seconds"] = json::Object(seconds);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  report["peak_rss"] = int64_t(usage.ru_maxrss) * 1024;
  std::string text =
      llvm::formatv("{0:2}\n", json::Value(std::move(report))).str();
  if (failed(reportFile->write(text, loc)))
    return failure();
  return reportFile->commit(loc);
}

/// No output may take the place of a file that is read.
LogicalResult Compiler::refuseInput(StringRef file, StringRef what) {
  for (StringRef output : {StringRef(options.output), StringRef(weightsPath),
                           StringRef(options.report)})
    if (!output.empty() && llvm::sys::fs::equivalent(output, file))
      return emitError(loc)
             << "'" << output << "' is " << what << " and would be overwritten";
  return success();
}

/// What cannot be written is noticed before anything is compiled.
LogicalResult Compiler::openOutputs() {
  if (!options.reproducerFolder.empty())
    return success();
  auto open = [&](std::optional<OutputFile> &file, StringRef path) {
    if (path.empty())
      return success();
    file.emplace(path);
    return file->create(loc);
  };
  if (options.stop == Stage::Model) {
    SmallString<256> path(options.output);
    llvm::sys::path::replace_extension(path, "moew");
    weightsPath = path.str().str();
  }
  if (failed(refuseInput(options.input, "the model to compile")))
    return failure();
  if (!options.report.empty() &&
      (options.report == options.output || options.report == weightsPath))
    return emitError(loc) << "'" << options.report
                          << "' cannot hold both the report and the model";
  if (!options.dumpFolder.empty())
    if (std::error_code error =
            llvm::sys::fs::create_directories(options.dumpFolder))
      return emitError(loc) << "'" << options.dumpFolder
                            << "' cannot be created: " << error.message();
  return success(
      succeeded(open(outputFile, options.output)) &&
      succeeded(open(weightsFile, options.pack ? weightsPath : "")) &&
      succeeded(open(reportFile, options.report)));
}

/// The model last, when all else is written.
LogicalResult Compiler::commitOutputs() {
  if (reportFile && failed(writeReport()))
    return failure();
  if (!outputFile)
    return success();
  // The weights first: a model without its weights is told apart by its id.
  if (weightsFile && failed(weightsFile->commit(loc)))
    return failure();
  if (options.stop != Stage::Model && failed(outputFile->write(printed, loc)))
    return failure();
  return outputFile->commit(loc);
}

LogicalResult Compiler::compile() {
  auto chosen = chooseTarget(options, loc);
  if (failed(chosen))
    return failure();
  target = std::move(*chosen);

  auto begin = std::chrono::steady_clock::now();
  std::vector<std::string> externalFiles;
  auto imported = importONNX(options.input, context, &externalFiles);
  if (failed(imported))
    return failure();
  module = std::move(*imported);
  seconds["import"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  for (const std::string &file : externalFiles)
    if (failed(refuseInput(file, "external data of the model")))
      return failure();
  if (!options.keepTensors.empty() && !hasTensor(*module, options.keepTensors))
    return emitError(loc) << "--keep-tensors=" << options.keepTensors
                          << ": no node gives a tensor of such a name";
  if (auto result = reached(Stage::ONNX, *module))
    return *result;
  if (failed(apply(*module, populateNormalizePipeline, "normalize")))
    return failure();
  if (auto result = reached(Stage::Normalized, *module))
    return *result;
  if (failed(apply(*module, populateRaisePipeline, "raise")))
    return failure();
  if (auto result = reached(Stage::MoE, *module))
    return *result;
  // An output without a type lies behind a node that cannot be compiled: the
  // conversion lists all of those.
  if (hasUnknownOutput(*module) &&
      failed(apply(*module, populatePagerPipeline, "pager")))
    return failure();
  auto signature = takeSignature(*module);
  if (failed(signature))
    return failure();
  metadata = std::move(*signature);
  recordBankChoices(*module);

  for (auto [i, variant] : llvm::enumerate(target.variants)) {
    OwningOpRef<ModuleOp> clone = module->clone();
    if (failed(compileVariant(*clone, variant, i == 0)))
      return failure();
    if (options.stop != Stage::Model)
      break; // one variant is enough to print
  }
  if (!options.fault.empty() && !faultHappened)
    return emitError(loc) << "--inject-fault=" << options.fault
                          << ": no such pass ran";
  if (failed(finishCodegen()))
    return failure();
  return outputFile && options.stop == Stage::Model ? writeModel() : success();
}

Outcome Compiler::run() {
  bool ok = succeeded(openOutputs()) && succeeded(compile()) &&
            succeeded(commitOutputs());
  return ok          ? Outcome::Success
         : hasDefect ? Outcome::InternalError
                     : Outcome::UserError;
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

Outcome moe::compileModel(const CompileOptions &options, MLIRContext *context,
                          llvm::raw_ostream &print) {
  return Compiler(options, context, print).run();
}
