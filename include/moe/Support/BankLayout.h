//===- BankLayout.h - The packed layout of a bank ---------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SUPPORT_BANKLAYOUT_H
#define MOE_SUPPORT_BANKLAYOUT_H

#include "dialects/Weights/IR/Weights.h"
#include "moe/Support/PackedLayout.h"

namespace mlir::moe::packed {

/// How the experts of a bank are packed: the packer and the kernels agree by
/// both asking here.
inline ExpertShape getExpertShape(weights::BankOp bank) {
  using weights::Role;
  ExpertShape shape;
  shape.hidden = bank.getHidden();
  shape.intermediate = bank.getIntermediate();
  shape.gated = bool(bank.getTensor(Role::Gate));
  shape.upBias = bank.getTensor(Role::GateBias) || bank.getTensor(Role::UpBias);
  shape.downBias = bool(bank.getTensor(Role::DownBias));
  return shape;
}

} // namespace mlir::moe::packed

#endif // MOE_SUPPORT_BANKLAYOUT_H
