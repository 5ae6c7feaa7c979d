//===- PageWriter.h - Pages to a file, beside the packing -------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_TARGET_PAGEWRITER_H
#define MOE_LIB_TARGET_PAGEWRITER_H

#include "moe_rt/moe_rt_format.h"
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mlir::moe {

/// Writes at the position of a file. False with the reason in `problem`.
bool writeAll(int file, const char *bytes, uint64_t size, std::string &problem);

/// Hashes and writes pages one after the other on a thread of its own, so that
/// the disk works while the next page is packed. Holds a few pieces of pages,
/// however large those are.
class PageWriter {
public:
  /// `file` stays the caller's.
  explicit PageWriter(int file);
  ~PageWriter();

  /// Appends bytes that are no page.
  bool put(const char *bytes, uint64_t size);
  /// Appends a page, whose place and size are filled in here and whose hash
  /// later. False when writing failed, now or before.
  bool putPage(const char *bytes, uint64_t size, moe_format_page page);
  /// Waits until all is written, and stops. The table of the pages, unless
  /// writing failed.
  bool finish();

  const std::vector<moe_format_page> &getPages() const { return pages; }
  /// Bytes appended.
  uint64_t getPosition() const { return position; }
  const std::string &getProblem() const { return problem; }

private:
  /// Of a page, or of no page (-1).
  struct Piece {
    std::vector<char> bytes;
    int64_t page;
    bool isLast;
  };

  bool append(const char *bytes, uint64_t size, int64_t page);
  void run();

  int file;
  uint64_t position = 0;
  std::vector<moe_format_page> pages;
  std::string problem;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Piece> queue;
  bool failed = false, stopping = false;
  std::thread thread;
};

} // namespace mlir::moe

#endif // MOE_LIB_TARGET_PAGEWRITER_H
