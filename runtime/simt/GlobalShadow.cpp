//===- GlobalShadow.cpp - Global memory: which blocks touched it ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shadow.h"

using namespace moe_simt;

int64_t GlobalShadow::touchCell(Cell &cell, uint32_t id, bool isWrite,
                                bool isAtomic) {
  bool bothAtomic = isAtomic && cell.atomicWrites;
  if (cell.writer && cell.writer != id && !bothAtomic)
    return cell.writer - 1;
  if (!isWrite) {
    if (cell.readers[0] != id && cell.readers[1] != id)
      cell.readers[cell.readers[0] != 0] = id;
    return -1;
  }
  for (uint32_t reader : cell.readers)
    if (reader && reader != id)
      return reader - 1;
  cell.atomicWrites = isAtomic && (!cell.writer || cell.atomicWrites);
  cell.writer = id;
  return -1;
}

int64_t GlobalShadow::touch(uint32_t block, const void *address, uint64_t bytes,
                            bool isWrite, bool isAtomic) {
  // Two blocks may write one byte of a cell each.
  if (bytes == 1)
    return -1;
  auto begin = reinterpret_cast<uintptr_t>(address), end = begin + bytes;
  for (uintptr_t at = begin & ~uintptr_t(1); at < end; at += 2) {
    uintptr_t number = at / kPageBytes;
    if (number != lastNumber) {
      std::unique_ptr<Page> &page = pages[number];
      if (!page)
        page = std::make_unique<Page>();
      lastNumber = number;
      lastPage = page.get();
    }
    Cell &cell = (*lastPage)[at % kPageBytes / 2];
    int64_t other = touchCell(cell, block + 1, isWrite, isAtomic);
    if (other >= 0)
      return other;
  }
  return -1;
}
