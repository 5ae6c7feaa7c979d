//===- Session.h - One model at work ----------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_SESSION_H
#define MOE_RT_SRC_SESSION_H

#include "DeviceSession.h"
#include "HostPager.h"
#include "Plan.h"
#include "ThreadPool.h"
#include <optional>

namespace moe_rt {

/// A recurrent value: row-major over [..., capacity, ...].
struct State {
  Buffer memory;
  int64_t length = 0, capacity = 0;
  std::vector<int64_t> shape; // without the axis' size, which is 0 here
};

/// A tensor given for the next run.
struct BoundInput {
  bool set = false;
  std::vector<int64_t> shape;
  const void *data = nullptr;
};

} // namespace moe_rt

struct moe_rt_session {
  moe_rt_model *model;
  moe_rt::Plan plan;
  std::optional<moe_rt::ThreadPool> pool;
  std::unique_ptr<moe_rt::Pager> pager;
  moe_rt::HostPager *hostPager = nullptr;        ///< the pager of the host
  std::optional<moe_rt::DeviceSession> onDevice; ///< or of a device

  moe_rt_status open(const moe_rt_options &options);
  moe_rt_status setInput(int32_t index, moe_rt_type type, int32_t rank,
                         const int64_t *shape, const void *data);
  moe_rt_status run();
  moe_rt_status output(int32_t index, moe_rt_tensor &tensor);
  moe_rt_status truncate(int64_t length);
  const char *statistics();
  moe_rt_status trace(const char *path);
  ~moe_rt_session();

  /// Shows a tensor, copied to the host where it is not there.
  void observe(int32_t point, const void *data = nullptr,
               const int64_t *sizes = nullptr,
               const int64_t *strides = nullptr);

  std::vector<moe_rt::State> states;
  moe_rt_observer observer = nullptr;
  void *observerData = nullptr;

private:
  moe_rt_status bindSymbols();
  moe_rt_status checkShapes();
  std::string sizeText(const moe_rt::Poly &size, int64_t value) const;
  moe_rt_status exportState(int32_t index, const std::vector<int64_t> &shape,
                            uint64_t bytes, moe_rt_tensor &tensor);
  moe_rt_status prepareStates();
  moe_rt_status importState(int32_t index);
  moe_rt_status growState(int32_t index, int64_t needed);
  moe_rt_status prepareBuffers();
  moe_rt_status openOnHost(std::unique_ptr<moe_rt::Reader> reader);
  moe_rt_status openOnDevice(std::unique_ptr<moe_rt::Reader> reader);
  moe_rt_status loadToDevice(std::shared_ptr<moe_rt::ModelOnDevice> &loaded);
  moe_rt_status bindInput(int32_t index);
  moe_rt_status copyOutput(int32_t index, uint64_t bytes,
                           moe_rt_tensor &tensor);
  const void *toHost(int32_t point, const void *data, const int64_t *sizes,
                     const int64_t *strides);
  moe_rt_status endTrace();
  moe_rt_status checkGrowth(moe_rt::Device &where, const std::string &what,
                            uint64_t bytes, uint64_t planned);
  moe_rt_status grow(moe_rt::Buffer &memory, moe_rt::Device &where,
                     const std::string &what, uint64_t bytes, uint64_t planned);
  /// Of a copy of the session's device.
  moe_rt_status copied(moe_rt_status status) {
    return status == MOE_RT_OK ? status : fail(status, device->problem);
  }
  moe_rt_status fail(moe_rt_status status, const std::string &text) {
    return model->context->fail(status, text);
  }

  static const moe_rt_abi_host hostTable;

  moe_rt_options options{};
  moe_rt::Device *device = nullptr; ///< where compiled code computes
  std::vector<moe_rt::BoundInput> inputs;
  /// Inputs copied to a device, outputs, and outputs copied for the caller.
  std::vector<moe_rt::Buffer> inputCopies, outputs, exported;
  std::vector<bool> exportedNow; ///< by this run
  std::vector<char> observed;    ///< the tensor that is shown
  moe_rt::Buffer arena;
  std::vector<int64_t> symbols;
  std::vector<bool> bound;
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  std::vector<moe_rt_abi_state> stateFrames;
  bool hasRun = false;

  uint64_t grown = 0; ///< bytes beyond the plan that this run took
  uint64_t allocations = 0, stateBytesCopied = 0, tokens = 0;
  std::vector<uint64_t> launches;
  uint64_t ffnRows = 0;
  double seconds = 0;
  std::string statisticsText;
  FILE *traceFile = nullptr;
  std::string tracePath;
};

#endif // MOE_RT_SRC_SESSION_H
