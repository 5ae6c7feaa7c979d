//===- PagerDialect.cpp - The pager dialect -------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Pager/IR/Pager.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe::pager;

#include "dialects/Pager/IR/PagerDialect.cpp.inc"
#include "dialects/Pager/IR/PagerEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Pager/IR/PagerAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Pager/IR/PagerTypes.cpp.inc"

void PagerDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Pager/IR/PagerAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Pager/IR/PagerTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Pager/IR/PagerOps.cpp.inc"
      >();
}
