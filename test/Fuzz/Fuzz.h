//===- Fuzz.h - What the fuzz targets share ---------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_FUZZ_FUZZ_H
#define MOE_TEST_FUZZ_FUZZ_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
/// libFuzzer's; not there where inputs are only replayed.
extern "C" __attribute__((weak)) size_t
LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most);

namespace moe_fuzz {

/// A file that holds an input, in a folder of its own and of this process; the
/// readers take a path. Gone with the process.
class InputFile {
public:
  explicit InputFile(const char *name) {
    const char *base = std::getenv("TMPDIR");
    folder = std::string(base ? base : "/tmp") + "/moe-fuzz-XXXXXX";
    if (!mkdtemp(folder.data()))
      std::abort();
    file = folder + "/" + name;
  }
  ~InputFile() {
    unlink(file.c_str());
    rmdir(folder.c_str());
  }
  const std::string &write(const void *data, size_t bytes) const {
    FILE *stream = std::fopen(file.c_str(), "wb");
    if (!stream || std::fwrite(data, 1, bytes, stream) != bytes ||
        std::fclose(stream) != 0)
      std::abort();
    return file;
  }
  const std::string &path() const { return file; }

private:
  std::string folder, file;
};

} // namespace moe_fuzz

#endif // MOE_TEST_FUZZ_FUZZ_H
