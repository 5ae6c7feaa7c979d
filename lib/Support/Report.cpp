//===- Report.cpp - What the compiler decided -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Support/Report.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe;
namespace json = llvm::json;

static constexpr llvm::StringLiteral kRaised = "moe.report.raised";
static constexpr llvm::StringLiteral kUnraised = "moe.report.unraised";

static void append(ModuleOp module, StringRef list, DictionaryAttr entry) {
  SmallVector<Attribute> entries;
  if (auto old = module->getAttrOfType<ArrayAttr>(list))
    entries.assign(old.begin(), old.end());
  entries.push_back(entry);
  module->setAttr(list, ArrayAttr::get(module.getContext(), entries));
}

void moe::reportRaised(ModuleOp module, const RaisedLayer &layer) {
  Builder b(module.getContext());
  SmallVector<NamedAttribute> kinds;
  for (auto &[kind, count] : layer.kinds)
    kinds.push_back(b.getNamedAttr(kind, b.getI64IntegerAttr(count)));
  append(module, kRaised,
         b.getDictionaryAttr(
             {b.getNamedAttr("name", b.getStringAttr(layer.name)),
              b.getNamedAttr("pattern", b.getStringAttr(layer.pattern)),
              b.getNamedAttr("router", b.getStringAttr(layer.router)),
              b.getNamedAttr("experts", b.getI64IntegerAttr(layer.experts)),
              b.getNamedAttr("k", b.getI64IntegerAttr(layer.k)),
              b.getNamedAttr("kinds", b.getDictionaryAttr(kinds))}));
}

void moe::reportUnraised(ModuleOp module, StringRef node, StringRef reason) {
  Builder b(module.getContext());
  append(
      module, kUnraised,
      b.getDictionaryAttr({b.getNamedAttr("node", b.getStringAttr(node)),
                           b.getNamedAttr("reason", b.getStringAttr(reason))}));
}

static json::Value toJSON(Attribute attribute) {
  if (auto text = dyn_cast<StringAttr>(attribute))
    return text.getValue();
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return number.getInt();
  json::Object object;
  for (NamedAttribute entry : cast<DictionaryAttr>(attribute))
    object[entry.getName().getValue()] = toJSON(entry.getValue());
  return object;
}

json::Object moe::getReport(ModuleOp module) {
  auto list = [&](StringRef name) {
    json::Array result;
    if (auto entries = module->getAttrOfType<ArrayAttr>(name))
      for (Attribute entry : entries)
        result.push_back(toJSON(entry));
    return result;
  };
  return json::Object{{"moe_layers", list(kRaised)},
                      {"unraised", list(kUnraised)},
                      {"eliminated", json::Array()},
                      {"fused", json::Array()}};
}
