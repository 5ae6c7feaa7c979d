//===- Model.cpp - Loading trusts nothing ---------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"
#include "ModelOnDevice.h"
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace moe_rt;

uint64_t moe_rt::hashBytes(const void *data, size_t bytes) {
  return XXH3_64bits(data, bytes);
}

moe_rt_model::~moe_rt_model() {
  // Images are in the code.
  modelOnDevice.reset();
  if (handle)
    dlclose(handle);
  if (weights >= 0)
    close(weights);
}

namespace {

/// Limits that only hostile files meet: a sparse file is as long as it says.
constexpr uint64_t kMostCode = uint64_t(4) << 30, kMostPages = 1 << 24;

struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0)
      close(value);
  }
};

bool readAt(int file, void *buffer, uint64_t bytes, uint64_t offset) {
  auto *at = static_cast<char *>(buffer);
  while (bytes > 0) {
    ssize_t got = pread(file, at, bytes, offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    at += got;
    bytes -= got;
    offset += got;
  }
  return true;
}

/// Opens a file to read, or tells why not. Anything but a regular file is
/// refused, and without waiting: a pipe nobody writes to would block for ever.
int openRegular(const std::string &path, moe_rt_status &status,
                std::string &problem) {
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  if (file.value < 0 || fstat(file.value, &info) != 0) {
    status = errno == ENOENT ? MOE_RT_NOT_FOUND : MOE_RT_IO;
    problem = path + ": " + std::strerror(errno);
    return -1;
  }
  if (!S_ISREG(info.st_mode)) {
    status = MOE_RT_INVALID_ARGUMENT;
    problem = path + (S_ISDIR(info.st_mode) ? ": is a folder, not a file"
                                            : ": not a regular file");
    return -1;
  }
  return std::exchange(file.value, -1);
}

std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

} // namespace

/// Hashes the whole file through the descriptor that dlopen then uses.
moe_rt_status moe_rt_model::checkCode(int file, moe_format_trailer &trailer) {
  struct stat status;
  if (fstat(file, &status) != 0)
    return fail(MOE_RT_IO, path + ": " + std::strerror(errno));
  uint64_t size = status.st_size;
  auto damaged = [&](const char *what) {
    return fail(MOE_RT_DAMAGED, path + ": " + what +
                                    "; the file is damaged or cut short: "
                                    "compile the model again");
  };
  if (size < sizeof(trailer) ||
      !readAt(file, &trailer, sizeof(trailer), size - sizeof(trailer)) ||
      trailer.magic != MOE_FORMAT_TRAILER_MAGIC)
    return damaged("no trailer of a compiled model at its end");
  if (trailer.trailer_hash !=
      hashBytes(&trailer, offsetof(moe_format_trailer, trailer_hash)))
    return damaged("its trailer does not match its hash");
  if (trailer.version != MOE_FORMAT_VERSION)
    return fail(MOE_RT_INCOMPATIBLE, path + ": format version " +
                                         std::to_string(trailer.version) +
                                         ", this runtime reads version " +
                                         std::to_string(MOE_FORMAT_VERSION));
  if (trailer.elf_bytes != size - sizeof(trailer))
    return damaged("its length is not what the trailer says");
  if (trailer.elf_bytes > kMostCode)
    return damaged("its code is longer than that of any model");
  XXH3_state_t *state = XXH3_createState();
  XXH3_64bits_reset(state);
  std::vector<char> chunk(1 << 20);
  bool ok = true;
  for (uint64_t at = 0; ok && at < trailer.elf_bytes; at += chunk.size()) {
    uint64_t bytes = std::min<uint64_t>(chunk.size(), trailer.elf_bytes - at);
    ok = readAt(file, chunk.data(), bytes, at);
    XXH3_64bits_update(state, chunk.data(), bytes);
  }
  uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return ok && hash == trailer.elf_hash
             ? MOE_RT_OK
             : damaged("its code does not match its hash");
}

moe_rt_status moe_rt_model::loadCode(const char *file, uint64_t &weightsId) {
  moe_rt_status status;
  std::string problem;
  Descriptor descriptor{openRegular(file, status, problem)};
  if (descriptor.value < 0)
    return fail(status, problem);
  moe_format_trailer trailer;
  status = checkCode(descriptor.value, trailer);
  if (status != MOE_RT_OK)
    return status;

  std::string link = "/proc/self/fd/" + std::to_string(descriptor.value);
  handle = dlopen(link.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return fail(MOE_RT_INCOMPATIBLE, path + ": " + dlerror());
  code =
      static_cast<const moe_rt_abi_model *>(dlsym(handle, MOE_RT_ABI_SYMBOL));
  if (!code || code->magic != MOE_RT_ABI_MAGIC)
    return fail(MOE_RT_INCOMPATIBLE, path + ": not a compiled model");
  if (code->abi_version != MOE_RT_ABI_VERSION ||
      code->struct_size < sizeof(moe_rt_abi_model))
    return fail(MOE_RT_INCOMPATIBLE, path +
                                         ": compiled for interface version " +
                                         std::to_string(code->abi_version) +
                                         ", this runtime has version " +
                                         std::to_string(MOE_RT_ABI_VERSION));
  weightsId = trailer.weights_id;
  metadata.assign(code->metadata, code->metadata_bytes);
  problem = signature.parse(metadata.data(), metadata.size());
  if (!problem.empty())
    return fail(MOE_RT_DAMAGED, path + ": its metadata is wrong: " + problem);
  return MOE_RT_OK;
}

moe_rt_status moe_rt_model::loadWeights(uint64_t weightsId) {
  if (signature.weightsFile.empty() ||
      signature.weightsFile.find('/') != std::string::npos)
    return fail(MOE_RT_DAMAGED, path + ": names no weights file");
  // Renamed together: the weights are found by the model's name first.
  std::string renamed = path;
  size_t dot = renamed.rfind('.');
  renamed = renamed.substr(0, dot == std::string::npos ? renamed.size() : dot) +
            ".moew";
  weightsPath = access(renamed.c_str(), F_OK) == 0
                    ? renamed
                    : folderOf(path) + signature.weightsFile;
  moe_rt_status refusal;
  std::string problem;
  weights = openRegular(weightsPath, refusal, problem);
  if (weights < 0)
    return fail(refusal,
                problem + "; the weights of " + path + " must lie beside it");
  struct stat status;
  auto damaged = [&](const char *what) {
    return fail(MOE_RT_DAMAGED, weightsPath + ": " + what +
                                    "; the file is damaged or cut short: "
                                    "compile the model again");
  };
  if (fstat(weights, &status) != 0 ||
      !readAt(weights, &header, sizeof(header), 0) ||
      header.magic != MOE_FORMAT_WEIGHTS_MAGIC)
    return damaged("no weights file");
  if (header.header_hash !=
      hashBytes(&header, offsetof(moe_format_weights_header, header_hash)))
    return damaged("its header does not match its hash");
  bool cuda = signature.target == Target::CUDA;
  if (header.version != MOE_FORMAT_VERSION ||
      header.family != (cuda ? MOE_FORMAT_FAMILY_CUDA : MOE_FORMAT_FAMILY_X86))
    return fail(MOE_RT_INCOMPATIBLE,
                weightsPath + ": packed for another version or machine than " +
                    (cuda ? "CUDA devices" : "x86-64 CPUs") +
                    ", which the code is for; compile the model again");
  if (header.weights_id != weightsId)
    return fail(MOE_RT_INCOMPATIBLE,
                weightsPath + ": belongs to another model than " + path);
  if (header.file_bytes != uint64_t(status.st_size))
    return damaged("its length is not what its header says");
  if (header.page_count > kMostPages ||
      header.table_offset > header.file_bytes ||
      header.page_count * sizeof(moe_format_page) !=
          header.file_bytes - header.table_offset)
    return damaged("its page table is out of bounds");
  pages.resize(header.page_count);
  uint64_t bytes = pages.size() * sizeof(moe_format_page);
  if (!readAt(weights, pages.data(), bytes, header.table_offset) ||
      hashBytes(pages.data(), bytes) != header.table_hash)
    return damaged("its page table does not match its hash");
  return checkPages();
}

/// The table must hold just the pages that the metadata calls for, in order.
moe_rt_status moe_rt_model::checkPages() {
  auto wrong = [&] {
    return fail(MOE_RT_DAMAGED, weightsPath +
                                    ": its pages are not those that " + path +
                                    " needs");
  };
  uint64_t next = 0, at = header.dense_offset;
  if (at > header.table_offset)
    return wrong();
  for (; next < pages.size() && pages[next].kind == MOE_FORMAT_PAGE_DENSE;
       ++next) {
    if (pages[next].offset != at ||
        pages[next].bytes > header.table_offset - at)
      return wrong();
    at += pages[next].bytes;
  }
  if (header.dense_bytes != signature.denseBytes ||
      at != header.dense_offset + header.dense_bytes)
    return wrong();
  for (uint32_t b = 0; b < signature.banks.size(); ++b) {
    BankInfo &bank = signature.banks[b];
    bank.firstPage = next;
    for (int32_t expert = 0; expert < bank.experts; ++expert)
      for (uint32_t part = 0; part < bank.parts.size(); ++part, ++next) {
        if (next >= pages.size())
          return wrong();
        const moe_format_page &page = pages[next];
        if (page.kind != MOE_FORMAT_PAGE_EXPERT || page.bank != b ||
            page.expert != uint32_t(expert) || page.part != part ||
            page.bytes != bank.parts[part] ||
            page.offset % MOE_FORMAT_PAGE_ALIGN ||
            page.offset > header.table_offset ||
            page.bytes > header.table_offset - page.offset)
          return wrong();
      }
  }
  return next == pages.size() ? MOE_RT_OK : wrong();
}

moe_rt_status moe_rt_model::readPage(const moe_format_page &page, char *to) {
  if (!readAt(weights, to, page.bytes, page.offset))
    return fail(MOE_RT_IO, weightsPath + ": " + std::strerror(errno));
  // The operating system need not keep a second copy.
  posix_fadvise(weights, page.offset, page.bytes, POSIX_FADV_DONTNEED);
  if (hashBytes(to, page.bytes) != page.hash)
    return fail(MOE_RT_DAMAGED,
                weightsPath + ": a page of dense weights does not match its "
                              "hash; the file is damaged");
  return MOE_RT_OK;
}

moe_rt_status moe_rt_model::loadDense() {
  if (dense.data() || header.dense_bytes == 0)
    return MOE_RT_OK;
  if (!dense.allocate(host, header.dense_bytes))
    return fail(MOE_RT_OUT_OF_MEMORY, "no memory for the dense weights");
  for (const moe_format_page &page : pages) {
    if (page.kind != MOE_FORMAT_PAGE_DENSE)
      break;
    moe_rt_status status =
        readPage(page, dense.data() + (page.offset - header.dense_offset));
    if (status != MOE_RT_OK) {
      dense = Buffer();
      return status;
    }
  }
  return MOE_RT_OK;
}

moe_rt_status moe_rt_model::load(const char *file, bool withWeights) {
  path = file;
  uint64_t weightsId = 0;
  moe_rt_status status = loadCode(file, weightsId);
  return status == MOE_RT_OK && withWeights ? loadWeights(weightsId) : status;
}
