//===- Assemble.cpp - PTX to cubins by the CUDA Toolkit's assembler -------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Diagnostics.h"
#include "moe/CodeGen/GPU/Images.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace mlir::moe;

std::string moe::gpu::findAssembler() {
  if (const char *named = std::getenv("MOE_PTXAS"))
    return named;
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  if (auto found =
          llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"}))
    return *found;
  return "";
}

namespace {

/// Files that are gone when the assembler is done with them.
struct TemporaryFile {
  SmallString<128> path;
  ~TemporaryFile() {
    if (!path.empty())
      (void)llvm::sys::fs::remove(path);
  }
  std::error_code create(StringRef suffix) {
    return llvm::sys::fs::createTemporaryFile("moe", suffix, path);
  }
};

std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

} // namespace

/// Lines of `ptxas -v`: one names a kernel, those behind it what it uses.
static llvm::json::Object parseResources(StringRef log) {
  llvm::json::Object resources;
  llvm::Regex entry("Compiling entry function '([^']+)'"),
      spills("([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads"),
      registers("Used ([0-9]+) registers"), shared("([0-9]+) bytes smem");
  llvm::json::Object *current = nullptr;
  SmallVector<StringRef> match;
  auto number = [](StringRef text) {
    int64_t value = 0;
    (void)text.getAsInteger(10, value);
    return value;
  };
  for (StringRef line : llvm::split(log, '\n')) {
    if (entry.match(line, &match)) {
      llvm::json::Value &value = resources[match[1].str()];
      value = llvm::json::Object{
          {"registers", 0}, {"shared_bytes", 0}, {"spill_bytes", 0}};
      current = value.getAsObject();
    }
    if (!current)
      continue;
    if (spills.match(line, &match))
      (*current)["spill_bytes"] = number(match[1]) + number(match[2]);
    if (registers.match(line, &match))
      (*current)["registers"] = number(match[1]);
    if (shared.match(line, &match))
      (*current)["shared_bytes"] = number(match[1]);
  }
  return resources;
}

FailureOr<moe::gpu::Cubin> moe::gpu::assemble(StringRef ptx,
                                              const Architecture &architecture,
                                              StringRef assembler,
                                              Location loc) {
  TemporaryFile source, result, log;
  std::error_code error = source.create("ptx");
  if (!error)
    error = result.create("cubin");
  if (!error)
    error = log.create("log");
  if (!error) {
    llvm::raw_fd_ostream stream(source.path, error);
    stream << ptx;
    stream.close();
    if (stream.has_error())
      error = stream.error();
    stream.clear_error();
  }
  if (error)
    return emitError(loc, "a temporary file cannot be written: ")
           << error.message();
  std::string arch = "-arch=" + architecture.name, problem;
  std::optional<StringRef> redirects[] = {StringRef(""), log.path.str(),
                                          log.path.str()};
  int status = llvm::sys::ExecuteAndWait(
      assembler, {assembler, arch, "-v", source.path, "-o", result.path},
      std::nullopt, redirects, /*SecondsToWait=*/0, /*MemoryLimit=*/0,
      &problem);
  std::string text = readFile(log.path);
  if (status != 0)
    return emitError(loc) << assembler << " refuses the kernels for "
                          << architecture.name << ": "
                          << (problem.empty() ? StringRef(text).take_front(2000)
                                              : StringRef(problem));
  return Cubin{readFile(result.path), parseResources(text)};
}
