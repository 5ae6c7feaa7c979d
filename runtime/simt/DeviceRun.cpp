//===- DeviceRun.cpp - Runs one operation of a stream ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include <algorithm>

using namespace moe_simt;

/// Runs the first operation of the stream, which must be able to.
void moe_rt_device::run(moe_rt_stream &stream) {
  OperationRef operation = std::move(stream.pending.front());
  stream.pending.pop_front();
  double ready = std::max(operation->submitted, stream.end);
  if (operation->behind)
    ready = std::max(ready, operation->behind->end);
  operation->behind = nullptr; // else every operation would keep all before it

  operation->end = ready;
  if (operation->work) {
    if (const auto *copy = std::get_if<Copy>(&*operation->work))
      operation->end = runCopy(*operation, *copy, ready);
    else
      operation->end =
          runLaunch(*operation, std::get<Launch>(*operation->work), ready);
  }
  operation->ran = true;
  stream.end = operation->end;
  clock.makespan = std::max(clock.makespan, operation->end);
}

/// Returns when the copy ends on the virtual clock.
double moe_rt_device::runCopy(const Operation &operation, const Copy &copy,
                              double ready) {
  bool toHost = copy.direction == Copy::ToHost;
  const char *onHost = toHost ? copy.to : copy.from;
  if (operation.hash && *operation.hash != hashBytes(onHost, copy.bytes))
    find(describe(operation) + ": the host wrote to " +
         memory.describe(onHost, copy.bytes) +
         " before the copy ran; wait for an event behind it first");
  copy.run();
  checkAccesses(operation, copy.getAccesses());

  ++copies;
  double overhead =
      operation.inGraph ? clock.rates.graphNode : clock.rates.launch;
  double bytes = double(copy.getBytes());
  switch (copy.direction) {
  case Copy::ToDevice:
    toDeviceBytes += copy.getBytes();
    return clock.toDevice.place(ready, bytes / clock.rates.toDevice + overhead);
  case Copy::ToHost:
    toHostBytes += copy.getBytes();
    return clock.toHost.place(ready, bytes / clock.rates.toHost + overhead);
  case Copy::OnDevice:
    break;
  }
  onDeviceBytes += copy.getBytes();
  return clock.compute.place(ready, 2 * bytes / clock.rates.memory + overhead);
}

/// Returns when the kernel ends on the virtual clock.
double moe_rt_device::runLaunch(const Operation &operation,
                                const Launch &launch, double ready) {
  moe_rt_launch description{};
  std::copy_n(launch.grid, 3, description.grid);
  std::copy_n(launch.block, 3, description.block);
  description.shared_bytes = launch.sharedBytes;
  std::vector<Argument> copy = launch.arguments; // kernels may write to theirs
  std::vector<void *> arguments;
  for (Argument &argument : copy)
    arguments.push_back(argument.bytes);
  description.arguments = arguments.data();

  Counters before = counters;
  bool instrumented = options.machine.check != Check::None &&
                      launch.kernel->module->image->instrumented;
  memory.getRanges().setWatch(instrumented ? &recorder : nullptr);
  std::string finding =
      moe_simt::run(*launch.kernel->module->image, launch.getKernel(),
                    description, options.machine, memory.getRanges(), counters);
  memory.getRanges().setWatch(nullptr);
  Accesses accesses = recorder.take();
  // Every byte once, as with caches that are large enough.
  uint64_t bytes = countBytes(accesses.reads) + countBytes(accesses.writes);
  if (!instrumented)
    bytes = counters.globalBytesRead - before.globalBytesRead +
            counters.globalBytesWritten - before.globalBytesWritten;
  if (!finding.empty())
    find(describe(operation) + ": " + finding);
  checkAccesses(operation, std::move(accesses));

  const Rates &rates = clock.rates;
  uint64_t multiplyAdds = counters.multiplyAdds - before.multiplyAdds;
  double seconds =
      std::max(2 * double(multiplyAdds) / rates.flops, bytes / rates.memory) +
      (operation.inGraph ? rates.graphNode : rates.launch);
  KernelTime &time = kernelTimes[launch.getKernel().name];
  ++time.launches;
  time.seconds += seconds;
  return clock.compute.place(ready, seconds);
}

void moe_rt_device::checkAccesses(const Operation &operation,
                                  Accesses accesses) {
  Hazard hazard =
      hazards.add({describe(operation), operation.stream, operation.position,
                   operation.clock, std::move(accesses)});
  if (!hazard.other || hasFailed())
    return;
  const void *begin = reinterpret_cast<const void *>(hazard.bytes.begin);
  find(describe(operation) + (hazard.writes ? " writes " : " reads ") +
       memory.describe(begin, hazard.bytes.end - hazard.bytes.begin) +
       ", which " + hazard.other->name +
       (hazard.otherWrites ? " writes" : " reads") +
       ", and nothing orders the two; record an event behind the one that must "
       "be first and let the stream of the other wait for it");
}
