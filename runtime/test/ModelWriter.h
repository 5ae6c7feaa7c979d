//===- ModelWriter.h - Model files for tests --------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_TEST_MODELWRITER_H
#define MOE_RT_TEST_MODELWRITER_H

#include "Model.h"
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

inline std::string slurp(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
inline void spit(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// The bytes of the shared object that `source` compiles to; empty on an error.
inline std::string compileModel(const std::string &source,
                                const std::string &folder) {
  std::string object = folder + "/code.so";
  std::string command = std::string(MOE_TEST_C_COMPILER) +
                        " -std=c11 -pedantic -Werror -O1 -shared -fPIC -I" +
                        MOE_TEST_INCLUDE + " " + source + " -o " + object;
  return std::system(command.c_str()) == 0 ? slurp(object) : "";
}

/// A part of an expert: its bytes, and the float they begin with.
struct PartData {
  uint64_t bytes;
  float value;
};
using BankData = std::vector<std::vector<PartData>>; // by expert and part

/// Writes BASE.moe and BASE.moew; the dense section begins with `dense`.
inline void writeModelFiles(const std::string &base, const std::string &code,
                            uint32_t family, float dense,
                            const std::vector<BankData> &banks) {
  std::string file(4096, 0);
  std::vector<moe_format_page> pages;
  auto add = [&](const PartData &data, uint32_t kind, uint32_t bank,
                 uint32_t expert, uint32_t part) {
    std::string page(data.bytes, 0);
    std::memcpy(page.data(), &data.value, 4);
    pages.push_back({file.size(), data.bytes,
                     moe_rt::hashBytes(page.data(), data.bytes), kind, bank,
                     expert, part});
    file += page;
  };
  add({4096, dense}, MOE_FORMAT_PAGE_DENSE, 0, 0, 0);
  for (uint32_t b = 0; b < banks.size(); ++b)
    for (uint32_t e = 0; e < banks[b].size(); ++e)
      for (uint32_t part = 0; part < banks[b][e].size(); ++part)
        add(banks[b][e][part], MOE_FORMAT_PAGE_EXPERT, b, e, part);
  moe_format_weights_header header{};
  header.magic = MOE_FORMAT_WEIGHTS_MAGIC;
  header.version = MOE_FORMAT_VERSION;
  header.family = family;
  header.dense_offset = 4096;
  header.dense_bytes = 4096;
  header.table_offset = file.size();
  header.page_count = pages.size();
  uint64_t bytes = pages.size() * sizeof(moe_format_page);
  header.table_hash = moe_rt::hashBytes(pages.data(), bytes);
  header.weights_id = header.table_hash;
  file.append(reinterpret_cast<char *>(pages.data()), bytes);
  header.file_bytes = file.size();
  header.header_hash = moe_rt::hashBytes(
      &header, offsetof(moe_format_weights_header, header_hash));
  std::memcpy(file.data(), &header, sizeof(header));
  spit(base + ".moew", file);

  moe_format_trailer trailer{};
  trailer.magic = MOE_FORMAT_TRAILER_MAGIC;
  trailer.version = MOE_FORMAT_VERSION;
  trailer.elf_bytes = code.size();
  trailer.elf_hash = moe_rt::hashBytes(code.data(), code.size());
  trailer.weights_id = header.weights_id;
  trailer.trailer_hash =
      moe_rt::hashBytes(&trailer, offsetof(moe_format_trailer, trailer_hash));
  spit(base + ".moe",
       code + std::string(reinterpret_cast<char *>(&trailer), sizeof(trailer)));
}

#endif // MOE_RT_TEST_MODELWRITER_H
