//===- Provenance.h - Which tensors of the file values are ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_SUPPORT_PROVENANCE_H
#define MOE_SUPPORT_PROVENANCE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Operation.h"

namespace mlir::moe {

/// The node of the file that an operation stands for, and the tensors of the
/// file that its results are. It is part of the location: passes that know
/// nothing of it keep it, and operations that differ only in it are equal.
struct Provenance {
  StringAttr node; ///< its name
  StringAttr op;   ///< its operator
  /// One for each result of the operation, empty where the result is no tensor
  /// of the file. From convert-onnx-to-linalg on the attributes have the types
  /// of the tensors: a pass may leave an operation's location on one that gives
  /// the same elements in another shape.
  SmallVector<StringAttr> tensors;
};

/// What a location says, if anything.
std::optional<Provenance> getProvenance(Location loc);

/// The location of an operation for which this holds.
Location getProvenanceLoc(const Provenance &provenance);

/// For operations on the way to a tensor, which are none themselves.
Location withoutProvenance(Location loc);

/// Notes that `value`, a result of an operation, is `tensor` of the node that
/// `from` tells. What is a tensor of the file already stays that.
void setProvenance(Value value, const Provenance &from, StringAttr tensor);

/// Gives a tensor of the file another name.
void renameTensor(Value value, StringAttr tensor);

/// Notes that `values` take the place of the results of `op`; null ones are
/// left out.
void inheritProvenance(Location from, ValueRange values);

} // namespace mlir::moe

#endif // MOE_SUPPORT_PROVENANCE_H
