//===- WeightsTypes.td - Types of constant tensors ------------ -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_WEIGHTS_TYPES
#define MOE_WEIGHTS_TYPES

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Weights_Dialect : Dialect {
  let name = "weights";
  let summary = "Constant tensors by reference, and lazy recipes on them";
  let description = [{
    A model's weights are larger than the compiler's memory, so the IR never
    holds their bytes. `weights.ref` names a range of a file and gives an opaque
    SSA value; the other operations describe what is done to it. Nothing is read
    until the packer evaluates a recipe, slice by slice.
  }];
  let cppNamespace = "::mlir::moe::weights";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class Weights_Type<string name, string mnem> : TypeDef<Weights_Dialect, name> {
  let mnemonic = mnem;
}

def Weights_TensorType : Weights_Type<"WeightTensor", "tensor"> {
  let summary = "An opaque constant tensor of static shape";
  let description = [{
    `!weights.tensor<128x64xf32>`. The shape is static; the bytes are in a file.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRank() const { return getShape().size(); }
    /// Number of elements; the verifier guarantees that it fits.
    int64_t getNumElements() const;
    /// Bytes of the tensor as stored (i1 takes one byte, i4 half a byte).
    int64_t getNumBytes() const;
    ::mlir::RankedTensorType getTensorType() const;
  }];
}

def Weights_BankType : Weights_Type<"Bank", "bank"> {
  let summary = "The weights of all experts of one layer";
  let description = [{
    `!weights.bank<16>`: a group of constant tensors whose pages are expert by
    expert. The number is how many experts have weights.
  }];
  let parameters = (ins "int64_t":$experts);
  let assemblyFormat = "`<` $experts `>`";
  let genVerifyDecl = 1;
}

#endif // MOE_WEIGHTS_TYPES
