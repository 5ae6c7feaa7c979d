//===- Expert.cpp - Which kernel serves how many rows ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Product.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// Emits `body` for each size that `tileRows` can be, behind a comparison on
/// the host.
static void emitCases(Emitter e, Value tileRows,
                      llvm::function_ref<void(int64_t)> body) {
  OpBuilder::InsertionGuard guard(e.b);
  SmallVector<int64_t> sizes = llvm::to_vector(getStreamRows());
  llvm::append_range(sizes, getTileRows());
  for (int64_t size : ArrayRef(sizes).drop_back()) {
    Value same = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, tileRows,
                                       emitIndex(e, size));
    auto branch = scf::IfOp::create(e.b, same, /*withElseRegion=*/true);
    e.b.setInsertionPoint(branch.thenYield());
    body(size);
    e.b.setInsertionPoint(branch.elseYield());
  }
  body(sizes.back());
}

static bool isStream(int64_t tileRows) {
  return tileRows <= getStreamRows().back();
}

void mlir::moe::gpu::emitExpertUp(Emitter e, const ExpertLayerSpec &spec,
                                  const SortedRows &rows, const Wave &wave,
                                  Value x, Value h, Value tokens) {
  emitCases(e, rows.tileRows, [&](int64_t tileRows) {
    if (isStream(tileRows))
      return emitStream(e, makeUp(e, spec, rows, wave, x, h, tokens, tileRows));
    emitTileUp80(e, spec, rows, wave, x, h, tokens, tileRows);
  });
}

void mlir::moe::gpu::emitExpertDown(Emitter e, const ExpertLayerSpec &spec,
                                    const SortedRows &rows, const Wave &wave,
                                    Value h, Value out, Value tokens) {
  emitCases(e, rows.tileRows, [&](int64_t tileRows) {
    if (isStream(tileRows))
      return emitStream(
          e, makeDown(e, spec, rows, wave, h, out, tokens, tileRows));
    emitTileDown80(e, spec, rows, wave, h, out, tokens, tileRows);
  });
}

void mlir::moe::gpu::emitGemm(Emitter e, int64_t k, int64_t n, Type element,
                              Value a, Value w, Value c, Value rows) {
  emitCases(e, emitTileRows(e, rows, rows), [&](int64_t tileRows) {
    if (isStream(tileRows))
      return emitStream(e,
                        makeDense(e, k, n, element, a, w, c, rows, tileRows));
    emitTileGemm80(e, k, n, element, a, w, c, rows, tileRows);
  });
}
