//===- LayerPieces.h - What layers have in common ------------- -*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_LAYERPIECES_H
#define MOE_LIB_CODEGEN_CPU_LAYERPIECES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>
#include <vector>

namespace mlir::moe::cpu {

/// Computations without effects are not part of a piece: each piece makes what
/// it needs of them again.
bool isFree(Operation *op);

/// A run of the entry's operations with effects, described so that two pieces
/// with equal text have equal code: operations by name, attributes and types,
/// free computations by their expression, parameters by a placeholder.
class Piece {
public:
  explicit Piece(ArrayRef<Operation *> ops) : ops(ops) {
    llvm::raw_string_ostream stream(text);
    for (Operation *op : ops)
      describe(op, stream);
  }

  ArrayRef<Operation *> ops;
  std::string text;
  /// Operands at the placeholders, in the order of the text.
  SmallVector<OpOperand *> parameters;

private:
  /// Numbers of values already described in this piece.
  DenseMap<Value, unsigned> numbers;

  void number(Value value) { numbers.try_emplace(value, numbers.size()); }

  void describe(Operation *op, raw_ostream &stream);
  std::string reference(OpOperand &operand, raw_ostream &stream);
};

/// The entry's operations with effects, cut to pieces.
class Sequence {
public:
  explicit Sequence(func::FuncOp entry);
  /// The cut that leaves the least code once equal pieces share theirs. Pieces
  /// refer to this sequence.
  std::vector<Piece> cut() const;

private:
  SmallVector<ArrayRef<unsigned>> cut(size_t context) const;

  SmallVector<Operation *> ops;
  /// Equal for operations of equal text.
  SmallVector<unsigned> names;
  /// Of an operation whose result others use: it is no part of a piece.
  SmallVector<bool> stays;
};

} // namespace mlir::moe::cpu

#endif // MOE_LIB_CODEGEN_CPU_LAYERPIECES_H
