//===- FakeCuda.cpp - A CUDA driver for tests -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "CudaLibrary.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

using namespace moe_rt;

#define FAKE_CUDA extern "C" __attribute__((visibility("default")))

namespace {

struct Stream;

/// Work up to a position of a stream.
struct Point {
  Stream *stream = nullptr;
  uint64_t position = 0;
};

struct Work {
  std::function<void()> run; ///< empty: waits for `after`
  Point after;
};

struct Graph {
  std::vector<std::function<void()>> work;
};

struct Stream {
  std::vector<Work> work;
  uint64_t done = 0;
  Graph *recording = nullptr;
};

struct Function {
  const FakeKernel *kernel;
  int shared = 48 << 10;
};

struct Module {
  const FakeModule *table;
  std::vector<Function> functions;
};

FakeControl control;
std::set<Stream *> streams;
std::map<uintptr_t, size_t> memory, pinned;

/// A failure that the test asked for, or 0.
CUresult enter(const char *name) {
  ++control.calls;
  if (control.failAt && control.calls >= control.failAt)
    return control.code;
  return control.refuse && !std::strcmp(control.refuse, name) ? control.code
                                                              : kSuccess;
}

void runUntil(Point point) {
  if (!point.stream || !streams.count(point.stream))
    return;
  Stream &stream = *point.stream;
  while (stream.done < point.position) {
    Work work = std::move(stream.work[stream.done]);
    ++stream.done;
    if (work.run)
      work.run();
    else
      runUntil(work.after);
  }
}

void runAll() {
  for (Stream *stream : streams)
    runUntil({stream, stream->work.size()});
}

void give(Stream *stream, std::function<void()> run) {
  if (stream->recording) {
    stream->recording->work.push_back(std::move(run));
    return;
  }
  stream->work.push_back({std::move(run), {}});
  if (control.early)
    runUntil({stream, stream->work.size()});
}

bool inside(const std::map<uintptr_t, size_t> &ranges, const void *address,
            size_t bytes) {
  auto at = reinterpret_cast<uintptr_t>(address);
  auto next = ranges.upper_bound(at);
  if (next == ranges.begin())
    return false;
  --next;
  return at + bytes <= next->first + next->second;
}
bool onDevice(CUdeviceptr address, size_t bytes) {
  return inside(memory, reinterpret_cast<void *>(uintptr_t(address)), bytes);
}

/// Memory of `bytes`, which begins with what nobody wants.
void *obtain(std::map<uintptr_t, size_t> &ranges, size_t bytes, uint64_t limit,
             uint64_t &used, int64_t &count) {
  if (bytes == 0 || used + bytes > limit)
    return nullptr;
  void *address = nullptr;
  if (posix_memalign(&address, 4096, bytes) != 0)
    return nullptr;
  std::memset(address, 0xEE, std::min<size_t>(bytes, 256 << 10));
  ranges[reinterpret_cast<uintptr_t>(address)] = bytes;
  used += bytes;
  ++count;
  return address;
}

bool giveBack(std::map<uintptr_t, size_t> &ranges, void *address,
              uint64_t &used, int64_t &count) {
  auto found = ranges.find(reinterpret_cast<uintptr_t>(address));
  if (found == ranges.end())
    return false;
  runAll();
  used -= found->second;
  --count;
  ranges.erase(found);
  std::free(address);
  return true;
}

Stream *of(CUstream stream) { return reinterpret_cast<Stream *>(stream); }
Point *of(CUevent event) { return reinterpret_cast<Point *>(event); }
Graph *of(CUgraph graph) { return reinterpret_cast<Graph *>(graph); }
Graph *of(CUgraphExec graph) { return reinterpret_cast<Graph *>(graph); }

} // namespace

#define ENTER(name)                                                            \
  if (CUresult code = enter(#name))                                            \
  return code

FAKE_CUDA FakeControl *fake_cuda_control() { return &control; }

FAKE_CUDA CUresult cuInit(unsigned) {
  ENTER(cuInit);
  return control.devices ? kSuccess : kNoDevice;
}
FAKE_CUDA CUresult cuDriverGetVersion(int *version) {
  *version = control.version;
  return kSuccess;
}
FAKE_CUDA CUresult cuGetErrorName(CUresult code, const char **text) {
  *text = code == 719   ? "CUDA_ERROR_LAUNCH_FAILED"
          : code == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
                        : "CUDA_ERROR_OTHER";
  return kSuccess;
}
FAKE_CUDA CUresult cuGetErrorString(CUresult, const char **text) {
  *text = "as the test asked";
  return kSuccess;
}
FAKE_CUDA CUresult cuDeviceGetCount(int *count) {
  ENTER(cuDeviceGetCount);
  *count = control.devices;
  return kSuccess;
}
FAKE_CUDA CUresult cuDeviceGet(CUdevice *device, int number) {
  ENTER(cuDeviceGet);
  *device = number;
  return kSuccess;
}
FAKE_CUDA CUresult cuDeviceGetName(char *name, int bytes, CUdevice) {
  ENTER(cuDeviceGetName);
  std::strncpy(name, "Fake GPU", bytes);
  return kSuccess;
}
FAKE_CUDA CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice) {
  ENTER(cuDeviceGetAttribute);
  *value = attribute == 75   ? control.major
           : attribute == 76 ? control.minor
           : attribute == 97 ? 160 << 10
                             : 4;
  return kSuccess;
}
FAKE_CUDA CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) {
  ENTER(cuDevicePrimaryCtxRetain);
  ++control.contexts;
  *context = reinterpret_cast<CUcontext>(&control);
  return kSuccess;
}
FAKE_CUDA CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  --control.contexts;
  ENTER(cuDevicePrimaryCtxRelease_v2);
  return kSuccess;
}
FAKE_CUDA CUresult cuCtxPushCurrent_v2(CUcontext) { return kSuccess; }
FAKE_CUDA CUresult cuCtxPopCurrent_v2(CUcontext *) { return kSuccess; }
FAKE_CUDA CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER(cuMemGetInfo_v2);
  *total = control.memory;
  *free = control.memory - control.memoryUsed;
  return kSuccess;
}
FAKE_CUDA CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  ENTER(cuMemAlloc_v2);
  void *got = obtain(memory, bytes, control.memory, control.memoryUsed,
                     control.allocations);
  control.mostMemoryUsed = std::max(control.mostMemoryUsed, control.memoryUsed);
  *address = CUdeviceptr(reinterpret_cast<uintptr_t>(got));
  return got ? kSuccess : kOutOfMemory;
}
FAKE_CUDA CUresult cuMemFree_v2(CUdeviceptr address) {
  bool known = giveBack(memory, reinterpret_cast<void *>(uintptr_t(address)),
                        control.memoryUsed, control.allocations);
  ENTER(cuMemFree_v2);
  return known ? kSuccess : kInvalidValue;
}
FAKE_CUDA CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  ENTER(cuMemHostAlloc);
  *address = obtain(pinned, bytes, control.pinned, control.pinnedUsed,
                    control.pinnings);
  return *address ? kSuccess : kOutOfMemory;
}
FAKE_CUDA CUresult cuMemFreeHost(void *address) {
  bool known = giveBack(pinned, address, control.pinnedUsed, control.pinnings);
  ENTER(cuMemFreeHost);
  return known ? kSuccess : kInvalidValue;
}
FAKE_CUDA CUresult cuStreamCreate(CUstream *stream, unsigned) {
  ENTER(cuStreamCreate);
  auto *made = new Stream;
  streams.insert(made);
  ++control.streams;
  *stream = reinterpret_cast<CUstream>(made);
  return kSuccess;
}
FAKE_CUDA CUresult cuStreamDestroy_v2(CUstream stream) {
  runUntil({of(stream), of(stream)->work.size()});
  streams.erase(of(stream));
  delete of(stream)->recording;
  delete of(stream);
  --control.streams;
  ENTER(cuStreamDestroy_v2);
  return kSuccess;
}
FAKE_CUDA CUresult cuStreamSynchronize(CUstream stream) {
  ENTER(cuStreamSynchronize);
  if (of(stream)->recording)
    return kCaptureUnsupported;
  runUntil({of(stream), of(stream)->work.size()});
  return kSuccess;
}
FAKE_CUDA CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  ENTER(cuStreamWaitEvent);
  of(stream)->work.push_back({{}, *of(event)});
  return kSuccess;
}
FAKE_CUDA CUresult cuEventCreate(CUevent *event, unsigned) {
  ENTER(cuEventCreate);
  ++control.events;
  *event = reinterpret_cast<CUevent>(new Point);
  return kSuccess;
}
FAKE_CUDA CUresult cuEventDestroy_v2(CUevent event) {
  delete of(event);
  --control.events;
  ENTER(cuEventDestroy_v2);
  return kSuccess;
}
FAKE_CUDA CUresult cuEventRecord(CUevent event, CUstream stream) {
  ENTER(cuEventRecord);
  if (of(stream)->recording)
    return kCaptureUnsupported; // the runtime has no use for it
  *of(event) = {of(stream), of(stream)->work.size()};
  return kSuccess;
}
FAKE_CUDA CUresult cuEventQuery(CUevent event) {
  ENTER(cuEventQuery);
  Point &point = *of(event);
  return !point.stream || !streams.count(point.stream) ||
                 point.stream->done >= point.position
             ? kSuccess
             : kNotReady;
}
FAKE_CUDA CUresult cuEventSynchronize(CUevent event) {
  ENTER(cuEventSynchronize);
  runUntil(*of(event));
  return kSuccess;
}
FAKE_CUDA CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from,
                                        size_t bytes, CUstream stream) {
  ENTER(cuMemcpyHtoDAsync_v2);
  if (!onDevice(to, bytes) || !inside(pinned, from, bytes))
    return kInvalidValue;
  ++control.copiesToDevice;
  give(of(stream), [=] {
    std::memcpy(reinterpret_cast<void *>(uintptr_t(to)), from, bytes);
  });
  return kSuccess;
}
FAKE_CUDA CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from,
                                        size_t bytes, CUstream stream) {
  ENTER(cuMemcpyDtoHAsync_v2);
  if (!onDevice(from, bytes) || !inside(pinned, to, bytes))
    return kInvalidValue;
  give(of(stream), [=] {
    std::memcpy(to, reinterpret_cast<void *>(uintptr_t(from)), bytes);
  });
  return kSuccess;
}
FAKE_CUDA CUresult cuMemcpy2DAsync_v2(const CudaCopy2D *copy, CUstream stream) {
  ENTER(cuMemcpy2DAsync_v2);
  const CudaCopy2D c = *copy;
  if (c.srcType != 2 || c.dstType != 2 || c.srcX || c.srcY || c.dstX ||
      c.dstY || c.width > c.srcPitch || c.width > c.dstPitch ||
      !onDevice(c.srcDevice, (c.height - 1) * c.srcPitch + c.width) ||
      !onDevice(c.dstDevice, (c.height - 1) * c.dstPitch + c.width))
    return kInvalidValue;
  give(of(stream), [=] {
    for (size_t row = 0; row < c.height; ++row)
      std::memcpy(
          reinterpret_cast<char *>(uintptr_t(c.dstDevice)) + row * c.dstPitch,
          reinterpret_cast<char *>(uintptr_t(c.srcDevice)) + row * c.srcPitch,
          c.width);
  });
  return kSuccess;
}
FAKE_CUDA CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                                      unsigned count, int *options,
                                      void **values) {
  CUresult refused = enter("cuModuleLoadDataEx");
  for (unsigned i = 0; refused && control.jitLog && i < count; ++i)
    if (options[i] == 5)
      std::strcpy(static_cast<char *>(values[i]), control.jitLog);
  if (refused)
    return refused;
  // What the runtime copied of PTX lives until this returns.
  FakeModule table;
  std::memcpy(&table, image, sizeof(table));
  if (table.magic != kFakeModule)
    return kInvalidImage;
  auto *made = new Module{new FakeModule(table), {}};
  for (uint64_t i = 0; i < table.kernelCount; ++i)
    made->functions.push_back({&table.kernels[i]});
  ++control.modules;
  *module = reinterpret_cast<CUmodule>(made);
  return kSuccess;
}
FAKE_CUDA CUresult cuModuleUnload(CUmodule module) {
  runAll();
  auto *known = reinterpret_cast<Module *>(module);
  delete known->table;
  delete known;
  --control.modules;
  ENTER(cuModuleUnload);
  return kSuccess;
}
FAKE_CUDA CUresult cuModuleGetFunction(CUfunction *function, CUmodule module,
                                       const char *name) {
  ENTER(cuModuleGetFunction);
  for (Function &f : reinterpret_cast<Module *>(module)->functions)
    if (!std::strcmp(f.kernel->name, name)) {
      *function = reinterpret_cast<CUfunction>(&f);
      return kSuccess;
    }
  return kNotFound;
}
FAKE_CUDA CUresult cuFuncSetAttribute(CUfunction function, int attribute,
                                      int value) {
  ENTER(cuFuncSetAttribute);
  if (attribute != 8 || value > 160 << 10)
    return kInvalidValue;
  reinterpret_cast<Function *>(function)->shared = value;
  return kSuccess;
}
FAKE_CUDA CUresult cuLaunchKernel(CUfunction function, unsigned, unsigned,
                                  unsigned, unsigned, unsigned, unsigned,
                                  unsigned shared, CUstream stream,
                                  void **arguments, void **) {
  ENTER(cuLaunchKernel);
  auto &f = *reinterpret_cast<Function *>(function);
  if (int(shared) > f.shared)
    return kInvalidValue;
  const FakeKernel &kernel = *f.kernel;
  std::vector<std::vector<uint64_t>> copies;
  for (uint64_t i = 0; i < kernel.argumentCount; ++i) {
    copies.emplace_back((kernel.argumentBytes[i] + 7) / 8);
    std::memcpy(copies.back().data(), arguments[i], kernel.argumentBytes[i]);
  }
  give(of(stream), [copies, run = kernel.run]() mutable {
    std::vector<void *> pointers;
    for (auto &copy : copies)
      pointers.push_back(copy.data());
    ++control.kernels;
    run(pointers.data());
  });
  return kSuccess;
}
/// The kernels of the tests read the base only.
FAKE_CUDA CUresult cuTensorMapEncodeTiled(void *map, int type, uint32_t rank,
                                          void *base, const uint64_t *sizes,
                                          const uint64_t *strides,
                                          const uint32_t *box,
                                          const uint32_t *steps, int, int, int,
                                          int) {
  ENTER(cuTensorMapEncodeTiled);
  if (reinterpret_cast<uintptr_t>(map) % 64 || rank != 2 || type != 7 ||
      steps[0] != 1 || strides[0] % 16 || sizes[0] == 0 || box[0] > 256)
    return kInvalidValue;
  ++control.encodings;
  std::memcpy(map, &base, sizeof(base));
  return kSuccess;
}
FAKE_CUDA CUresult cuStreamBeginCapture_v2(CUstream stream, int) {
  ENTER(cuStreamBeginCapture_v2);
  of(stream)->recording = new Graph;
  return kSuccess;
}
FAKE_CUDA CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  ENTER(cuStreamEndCapture);
  ++control.graphs;
  *graph =
      reinterpret_cast<CUgraph>(std::exchange(of(stream)->recording, nullptr));
  return kSuccess;
}
FAKE_CUDA CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable,
                                               CUgraph graph,
                                               unsigned long long) {
  ENTER(cuGraphInstantiateWithFlags);
  ++control.executables;
  ++control.instantiated;
  *executable = reinterpret_cast<CUgraphExec>(new Graph(*of(graph)));
  return kSuccess;
}
FAKE_CUDA CUresult cuGraphExecUpdate_v2(CUgraphExec executable, CUgraph graph,
                                        CudaGraphUpdateResult *) {
  ENTER(cuGraphExecUpdate_v2);
  if (of(executable)->work.size() != of(graph)->work.size())
    return kGraphUpdateFailure;
  ++control.graphUpdates;
  of(executable)->work = of(graph)->work;
  return kSuccess;
}
FAKE_CUDA CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  ENTER(cuGraphLaunch);
  ++control.graphLaunches;
  for (const auto &work : of(executable)->work)
    give(of(stream), work);
  return kSuccess;
}
FAKE_CUDA CUresult cuGraphDestroy(CUgraph graph) {
  delete of(graph);
  --control.graphs;
  ENTER(cuGraphDestroy);
  return kSuccess;
}
FAKE_CUDA CUresult cuGraphExecDestroy(CUgraphExec executable) {
  delete of(executable);
  --control.executables;
  ENTER(cuGraphExecDestroy);
  return kSuccess;
}
