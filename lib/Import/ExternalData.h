//===- ExternalData.h - Weights in files of their own -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_IMPORT_EXTERNALDATA_H
#define MOE_LIB_IMPORT_EXTERNALDATA_H

#include "WireFormat.h"
#include "mlir/Support/LLVM.h"

namespace mlir::moe {

/// Finds the files that a model's external data names, relative to the folder
/// of the model as the user gave it, and checks that they may be read.
class ExternalData {
public:
  explicit ExternalData(StringRef modelPath);

  /// The bytes [offset, offset + length) of `location`, whose length must be
  /// `expected`; a length of 0 means all that is expected. The error names what
  /// is wrong: an escape from the folder, a missing or short file.
  llvm::Expected<ByteRange> locate(StringRef location, uint64_t offset,
                                   uint64_t length, uint64_t expected);

  /// The files that were asked for.
  std::vector<std::string> getPaths() const;

private:
  struct File {
    std::string problem;
    uint64_t size = 0;
  };
  const File &open(StringRef location);

  std::string folder;
  llvm::StringMap<File> files;
};

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_EXTERNALDATA_H
