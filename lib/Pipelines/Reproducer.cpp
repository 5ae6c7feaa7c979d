//===- Reproducer.cpp - What a defect needs to be seen again --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reproducer.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/Pass.h"
#include "moe/Support/Quote.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <csignal>

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Adaptors run the passes nested in them, which are watched themselves.
bool isAdaptor(Pass *pass) { return pass->getArgument().empty(); }

class Checker : public PassInstrumentation {
public:
  Checker(bool &isInvalid, StringRef folder)
      : isInvalid(isInvalid), folder(folder) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    isInvalid = isInvalid || (!isAdaptor(pass) && failed(verify(op)));
  }

  void runBeforePass(Pass *pass, Operation *op) override {
    if (isAdaptor(pass) || isInvalid || folder.empty())
      return;
    Operation *module = op;
    while (Operation *parent = module->getParentOp())
      module = parent;
    write("module.mlir", [&](raw_ostream &stream) {
      // Locations hold the names of tensors.
      module->print(stream,
                    OpPrintingFlags().enableDebugInfo().useLocalScope());
    });
    write("command", [&](raw_ostream &stream) {
      std::string pipeline;
      llvm::raw_string_ostream text(pipeline);
      text << module->getName().getStringRef() << "(";
      bool nested = op != module;
      if (nested)
        text << op->getName().getStringRef() << "(";
      pass->printAsTextualPipeline(text);
      text << (nested ? "))" : ")");
      stream << "moe-opt module.mlir --pass-pipeline="
             << quoteForShell(pipeline) << "\n";
    });
  }

private:
  void write(StringRef name, function_ref<void(raw_ostream &)> print) {
    SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    std::error_code error;
    llvm::raw_fd_ostream stream(path, error);
    if (!error)
      print(stream);
    stream.close();
    // Half a module would be taken for the whole.
    if (stream.has_error())
      (void)llvm::sys::fs::remove(path);
    stream.clear_error();
  }

  bool &isInvalid;
  std::string folder;
};

class Fault : public PassInstrumentation {
public:
  Fault(StringRef fault, bool &happened)
      : crash(fault.split(':').first == "crash"),
        pass(fault.split(':').second.str()), happened(happened) {}

  void runBeforePass(Pass *current, Operation *op) override {
    if (current->getArgument() != pass)
      return;
    happened = true;
    if (crash)
      std::raise(SIGSEGV);
    // No pass reads it, and the verifier wants text.
    op->setAttr("llvm.data_layout", UnitAttr::get(op->getContext()));
  }

private:
  bool crash;
  std::string pass;
  bool &happened;
};

} // namespace

std::unique_ptr<PassInstrumentation> moe::createChecker(bool &isInvalid,
                                                        StringRef folder) {
  return std::make_unique<Checker>(isInvalid, folder);
}

std::unique_ptr<PassInstrumentation> moe::createFault(StringRef fault,
                                                      bool &happened) {
  return std::make_unique<Fault>(fault, happened);
}
