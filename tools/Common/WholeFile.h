//===- WholeFile.h - A file that is written whole or not at all -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_COMMON_WHOLEFILE_H
#define MOE_TOOLS_COMMON_WHOLEFILE_H

#include <cstdio>
#include <string>

namespace moe_tools {

/// Takes its name when all of it was written; what had the name stays until
/// then. It grows under another name in the same folder, which goes with it
/// when it is not finished.
class WholeFile {
public:
  explicit WholeFile(const std::string &path);
  ~WholeFile();
  WholeFile(const WholeFile &) = delete;
  WholeFile &operator=(const WholeFile &) = delete;

  /// After a failure nothing more is written.
  void write(const void *data, size_t bytes);
  /// Gives it its name. False with the reason, when anything failed.
  bool finish(std::string &problem);

private:
  /// Notes what errno says of a step that failed.
  void check(bool ok);

  std::string path, temporary;
  FILE *file = nullptr;
  int error = 0;
};

} // namespace moe_tools

#endif // MOE_TOOLS_COMMON_WHOLEFILE_H
