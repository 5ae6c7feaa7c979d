//===- DeviceMemory.cpp - Memory of the host execution's device -----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceMemory.h"
#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace moe_simt;

static constexpr uint64_t kPage = 4096;

uint64_t moe_simt::hashBytes(const void *bytes, uint64_t size) {
  return XXH3_64bits(bytes, size);
}

DeviceMemory::~DeviceMemory() {
  for (const Map *all : {&device, &pinned})
    for (const auto &entry : *all)
      munmap(entry.second.begin - kPage, entry.second.mapped + 2 * kPage);
}

/// The pages around an allocation fault on every access.
char *DeviceMemory::map(Map &into, uint64_t bytes, bool isPinned) {
  uint64_t mapped = std::max(kPage, (bytes + kPage - 1) / kPage * kPage);
  void *base = mmap(nullptr, mapped + 2 * kPage, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return nullptr;
  char *begin = static_cast<char *>(base) + kPage;
  if (mprotect(begin, mapped, PROT_READ | PROT_WRITE) != 0) {
    munmap(base, mapped + 2 * kPage);
    return nullptr;
  }
  std::memset(begin, 0xFF, mapped);
  into[begin] = {begin, bytes, mapped, ++numbers, isPinned};
  return begin;
}

char *DeviceMemory::allocate(uint64_t bytes) {
  if (bytes > capacity - used)
    return nullptr;
  char *begin = map(device, bytes, /*isPinned=*/false);
  if (!begin)
    return nullptr;
  const Allocation &allocation = device[begin];
  used += bytes;
  ranges.add(begin, bytes,
             "device allocation " + std::to_string(allocation.number));
  if (guard && !opened)
    mprotect(begin, allocation.mapped, PROT_NONE);
  return begin;
}

char *DeviceMemory::allocatePinned(uint64_t bytes) {
  return map(pinned, bytes, /*isPinned=*/true);
}

std::string DeviceMemory::explainFailure(uint64_t bytes) const {
  if (bytes > capacity - used)
    return "the device has " + std::to_string(capacity - used) + " of its " +
           std::to_string(capacity) + " bytes free, " + std::to_string(bytes) +
           " were asked for; the option memory= of host-simt gives it more";
  return "the machine has no " + std::to_string(bytes) + " bytes";
}

void DeviceMemory::release(const Allocation &allocation) {
  char *begin = allocation.begin;
  uint64_t mapped = allocation.mapped;
  if (allocation.pinned) {
    pinned.erase(begin);
  } else {
    used -= allocation.bytes;
    ranges.remove(begin);
    device.erase(begin);
  }
  munmap(begin - kPage, mapped + 2 * kPage);
}

const DeviceMemory::Allocation *
DeviceMemory::find(const Map &in, const void *address, uint64_t bytes) const {
  const char *at = static_cast<const char *>(address);
  auto next = in.upper_bound(at);
  if (next == in.begin())
    return nullptr;
  const Allocation &candidate = std::prev(next)->second;
  uint64_t offset = at - candidate.begin;
  bool inside = offset <= candidate.bytes &&
                bytes <= candidate.bytes - offset &&
                (offset < candidate.bytes || offset == 0);
  return inside ? &candidate : nullptr;
}

const DeviceMemory::Allocation *DeviceMemory::findDevice(const void *address,
                                                         uint64_t bytes) const {
  return find(device, address, bytes);
}

const DeviceMemory::Allocation *DeviceMemory::findPinned(const void *address,
                                                         uint64_t bytes) const {
  return find(pinned, address, bytes);
}

std::string DeviceMemory::describe(const void *address, uint64_t bytes) const {
  const Allocation *allocation = findDevice(address, bytes);
  if (!allocation)
    allocation = findPinned(address, bytes);
  if (!allocation)
    return std::to_string(bytes) + " bytes that are not allocated";
  uint64_t begin = static_cast<const char *>(address) - allocation->begin;
  return "bytes [" + std::to_string(begin) + ", " +
         std::to_string(begin + bytes) + ") of " +
         (allocation->pinned ? "pinned" : "device") + " allocation " +
         std::to_string(allocation->number) + " (" +
         std::to_string(allocation->bytes) + " bytes)";
}

void DeviceMemory::protect(bool accessible) {
  if (!guard)
    return;
  int access = accessible ? PROT_READ | PROT_WRITE : PROT_NONE;
  for (const auto &entry : device)
    mprotect(entry.second.begin, entry.second.mapped, access);
}
