//===- PageWriter.cpp - Pages to a file, beside the packing ---------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PageWriter.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace mlir::moe;

/// What the thread takes at a time, and how much may wait for it.
static constexpr uint64_t kPiece = 4u << 20;
static constexpr size_t kMostPieces = 16;
/// The disk is told to write after this many bytes.
static constexpr uint64_t kWriteback = 8u << 20;

bool mlir::moe::writeAll(int file, const char *bytes, uint64_t size,
                         std::string &problem) {
  while (size > 0) {
    ssize_t count = ::write(file, bytes, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0) {
      problem =
          std::string("the weights cannot be written: ") + std::strerror(errno);
      return false;
    }
    bytes += count;
    size -= count;
  }
  return true;
}

PageWriter::PageWriter(int file) : file(file), thread([this] { run(); }) {}

PageWriter::~PageWriter() { (void)finish(); }

bool PageWriter::put(const char *bytes, uint64_t size) {
  return append(bytes, size, -1);
}

bool PageWriter::putPage(const char *bytes, uint64_t size,
                         moe_format_page page) {
  page.offset = position;
  page.bytes = size;
  int64_t number;
  {
    // The thread writes hashes to the same table.
    std::lock_guard<std::mutex> lock(mutex);
    number = int64_t(pages.size());
    pages.push_back(page);
  }
  return append(bytes, size, number);
}

bool PageWriter::append(const char *bytes, uint64_t size, int64_t page) {
  while (size > 0) {
    uint64_t count = std::min(size, kPiece);
    Piece piece = {std::vector<char>(bytes, bytes + count), page,
                   count == size};
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return failed || queue.size() < kMostPieces; });
    if (failed)
      return false;
    queue.push_back(std::move(piece));
    changed.notify_all();
    bytes += count;
    size -= count;
    position += count;
  }
  return true;
}

bool PageWriter::finish() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
    changed.notify_all();
  }
  if (thread.joinable())
    thread.join();
  return !failed;
}

void PageWriter::run() {
  XXH3_state_t hash;
  XXH3_64bits_reset(&hash);
  uint64_t written = 0, flushed = 0;
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return stopping || !queue.empty(); });
    if (queue.empty())
      return;
    Piece piece = std::move(queue.front());
    queue.pop_front();
    changed.notify_all();
    lock.unlock();
    XXH3_64bits_update(&hash, piece.bytes.data(), piece.bytes.size());
    bool ok = writeAll(file, piece.bytes.data(), piece.bytes.size(), problem);
    written += piece.bytes.size();
    // What is complete goes to the disk while the next pages are packed, so
    // that little is left for the flush at the end.
    if (written >= flushed + kWriteback) {
      sync_file_range(file, flushed, written - flushed, SYNC_FILE_RANGE_WRITE);
      flushed = written;
    }
    lock.lock();
    if (!ok) {
      failed = true;
      queue.clear();
      changed.notify_all();
      return;
    }
    if (!piece.isLast)
      continue;
    if (piece.page >= 0)
      pages[piece.page].hash = XXH3_64bits_digest(&hash);
    XXH3_64bits_reset(&hash);
  }
}
