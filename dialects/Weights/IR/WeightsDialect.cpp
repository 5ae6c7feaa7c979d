//===- WeightsDialect.cpp - The weights dialect ---------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Weights/IR/Weights.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe::weights;

#include "dialects/Weights/IR/WeightsDialect.cpp.inc"
#include "dialects/Weights/IR/WeightsEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Weights/IR/WeightsAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Weights/IR/WeightsTypes.cpp.inc"

void WeightsDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Weights/IR/WeightsAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Weights/IR/WeightsTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Weights/IR/WeightsOps.cpp.inc"
      >();
}
