//===- ModelFile.cpp - Objects to the .moe file ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Target/ModelFile.h"
#include "mlir/IR/Diagnostics.h"
#include "moe_rt/moe_rt_abi.h"
#include "moe_rt/moe_rt_format.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace mlir;
using namespace mlir::moe;
namespace fs = llvm::sys::fs;

static std::string findLinker() {
  for (StringRef name : {"ld.lld-22", "ld.lld"}) {
    StringRef folders[] = {"/usr/lib/llvm-22/bin", "/usr/bin",
                           "/usr/local/bin"};
    if (auto found = llvm::sys::findProgramByName(name, folders))
      return *found;
  }
  return "";
}

/// Whatever else the code generator called would be missing at run time: name
/// it now.
static LogicalResult checkSymbols(const ObjectCode &elf, Location loc) {
  auto file = llvm::object::ObjectFile::createELFObjectFile(
      llvm::MemoryBufferRef(StringRef(elf.data(), elf.size()), "model"));
  if (!file)
    return emitError(loc) << "the linked model cannot be read: "
                          << llvm::toString(file.takeError());
  auto *object = llvm::cast<llvm::object::ELFObjectFileBase>(file->get());
  for (const auto &symbol : object->getDynamicSymbolIterators()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name)
      continue;
    if (!(*flags & llvm::object::SymbolRef::SF_Undefined) || name->empty())
      continue;
    if (*name != "memcpy" && *name != "memset" && *name != "memmove")
      return emitError(loc) << "the generated code calls '" << *name
                            << "', which compiled models do not have; please "
                               "report the model's operators";
  }
  return success();
}

FailureOr<ObjectCode> moe::linkModel(ArrayRef<ObjectCode> objects,
                                     Location loc) {
  std::string linker = findLinker();
  if (linker.empty())
    return emitError(loc) << "ld.lld of LLVM 22 was not found; install the "
                             "package lld-22";
  SmallString<128> folder;
  if (std::error_code error = fs::createUniqueDirectory("moe-link", folder))
    return emitError(loc) << "no temporary folder: " << error.message();
  auto cleanUp =
      llvm::make_scope_exit([&] { (void)fs::remove_directories(folder); });
  auto inFolder = [&](const Twine &name) {
    SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return path.str().str();
  };
  auto writeFile = [&](const std::string &path, StringRef bytes) {
    std::error_code error;
    llvm::raw_fd_ostream stream(path, error);
    stream << bytes;
    stream.close();
    bool ok = !error && !stream.has_error();
    stream.clear_error();
    return ok;
  };
  std::string output = inFolder("model.so"), script = inFolder("exports"),
              log = inFolder("log");
  std::vector<std::string> arguments = {linker,
                                        "-shared",
                                        "-z",
                                        "noexecstack",
                                        "-z",
                                        "relro",
                                        "-z",
                                        "now",
                                        "--gc-sections",
                                        "--build-id=none",
                                        "--version-script",
                                        script,
                                        "-o",
                                        output};
  bool ok =
      writeFile(script, "{ global: " MOE_RT_ABI_SYMBOL "; local: *; };\n");
  for (auto [i, object] : llvm::enumerate(objects)) {
    arguments.push_back(inFolder("object" + Twine(i) + ".o"));
    ok &= writeFile(arguments.back(), StringRef(object.data(), object.size()));
  }
  if (!ok)
    return emitError(loc) << "temporary files cannot be written in " << folder;
  SmallVector<StringRef> argv(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  std::string message;
  if (llvm::sys::ExecuteAndWait(linker, argv, std::nullopt, redirects, 0, 0,
                                &message) != 0) {
    auto text = llvm::MemoryBuffer::getFile(log);
    return emitError(loc) << "linking failed: "
                          << (text ? (*text)->getBuffer() : StringRef(message));
  }
  auto bytes = llvm::MemoryBuffer::getFile(output, false, false);
  if (!bytes)
    return emitError(loc) << "the linked model cannot be read";
  ObjectCode elf((*bytes)->getBufferStart(), (*bytes)->getBufferEnd());
  if (failed(checkSymbols(elf, loc)))
    return failure();
  return elf;
}

ObjectCode moe::makeModelFile(const ObjectCode &elf, uint64_t weightsId) {
  moe_format_trailer trailer{};
  trailer.magic = MOE_FORMAT_TRAILER_MAGIC;
  trailer.version = MOE_FORMAT_VERSION;
  trailer.elf_bytes = elf.size();
  trailer.elf_hash = XXH3_64bits(elf.data(), elf.size());
  trailer.weights_id = weightsId;
  trailer.trailer_hash =
      XXH3_64bits(&trailer, offsetof(moe_format_trailer, trailer_hash));
  ObjectCode file(elf);
  auto *bytes = reinterpret_cast<const char *>(&trailer);
  file.append(bytes, bytes + sizeof(trailer));
  return file;
}

OutputFile::OutputFile(StringRef path) : path(path.str()) {}

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (!temporary.empty()) {
    (void)fs::remove(temporary);
    forgetTemporary();
  }
}

void OutputFile::forgetTemporary() {
  llvm::sys::DontRemoveFileOnSignal(temporary);
  temporary.clear();
}

/// A file is replaced as a whole, where its links lead to; a pipe or a device
/// is written as it is.
LogicalResult OutputFile::create(Location loc) {
  SmallString<256> real;
  target = fs::real_path(path, real) ? path : real.str().str();
  std::error_code error;
  if (fs::exists(target) && !fs::is_regular_file(target)) {
    error = fs::openFileForWrite(target, descriptor, fs::CD_OpenExisting);
  } else {
    SmallString<256> unique;
    error = fs::createUniqueFile(target + ".%%%%%%.tmp", descriptor, unique,
                                 fs::OF_None, 0644);
    temporary = unique.str().str();
  }
  if (error)
    return emitError(loc) << "'" << path
                          << "' cannot be written: " << error.message();
  // Also when the compiler is interrupted or crashes.
  if (!temporary.empty())
    llvm::sys::RemoveFileOnSignal(temporary);
  return success();
}

LogicalResult OutputFile::write(StringRef bytes, Location loc) {
  while (!bytes.empty()) {
    ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return emitError(loc)
             << "'" << path << "' cannot be written: " << std::strerror(errno);
    bytes = bytes.drop_front(written);
  }
  return success();
}

LogicalResult OutputFile::commit(Location loc) {
  int status = fsync(descriptor) != 0 && errno != EINVAL ? -1 : 0;
  status |= close(descriptor);
  descriptor = -1;
  if (status != 0)
    return emitError(loc) << "'" << path
                          << "' cannot be written: " << std::strerror(errno);
  if (temporary.empty())
    return success();
  if (std::error_code error = fs::rename(temporary, target))
    return emitError(loc) << "'" << path
                          << "' cannot be written: " << error.message();
  forgetTemporary();
  return success();
}
