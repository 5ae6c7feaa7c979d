//===- DeviceClock.h - The virtual clock of host execution ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Says when work would have run on a device with given rates. An operation
// starts when what it has to wait for has ended and its engine is free; there
// is one engine for copies in each direction and one for everything else.
// All times are seconds since the device was opened.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SIMT_DEVICECLOCK_H
#define MOE_SIMT_DEVICECLOCK_H

#include <cstdint>
#include <map>

namespace moe_simt {

/// Roughly an H100 behind PCIe 5: bytes, floating-point operations and seconds.
struct Rates {
  double toDevice = 55e9, toHost = 55e9; // bytes per second
  double memory = 3350e9;                // bytes per second
  double flops = 800e12;                 // per second
  double launch = 3e-6;                  // seconds that each operation adds
  double graphNode = 1e-6;               // the same for one of a graph
};

/// When an engine is busy.
class Engine {
public:
  /// Takes the first time at or after `ready` when the engine is free for
  /// `duration`; returns when it ends.
  double place(double ready, double duration);
  /// Nothing will be placed before `time`.
  void forgetBefore(double time);
  double getBusy() const { return busy; }

private:
  std::map<double, double> intervals; // start to end, apart from each other
  double busy = 0;
};

struct VirtualClock {
  Rates rates;
  Engine toDevice, toHost, compute;
  double host = 0;     // now, for the host
  double makespan = 0; // the end of what ends last, the host included

  /// The host waited for what ended at `time`.
  void hostWaits(double time);
  /// The host did something else for so long.
  void hostSpends(double seconds);
};

} // namespace moe_simt

#endif // MOE_SIMT_DEVICECLOCK_H
