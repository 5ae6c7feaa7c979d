//===- Prompt.cpp - Token ids on the command line -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prompt.h"
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace moe_tools;

/// More text than any context needs.
static constexpr size_t kMostText = 64 << 20;

bool moe_tools::checkToken(const char *flag, const std::string &word,
                           int64_t id, int64_t vocabulary,
                           std::string &problem) {
  if (vocabulary == 0 || id < vocabulary)
    return true;
  problem = std::string(flag) + ": token " + word +
            " is not in the model's vocabulary of " +
            std::to_string(vocabulary);
  return false;
}

bool moe_tools::readPromptIds(const std::string &given, int64_t vocabulary,
                              std::vector<int64_t> &ids, std::string &problem) {
  std::string text = given;
  if (std::ifstream file(given); file) {
    text.clear();
    std::vector<char> chunk(1 << 16);
    while (text.size() <= kMostText &&
           (file.read(chunk.data(), chunk.size()), file.gcount() > 0))
      text.append(chunk.data(), file.gcount());
  }
  if (text.size() > kMostText) {
    problem = "--prompt-ids: more than " + std::to_string(kMostText >> 20) +
              " MiB of token ids";
    return false;
  }
  for (char &c : text)
    if (c == ',' || c == '\n')
      c = ' ';
  std::istringstream list(text);
  for (std::string word; list >> word;) {
    char *end;
    // What overflows becomes the largest number, which is in no vocabulary.
    long long id = std::strtoll(word.c_str(), &end, 10);
    if (*end || id < 0) {
      problem = "--prompt-ids: '" + word + "' is no token id";
      return false;
    }
    ids.push_back(id);
    if (!checkToken("--prompt-ids", word, id, vocabulary, problem))
      return false;
  }
  return true;
}
