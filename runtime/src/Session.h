//===- Session.h - One model at work ----------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_SESSION_H
#define MOE_RT_SRC_SESSION_H

#include "Pager.h"
#include "Plan.h"
#include "ThreadPool.h"
#include <optional>

namespace moe_rt {

/// A recurrent value: row-major over [..., capacity, ...].
struct State {
  Mapping memory;
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

  moe_rt_status open(const moe_rt_options &options);
  moe_rt_status setInput(int32_t index, moe_rt_type type, int32_t rank,
                         const int64_t *shape, const void *data);
  moe_rt_status run();
  moe_rt_status output(int32_t index, moe_rt_tensor &tensor);
  moe_rt_status truncate(int64_t length);
  const char *statistics();
  moe_rt_status trace(const char *path);
  ~moe_rt_session();

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
  moe_rt_status endTrace();
  void observe(int32_t point, const void *data = nullptr,
               const int64_t *sizes = nullptr,
               const int64_t *strides = nullptr);
  moe_rt_status checkGrowth(const std::string &what, uint64_t bytes,
                            uint64_t planned);
  moe_rt_status grow(moe_rt::Mapping &memory, const std::string &what,
                     uint64_t bytes, uint64_t planned);
  moe_rt_status fail(moe_rt_status status, const std::string &text) {
    return model->context->fail(status, text);
  }

  static const moe_rt_abi_host hostTable;

  moe_rt_options options{};
  std::vector<moe_rt::BoundInput> inputs;
  std::vector<moe_rt::Mapping> outputs, exported;
  moe_rt::Mapping arena;
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
