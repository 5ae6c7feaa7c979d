//===- CudaLibrary.h - The functions of the CUDA driver ---------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the runtime uses of the driver's interface, declared here so that no
// toolkit is needed to build it. Names, numbers and layouts are the driver's.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_CUDALIBRARY_H
#define MOE_RT_SRC_CUDALIBRARY_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace moe_rt {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUstream = struct CUstream_st *;
using CUevent = struct CUevent_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUgraph = struct CUgraph_st *;
using CUgraphExec = struct CUgraphExec_st *;

// CUresult.
enum : CUresult {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNoDevice = 100,
  kInvalidImage = 200,
  kNoBinary = 209,
  kInvalidPtx = 218,
  kNoJitCompiler = 221,
  kUnsupportedPtx = 222,
  kJitDisabled = 223,
  kUnsupportedDeviceSync = 225,
  kInvalidSource = 300,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kLaunchOutOfResources = 701,
  kNotPermitted = 800,
  kNotSupported = 801,
  kCaptureUnsupported = 900,
  kCapturedEvent = 907,
  kCaptureWrongThread = 908,
  kGraphUpdateFailure = 910,
};

/// The driver that has all of these functions: CUDA 12.0.
constexpr int kLeastDriver = 12000;

struct CudaCopy2D {
  size_t srcX, srcY;
  unsigned srcType; // 1: host, 2: device
  const void *srcHost;
  CUdeviceptr srcDevice;
  void *srcArray;
  size_t srcPitch;
  size_t dstX, dstY;
  unsigned dstType;
  void *dstHost;
  CUdeviceptr dstDevice;
  void *dstArray;
  size_t dstPitch;
  size_t width, height;
};

struct CudaGraphUpdateResult {
  int result;
  void *errorNode, *errorFromNode;
};

/// Every function of the table: type of its arguments, name in the library.
#define MOE_CUDA_FUNCTIONS(X)                                                  \
  X(init, cuInit, (unsigned))                                                  \
  X(driverGetVersion, cuDriverGetVersion, (int *))                             \
  X(getErrorName, cuGetErrorName, (CUresult, const char **))                   \
  X(getErrorString, cuGetErrorString, (CUresult, const char **))               \
  X(deviceGetCount, cuDeviceGetCount, (int *))                                 \
  X(deviceGet, cuDeviceGet, (CUdevice *, int))                                 \
  X(deviceGetName, cuDeviceGetName, (char *, int, CUdevice))                   \
  X(deviceGetAttribute, cuDeviceGetAttribute, (int *, int, CUdevice))          \
  X(contextRetain, cuDevicePrimaryCtxRetain, (CUcontext *, CUdevice))          \
  X(contextRelease, cuDevicePrimaryCtxRelease_v2, (CUdevice))                  \
  X(contextPush, cuCtxPushCurrent_v2, (CUcontext))                             \
  X(contextPop, cuCtxPopCurrent_v2, (CUcontext *))                             \
  X(memGetInfo, cuMemGetInfo_v2, (size_t *, size_t *))                         \
  X(memAlloc, cuMemAlloc_v2, (CUdeviceptr *, size_t))                          \
  X(memFree, cuMemFree_v2, (CUdeviceptr))                                      \
  X(hostAlloc, cuMemHostAlloc, (void **, size_t, unsigned))                    \
  X(hostFree, cuMemFreeHost, (void *))                                         \
  X(streamCreate, cuStreamCreate, (CUstream *, unsigned))                      \
  X(streamDestroy, cuStreamDestroy_v2, (CUstream))                             \
  X(streamSynchronize, cuStreamSynchronize, (CUstream))                        \
  X(streamWaitEvent, cuStreamWaitEvent, (CUstream, CUevent, unsigned))         \
  X(eventCreate, cuEventCreate, (CUevent *, unsigned))                         \
  X(eventDestroy, cuEventDestroy_v2, (CUevent))                                \
  X(eventRecord, cuEventRecord, (CUevent, CUstream))                           \
  X(eventQuery, cuEventQuery, (CUevent))                                       \
  X(eventSynchronize, cuEventSynchronize, (CUevent))                           \
  X(copyToDevice, cuMemcpyHtoDAsync_v2,                                        \
    (CUdeviceptr, const void *, size_t, CUstream))                             \
  X(copyToHost, cuMemcpyDtoHAsync_v2, (void *, CUdeviceptr, size_t, CUstream)) \
  X(copy2D, cuMemcpy2DAsync_v2, (const CudaCopy2D *, CUstream))                \
  X(moduleLoad, cuModuleLoadDataEx,                                            \
    (CUmodule *, const void *, unsigned, int *, void **))                      \
  X(moduleUnload, cuModuleUnload, (CUmodule))                                  \
  X(moduleGetFunction, cuModuleGetFunction,                                    \
    (CUfunction *, CUmodule, const char *))                                    \
  X(functionSetAttribute, cuFuncSetAttribute, (CUfunction, int, int))          \
  X(launchKernel, cuLaunchKernel,                                              \
    (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,   \
     unsigned, CUstream, void **, void **))                                    \
  X(tensorMapEncode, cuTensorMapEncodeTiled,                                   \
    (void *, int, uint32_t, void *, const uint64_t *, const uint64_t *,        \
     const uint32_t *, const uint32_t *, int, int, int, int))                  \
  X(captureBegin, cuStreamBeginCapture_v2, (CUstream, int))                    \
  X(captureEnd, cuStreamEndCapture, (CUstream, CUgraph *))                     \
  X(graphInstantiate, cuGraphInstantiateWithFlags,                             \
    (CUgraphExec *, CUgraph, unsigned long long))                              \
  X(graphUpdate, cuGraphExecUpdate_v2,                                         \
    (CUgraphExec, CUgraph, CudaGraphUpdateResult *))                           \
  X(graphLaunch, cuGraphLaunch, (CUgraphExec, CUstream))                       \
  X(graphDestroy, cuGraphDestroy, (CUgraph))                                   \
  X(graphExecDestroy, cuGraphExecDestroy, (CUgraphExec))

/// The driver as a table of functions.
struct CudaLibrary {
#define MOE_CUDA_POINTER(member, name, arguments)                              \
  CUresult(*member) arguments = nullptr;
  MOE_CUDA_FUNCTIONS(MOE_CUDA_POINTER)
#undef MOE_CUDA_POINTER

  /// Loads libcuda.so.1, or the library that MOE_CUDA_DRIVER names, and starts
  /// the driver. An empty text, or what is missing and what helps.
  std::string load();
  /// "CUDA_ERROR_INVALID_VALUE (invalid argument)".
  std::string describe(CUresult code) const;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_CUDALIBRARY_H
