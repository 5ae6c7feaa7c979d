//===- DeviceSession.h - Runs of a model on a device ------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_DEVICESESSION_H
#define MOE_RT_SRC_DEVICESESSION_H

#include "DevicePager.h"
#include "GraphCache.h"
#include "ModelOnDevice.h"
#include <array>
#include <unordered_map>

namespace moe_rt {

/// What compiled code of a device target calls. The first failure ends the run:
/// after it nothing is started any more, and `DevicePager::error` tells it.
class DeviceSession {
public:
  DeviceSession(std::shared_ptr<ModelOnDevice> model, DevicePager &pager,
                const std::vector<BankInfo> &banks)
      : model(std::move(model)), device(*this->model->device), pager(pager),
        banks(banks), routes(device), graphs(device),
        launches(this->model->kernels.size()) {}

  /// Runs the host program, and waits for what it started. Returns its code.
  int32_t run(const moe_rt_abi_frame &frame);

  // The functions of moe_rt_abi_host.
  void launch(int32_t kernel, const uint32_t *dims, void *const *arguments);
  void tensorMap(const moe_rt_tensor_map_spec &spec, void *map);
  void readBack(void *to, const void *from, int64_t bytes);
  void prefetch(int32_t bank, const int32_t *counts);
  int32_t streamOpen(int32_t bank, const int32_t *counts);
  int32_t waveNext(moe_rt_abi_wave &wave);
  void waveDone();
  int32_t streamClose();

  /// The address of the dense weights.
  const char *dense() const { return model->dense.data(); }
  /// Of each kernel, in all runs.
  const std::vector<uint64_t> &launchCounts() const { return launches; }
  const std::vector<GpuKernelInfo> &kernels() const { return *model->infos; }
  /// Rows of (token, expert) pairs.
  uint64_t ffnRows() const { return rows; }

private:
  int32_t runRecorded(const moe_rt_abi_frame &frame);
  int32_t record(const moe_rt_abi_frame &frame,
                 const std::vector<uint64_t> &key);
  void start(const RecordedRun &run);
  moe_rt_graph *endRecording();
  void giveUpRecording();
  std::vector<uint64_t> keyOf(const moe_rt_abi_frame &frame) const;
  Route *startRoute(int32_t bank, const int32_t *counts);
  void count(const Route &route);
  void finish();

  std::shared_ptr<ModelOnDevice> model;
  KernelDevice &device;
  DevicePager &pager;
  const std::vector<BankInfo> &banks;
  Routes routes;
  GraphCache graphs;
  std::unordered_map<std::string, std::array<uint64_t, 16>> maps;

  bool constant = false;         ///< one wave serves every stream of this run
  bool recording = false;        ///< this run is being recorded
  bool recordable = true;        ///< no run had to wait in the middle so far
  int32_t open = -1;             ///< bank of the open stream, of constant runs
  bool waveGiven = false;        ///< in it
  moe_rt_graph *begun = nullptr; ///< the start of a run that had to wait
  std::vector<int32_t> sequence;
  std::vector<uint64_t> launches, ofRun;
  uint64_t rows = 0;
};

/// The table for frames of a device target, whose `session` is a
/// moe_rt_session.
extern const moe_rt_abi_host deviceHostTable;

} // namespace moe_rt

#endif // MOE_RT_SRC_DEVICESESSION_H
