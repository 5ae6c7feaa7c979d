//===- WholeFile.cpp - A file that is written whole or not at all ---------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WholeFile.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace moe_tools;

WholeFile::WholeFile(const std::string &path) : path(path) {
  // Not made from the file's name, which may be as long as names can be.
  std::string stem = path.substr(0, path.rfind('/') + 1) + ".moe-" +
                     std::to_string(getpid()) + "-";
  int descriptor = -1;
  for (int number = 0; descriptor < 0; ++number) {
    temporary = stem + std::to_string(number) + ".tmp";
    // Unlike mkstemp, with the permissions that a new file has.
    descriptor =
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno != EEXIST) {
      error = errno;
      temporary.clear();
      return;
    }
  }
  file = fdopen(descriptor, "wb");
  check(file);
  if (!file)
    close(descriptor);
}

WholeFile::~WholeFile() {
  if (file)
    std::fclose(file);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

void WholeFile::check(bool ok) {
  if (!ok && error == 0)
    error = errno ? errno : EIO;
}

void WholeFile::write(const void *data, size_t bytes) {
  if (error == 0)
    check(std::fwrite(data, 1, bytes, file) == bytes);
}

bool WholeFile::finish(std::string &problem) {
  // The last of it may be written only here.
  if (file)
    check(std::fclose(file) == 0);
  file = nullptr;
  if (error == 0)
    check(rename(temporary.c_str(), path.c_str()) == 0);
  if (error == 0)
    temporary.clear();
  else
    problem = path + ": " + std::strerror(error);
  return error == 0;
}
