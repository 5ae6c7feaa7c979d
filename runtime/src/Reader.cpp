//===- Reader.cpp - Asynchronous reads of the weights file ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reader.h"
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <liburing.h>
#include <mutex>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace moe_rt;

namespace {

struct Request {
  uint64_t id, offset, bytes;
  char *buffer;
};

/// Reads and completes in threads of its own.
class PoolReader final : public Reader {
public:
  /// Null with a reason when the system gives no thread; `file` is its own.
  static std::unique_ptr<Reader> create(int file, bool direct,
                                        std::string &problem) {
    auto reader = std::unique_ptr<PoolReader>(new PoolReader(file, direct));
    try {
      for (int i = 0; i < kThreads; ++i)
        reader->threads.emplace_back([&pool = *reader] { pool.work(); });
    } catch (const std::system_error &error) {
      // One is enough.
      if (reader->threads.empty()) {
        problem = std::string("no thread to read with: ") + error.what();
        return nullptr;
      }
    }
    return reader;
  }
  ~PoolReader() override {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (std::thread &thread : threads)
      thread.join();
    close(file);
  }
  bool submit(uint64_t id, uint64_t offset, uint64_t bytes,
              void *buffer) override {
    {
      std::lock_guard<std::mutex> lock(mutex);
      requests.push_back({id, offset, bytes, static_cast<char *>(buffer)});
    }
    wake.notify_one();
    return true;
  }
  Completion wait() override {
    std::unique_lock<std::mutex> lock(mutex);
    done.wait(lock, [&] { return !completions.empty(); });
    Completion completion = completions.front();
    completions.pop_front();
    return completion;
  }
  bool poll(Completion &completion) override {
    std::lock_guard<std::mutex> lock(mutex);
    if (completions.empty())
      return false;
    completion = completions.front();
    completions.pop_front();
    return true;
  }
  const char *name() const override { return direct ? "pread" : "buffered"; }

private:
  static constexpr int kThreads = 2;
  PoolReader(int file, bool direct) : file(file), direct(direct) {
    threads.reserve(kThreads);
  }
  int read(Request request) {
    while (request.bytes > 0) {
      ssize_t got = pread(file, request.buffer, request.bytes, request.offset);
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return got < 0 ? errno : EIO;
      request.buffer += got;
      request.offset += got;
      request.bytes -= got;
    }
    return 0;
  }
  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || !requests.empty(); });
      if (stopping)
        return;
      Request request = requests.front();
      requests.pop_front();
      lock.unlock();
      int error = read(request);
      lock.lock();
      completions.push_back({request.id, error});
      done.notify_one();
    }
  }

  int file;
  bool direct, stopping = false;
  std::mutex mutex;
  std::condition_variable wake, done;
  std::deque<Request> requests;
  std::deque<Completion> completions;
  std::vector<std::thread> threads;
};

class UringReader final : public Reader {
public:
  static std::unique_ptr<Reader> create(int file) {
    auto reader = std::unique_ptr<UringReader>(new UringReader(file));
    if (io_uring_queue_init(kDepth, &reader->ring, 0) != 0) {
      reader->file = -1; // the caller goes on with it
      return nullptr;
    }
    reader->ready = true;
    return reader;
  }
  ~UringReader() override {
    while (ready && underWay > 0)
      (void)wait();
    if (ready)
      io_uring_queue_exit(&ring);
    if (file >= 0)
      close(file);
  }
  bool submit(uint64_t id, uint64_t offset, uint64_t bytes,
              void *buffer) override {
    unsigned slot = 0;
    while (slot < requests.size() && requests[slot].bytes != 0)
      ++slot;
    if (slot == requests.size())
      requests.push_back({});
    requests[slot] = {id, offset, bytes, static_cast<char *>(buffer)};
    ++underWay;
    return start(slot);
  }
  Completion wait() override {
    Completion completion;
    while (failed.empty()) {
      io_uring_cqe *entry = nullptr;
      int error = io_uring_wait_cqe(&ring, &entry);
      if (error == -EINTR)
        continue;
      if (error < 0)
        return {0, -error};
      if (take(entry, completion))
        return completion;
    }
    return takeFailed();
  }
  bool poll(Completion &completion) override {
    io_uring_cqe *entry = nullptr;
    while (failed.empty()) {
      if (io_uring_peek_cqe(&ring, &entry) != 0 || !entry)
        return false;
      if (take(entry, completion))
        return true;
    }
    completion = takeFailed();
    return true;
  }
  const char *name() const override { return "uring"; }

private:
  static constexpr unsigned kDepth = 64;
  explicit UringReader(int file) : file(file) { requests.reserve(256); }
  Completion takeFailed() {
    Completion completion = failed.front();
    failed.pop_front();
    --underWay;
    return completion;
  }
  /// False: the read was not done and goes on.
  bool take(io_uring_cqe *entry, Completion &completion) {
    unsigned slot = unsigned(io_uring_cqe_get_data64(entry));
    int result = entry->res;
    io_uring_cqe_seen(&ring, entry);
    Request &request = requests[slot];
    if (result == -EINTR || result == -EAGAIN) {
      start(slot);
      return false;
    }
    if (result > 0 && uint64_t(result) < request.bytes) { // a short read
      request.offset += result;
      request.buffer += result;
      request.bytes -= result;
      start(slot);
      return false;
    }
    completion = {request.id, result <= 0 ? (result < 0 ? -result : EIO) : 0};
    request.bytes = 0;
    --underWay;
    return true;
  }
  bool start(unsigned slot) {
    io_uring_sqe *entry = io_uring_get_sqe(&ring);
    if (!entry) {
      io_uring_submit(&ring);
      entry = io_uring_get_sqe(&ring);
    }
    Request &request = requests[slot];
    if (!entry) {
      failed.push_back({request.id, EBUSY});
      request.bytes = 0;
      return true;
    }
    io_uring_prep_read(entry, file, request.buffer, unsigned(request.bytes),
                       request.offset);
    io_uring_sqe_set_data64(entry, slot);
    int submitted = io_uring_submit(&ring);
    if (submitted < 0) {
      failed.push_back({request.id, -submitted});
      request.bytes = 0;
    }
    return true;
  }

  int file;
  bool ready = false;
  io_uring ring{};
  std::vector<Request> requests; // a free one has no bytes
  std::deque<Completion> failed;
  uint64_t underWay = 0;
};

/// Some file systems open with O_DIRECT and refuse the read.
bool canReadDirect(int file) {
  void *page = nullptr;
  if (posix_memalign(&page, 4096, 4096) != 0)
    return false;
  ssize_t got = pread(file, page, 4096, 0);
  free(page);
  return got == 4096;
}

} // namespace

std::unique_ptr<Reader> Reader::open(const std::string &path,
                                     const std::string &way,
                                     std::string &problem) {
  bool any = way == "auto";
  if (!any && way != "uring" && way != "pread" && way != "buffered") {
    problem = "unknown way to read '" + way +
              "'; known: auto, uring, pread, buffered";
    return nullptr;
  }
  if (way != "buffered") {
    int file = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (file >= 0 && !canReadDirect(file)) {
      close(file);
      file = -1;
    }
    if (file >= 0 && way != "pread")
      if (auto reader = UringReader::create(file))
        return reader;
    if (file >= 0 && way != "uring")
      return PoolReader::create(file, true, problem);
    if (file >= 0)
      close(file);
    if (!any) {
      problem = "the system or the file system of " + path +
                " does not allow '" + way + "'; use auto";
      return nullptr;
    }
  }
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    problem = path + ": " + std::strerror(errno);
    return nullptr;
  }
  return PoolReader::create(file, false, problem);
}
