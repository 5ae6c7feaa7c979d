//===- DeviceLayout.cpp - Bytes of packed weights for GPUs ----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Support/DeviceLayout.h"
#include "llvm/ADT/APFloat.h"
#include <algorithm>
#include <cstring>
#include <vector>

using namespace mlir::moe;
using namespace mlir::moe::device;

static int64_t alignTo(int64_t value, int64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

int64_t ExpertLayout::getRows(int64_t part) const {
  if (part == 1)
    return shape.hidden;
  return shape.gated ? 2 * alignTo(shape.intermediate, kInterleave)
                     : shape.intermediate;
}

int64_t ExpertLayout::getColumns(int64_t part) const {
  return getRowStride(part == 0 ? shape.hidden : shape.intermediate);
}

int64_t ExpertLayout::getBiasOffset(int64_t part) const {
  return alignTo(getRows(part) * getColumns(part) * elementBytes, 128);
}

int64_t ExpertLayout::getPartBytes(int64_t part) const {
  int64_t bytes = getRows(part) * getColumns(part) * elementBytes;
  if (hasBias(part))
    bytes = getBiasOffset(part) + 4 * getRows(part);
  return alignTo(bytes, packed::kPartAlignment);
}

/// Columns that are read together of a source stored by rows of K.
static constexpr int64_t kBlock = 64;

static uint16_t roundTo(const llvm::fltSemantics &type, float value) {
  llvm::APFloat number(value);
  bool lost;
  number.convert(type, llvm::APFloat::rmNearestTiesToEven, &lost);
  return number.bitcastToAPInt().getZExtValue();
}

/// A NaN stays one: rounding up its mantissa would make it an infinity.
static uint16_t toBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffff) > 0x7f800000)
    return (bits >> 16) | 0x40;
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

static void convert(const float *from, int64_t count, Element element,
                    char *out) {
  if (element == Element::F32) {
    std::memcpy(out, from, count * sizeof(float));
    return;
  }
  auto *to = reinterpret_cast<uint16_t *>(out);
  for (int64_t i = 0; i < count; ++i)
    to[i] = element == Element::BF16
                ? toBF16(from[i])
                : roundTo(llvm::APFloat::IEEEhalf(), from[i]);
}

/// Writes columns [first, first + count) of the source as rows; their addresses
/// are given by `rowOf`. Columns that the source has not are zero.
template <typename RowOf>
static bool packColumns(const packed::MatrixSource &source, int64_t first,
                        int64_t count, Element element, RowOf rowOf) {
  int64_t present = std::clamp<int64_t>(source.n - first, 0, count);
  int64_t stride = getRowStride(source.k);
  // Row by row; the padding stays zero.
  std::vector<float> rows(count * stride, 0.0f);
  if (source.transposed) {
    for (int64_t j = 0; j < present && source.k > 0; ++j)
      if (!source.read(first + j, 0, source.k, &rows[j * stride]))
        return false;
  } else if (present > 0) {
    std::vector<float> line(present);
    for (int64_t k = 0; k < source.k; ++k) {
      if (!source.read(k, first, present, line.data()))
        return false;
      for (int64_t j = 0; j < present; ++j)
        rows[j * stride + k] = line[j];
    }
  }
  for (int64_t j = 0; j < count; ++j)
    convert(&rows[j * stride], stride, element, rowOf(j));
  return true;
}

bool device::packRows(const packed::MatrixSource &source, Element element,
                      char *out) {
  int64_t bytes = getRowStride(source.k) * getElementBytes(element);
  for (int64_t first = 0; first < source.n; first += kBlock) {
    int64_t count = std::min(kBlock, source.n - first);
    if (!packColumns(source, first, count, element,
                     [&](int64_t j) { return out + (first + j) * bytes; }))
      return false;
  }
  return true;
}

/// Rows 2 * kInterleave * g and on are gate, those behind them up.
static bool packGated(const ExpertLayout &layout, Element element,
                      const packed::ExpertSource &source, char *out) {
  int64_t bytes = layout.getColumns(0) * layout.elementBytes;
  for (int64_t first = 0; first < layout.shape.intermediate; first += kBlock) {
    int64_t end = std::min(first + kBlock, layout.getRows(0) / 2);
    auto pack = [&](const packed::MatrixSource &matrix, int64_t shift) {
      return packColumns(matrix, first, end - first, element, [&](int64_t j) {
        int64_t column = first + j;
        int64_t row = column / kInterleave * 2 * kInterleave + shift +
                      column % kInterleave;
        return out + row * bytes;
      });
    };
    if (!pack(source.gate, 0) || !pack(source.up, kInterleave))
      return false;
  }
  return true;
}

/// Biases in the order of the rows; a missing one is zeros.
static bool packBias(const ExpertLayout &layout,
                     const packed::ExpertSource &source, int64_t part,
                     float *out) {
  int64_t rows = layout.getRows(part);
  std::fill(out, out + rows, 0.0f);
  auto read = [&](const packed::VectorSource &vector, int64_t count,
                  std::vector<float> &values) {
    values.assign(count, 0.0f);
    return !vector || count == 0 || vector(0, count, values.data());
  };
  std::vector<float> values;
  if (part == 1 || !layout.shape.gated) {
    if (!read(part == 1 ? source.downBias : source.upBias, rows, values))
      return false;
    std::copy(values.begin(), values.end(), out);
    return true;
  }
  const packed::VectorSource *sides[] = {&source.gateBias, &source.upBias};
  for (int64_t side = 0; side < 2; ++side) {
    if (!read(*sides[side], layout.shape.intermediate, values))
      return false;
    for (int64_t i = 0; i < layout.shape.intermediate; ++i)
      out[i / kInterleave * 2 * kInterleave + side * kInterleave +
          i % kInterleave] = values[i];
  }
  return true;
}

bool device::packExpertPart(const ExpertLayout &layout, Element element,
                            const packed::ExpertSource &source, int64_t part,
                            char *out) {
  std::memset(out, 0, layout.getPartBytes(part));
  bool ok = part == 1            ? packRows(source.down, element, out)
            : layout.shape.gated ? packGated(layout, element, source, out)
                                 : packRows(source.up, element, out);
  return ok && (!layout.hasBias(part) ||
                packBias(layout, source, part,
                         reinterpret_cast<float *>(
                             out + layout.getBiasOffset(part))));
}
