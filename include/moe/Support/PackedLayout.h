//===- PackedLayout.h - Bytes of packed weights -----------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contract between the packer, which writes these bytes, and the kernels,
// which read them as one sequential stream. It is the same for every x86
// variant.
//
// A right-hand side [K, N] is stored as ceil(N / 32) panels of 32 columns. A
// panel is K records of 32 floats, record k holding row k of its columns.
// Columns beyond N are zero.
//
// An expert has two parts. Part 0 is gate and up: when gated, record k of panel
// p is 16 gate columns (16p and on) followed by the same 16 up columns, so that
// the activation happens on registers; else plain panels of up. Part 1 is
// plain panels of down. Biases follow the panels of their part.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_SUPPORT_PACKEDLAYOUT_H
#define MOE_SUPPORT_PACKEDLAYOUT_H

#include <cstdint>
#include <functional>
#include <string>

namespace mlir::moe::packed {

/// Columns of a panel, and of each of its halves.
constexpr int64_t kPanelColumns = 32;
constexpr int64_t kHalfColumns = 16;

/// Parts are pages: padded to this many bytes.
constexpr int64_t kPartAlignment = 4096;

inline int64_t getNumPanels(int64_t n) {
  return (n + kPanelColumns - 1) / kPanelColumns;
}

/// Floats of one panel, and of a whole packed [K, N].
inline int64_t getPanelElements(int64_t k) { return k * kPanelColumns; }
inline int64_t getPackedElements(int64_t k, int64_t n) {
  return getNumPanels(n) * getPanelElements(k);
}

/// Sizes of an expert. `bias` of part 0 means that gate or up has one: the
/// missing one is then stored as zeros.
struct ExpertShape {
  int64_t hidden = 0;
  int64_t intermediate = 0;
  bool gated = true;
  bool upBias = false;
  bool downBias = false;

  bool operator==(const ExpertShape &other) const;
  /// `48x40`, then `_plain` when there is no gate, `_bu` and `_bd` for biases:
  /// part of the names of kernels.
  std::string getName() const;

  /// Panels of part 0: 16 columns of the intermediate each when gated.
  int64_t getNumUpPanels() const;
  int64_t getNumDownPanels() const { return getNumPanels(hidden); }

  /// Columns of the intermediate, or of the output, that one panel gives.
  int64_t getUpColumns() const { return gated ? kHalfColumns : kPanelColumns; }

  /// Offsets in floats from the start of the part. Each bias is padded with
  /// zeros to the columns of its panels.
  int64_t getGateBiasOffset() const;
  int64_t getUpBiasOffset() const;
  int64_t getDownBiasOffset() const;

  /// Floats used by a part, and its bytes padded to `kPartAlignment`.
  int64_t getPartElements(int64_t part) const;
  int64_t getPartBytes(int64_t part) const;
  static constexpr int64_t kNumParts = 2;
};

/// A source of float elements of a [K, N] right-hand side. `read` copies
/// `count` consecutive elements of row `row` from column `column` on; rows are
/// those of [K, N], or of [N, K] when `transposed` says that the source is
/// stored so. A false result means that reading failed and ends the packing.
struct MatrixSource {
  int64_t k = 0;
  int64_t n = 0;
  bool transposed = false;
  std::function<bool(int64_t row, int64_t column, int64_t count, float *out)>
      read;
};

/// As above for a bias: `count` elements from `first` on.
using VectorSource =
    std::function<bool(int64_t first, int64_t count, float *out)>;

/// Writes one panel of `getPanelElements(source.k)` floats.
bool packPanel(const MatrixSource &source, int64_t panel, float *out);

/// Writes all `getPackedElements(source.k, source.n)` floats.
bool packMatrix(const MatrixSource &source, float *out);

/// The weights of one expert. `gate` is unused when not gated; a bias that is
/// absent is an empty function.
struct ExpertSource {
  MatrixSource gate, up, down;
  VectorSource gateBias, upBias, downBias;
};

/// Writes a part of an expert, `shape.getPartBytes(part)` bytes with the zero
/// padding.
bool packExpertPart(const ExpertShape &shape, const ExpertSource &source,
                    int64_t part, float *out);

} // namespace mlir::moe::packed

#endif // MOE_SUPPORT_PACKEDLAYOUT_H
