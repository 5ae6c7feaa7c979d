//===- DeviceMemory.h - Memory of the host execution's device ---*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Device memory is host memory that only kernels and copies may touch: unless
// it is open, the host faults on it as it would on an address of a GPU. New
// memory is full of NaNs (bytes of 0xFF). Pinned memory is always accessible.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_DEVICEMEMORY_H
#define MOE_SIMT_DEVICEMEMORY_H

#include "Machine.h"
#include <map>
#include <string>

namespace moe_simt {

/// Equal for equal bytes, different for others but for chance.
uint64_t hashBytes(const void *bytes, uint64_t size);

class DeviceMemory {
public:
  struct Allocation {
    char *begin;
    uint64_t bytes;  // asked for
    uint64_t mapped; // whole pages, at begin
    uint64_t number; // 1, 2, ... in the order of allocation
    bool pinned;
  };

  DeviceMemory(uint64_t capacity, bool guard)
      : capacity(capacity), guard(guard) {}
  ~DeviceMemory();

  /// Returns null when there is not enough, see `explainFailure`. 0 bytes have
  /// an address, too.
  char *allocate(uint64_t bytes);
  /// Memory of the host that does not count.
  char *allocatePinned(uint64_t bytes);
  std::string explainFailure(uint64_t bytes) const;
  void release(const Allocation &allocation);

  /// The allocation with [address, address + bytes), or null.
  const Allocation *findDevice(const void *address, uint64_t bytes) const;
  const Allocation *findPinned(const void *address, uint64_t bytes) const;
  /// "bytes [16, 32) of device allocation 3 (64 bytes)"
  std::string describe(const void *address, uint64_t bytes) const;

  uint64_t getCapacity() const { return capacity; }
  uint64_t getUsed() const { return used; }
  /// What kernels may touch.
  Memory &getRanges() { return ranges; }

  /// While it lives, device memory can be touched.
  class Open {
  public:
    explicit Open(DeviceMemory &memory) : memory(memory) {
      if (memory.opened++ == 0)
        memory.protect(/*accessible=*/true);
    }
    ~Open() {
      if (--memory.opened == 0)
        memory.protect(/*accessible=*/false);
    }
    Open(const Open &) = delete;
    Open &operator=(const Open &) = delete;

  private:
    DeviceMemory &memory;
  };

private:
  using Map = std::map<const char *, Allocation>;
  char *map(Map &into, uint64_t bytes, bool pinned);
  void protect(bool accessible);
  const Allocation *find(const Map &in, const void *address,
                         uint64_t bytes) const;

  const uint64_t capacity;
  const bool guard;
  uint64_t used = 0;
  uint64_t numbers = 0;
  unsigned opened = 0;
  Map device, pinned;
  Memory ranges;
};

} // namespace moe_simt

#endif // MOE_SIMT_DEVICEMEMORY_H
