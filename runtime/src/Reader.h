//===- Reader.h - Asynchronous reads of the weights file --------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_READER_H
#define MOE_RT_SRC_READER_H

#include <cstdint>
#include <memory>
#include <string>

namespace moe_rt {

/// A read that ended: the number it was given, and 0 or an errno.
struct Completion {
  uint64_t id;
  int error;
};

/// Reads pages in the background. One thread submits and waits.
class Reader {
public:
  virtual ~Reader() = default;
  /// Page-aligned offset, length and buffer. False when it cannot start.
  virtual bool submit(uint64_t id, uint64_t offset, uint64_t bytes,
                      void *buffer) = 0;
  /// Blocks until a read ends. Only with reads under way.
  virtual Completion wait() = 0;
  /// As wait, but false at once when no read has ended.
  virtual bool poll(Completion &completion) = 0;
  /// What is in use: "uring", "pread", "buffered".
  virtual const char *name() const = 0;

  /// Opens `path` for the way asked for: "uring" and "pread" read past the page
  /// cache (O_DIRECT), "buffered" through it; "auto" takes the first that the
  /// system and the file system allow. Null with a reason otherwise.
  static std::unique_ptr<Reader>
  open(const std::string &path, const std::string &way, std::string &problem);
};

} // namespace moe_rt

#endif // MOE_RT_SRC_READER_H
