//===- HostCode.cpp - What host code does to the device -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostCode.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::moe;

bool moe::gpu::isOnDevice(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (isa<pager::BufferOp>(op))
      return true;
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return false;
    buffer = view.getViewSource();
  }
  return isa<pager::ForEachWaveOp>(
      cast<BlockArgument>(buffer).getOwner()->getParentOp());
}

bool moe::gpu::touchesDevice(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        Value buffer;
        if (auto load = dyn_cast<memref::LoadOp>(inner))
          buffer = load.getMemRef();
        else if (auto store = dyn_cast<memref::StoreOp>(inner))
          buffer = store.getMemRef();
        return buffer && isOnDevice(buffer) ? WalkResult::interrupt()
                                            : WalkResult::advance();
      })
      .wasInterrupted();
}
