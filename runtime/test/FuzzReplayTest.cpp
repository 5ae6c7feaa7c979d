//===- FuzzReplayTest.cpp - Inputs of the fuzz targets, once more ---------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

// The targets of test/Fuzz, whose entry points have these names here.
extern "C" int fuzzMoe(const uint8_t *data, size_t bytes);
extern "C" int fuzzMetadata(const uint8_t *data, size_t bytes);
extern "C" int fuzzMoew(const uint8_t *data, size_t bytes);

namespace {

/// Nothing to compare: what was found once must not crash again.
void replay(int (*target)(const uint8_t *, size_t), const std::string &name) {
  unsigned count = 0;
  for (const char *folder : {"/corpus/", "/regressions/"}) {
    std::filesystem::path path = std::string(MOE_TEST_FUZZ) + folder + name;
    if (!std::filesystem::exists(path))
      continue;
    for (const auto &entry : std::filesystem::directory_iterator(path)) {
      SCOPED_TRACE(entry.path().string());
      std::ifstream file(entry.path(), std::ios::binary);
      std::string input(std::istreambuf_iterator<char>(file), {});
      EXPECT_EQ(
          target(reinterpret_cast<const uint8_t *>(input.data()), input.size()),
          0);
      ++count;
    }
  }
  EXPECT_GT(count, 0u);
}

TEST(FuzzReplayTest, Trailers) { replay(fuzzMoe, "moe"); }
TEST(FuzzReplayTest, Metadata) { replay(fuzzMetadata, "metadata"); }
TEST(FuzzReplayTest, WeightsFiles) { replay(fuzzMoew, "moew"); }

} // namespace
