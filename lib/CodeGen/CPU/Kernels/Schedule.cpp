//===- Schedule.cpp - How a CPU kernel is blocked -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/CodeGen/CPU/Schedule.h"
#include "moe/Support/PackedLayout.h"
#include <algorithm>
#include <tuple>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

/// Two vectors for each row are the least: a broadcast then serves two
/// multiplications.
static constexpr int64_t kMinVectors = 2;

/// Beyond this the kernels are at the peak of the machine already.
static constexpr int64_t kEnoughRows = 12;

/// Registers that `rows` rows of `vectors` accumulators need: the vectors of
/// the panel and one broadcast element next to them.
static int64_t getRegisters(int64_t rows, int64_t vectors) {
  return rows * vectors + vectors + 1;
}

int64_t Schedule::getVectorsPerPass(int64_t rows) const {
  int64_t vectors = packed::kPanelColumns / lanes;
  while (vectors > kMinVectors && getRegisters(rows, vectors) > registers)
    vectors /= 2;
  return vectors;
}

int64_t Schedule::getPanelsPerItem(int64_t panels, int64_t k) const {
  int64_t panelBytes =
      packed::getPanelElements(std::max<int64_t>(k, 1)) * sizeof(float);
  return std::clamp<int64_t>(itemBytes / panelBytes, 1, panels);
}

int Schedule::compare(const Schedule &other) const {
  auto key = [](const Schedule &s) {
    return std::tie(s.lanes, s.registers, s.maxRows, s.unroll, s.blocksPerItem,
                    s.itemBytes);
  };
  return key(*this) == key(other) ? 0 : key(*this) < key(other) ? -1 : 1;
}

void Schedule::print(llvm::raw_ostream &os) const {
  os << "lanes=" << lanes << " registers=" << registers
     << " max_rows=" << maxRows << " unroll=" << unroll
     << " blocks_per_item=" << blocksPerItem << " item_bytes=" << itemBytes;
}

Schedule mlir::moe::cpu::chooseSchedule(const ISA &isa) {
  Schedule schedule;
  schedule.lanes = isa.lanes;
  schedule.registers = isa.registers;
  int64_t fitting = 1;
  while (fitting < kEnoughRows &&
         getRegisters(fitting + 1, kMinVectors) <= isa.registers)
    ++fitting;
  schedule.maxRows = fitting;
  schedule.unroll = 2;
  schedule.blocksPerItem = 8;
  schedule.itemBytes = 64 * 1024;
  return schedule;
}

FailureOr<Schedule> mlir::moe::cpu::getSchedule(ModuleOp module) {
  FailureOr<ISA> isa = getISA(module);
  if (failed(isa))
    return failure();
  return chooseSchedule(*isa);
}
