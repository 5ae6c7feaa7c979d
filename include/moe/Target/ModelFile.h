//===- ModelFile.h - Objects to the .moe file -------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TARGET_MODELFILE_H
#define MOE_TARGET_MODELFILE_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace mlir::moe {

using ObjectCode = llvm::SmallVector<char, 0>;

/// Links objects to a shared object that exports `moe_model_v1` only and needs
/// nothing but memcpy, memset and memmove. Uses LLVM's ld.lld.
FailureOr<ObjectCode> linkModel(llvm::ArrayRef<ObjectCode> objects,
                                Location loc);

/// The bytes of a .moe file: the shared object and its trailer.
ObjectCode makeModelFile(const ObjectCode &elf, uint64_t weightsId);

/// A file that appears under its name only when everything was written; until
/// then, and after a failure, nothing is left in its folder.
class OutputFile {
public:
  explicit OutputFile(StringRef path);
  ~OutputFile();
  /// Creates the temporary file; reports why it cannot.
  LogicalResult create(Location loc);
  LogicalResult write(StringRef bytes, Location loc);
  LogicalResult commit(Location loc);
  /// Where the bytes go until they are committed.
  StringRef temporaryPath() const {
    return temporary.empty() ? StringRef(path) : StringRef(temporary);
  }

private:
  void forgetTemporary();

  std::string path;
  std::string target;    // `path` with its links followed
  std::string temporary; // empty for what is no file, such as a pipe
  int descriptor = -1;
};

} // namespace mlir::moe

#endif // MOE_TARGET_MODELFILE_H
