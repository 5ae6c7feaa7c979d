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
#include "moe/Support/DeviceLayout.h"

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

namespace mlir::moe::device {

/// The packed type that an element type of the IR stands for: f32, bf16, f16.
inline Element getElement(Type type) {
  return type.isF32()    ? Element::F32
         : type.isBF16() ? Element::BF16
                         : Element::F16;
}

/// How the experts of a bank are packed for a GPU in elements of this type.
inline ExpertLayout getExpertLayout(weights::BankOp bank, Type element) {
  return {packed::getExpertShape(bank), getElementBytes(getElement(element))};
}

} // namespace mlir::moe::device

#endif // MOE_SUPPORT_BANKLAYOUT_H
