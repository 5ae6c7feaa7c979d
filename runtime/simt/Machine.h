//===- Machine.h - Runs GPU kernels on the host -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executes grids of kernels that `nvvm-to-host-simt` compiled for the host
// (moe_rt/moe_simt.h). Every GPU thread is a fiber that runs until it has to
// wait; blocks run one after another. What a launch does to memory is a
// function of the kernel, its arguments and the options alone.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_MACHINE_H
#define MOE_SIMT_MACHINE_H

#include "moe_rt/moe_rt_device.h"
#include "moe_rt/moe_simt.h"
#include <cstdint>
#include <map>
#include <string>

namespace moe_simt {

/// Which of the threads that can run goes on, and the order of the blocks.
enum class Order { Ascending, Descending, RoundRobin, Random };

/// When asynchronous copies happen: at once, as late as is legal (until then
/// their destination holds NaNs), or at any time between.
enum class Async { Early, Late, Random };

/// What accesses are checked for. Bounds also finds misaligned accesses and
/// reads of shared memory that nothing wrote; Race also data races, in shared
/// memory and between the blocks of a launch in global memory.
enum class Check { None, Bounds, Race };

struct Options {
  Order order = Order::Ascending;
  Async async = Async::Late;
  Check check = Check::Bounds;
  uint64_t seed = 1; // of Order::Random and Async::Random
};

/// Says whether a kernel may touch device memory that it has a right address
/// of. Asked for every access of an instrumented kernel: copies included.
class Watch {
public:
  virtual ~Watch();
  /// Null, or why [address, address + bytes) may not be read or written now.
  /// The text lives until the next call.
  virtual const char *check(const void *address, uint64_t bytes,
                            bool write) = 0;
};

/// The ranges of device memory that kernels may touch. Ranges do not overlap.
class Memory {
public:
  struct Range {
    uintptr_t begin, end;
    std::string name; // for messages
  };

  void add(const void *address, uint64_t bytes, std::string name = "");
  /// Forgets the range that begins there.
  void remove(const void *address);
  /// The range that holds all of [address, address + bytes), or null.
  const Range *find(const void *address, uint64_t bytes) const;
  /// The range that holds `address` or else the last one before it, or null.
  const Range *findNear(const void *address) const;

  /// Not owned; null: none.
  void setWatch(Watch *watch) { this->watch = watch; }
  Watch *getWatch() const { return watch; }

private:
  std::map<uintptr_t, Range> ranges; // by begin
  mutable const Range *last = nullptr;
  Watch *watch = nullptr;
};

/// What launches did; added to, never reset.
struct Counters {
  uint64_t launches = 0;
  uint64_t blocks = 0;
  uint64_t threads = 0;
  uint64_t switches = 0;     // from one fiber to another
  uint64_t barriers = 0;     // completed
  uint64_t collectives = 0;  // completed by a warp
  uint64_t mma = 0;          // by a warp
  uint64_t wgmma = 0;        // by a warpgroup
  uint64_t multiplyAdds = 0; // of both
  uint64_t asyncCopies = 0;  // cp.async, by a thread
  uint64_t tensorLoads = 0, tensorStores = 0;
  uint64_t accesses = 0; // instrumented
  uint64_t globalBytesRead = 0, globalBytesWritten = 0;
};

/// Runs the whole grid. Returns an empty string when nothing was found, else
/// what was, naming the kernel, the operation, the node of the model and the
/// threads; the grid ends there, memory holds what was written before.
/// Arguments are not read after the call.
std::string run(const moe_simt_image &image, const moe_simt_kernel &kernel,
                const moe_rt_launch &launch, const Options &options,
                Memory &memory, Counters &counters);

/// Fills the MOE_RT_TENSOR_MAP_BYTES bytes at `map` in the encoding that `run`
/// reads. Returns an empty string, or what cuTensorMapEncodeTiled would refuse.
std::string encodeTensorMap(const moe_rt_tensor_map_spec &spec, void *map);

} // namespace moe_simt

#endif // MOE_SIMT_MACHINE_H
