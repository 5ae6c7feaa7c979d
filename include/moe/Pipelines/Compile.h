//===- Compile.h - From an ONNX file to a model -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PIPELINES_COMPILE_H
#define MOE_PIPELINES_COMPILE_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace mlir::moe {

/// Stages at which compilation can stop and print, in order.
enum class Stage {
  ONNX,
  Normalized,
  MoE,
  Pager,
  Kernels,
  LLVM,
  Assembly,
  Model
};

/// The name of a stage on the command line, and the other way round.
llvm::StringRef getStageName(Stage stage);
std::optional<Stage> parseStage(llvm::StringRef name);

struct CompileOptions {
  std::string input;
  std::string output;        ///< the .moe file, or where a stage is printed
  Stage stop = Stage::Model; ///< printed to `print` when there is no output
  std::vector<std::string> isas = {"x86-64-v3", "x86-64-v4"};
  /// Architectures of GPUs, as in gpu::parseArchitecture; none: compile for the
  /// CPU. Host code of a GPU target is x86-64-v3.
  std::vector<std::string> gpuArchs;
  /// The type that weights of products are packed in for a GPU: "f32", "bf16"
  /// or "f16".
  std::string gpuWeights = "f32";
  std::string report;      ///< JSON file, or empty
  std::string dumpFolder;  ///< one file for each stage, or empty
  std::string keepTensors; ///< tensors not to fuse away, a regular expression
  unsigned jobs = 0;       ///< threads of code generation; 0: one for each CPU
  bool showProgress = false;
  bool pack = true; ///< false: the model without its weights, to plan with
  /// Where to leave the module in front of each pass, so that the last one is
  /// that of the pass that fails; nothing else is written then.
  std::string reproducerFolder;
  /// For tests of what happens then: `crash:PASS` or `invalid:PASS`.
  std::string fault;
};

enum class Outcome {
  Success,
  UserError,     ///< diagnosed
  InternalError, ///< a defect of the compiler
};

/// Runs the compiler. Problems are reported through the context's diagnostics;
/// nothing is left at `output` after a failure.
Outcome compileModel(const CompileOptions &options, MLIRContext *context,
                     llvm::raw_ostream &print);

} // namespace mlir::moe

#endif // MOE_PIPELINES_COMPILE_H
