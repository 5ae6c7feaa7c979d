//===- DeviceLayout.h - Bytes of packed weights for GPUs --------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contract between the packer, which writes these bytes, and the kernels.
// It is the same for every architecture and for f32, bf16 and f16.
//
// A right-hand side [K, N] is stored as N rows of getRowStride(K) elements, row
// n holding column n: the layout that mma.sync, wgmma and dot products read
// without a transposition. Elements beyond K are zero.
//
// An expert has two parts. Part 0 is gate and up: when gated, 8 rows of gate
// alternate with the same 8 rows of up, so that both accumulators of a column
// are in one thread; rows of intermediate columns beyond I are zero, up to a
// multiple of 8. Else part 0 is the rows of up. Part 1 is the rows of down.
// Biases, float32, follow the rows of their part at a multiple of 128 bytes,
// one for each row in the order of the rows.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SUPPORT_DEVICELAYOUT_H
#define MOE_SUPPORT_DEVICELAYOUT_H

#include "moe/Support/PackedLayout.h"

namespace mlir::moe::device {

/// Rows of gate, then of up, that alternate.
constexpr int64_t kInterleave = 8;

/// Elements between rows, of packed weights and of the rows that kernels
/// multiply with them: whole multiples of 16 bytes in every type.
inline int64_t getRowStride(int64_t k) { return (k + 7) / 8 * 8; }

/// An expert as packed for a GPU, with elements of `elementBytes` bytes.
struct ExpertLayout {
  packed::ExpertShape shape;
  int64_t elementBytes = 4;

  /// Columns of a row of the intermediate; those beyond I are zero.
  int64_t getIntermediate() const { return getRowStride(shape.intermediate); }
  /// Rows and elements in a row of a part.
  int64_t getRows(int64_t part) const;
  int64_t getColumns(int64_t part) const;
  bool hasBias(int64_t part) const {
    return part == 0 ? shape.upBias : shape.downBias;
  }
  /// Offsets in bytes from the start of the part, and from that of the slot.
  int64_t getBiasOffset(int64_t part) const;
  int64_t getPartOffset(int64_t part) const {
    return part == 0 ? 0 : getPartBytes(0);
  }
  /// Padded to packed::kPartAlignment.
  int64_t getPartBytes(int64_t part) const;
  int64_t getSlotBytes() const { return getPartBytes(0) + getPartBytes(1); }
};

/// Types of packed elements.
enum class Element { F32, BF16, F16 };
inline int64_t getElementBytes(Element element) {
  return element == Element::F32 ? 4 : 2;
}

/// Writes `source.n` rows of `getRowStride(source.k)` elements, rounded to
/// nearest even. A false result means that reading failed.
bool packRows(const packed::MatrixSource &source, Element element, char *out);

/// Writes a part of an expert, `layout.getPartBytes(part)` bytes with the zero
/// padding. `element` has `layout.elementBytes` bytes.
bool packExpertPart(const ExpertLayout &layout, Element element,
                    const packed::ExpertSource &source, int64_t part,
                    char *out);

} // namespace mlir::moe::device

#endif // MOE_SUPPORT_DEVICELAYOUT_H
