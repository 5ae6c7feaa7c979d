//===- WeightReader.h - Elements of weight recipes --------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_TARGET_WEIGHTREADER_H
#define MOE_LIB_TARGET_WEIGHTREADER_H

#include "dialects/Weights/IR/Weights.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {

/// Evaluates recipes element range by element range. Source files are mapped a
/// window at a time, so that memory does not grow with their size.
class WeightReader {
public:
  explicit WeightReader(StringRef folder) : folder(folder) {}
  ~WeightReader();

  /// Copies `count` consecutive elements, row-major from `first` on, of the
  /// recipe's value; floats of any width are widened to f32.
  bool readFloats(Value recipe, int64_t first, int64_t count, float *out);
  /// The same for values of any type, as stored.
  bool readBytes(Value recipe, int64_t first, int64_t count, char *out);

  /// Why the last read failed.
  const std::string &problem() const { return error; }

private:
  struct File {
    int descriptor = -1;
    uint64_t size = 0;
    char *window = nullptr;
    uint64_t begin = 0, length = 0;
  };
  const char *fetch(StringRef name, uint64_t offset, uint64_t bytes);
  bool fail(const std::string &why) {
    error = why;
    return false;
  }

  std::string folder, error;
  llvm::StringMap<File> files;
};

} // namespace mlir::moe

#endif // MOE_LIB_TARGET_WEIGHTREADER_H
