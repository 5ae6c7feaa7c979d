//===- fuzz-moew.cpp - Weights files --------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "Model.h"
#include <cstddef>
#include <cstring>

using namespace moe_rt;

/// The model of the runtime's unit tests (runtime/test/model.c), linked in.
extern "C" const moe_rt_abi_model moe_model_v1;

/// Gives the table and the header the hashes that they need to be read at all.
static void fixHashes(std::string &file, bool pages) {
  moe_format_weights_header header;
  if (file.size() < sizeof(header))
    return;
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.table_offset <= file.size()) {
    char *table = &file[0] + header.table_offset;
    size_t bytes = file.size() - header.table_offset;
    for (size_t at = 0; pages && at + sizeof(moe_format_page) <= bytes;
         at += sizeof(moe_format_page)) {
      moe_format_page page;
      std::memcpy(&page, table + at, sizeof(page));
      if (page.offset <= file.size() &&
          page.bytes <= file.size() - page.offset) {
        page.hash = hashBytes(file.data() + page.offset, page.bytes);
        std::memcpy(table + at, &page, sizeof(page));
      }
    }
    header.table_hash = hashBytes(table, bytes);
  }
  header.header_hash =
      hashBytes(&header, offsetof(moe_format_weights_header, header_hash));
  std::memcpy(&file[0], &header, sizeof(header));
}

/// Only the header and the table are worth changing; the pages are most of it.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes,
                                          size_t most, unsigned seed) {
  moe_format_weights_header header;
  if (bytes < sizeof(header) || seed % 8 == 0)
    return LLVMFuzzerMutate(data, bytes, most);
  std::memcpy(&header, data, sizeof(header));
  if (seed % 2 == 0 || header.table_offset >= bytes) {
    LLVMFuzzerMutate(data, sizeof(header), sizeof(header));
    return bytes;
  }
  return header.table_offset + LLVMFuzzerMutate(data + header.table_offset,
                                                bytes - header.table_offset,
                                                most - header.table_offset);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  static const moe_fuzz::InputFile file("model.moew");
  std::string input(reinterpret_cast<const char *>(data), bytes);
  uint64_t id = 0;
  // The last byte of the header's page, which holds nothing, says how much of
  // the file is made right.
  uint8_t how = bytes >= 4096 ? data[4095] : 0;
  if (how % 4 != 3)
    fixHashes(input, how % 4 != 2);
  if (bytes >= sizeof(moe_format_weights_header))
    std::memcpy(&id, &input[offsetof(moe_format_weights_header, weights_id)],
                sizeof(id));
  file.write(input.data(), bytes);

  moe_rt_context context;
  moe_rt_model model;
  model.context = &context;
  model.code = &moe_model_v1;
  model.path = file.path().substr(0, file.path().size() - 1);
  if (!model.signature.parse(moe_model_v1.metadata, moe_model_v1.metadata_bytes)
           .empty())
    std::abort();
  if (model.loadWeights(id) != MOE_RT_OK)
    return 0;
  moe_rt_options options;
  moe_rt_options_init(&options);
  options.threads = 1;
  options.io = "buffered";
  moe_rt_session *session;
  if (moe_rt_session_open(&model, &options, &session) != MOE_RT_OK)
    return 0;
  const int64_t ids[] = {5, 0}, shape[] = {2};
  if (moe_rt_session_set_input(session, 0, MOE_RT_I64, 1, shape, ids) ==
      MOE_RT_OK)
    (void)moe_rt_session_run(session);
  moe_rt_session_close(session);
  return 0;
}
