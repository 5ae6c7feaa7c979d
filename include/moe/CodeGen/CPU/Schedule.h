//===- Schedule.h - How a CPU kernel is blocked -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_CODEGEN_CPU_SCHEDULE_H
#define MOE_CODEGEN_CPU_SCHEDULE_H

#include "moe/CodeGen/CPU/ISA.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::moe::cpu {

/// The blocking of the matrix kernels. It depends on nothing but the ISA, so
/// that results depend on nothing but shapes.
struct Schedule {
  int64_t lanes;         // elements of a vector
  int64_t registers;     // vector registers
  int64_t maxRows;       // rows of A that one micro-kernel takes
  int64_t unroll;        // steps of K in the body of the inner loop
  int64_t blocksPerItem; // row blocks of one parallel work item
  int64_t itemBytes;     // packed bytes that one work item reads, at least

  /// Vectors of a panel that are accumulated at once when a block has `rows`
  /// rows; the panel is passed over again for the others.
  int64_t getVectorsPerPass(int64_t rows) const;

  /// Panels of one parallel work item, for panels of `k` records.
  int64_t getPanelsPerItem(int64_t panels, int64_t k) const;

  /// Orders schedules; 0 when they are equal.
  int compare(const Schedule &other) const;
  void print(llvm::raw_ostream &os) const;
};

/// Chooses the blocking: as many rows as the registers hold next to the
/// operands, and no more than pay.
Schedule chooseSchedule(const ISA &isa);

/// The blocking for the module's ISA; see getISA.
FailureOr<Schedule> getSchedule(ModuleOp module);

} // namespace mlir::moe::cpu

#endif // MOE_CODEGEN_CPU_SCHEDULE_H
