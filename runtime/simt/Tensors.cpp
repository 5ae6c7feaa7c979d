//===- Tensors.cpp - Loads and stores of tiles by tensor maps -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include "TensorMap.h"
#include <algorithm>

using namespace moe_simt;

namespace {

constexpr uint32_t kUnit = 16; // bytes that swizzling keeps together

/// A box of a tensor and its tile in shared memory.
struct Tile {
  TensorMap map;
  int32_t coordinates[5];
  uint32_t offset; // in the window

  /// Calls visit(shared offset, bytes of the unit before the tensor begins,
  /// bytes of the tensor from there, their address) for each unit of the tile.
  template <typename Visitor>
  void forEachUnit(Visitor visit) const;
  /// The bytes of a row of the box that are in the tensor: [begin, end).
  void clipRow(int64_t &begin, int64_t &end) const;
  /// The row's first byte in the tensor; null: outside of it.
  char *getRow(uint32_t row) const;
};

} // namespace

void Tile::clipRow(int64_t &begin, int64_t &end) const {
  int64_t first = coordinates[0], bytes = map.elementBytes;
  int64_t size = map.sizes[0], box = map.box[0];
  begin = std::min(std::max<int64_t>(-first, 0), box) * bytes;
  end = std::max(std::min(size - first, box) * bytes, begin);
}

char *Tile::getRow(uint32_t row) const {
  uint64_t address =
      map.base + static_cast<int64_t>(coordinates[0]) * map.elementBytes;
  for (unsigned d = 1; d < map.rank; ++d) {
    int64_t index = int64_t(coordinates[d]) + row % map.box[d];
    row /= map.box[d];
    if (index < 0 || uint64_t(index) >= map.sizes[d])
      return nullptr;
    address += index * map.strides[d - 1];
  }
  return reinterpret_cast<char *>(address);
}

template <typename Visitor>
void Tile::forEachUnit(Visitor visit) const {
  int64_t begin, end;
  clipRow(begin, end);
  uint32_t rowBytes = map.getRowBytes();
  for (uint32_t row = 0, rows = map.getBoxRows(); row < rows; ++row) {
    char *from = getRow(row);
    for (uint32_t at = 0; at < rowBytes; at += kUnit) {
      uint32_t to = swizzle(offset + row * rowBytes + at, map.swizzle);
      int64_t first = std::max<int64_t>(begin, at);
      int64_t last = std::min<int64_t>(end, at + kUnit);
      if (!from || first >= last)
        visit(to, 0u, 0u, nullptr);
      else
        visit(to, static_cast<uint32_t>(first - at),
              static_cast<uint32_t>(last - first), from + first);
    }
  }
}

/// Reads the tile that an operation names and checks all that it touches.
static Tile getTile(Thread &thread, const char *map, const char *shared,
                    const uint64_t *coordinates, uint32_t rank, bool isStore,
                    uint32_t location) {
  Block &block = *thread.block;
  Tile tile;
  if (reinterpret_cast<uintptr_t>(map) % 64)
    block.fail(thread, location,
               "tensor map at %p, which must be a multiple of 64",
               static_cast<const void *>(map));
  memcpy(&tile.map, map, sizeof(tile.map));
  if (tile.map.magic != TensorMap::kMagic)
    block.fail(thread, location, "%p is no tensor map",
               static_cast<const void *>(map));
  if (tile.map.rank != rank)
    block.fail(thread, location, "%u coordinates for a tensor map of rank %u",
               rank, tile.map.rank);
  block.checkShared(thread, shared, tile.map.getBoxBytes(), 128,
                    isStore ? "source of a tensor store"
                            : "destination of a tensor load",
                    location);
  tile.offset = block.offsetOf(shared);
  for (uint32_t d = 0; d < rank; ++d)
    tile.coordinates[d] = static_cast<int32_t>(coordinates[d]);
  int64_t begin, end;
  tile.clipRow(begin, end);
  for (uint32_t row = 0; begin < end && row < tile.map.getBoxRows(); ++row)
    if (char *address = tile.getRow(row))
      block.checkGlobal(thread, address + begin, end - begin, isStore,
                        /*isAtomic=*/false, location);
  return tile;
}

void models::tensorLoad(moe_simt_thread *self, uint64_t *slots,
                        uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  MBarrier *barrier = findMBarrier(thread, getPointer(slots, 3), location);
  uint32_t barrierOffset = block.offsetOf(getPointer(slots, 3));
  Tile tile =
      getTile(thread, getPointer(slots, 2), getPointer(slots, 1), slots + 4,
              getWord(slots, 0), /*isStore=*/false, location);
  uint32_t bytes = tile.map.getBoxBytes();
  block.shadow.begin(thread, tile.offset, bytes, Proxy::Async, location);
  ++block.grid.counters.tensorLoads;
  auto load = [&block, tile, bytes, barrierOffset] {
    tile.forEachUnit(
        [&](uint32_t to, uint32_t before, uint32_t count, const char *from) {
          memset(block.window + to, 0, kUnit);
          if (count)
            memcpy(block.window + to + before, from, count);
        });
    block.shadow.complete(nullptr, tile.offset, bytes);
    MBarrier &barrier = block.mbarriers[barrierOffset];
    uint32_t &time = barrier.arrived.times[Clock::kAgent];
    time = std::max(time, ++block.now);
    // Also when parts were outside of the tensor.
    addMBarrierBytes(block, barrier, -int64_t(bytes));
  };
  (void)barrier;
  if (block.isEarly())
    return load();
  memset(block.window + tile.offset, 0xff, bytes);
  block.post(load);
}

void models::tensorStore(moe_simt_thread *self, uint64_t *slots,
                         uint32_t location) {
  Thread &thread = getThread(self);
  Block &block = *thread.block;
  Tile tile = getTile(thread, getPointer(slots, 1), getPointer(slots, 2),
                      slots + 3, getWord(slots, 0), /*isStore=*/true, location);
  uint32_t bytes = tile.map.getBoxBytes(), warp = thread.warp;
  block.shadow.read(thread, tile.offset, bytes, Proxy::Async, location);
  block.shadow.hold(warp, tile.offset, bytes);
  ++block.grid.counters.tensorStores;
  auto copy = [&block, tile] {
    tile.forEachUnit(
        [&](uint32_t from, uint32_t before, uint32_t count, char *to) {
          if (count)
            memcpy(to, block.window + from + before, count);
        });
  };
  if (block.isEarly())
    copy();
  thread.stores.push_back([&block, tile, copy, warp, bytes] {
    if (!block.isEarly())
      copy();
    block.shadow.retire(warp, tile.offset, bytes);
  });
}

void models::bulkCommit(moe_simt_thread *self, uint64_t *, uint32_t) {
  Thread &thread = getThread(self);
  thread.storeGroups.push_back(std::move(thread.stores));
  thread.stores.clear();
}

// Waiting for the reads alone makes the writes here too, which is legal.
void models::bulkWait(moe_simt_thread *self, uint64_t *slots, uint32_t) {
  Thread &thread = getThread(self);
  while (thread.storeGroups.size() > getWord(slots, 0)) {
    for (BulkStore &store : thread.storeGroups.front())
      store();
    thread.storeGroups.pop_front();
  }
}

void models::proxyFence(moe_simt_thread *self, uint64_t *, uint32_t) {
  Thread &thread = getThread(self);
  thread.fenceTime = ++thread.block->now;
  ++thread.block->now;
}
