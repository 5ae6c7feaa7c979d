//===- CudaKernels.cpp - Kernels, tensor maps and graphs of CUDA ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"
#include <cstring>

using namespace moe_rt;

/// What a kernel may use of dynamic shared memory without being allowed more.
static constexpr uint32_t kSharedWithoutAsking = 48u << 10;

int32_t moe_rt::cudaModuleLoad(moe_rt_device *device, uint32_t kind,
                               const void *data, uint64_t bytes,
                               moe_rt_module **module) {
  *module = nullptr;
  if (kind != MOE_RT_IMAGE_CUBIN && kind != MOE_RT_IMAGE_PTX)
    return device->fail(MOE_RT_INCOMPATIBLE,
                        "the image is for host execution; use "
                        "--device=host-simt");
  return inContext(device, [&] {
    // The driver wants the text of PTX to end with a zero.
    std::string text;
    if (kind == MOE_RT_IMAGE_PTX) {
      text.assign(static_cast<const char *>(data), bytes);
      data = text.c_str();
    }
    constexpr int kErrorLog = 5, kErrorLogBytes = 6; // CUjit_option
    char log[4096] = "";
    int options[] = {kErrorLog, kErrorLogBytes};
    void *values[] = {log, reinterpret_cast<void *>(sizeof(log) - 1)};
    CUmodule handle = nullptr;
    CUresult code = device->cuda.moduleLoad(&handle, data, 2, options, values);
    int32_t status = device->check(code, "cuModuleLoadDataEx");
    if (status != MOE_RT_OK && log[0])
      device->error +=
          std::string("; the log of the driver's compiler: ") + log;
    if (code == kUnsupportedPtx)
      device->error += "; update the driver of the GPU, or compile the model "
                       "with --gpu-arch of this GPU, which needs ptxas";
    if (status == MOE_RT_OK)
      *module = new moe_rt_module{device, handle, {}};
    return status;
  });
}

void moe_rt::cudaModuleUnload(moe_rt_module *module) {
  CudaScope scope(module->device);
  module->device->cuda.moduleUnload(module->module);
  for (moe_rt_kernel *kernel : module->kernels)
    delete kernel;
  delete module;
}

int32_t moe_rt::cudaKernelGet(moe_rt_module *module, const char *name,
                              moe_rt_kernel **kernel) {
  moe_rt_device *device = module->device;
  *kernel = nullptr;
  return inContext(device, [&] {
    CUfunction function = nullptr;
    int32_t status = device->check(
        device->cuda.moduleGetFunction(&function, module->module, name),
        "cuModuleGetFunction");
    if (status == MOE_RT_OK) {
      *kernel = new moe_rt_kernel{name, function, kSharedWithoutAsking};
      module->kernels.push_back(*kernel);
    }
    return status;
  });
}

int32_t moe_rt::cudaLaunch(moe_rt_stream *stream, moe_rt_kernel *kernel,
                           const moe_rt_launch *launch) {
  moe_rt_device *device = stream->device;
  const uint32_t *grid = launch->grid, *block = launch->block;
  if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
    return device->lost ? MOE_RT_DEVICE : MOE_RT_OK;
  return inContext(device, [&] {
    if (launch->shared_bytes > kernel->sharedBytes) {
      constexpr int kMaxDynamicShared = 8; // CUfunction_attribute
      int32_t status = device->check(
          device->cuda.functionSetAttribute(kernel->function, kMaxDynamicShared,
                                            int(launch->shared_bytes)),
          "cuFuncSetAttribute");
      if (status != MOE_RT_OK) {
        device->error +=
            "; it needs " + std::to_string(launch->shared_bytes) +
            " bytes of shared memory, a block can have " +
            std::to_string(device->properties.shared_bytes_per_block);
        return status;
      }
      kernel->sharedBytes = launch->shared_bytes;
    }
    ++device->launches;
    return device->check(device->cuda.launchKernel(
                             kernel->function, grid[0], grid[1], grid[2],
                             block[0], block[1], block[2], launch->shared_bytes,
                             stream->stream,
                             const_cast<void **>(launch->arguments), nullptr),
                         "cuLaunchKernel");
  });
}

/// CUtensorMapDataType of an element; -1: it has none.
static int tensorMapType(uint32_t element) {
  switch (element) {
  case MOE_RT_U8:
  case MOE_RT_I8:
  case MOE_RT_BOOL:
    return 0;
  case MOE_RT_U16:
  case MOE_RT_I16:
    return 1;
  case MOE_RT_U32:
    return 2;
  case MOE_RT_I32:
    return 3;
  case MOE_RT_U64:
    return 4;
  case MOE_RT_I64:
    return 5;
  case MOE_RT_F16:
    return 6;
  case MOE_RT_F32:
    return 7;
  case MOE_RT_F64:
    return 8;
  case MOE_RT_BF16:
    return 9;
  default:
    return -1;
  }
}

int32_t moe_rt::cudaTensorMap(moe_rt_device *device,
                              const moe_rt_tensor_map_spec *spec, void *map) {
  int type = tensorMapType(spec->element);
  // CUtensorMapSwizzle: none, 32, 64, 128 bytes.
  int swizzle = spec->swizzle == 0     ? 0
                : spec->swizzle == 32  ? 1
                : spec->swizzle == 64  ? 2
                : spec->swizzle == 128 ? 3
                                       : -1;
  if (type < 0 || swizzle < 0)
    return device->fail(MOE_RT_INTERNAL,
                        "a tensor map cannot have this element or swizzle");
  const uint32_t steps[5] = {1, 1, 1, 1, 1};
  constexpr int kNoInterleave = 0, kPromote256 = 3, kFillZeros = 0;
  return inContext(device, [&] {
    return device->check(device->cuda.tensorMapEncode(
                             map, type, spec->rank,
                             const_cast<void *>(spec->base), spec->sizes,
                             spec->strides + 1, spec->box, steps, kNoInterleave,
                             swizzle, kPromote256, kFillZeros),
                         "cuTensorMapEncodeTiled");
  });
}

/// Other work of the process goes on while this stream records.
int32_t moe_rt::cudaCaptureBegin(moe_rt_stream *stream) {
  moe_rt_device *device = stream->device;
  constexpr int kRelaxed = 2; // CUstreamCaptureMode
  return inContext(device, [&] {
    return device->check(device->cuda.captureBegin(stream->stream, kRelaxed),
                         "cuStreamBeginCapture");
  });
}

int32_t moe_rt::cudaCaptureEnd(moe_rt_stream *stream, moe_rt_graph **graph) {
  moe_rt_device *device = stream->device;
  *graph = nullptr;
  return inContext(device, [&] {
    CUgraph handle = nullptr;
    int32_t status = device->check(
        device->cuda.captureEnd(stream->stream, &handle), "cuStreamEndCapture");
    if (status == MOE_RT_OK)
      *graph = new moe_rt_graph{device, handle, nullptr};
    return status;
  });
}

int32_t moe_rt::cudaGraphUpdate(moe_rt_graph *graph, moe_rt_graph *from,
                                int32_t *updated) {
  moe_rt_device *device = graph->device;
  *updated = 0;
  int32_t status = inContext(device, [&]() -> int32_t {
    if (graph->executable) {
      CudaGraphUpdateResult result{};
      CUresult code =
          device->cuda.graphUpdate(graph->executable, from->graph, &result);
      if (code == kGraphUpdateFailure)
        return MOE_RT_OK;
      int32_t status = device->check(code, "cuGraphExecUpdate");
      if (status != MOE_RT_OK)
        return status;
    }
    std::swap(graph->graph, from->graph);
    ++device->graphUpdates;
    *updated = 1;
    return MOE_RT_OK;
  });
  cudaGraphDestroy(from);
  return status;
}

int32_t moe_rt::cudaGraphLaunch(moe_rt_graph *graph, moe_rt_stream *stream) {
  moe_rt_device *device = graph->device;
  return inContext(device, [&] {
    if (!graph->executable) {
      int32_t status = device->check(
          device->cuda.graphInstantiate(&graph->executable, graph->graph, 0),
          "cuGraphInstantiate");
      if (status != MOE_RT_OK)
        return status;
      ++device->graphsMade;
    }
    ++device->graphLaunches;
    return device->check(
        device->cuda.graphLaunch(graph->executable, stream->stream),
        "cuGraphLaunch");
  });
}

void moe_rt::cudaGraphDestroy(moe_rt_graph *graph) {
  CudaScope scope(graph->device);
  if (graph->executable)
    graph->device->cuda.graphExecDestroy(graph->executable);
  graph->device->cuda.graphDestroy(graph->graph);
  delete graph;
}
