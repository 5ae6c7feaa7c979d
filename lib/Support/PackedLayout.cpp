//===- PackedLayout.cpp - Bytes of packed weights -------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Support/PackedLayout.h"
#include <algorithm>
#include <vector>

using namespace mlir::moe::packed;

bool ExpertShape::operator==(const ExpertShape &other) const {
  return hidden == other.hidden && intermediate == other.intermediate &&
         gated == other.gated && upBias == other.upBias &&
         downBias == other.downBias;
}

std::string ExpertShape::getName() const {
  std::string name =
      std::to_string(hidden) + "x" + std::to_string(intermediate);
  if (!gated)
    name += "_plain";
  if (upBias)
    name += "_bu";
  if (downBias)
    name += "_bd";
  return name;
}

int64_t ExpertShape::getNumUpPanels() const {
  return (intermediate + getUpColumns() - 1) / getUpColumns();
}

int64_t ExpertShape::getGateBiasOffset() const {
  return getNumUpPanels() * getPanelElements(hidden);
}

int64_t ExpertShape::getUpBiasOffset() const {
  return getGateBiasOffset() + (gated ? getNumUpPanels() * kHalfColumns : 0);
}

int64_t ExpertShape::getDownBiasOffset() const {
  return getNumDownPanels() * getPanelElements(intermediate);
}

int64_t ExpertShape::getPartElements(int64_t part) const {
  if (part == 0)
    return upBias ? getUpBiasOffset() + getNumUpPanels() * getUpColumns()
                  : getGateBiasOffset();
  return getDownBiasOffset() +
         (downBias ? getNumDownPanels() * kPanelColumns : 0);
}

int64_t ExpertShape::getPartBytes(int64_t part) const {
  int64_t bytes = getPartElements(part) * static_cast<int64_t>(sizeof(float));
  return (bytes + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
}

/// Copies columns [first, first + columns) to `columns` consecutive floats of
/// every record of `out`; columns outside of the source are zero.
static bool packColumns(const MatrixSource &source, int64_t first,
                        int64_t columns, float *out) {
  int64_t present = std::clamp<int64_t>(source.n - first, 0, columns);
  if (!source.transposed) {
    for (int64_t k = 0; k < source.k; ++k) {
      float *record = out + k * kPanelColumns;
      if (present > 0 && !source.read(k, first, present, record))
        return false;
      std::fill(record + present, record + columns, 0.0f);
    }
    return true;
  }
  std::vector<float> column(source.k);
  for (int64_t j = 0; j < columns; ++j) {
    if (j >= present)
      std::fill(column.begin(), column.end(), 0.0f);
    else if (source.k > 0 &&
             !source.read(first + j, 0, source.k, column.data()))
      return false;
    for (int64_t k = 0; k < source.k; ++k)
      out[k * kPanelColumns + j] = column[k];
  }
  return true;
}

bool mlir::moe::packed::packPanel(const MatrixSource &source, int64_t panel,
                                  float *out) {
  return packColumns(source, panel * kPanelColumns, kPanelColumns, out);
}

bool mlir::moe::packed::packMatrix(const MatrixSource &source, float *out) {
  for (int64_t panel = 0; panel < getNumPanels(source.n); ++panel)
    if (!packPanel(source, panel, out + panel * getPanelElements(source.k)))
      return false;
  return true;
}

/// Writes `padded` floats, of which the source has the first `count`; without a
/// source all are zero.
static bool packVector(const VectorSource &source, int64_t count,
                       int64_t padded, float *out) {
  std::fill(out, out + padded, 0.0f);
  return !source || count == 0 || source(0, count, out);
}

static bool packUp(const ExpertShape &shape, const ExpertSource &source,
                   float *out) {
  int64_t panels = shape.getNumUpPanels();
  for (int64_t panel = 0; panel < panels; ++panel) {
    float *start = out + panel * getPanelElements(shape.hidden);
    if (!shape.gated) {
      if (!packPanel(source.up, panel, start))
        return false;
      continue;
    }
    int64_t first = panel * kHalfColumns;
    if (!packColumns(source.gate, first, kHalfColumns, start) ||
        !packColumns(source.up, first, kHalfColumns, start + kHalfColumns))
      return false;
  }
  if (!shape.upBias)
    return true;
  int64_t padded = panels * shape.getUpColumns();
  if (shape.gated && !packVector(source.gateBias, shape.intermediate, padded,
                                 out + shape.getGateBiasOffset()))
    return false;
  return packVector(source.upBias, shape.intermediate, padded,
                    out + shape.getUpBiasOffset());
}

static bool packDown(const ExpertShape &shape, const ExpertSource &source,
                     float *out) {
  if (!packMatrix(source.down, out))
    return false;
  return !shape.downBias || packVector(source.downBias, shape.hidden,
                                       shape.getNumDownPanels() * kPanelColumns,
                                       out + shape.getDownBiasOffset());
}

bool mlir::moe::packed::packExpertPart(const ExpertShape &shape,
                                       const ExpertSource &source, int64_t part,
                                       float *out) {
  std::fill(out + shape.getPartElements(part),
            out + shape.getPartBytes(part) / sizeof(float), 0.0f);
  return part == 0 ? packUp(shape, source, out) : packDown(shape, source, out);
}
