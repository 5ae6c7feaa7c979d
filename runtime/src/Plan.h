//===- Plan.h - Where the memory goes, before anything is loaded *- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_PLAN_H
#define MOE_RT_SRC_PLAN_H

#include "Images.h"

namespace moe_rt {

/// Memory of a session, in bytes, where it computes: on the host, or on a
/// device, where inputs are copied to.
struct Plan {
  uint64_t dense = 0, arena = 0, state = 0, inputs = 0, outputs = 0, slots = 0,
           overhead = 0;
  /// One each; a state's input and output have none.
  std::vector<uint64_t> stateSizes, inputSizes, outputSizes;
  uint64_t expertBytes = 0; ///< of all experts, as stored in slots
  uint64_t floor = 0;       ///< the least budget that works
  uint64_t budget = 0;      ///< what was asked for, or the total
  std::vector<int32_t> slotCounts;
  std::string policy, policyReason;
  uint64_t bytesPerToken = 0; ///< expert bytes one token reads when all miss
  bool hard = false;          ///< a budget in bytes was given
  const moe_rt_abi_variant *variant = nullptr;

  // Of a device.
  bool onDevice = false;
  std::shared_ptr<KernelDevice> device; ///< null: planned without one
  const moe_rt_abi_image *image = nullptr;
  int32_t hostSlots = 0;  ///< in pinned memory of the host
  uint64_t hostBytes = 0; ///< theirs

  uint64_t total() const {
    return dense + arena + state + inputs + outputs + slots + overhead;
  }
  const char *where() const { return onDevice ? "device" : "machine"; }
  std::string json(const moe_rt_model &model) const;
};

/// Chooses the variant, slots and policy. BUDGET names the number that works.
moe_rt_status makePlan(moe_rt_model &model, const moe_rt_options &options,
                       Plan &plan);

/// Bytes of a state with this capacity and these symbols.
bool stateBytes(const moe_rt_model &model, const StateInfo &state,
                const int64_t *symbols, int64_t capacity, uint64_t &bytes);

/// Bytes of a tensor with these symbols; false when they overflow.
bool tensorBytes(const TensorInfo &info, const int64_t *symbols,
                 uint64_t &bytes);

/// Memory is mapped in pages.
inline uint64_t wholePages(uint64_t bytes) {
  return (bytes + 4095) / 4096 * 4096;
}

/// Bits of MOE_RT_ABI_X86_64_* this CPU has.
uint64_t cpuFeatures();

} // namespace moe_rt

#endif // MOE_RT_SRC_PLAN_H
