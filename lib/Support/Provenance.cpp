//===- Provenance.cpp - Which tensors of the file values are --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Support/Provenance.h"

using namespace mlir;
using namespace mlir::moe;

// A fused location of the node's name, with the operator and the tensors as its
// metadata.

std::optional<Provenance> moe::getProvenance(Location loc) {
  auto fused = dyn_cast<FusedLoc>(loc);
  auto list =
      fused ? dyn_cast_if_present<ArrayAttr>(fused.getMetadata()) : ArrayAttr();
  auto name =
      fused ? dyn_cast<NameLoc>(fused.getLocations().front()) : LocationAttr();
  if (!list || list.empty() || !name ||
      !llvm::all_of(list, llvm::IsaPred<StringAttr>))
    return std::nullopt;
  Provenance provenance;
  provenance.node = cast<NameLoc>(name).getName();
  provenance.op = cast<StringAttr>(list[0]);
  for (Attribute tensor : list.getValue().drop_front())
    provenance.tensors.push_back(cast<StringAttr>(tensor));
  return provenance;
}

Location moe::getProvenanceLoc(const Provenance &provenance) {
  MLIRContext *context = provenance.node.getContext();
  SmallVector<Attribute> list = {provenance.op};
  llvm::append_range(list, provenance.tensors);
  return FusedLoc::get(context, {NameLoc::get(provenance.node)},
                       ArrayAttr::get(context, list));
}

Location moe::withoutProvenance(Location loc) {
  std::optional<Provenance> provenance = getProvenance(loc);
  return provenance ? NameLoc::get(provenance->node) : loc;
}

void moe::setProvenance(Value value, const Provenance &from,
                        StringAttr tensor) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return;
  Operation *op = result.getOwner();
  Provenance provenance = {from.node, from.op, {}};
  if (auto known = getProvenance(op->getLoc())) {
    if (known->node != from.node ||
        result.getResultNumber() >= known->tensors.size())
      return;
    provenance = *known;
  } else {
    provenance.tensors.assign(op->getNumResults(),
                              StringAttr::get(op->getContext()));
  }
  StringAttr &entry = provenance.tensors[result.getResultNumber()];
  if (!entry.empty())
    return;
  entry = tensor;
  op->setLoc(getProvenanceLoc(provenance));
}

void moe::renameTensor(Value value, StringAttr tensor) {
  auto result = dyn_cast<OpResult>(value);
  auto provenance =
      result ? getProvenance(result.getOwner()->getLoc()) : std::nullopt;
  if (!provenance || result.getResultNumber() >= provenance->tensors.size())
    return;
  provenance->tensors[result.getResultNumber()] = tensor;
  result.getOwner()->setLoc(getProvenanceLoc(*provenance));
}

void moe::inheritProvenance(Location from, ValueRange values) {
  std::optional<Provenance> provenance = getProvenance(from);
  if (!provenance)
    return;
  for (auto [value, tensor] : llvm::zip(values, provenance->tensors))
    if (value && !tensor.empty())
      setProvenance(value, *provenance, tensor);
}
