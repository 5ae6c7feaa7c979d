/*===- moe_rt_format.h - Bytes of the .moe and .moew files
-----------------===*\
|*
|* Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
|* See LICENSE for license information.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Written by lib/Target, read by runtime/. All integers little-endian; hashes
|* are XXH3 64-bit with seed 0. docs/ModelFormat.md explains the choices.
|*
\*===----------------------------------------------------------------------===*/
#ifndef MOE_RT_FORMAT_H
#define MOE_RT_FORMAT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* model.moe = ELF shared object, then this trailer as the last 64 bytes. */
#define MOE_FORMAT_TRAILER_MAGIC UINT64_C(0x31524c52544f454d) /* "MEOTRLR1" */
#define MOE_FORMAT_VERSION 1u

typedef struct moe_format_trailer {
  uint64_t magic;
  uint32_t version;
  uint32_t reserved; /* 0 */
  uint64_t elf_bytes;
  uint64_t elf_hash;
  uint64_t weights_id; /* equals moe_format_weights_header.weights_id */
  uint64_t zero[2];
  uint64_t trailer_hash; /* of the 56 bytes before it */
} moe_format_trailer;

/* model.moew = header (one 4096-byte page), dense pages, expert pages, page
 * table. Every page starts at a multiple of 4096. */
#define MOE_FORMAT_WEIGHTS_MAGIC UINT64_C(0x3153544857454f4d) /* "MOEWHTS1" */
#define MOE_FORMAT_PAGE_ALIGN 4096u
/* One layout per family of machines, read by every variant of that family. */
#define MOE_FORMAT_FAMILY_X86 1u
#define MOE_FORMAT_FAMILY_CUDA 2u

typedef struct moe_format_weights_header {
  uint64_t magic;
  uint32_t version;
  uint32_t family;
  uint64_t weights_id; /* hash of the page table */
  uint64_t file_bytes;
  uint64_t dense_offset; /* start of the dense section */
  uint64_t dense_bytes;  /* its length, padding included */
  uint64_t table_offset; /* moe_format_page[page_count] */
  uint64_t page_count;
  uint64_t table_hash;
  uint64_t header_hash; /* of the 72 bytes before it */
} moe_format_weights_header;

/* kinds of page */
#define MOE_FORMAT_PAGE_DENSE 0u  /* a piece of the dense section */
#define MOE_FORMAT_PAGE_EXPERT 1u /* one part of one expert of one bank */

/* Dense pages come first, in file order, and cover the dense section without
 * gaps (each at most 4 MiB). Expert pages follow, sorted by (bank, expert,
 * part); the parts of an expert are adjacent in the file, part 0 first, each
 * padded to MOE_FORMAT_PAGE_ALIGN. `bytes` is the padded length and `hash`
 * covers all of it. A slot holds the parts of one expert as in the file. */
typedef struct moe_format_page {
  uint64_t offset; /* in the file, multiple of 4096 */
  uint64_t bytes;  /* multiple of 4096 */
  uint64_t hash;
  uint32_t kind;
  uint32_t bank;
  uint32_t expert;
  uint32_t part;
} moe_format_page;

#ifdef __cplusplus
}
#endif

#endif /* MOE_RT_FORMAT_H */
