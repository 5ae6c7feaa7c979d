//===- Pager.cpp - What the pagers of host and device share ---------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pager.h"
#include <cstring>

using namespace moe_rt;

void Pager::fail(moe_rt_status code, const std::string &text) {
  if (status != MOE_RT_OK)
    return;
  status = code;
  errorText = text;
}

void Pager::checkCancelled() {
  if (cancelled.exchange(false))
    fail(MOE_RT_CANCELLED, "the run was cancelled");
}

bool Pager::startRead(uint64_t id, int32_t expert, uint32_t part, char *to) {
  const moe_format_page &page = pageOf(expert, part);
  ++stats.pagesRead;
  stats.bytesRead += page.bytes;
  if (reader->submit(id, page.offset, page.bytes, to))
    return true;
  fail(MOE_RT_IO, model.weightsPath + ": a read could not be started");
  return false;
}

bool Pager::checkRead(int error, int32_t expert, uint32_t part,
                      const char *data) {
  const moe_format_page &page = pageOf(expert, part);
  std::string name = "part " + std::to_string(part) + " of expert " +
                     std::to_string(expert) + " of '" + bankInfo().name + "'";
  if (error) {
    fail(MOE_RT_IO,
         model.weightsPath + ": reading " + name + ": " + std::strerror(error));
    return false;
  }
  if (hashBytes(data, page.bytes) != page.hash) {
    fail(MOE_RT_DAMAGED, model.weightsPath + ": " + name +
                             " does not match its hash; the file is damaged");
    return false;
  }
  return true;
}
