//===- moe-compile.cpp - The compiler's command line ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Defect.h"
#include "Plan.h"
#include "SessionFlags.h"
#include "mlir/IR/Diagnostics.h"
#include "moe/CodeGen/CPU/EmitObject.h"
#include "moe/CodeGen/GPU/Images.h"
#include "moe/Pipelines/Compile.h"
#include "moe/Pipelines/Pipelines.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Regex.h"
#include <CLI/CLI.hpp>
#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

using namespace mlir;

namespace {

/// Exit codes of the command line contract.
enum Exit { Ok = 0, UserError = 1, Usage = 2, InternalError = 3 };

/// Prints what the compiler reports as "file: error: ...".
void printDiagnostic(Diagnostic &diagnostic, StringRef input) {
  StringRef kind =
      diagnostic.getSeverity() == DiagnosticSeverity::Error     ? "error"
      : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                                                                : "note";
  llvm::errs() << input << ": " << kind << ": " << diagnostic.str() << "\n";
  for (Diagnostic &note : diagnostic.getNotes())
    printDiagnostic(note, input);
}

bool parseISAs(const std::string &march, std::vector<std::string> &isas) {
  isas.clear();
  std::stringstream list(march);
  for (std::string name; std::getline(list, name, ',');) {
    if (!moe::cpu::lookupISA(name)) {
      llvm::errs() << "moe-compile: --march: unknown instruction set '" << name
                   << "'; known:";
      for (const moe::cpu::ISA &isa : moe::cpu::getISAs())
        llvm::errs() << " " << isa.name;
      llvm::errs() << "\n";
      return false;
    }
    if (llvm::is_contained(isas, name)) {
      llvm::errs() << "moe-compile: --march: '" << name << "' is given twice\n";
      return false;
    }
    isas.push_back(name);
  }
  return !isas.empty();
}

bool parseArchitectures(const std::string &text,
                        std::vector<std::string> &archs) {
  std::stringstream list(text);
  for (std::string name; std::getline(list, name, ',');) {
    if (!moe::gpu::parseArchitecture(name)) {
      llvm::errs() << "moe-compile: --gpu-arch: unknown architecture '" << name
                   << "'; known: " << moe::gpu::listArchitectures() << "\n";
      return false;
    }
    if (llvm::is_contained(archs, name)) {
      llvm::errs() << "moe-compile: --gpu-arch: '" << name
                   << "' is given twice\n";
      return false;
    }
    archs.push_back(name);
  }
  if (archs.empty())
    llvm::errs() << "moe-compile: --gpu-arch: names no architecture\n";
  return !archs.empty();
}

/// Stages are printed to the standard output: true when all of it was written.
bool flushOutput() {
  llvm::outs().flush();
  std::error_code error = llvm::outs().error();
  llvm::outs().clear_error();
  if (error)
    llvm::errs() << "moe-compile: the standard output cannot be written: "
                 << error.message() << "\n";
  return !error;
}

} // namespace

int main(int argc, char **argv) {
  // A file that is opened later must not become the standard output.
  bool hasOutput = fcntl(STDOUT_FILENO, F_GETFD) != -1;
  (void)llvm::sys::Process::FixupStandardFileDescriptors();

  CLI::App app(
      "Compiles a mixture-of-experts model from ONNX to a native model");
  moe::CompileOptions options;
  std::string march, stage = "model";
  std::string target = "cpu", weights = "keep", gpuArch = "sm_80,sm_90a";
  std::string compat, triple, disabled;
  moe_tools::SessionFlags session;
  bool plan = false;
  app.add_option("model", options.input, "The ONNX file")->required();
  app.add_option("-o,--output", options.output,
                 "The .moe file to write; its weights go beside it (.moew). "
                 "With --emit, the file a stage is printed to");
  app.add_option("--emit", stage,
                 "Stop at a stage and print it: onnx, normalized, moe, pager, "
                 "kernels, llvm, asm, model");
  app.add_option("--march", march,
                 "Instruction sets to generate, chosen at load "
                 "(default x86-64-v3,x86-64-v4)");
  app.add_option("--report", options.report, "Write every decision as JSON");
  app.add_option("--dump-stages-to", options.dumpFolder,
                 "Write the module of every stage to a folder");
  app.add_option("--keep-tensors", options.keepTensors,
                 "Do not fuse away the tensors whose names match this regular "
                 "expression, for moe-run --dump-tensors and --compare-with");
  app.add_option("--target", target, "cpu (the default) or cuda");
  app.add_option("--weights", weights,
                 "The type that weights of products are stored in: keep, and "
                 "with --target=cuda bf16 or f16");
  app.add_option("--gpu-arch", gpuArch,
                 "With --target=cuda: architectures to make code for, and "
                 "host-simt:sm_80 or host-simt:sm_90a to run it without a GPU "
                 "(default sm_80,sm_90a)");
  app.add_option("--compat", compat, "(not available yet)");
  app.add_option("--triple", triple, "(not available yet)");
  app.add_option("--disable-pass", disabled, "(not available yet)");
  app.add_option("--jobs", options.jobs,
                 "Threads of code generation (default: one for each CPU)");
  app.add_flag("--plan", plan,
               "Print what the model would need, as JSON: nothing is packed");
  CLI::App *planned = app.add_option_group("With --plan, as for moe-run");
  session.add(*planned);
  // For tests of what happens then; not in the help.
  app.add_option("--inject-fault", options.fault)->group("");
  app.set_version_flag("--version", "moe-compile 0.1.0");
  int result = Ok;
  if (!moe_tools::parseFlags(app, "moe-compile", argc, argv, result))
    return result;

  auto refuse = [](const std::string &flag, const std::string &why) {
    llvm::errs() << "moe-compile: " << flag << " " << why << "\n";
    return Usage;
  };
  if (target != "cpu" && target != "cuda")
    return refuse("--target=" + target, "is unknown; known: cpu, cuda");
  bool isCUDA = target == "cuda";
  if (weights != "keep" && (!isCUDA || (weights != "bf16" && weights != "f16")))
    return refuse("--weights=" + weights,
                  isCUDA ? "is not available yet; known: keep, bf16, f16"
                         : "is not available yet for the CPU; use keep");
  if (isCUDA && app.count("--march"))
    return refuse("--march", "has no effect with --target=cuda");
  if (!isCUDA && app.count("--gpu-arch"))
    return refuse("--gpu-arch", "needs --target=cuda");
  if (isCUDA && !parseArchitectures(gpuArch, options.gpuArchs))
    return Usage;
  if (weights != "keep")
    options.gpuWeights = weights;
  for (const char *flag : {"--compat", "--triple", "--disable-pass"})
    if (app.count(flag))
      return refuse(flag, "is not available yet");
  std::optional<moe::Stage> stop = moe::parseStage(stage);
  if (!stop)
    return refuse("--emit=" + stage, "is not a stage; see --help");
  options.stop = *stop;
  if (std::string problem; !options.keepTensors.empty() &&
                           !llvm::Regex(options.keepTensors).isValid(problem))
    return refuse("--keep-tensors=" + options.keepTensors,
                  "is no regular expression: " + problem);
  if (!march.empty() && !parseISAs(march, options.isas))
    return Usage;
  if (plan)
    for (const char *flag : {"--output", "--emit", "--report"})
      if (app.count(flag))
        return refuse(flag, "has no effect with --plan");
  for (const CLI::Option *option : planned->get_options())
    if (!plan && option->count())
      return refuse(option->get_name(), "needs --plan; moe-run takes it too");
  moe_rt_options sessionOptions;
  if (std::string problem; !session.fill(sessionOptions, problem)) {
    llvm::errs() << "moe-compile: " << problem << "\n";
    return Usage;
  }
  // Names of files go into the model, whose metadata is text.
  for (const std::string &path : {options.input, options.output})
    if (!llvm::json::isUTF8(path))
      return refuse(path, "is not UTF-8; give the file another name");
  if (!options.fault.empty() && !StringRef(options.fault).contains(':'))
    return refuse("--inject-fault=" + options.fault, "is no fault");
  bool isModel = options.stop == moe::Stage::Model && !plan;
  if (isModel && options.output.empty())
    return refuse("-o", "is needed: where to write the model");
  if (isModel && (options.output.size() < 5 ||
                  !StringRef(options.output).ends_with(".moe")))
    return refuse("-o " + options.output, "must end in .moe");
  if (!hasOutput && options.output.empty()) {
    refuse(plan ? "--plan" : "--emit=" + stage,
           "prints to the standard output, which is closed");
    return UserError;
  }
  options.showProgress = isatty(2);
  if (const char *folder = std::getenv(moe_tools::kReproduceVariable)) {
    options.reproducerFolder = folder;
    moe_tools::recordInvocation(folder, argv);
  } else {
    moe_tools::handleCrashes(argv);
  }
  // A file that may not grow is an error of the write, not the end.
  std::signal(SIGXFSZ, SIG_IGN);

  DialectRegistry registry;
  moe::registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  // A user's error needs no dump of our operations.
  context.printOpOnDiagnostic(false);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    printDiagnostic(diagnostic, options.input);
    return success();
  });
  if (plan && march.empty())
    options.isas = {moe::cpu::getHostISA().name.str()};
  moe::Outcome outcome =
      plan ? moe_tools::printPlan(options, sessionOptions, &context)
           : moe::compileModel(options, &context, llvm::outs());
  if (outcome == moe::Outcome::InternalError)
    return options.reproducerFolder.empty()
               ? moe_tools::reportDefect("a pass failed")
               : InternalError;
  return outcome == moe::Outcome::Success && flushOutput() ? Ok : UserError;
}
