//===- Quote.h - Text for a shell -------------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_SUPPORT_QUOTE_H
#define MOE_SUPPORT_QUOTE_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir::moe {

/// `text` as one word of a POSIX shell, whatever it holds.
inline std::string quoteForShell(llvm::StringRef text) {
  std::string quoted = "'";
  for (char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

} // namespace mlir::moe

#endif // MOE_SUPPORT_QUOTE_H
