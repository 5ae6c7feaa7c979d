//===- Device.h - Streams, events and findings of host execution *- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Work is queued and runs when somebody must see its result, and then only what
// this result needs, the newest first wherever streams and events leave a
// choice. So a wait that is missing shows in the numbers; that it is missing is
// also found from the accesses, in any order (DeviceHazards.h).
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_DEVICE_H
#define MOE_SIMT_DEVICE_H

#include "DeviceOptions.h"
#include "DeviceWork.h"
#include <deque>
#include <optional>
#include <random>

namespace moe_simt {

/// Something queued on a stream: work, or an event recorded or waited for.
struct Operation {
  uint64_t number = 0; // in the order of submission, of all streams
  size_t stream = 0;
  uint64_t position = 0;             // on its stream, from 1
  VectorClock clock;                 // it and what it is behind
  WorkRef work;                      // null for events
  std::shared_ptr<Operation> behind; // a wait: the record it waits for
  std::vector<const char *> reach;   // see findReachable
  std::optional<uint64_t> hash;      // of the host memory of a copy
  bool inGraph = false;
  bool ran = false;
  double submitted = 0, end = 0; // virtual seconds
};
using OperationRef = std::shared_ptr<Operation>;

/// What a stream does between capture_begin and capture_end.
struct Capture {
  std::vector<WorkRef> works;
  std::string problem; // why it cannot become a graph
};

} // namespace moe_simt

struct moe_rt_stream {
  moe_rt_device *device;
  size_t id; // never used again
  std::deque<moe_simt::OperationRef> pending;
  moe_simt::OperationRef last; // submitted, or null
  uint64_t count = 0;          // submitted
  moe_simt::VectorClock clock; // of the next operation, without itself
  double end = 0;              // of what ran last
  std::optional<moe_simt::Capture> capture;
};

struct moe_rt_event {
  moe_rt_device *device;
  moe_simt::OperationRef record;            // null: never recorded
  const moe_rt_stream *capturing = nullptr; // recorded within a capture
  uint64_t polls = 0;                       // since it was recorded
};

struct moe_rt_graph {
  moe_rt_device *device;
  std::vector<moe_simt::WorkRef> works;
};

struct moe_rt_device {
  explicit moe_rt_device(const moe_simt::DeviceOptions &options);

  const moe_simt::DeviceOptions options;
  moe_simt::DeviceMemory memory;
  moe_simt::VirtualClock clock;
  std::vector<moe_rt_stream *> streams; // those that exist
  size_t streamCount = 0;               // ever

  /// Sets the text of the last error; returns `status`.
  int32_t refuse(int32_t status, std::string text);
  /// A defect of the program that uses the device: everything fails from now.
  int32_t find(std::string text);
  bool hasFailed() const { return !findings.empty(); }
  const std::string &getError() const { return error; }

  /// Queues work, or with null an event, recorded or waited for (`behind`).
  moe_simt::OperationRef submit(moe_rt_stream &stream, moe_simt::WorkRef work,
                                moe_simt::OperationRef behind = nullptr,
                                bool inGraph = false);
  /// Runs what everything up to `operation` needs; the host has seen it then.
  void waitFor(const moe_simt::Operation &operation);
  /// Runs what is left on the stream.
  void drain(moe_rt_stream &stream);
  /// The operation that uses the allocation and that the host has not waited
  /// for, or null.
  const moe_simt::Operation *findUser(const char *allocation) const;
  const moe_simt::Operation *findUser(const moe_rt_module *module) const;

  std::string describe(const moe_simt::Operation &operation) const;
  /// JSON.
  const char *getStatistics();
  uint64_t getSharedBytesPerBlock() const;

private:
  void runUntil(const moe_simt::VectorClock &target);
  moe_rt_stream *chooseNext(const moe_simt::VectorClock &target);
  void runSome();
  void forget();
  void hashHostMemory(moe_simt::Operation &operation);

  // DeviceRun.cpp
  void run(moe_rt_stream &stream);
  double runCopy(const moe_simt::Operation &operation,
                 const moe_simt::Copy &copy, double ready);
  double runLaunch(const moe_simt::Operation &operation,
                   const moe_simt::Launch &launch, double ready);
  void checkAccesses(const moe_simt::Operation &operation,
                     moe_simt::Accesses accesses);

  uint64_t operations = 0;
  moe_simt::VectorClock host; // what the host has waited for
  std::vector<moe_simt::OperationRef> inFlight;
  moe_simt::HazardLog hazards;
  moe_simt::AccessRecorder recorder;
  moe_simt::Counters counters;
  std::minstd_rand random;
  std::vector<std::string> findings;
  std::string error, statistics;

  // Of the statistics.
  uint64_t copies = 0, toDeviceBytes = 0, toHostBytes = 0, onDeviceBytes = 0;
  struct KernelTime {
    uint64_t launches = 0;
    double seconds = 0;
  };
  std::map<std::string, KernelTime> kernelTimes;
};

#endif // MOE_SIMT_DEVICE_H
