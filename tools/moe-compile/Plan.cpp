//===- Plan.cpp - What a model would need ---------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Plan.h"
#include "SessionFlags.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Signals.h"

using namespace moe_tools;
using namespace mlir::moe;
using llvm::StringRef;
namespace json = llvm::json;
namespace fs = llvm::sys::fs;

/// The runtime's plan of a model whose weights are not there.
static bool planMemory(StringRef model, const moe_rt_options &options,
                       json::Value &plan, std::string &problem) {
  Runtime runtime;
  const char *text = nullptr;
  if (moe_rt_model_load_code(runtime.context, model.str().c_str(),
                             &runtime.model) != MOE_RT_OK ||
      moe_rt_model_plan(runtime.model, &options, &text) != MOE_RT_OK) {
    problem = moe_rt_context_last_error(runtime.context);
    return false;
  }
  plan = llvm::cantFail(json::parse(text));
  return true;
}

namespace {

/// A file that is gone when this ends, or when the process is ended.
class TemporaryFile {
public:
  explicit TemporaryFile(StringRef suffix)
      : error(fs::createTemporaryFile("moe-plan", suffix, path)) {
    if (!error)
      llvm::sys::RemoveFileOnSignal(path);
  }
  ~TemporaryFile() {
    if (error)
      return;
    (void)fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }
  llvm::SmallString<128> path;
  std::error_code error;
};

} // namespace

Outcome moe_tools::printPlan(CompileOptions options,
                             const moe_rt_options &session,
                             mlir::MLIRContext *context) {
  auto refuse = [&](const std::string &why) {
    llvm::errs() << options.input << ": error: " << why << "\n";
    return Outcome::UserError;
  };
  TemporaryFile model("moe"), list("json");
  if (model.error || list.error)
    return refuse("no temporary file can be made: " +
                  (model.error ? model.error : list.error).message());
  options.output = model.path.str().str();
  options.report = list.path.str().str();
  options.pack = false;
  Outcome outcome = compileModel(options, context, llvm::outs());
  if (outcome != Outcome::Success)
    return outcome;

  auto buffer = llvm::MemoryBuffer::getFile(options.report);
  uint64_t code = 0;
  if (!buffer || fs::file_size(options.output, code))
    return refuse("the temporary files cannot be read");
  json::Value report = llvm::cantFail(json::parse((*buffer)->getBuffer()));
  json::Value plan = nullptr;
  std::string problem;
  if (!planMemory(options.output, session, plan, problem))
    return refuse(problem);
  const json::Object &raised = *report.getAsObject();
  json::Object result{{"layers_raised", raised.getArray("moe_layers")->size()},
                      {"moe_layers", *raised.get("moe_layers")},
                      {"unraised", *raised.get("unraised")},
                      {"isas", json::Array(options.isas)},
                      {"code_bytes", code},
                      {"packed_bytes", *raised.get("packed_bytes")},
                      {"plan", std::move(plan)}};
  llvm::outs() << llvm::formatv("{0:2}\n", json::Value(std::move(result)));
  return Outcome::Success;
}
