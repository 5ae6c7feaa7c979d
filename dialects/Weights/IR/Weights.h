//===- Weights.h - The weights dialect --------------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MOE_DIALECTS_WEIGHTS_IR_WEIGHTS_H
#define MOE_DIALECTS_WEIGHTS_IR_WEIGHTS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Weights/IR/WeightsDialect.h.inc"
#include "dialects/Weights/IR/WeightsEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Weights/IR/WeightsAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Weights/IR/WeightsTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Weights/IR/WeightsOps.h.inc"

#endif // MOE_DIALECTS_WEIGHTS_IR_WEIGHTS_H
