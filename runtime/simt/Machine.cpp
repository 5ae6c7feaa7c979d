//===- Machine.cpp - Runs GPU kernels on the host -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "Block.h"
#include <cstdlib>
#include <memory>

using namespace moe_simt;

namespace {
/// The arguments of a launch: kernels get their own copies, tensor maps at
/// multiples of 64 bytes.
class Arguments {
public:
  Arguments(const moe_simt_kernel &kernel, const moe_rt_launch &launch)
      : bytes(kArgument * (kernel.argument_count + 1)),
        memory(static_cast<char *>(aligned_alloc(kArgument, bytes)), free) {
    for (uint32_t i = 0; i < kernel.argument_count; ++i) {
      char *slot = memory.get() + i * kArgument;
      memcpy(slot, launch.arguments[i], kernel.argument_bytes[i]);
      pointers.push_back(slot);
    }
  }

  void *const *get() const { return pointers.data(); }
  const char *begin() const { return memory.get(); }
  const char *end() const { return memory.get() + bytes; }

private:
  static constexpr size_t kArgument = 128;
  size_t bytes;
  std::unique_ptr<char, void (*)(void *)> memory;
  std::vector<void *> pointers;
};
} // namespace

/// What cuLaunchKernel would refuse, and what an image cannot be checked for.
static std::string checkLaunch(const moe_simt_image &image,
                               const moe_simt_kernel &kernel,
                               const moe_rt_launch &launch,
                               const Options &options) {
  std::string name = std::string("kernel '") + kernel.name + "': ";
  if (image.version != MOE_SIMT_VERSION ||
      image.struct_size < sizeof(moe_simt_image))
    return name + "the image has version " + std::to_string(image.version) +
           ", this library runs version " + std::to_string(MOE_SIMT_VERSION) +
           ": compile the model again";
  if (options.check != Check::None && !image.instrumented)
    return name + "its accesses are not instrumented and cannot be checked: "
                  "compile it with nvvm-to-host-simt{instrument=true}";
  uint64_t threads =
      uint64_t(launch.block[0]) * launch.block[1] * launch.block[2];
  uint64_t most = kernel.max_threads ? kernel.max_threads : kMaxThreads;
  if (threads == 0 || threads > most || launch.block[2] > 64)
    return name + "launched with " + std::to_string(threads) +
           " threads in a block, it can have 1 to " + std::to_string(most);
  if (launch.grid[1] > 65535 || launch.grid[2] > 65535)
    return name + "launched with a grid of " + std::to_string(launch.grid[1]) +
           " by " + std::to_string(launch.grid[2]) +
           " in y and z, which may be 65535 each";
  return "";
}

std::string moe_simt::run(const moe_simt_image &image,
                          const moe_simt_kernel &kernel,
                          const moe_rt_launch &launch, const Options &options,
                          Memory &memory, Counters &counters) {
  uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  if (std::string problem = checkLaunch(image, kernel, launch, options);
      !problem.empty())
    return problem;
  ++counters.launches;
  if (blocks == 0)
    return "";
  if (!StackPool::ofThisThread().reserve())
    return std::string("kernel '") + kernel.name +
           "': the process has no 64 MiB of addresses left for the stacks of "
           "its threads";
  Arguments arguments(kernel, launch);
  Grid grid{image,           kernel,   launch,          options,
            memory,          counters, arguments.get(), arguments.begin(),
            arguments.end(), {}};
  auto block = std::make_unique<Block>(grid);
  for (uint64_t i = 0; i < blocks; ++i) {
    bool backwards = options.order == Order::Descending;
    if (!block->run(backwards ? blocks - 1 - i : i))
      return block->problem;
  }
  return "";
}
