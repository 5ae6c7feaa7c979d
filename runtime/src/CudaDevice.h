//===- CudaDevice.h - What the CUDA back end's handles are ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_CUDADEVICE_H
#define MOE_RT_SRC_CUDADEVICE_H

#include "CudaLibrary.h"
#include "moe_rt/moe_rt.h"
#include "moe_rt/moe_rt_device.h"
#include <vector>

struct moe_rt_device {
  moe_rt::CudaLibrary cuda;
  moe_rt::CUdevice device = 0;
  moe_rt::CUcontext context = nullptr;
  moe_rt_device_properties properties{};
  std::string error, statistics;
  bool lost = false; ///< a failure that nothing undoes
  uint64_t launches = 0, bytesToDevice = 0, bytesToHost = 0;
  uint64_t graphsMade = 0, graphUpdates = 0, graphLaunches = 0;

  /// The status of what the driver returned from `call`. Failures of work in
  /// flight show in any call.
  int32_t check(moe_rt::CUresult code, const char *call);
  int32_t fail(moe_rt_status status, const std::string &text) {
    error = text;
    return status;
  }
};

struct moe_rt_stream {
  moe_rt_device *device;
  moe_rt::CUstream stream;
};

struct moe_rt_event {
  moe_rt_device *device;
  moe_rt::CUevent event;
};

struct moe_rt_kernel {
  std::string name;
  moe_rt::CUfunction function;
  uint32_t sharedBytes; ///< that it was allowed so far
};

struct moe_rt_module {
  moe_rt_device *device;
  moe_rt::CUmodule module;
  std::vector<moe_rt_kernel *> kernels;
};

struct moe_rt_graph {
  moe_rt_device *device;
  moe_rt::CUgraph graph;
  moe_rt::CUgraphExec executable; ///< null before the first launch
};

namespace moe_rt {

/// Makes a device's context current, beside whatever the caller has.
class CudaScope {
public:
  explicit CudaScope(moe_rt_device *device) : device(device) {
    pushed = device->cuda.contextPush(device->context) == kSuccess;
  }
  ~CudaScope() {
    CUcontext context;
    if (pushed)
      device->cuda.contextPop(&context);
  }

private:
  moe_rt_device *device;
  bool pushed;
};

/// Runs `f`, which returns a status, in the device's context unless it is lost.
template <typename F>
int32_t inContext(moe_rt_device *device, F f) {
  if (device->lost)
    return MOE_RT_DEVICE;
  CudaScope scope(device);
  return f();
}

// Kernels and graphs, for the table.
int32_t cudaModuleLoad(moe_rt_device *device, uint32_t kind, const void *data,
                       uint64_t bytes, moe_rt_module **module);
void cudaModuleUnload(moe_rt_module *module);
int32_t cudaKernelGet(moe_rt_module *module, const char *name,
                      moe_rt_kernel **kernel);
int32_t cudaLaunch(moe_rt_stream *stream, moe_rt_kernel *kernel,
                   const moe_rt_launch *launch);
int32_t cudaTensorMap(moe_rt_device *device, const moe_rt_tensor_map_spec *spec,
                      void *map);
int32_t cudaCaptureBegin(moe_rt_stream *stream);
int32_t cudaCaptureEnd(moe_rt_stream *stream, moe_rt_graph **graph);
int32_t cudaGraphUpdate(moe_rt_graph *graph, moe_rt_graph *from,
                        int32_t *updated);
int32_t cudaGraphLaunch(moe_rt_graph *graph, moe_rt_stream *stream);
void cudaGraphDestroy(moe_rt_graph *graph);

} // namespace moe_rt

#endif // MOE_RT_SRC_CUDADEVICE_H
