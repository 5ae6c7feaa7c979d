//===- WeightsOps.td - Where constant bytes come from -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_WEIGHTS_OPS
#define MOE_WEIGHTS_OPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Weights/IR/WeightsTypes.td"

def Weights_Role : I32EnumAttr<"Role", "what a tensor of a bank is to its experts", [
  I32EnumAttrCase<"Gate", 0, "gate">, I32EnumAttrCase<"Up", 1, "up">,
  I32EnumAttrCase<"Down", 2, "down">, I32EnumAttrCase<"GateBias", 3, "gate_bias">,
  I32EnumAttrCase<"UpBias", 4, "up_bias">, I32EnumAttrCase<"DownBias", 5, "down_bias">]> {
  let cppNamespace = "::mlir::moe::weights";
  let genSpecializedAttr = 0;
}

def Weights_Layout : I32EnumAttr<"Layout", "how packed bytes are ordered", [
  I32EnumAttrCase<"Raw", 0, "raw">,
  I32EnumAttrCase<"Panels", 1, "panels">,
  I32EnumAttrCase<"Rows", 2, "rows">]> {
  let cppNamespace = "::mlir::moe::weights";
  let genSpecializedAttr = 0;
}

def Weights_LayoutAttr : EnumAttr<Weights_Dialect, Weights_Layout, "layout">;

class Weights_Op<string mnem, list<Trait> traits = []> : Op<Weights_Dialect, mnem, traits>;

def Weights_RefOp : Weights_Op<"ref", [Pure]> {
  let summary = "Names a range of a file";
  let description = [{
    The file name is relative to the ONNX file (or the ONNX file itself, for
    inline data). `name` is the initializer's, for messages.

    ```mlir
    %w = weights.ref "gate.weight" in "model.onnx.data" at 4096 : !weights.tensor<64x128xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$file, I64Attr:$offset);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$name `in` $file `at` $offset attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Weights_InlineOp : Weights_Op<"inline", [Pure]> {
  let summary = "A small constant tensor kept in the IR";
  let description = [{
    For initializers that have no byte range in a file, such as those written as
    `float_data`, or computed by folding.

    ```mlir
    %w = weights.inline "scale" dense<1.0> : tensor<4xf32> -> !weights.tensor<4xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, ElementsAttr:$value);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$name $value attr-dict `->` type($result)";
  let hasVerifier = 1;
}

def Weights_TransposeOp : Weights_Op<"transpose", [Pure]> {
  let summary = "Permutes dimensions: result dimension i is source dimension perm[i]";
  let description = [{
    ```mlir
    %t = weights.transpose %w [1, 0] : !weights.tensor<64x128xf32> -> !weights.tensor<128x64xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$source, DenseI64ArrayAttr:$permutation);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$source $permutation attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Weights_ViewOp : Weights_Op<"view", [Pure]> {
  let summary = "A contiguous box of the source";
  let description = [{
    Takes `sizes` elements from `offsets` on in each dimension.

    ```mlir
    %v = weights.view %w [0, 16] [64, 32] : !weights.tensor<64x128xf32> -> !weights.tensor<64x32xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$source, DenseI64ArrayAttr:$offsets, DenseI64ArrayAttr:$sizes);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$source $offsets $sizes attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Weights_ReshapeOp : Weights_Op<"reshape", [Pure]> {
  let summary = "The same elements, row-major, under another shape";
  let description = [{
    ```mlir
    %v = weights.reshape %w : !weights.tensor<8x16x4xf32> -> !weights.tensor<128x4xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$source);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Weights_ConcatOp : Weights_Op<"concat", [Pure]> {
  let summary = "Joins tensors along one dimension";
  let description = [{
    ```mlir
    %c = weights.concat %a, %b axis 0 : (!weights.tensor<2x4xf32>, !weights.tensor<3x4xf32>) -> !weights.tensor<5x4xf32>
    ```
  }];
  let arguments = (ins Variadic<Weights_TensorType>:$sources, I64Attr:$axis);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$sources `axis` $axis attr-dict `:` functional-type($sources, $result)";
  let hasVerifier = 1;
}

def Weights_StackOp : Weights_Op<"stack", [Pure]> {
  let summary = "Joins tensors of one shape along a new first dimension";
  let description = [{
    ```mlir
    %s = weights.stack %a, %b : (!weights.tensor<4xf32>, !weights.tensor<4xf32>) -> !weights.tensor<2x4xf32>
    ```
  }];
  let arguments = (ins Variadic<Weights_TensorType>:$sources);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$sources attr-dict `:` functional-type($sources, $result)";
  let hasVerifier = 1;
}

def Weights_CastOp : Weights_Op<"cast", [Pure]> {
  let summary = "Converts the elements, rounding to nearest even";
  let description = [{
    ```mlir
    %c = weights.cast %w : !weights.tensor<4xbf16> -> !weights.tensor<4xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$source);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Weights_DequantizeOp : Weights_Op<"dequantize", [Pure]> {
  let summary = "(code - zero point) * scale, per block of the last dimension";
  let description = [{
    `block` consecutive elements of the last dimension share a scale; without
    zero points, codes are centred on `2^(bits-1)` when unsigned and on 0 when
    signed.

    ```mlir
    %d = weights.dequantize %q scales %s block 32
       : (!weights.tensor<8x64xi8>, !weights.tensor<8x2xf32>) -> !weights.tensor<8x64xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$codes, Weights_TensorType:$scales,
                       Optional<Weights_TensorType>:$zero_points, I64Attr:$block);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = [{$codes `scales` $scales (`zero_points` $zero_points^)? `block` $block attr-dict
                         `:` functional-type(operands, $result)}];
  let hasVerifier = 1;
}

def Weights_PackOp : Weights_Op<"pack", [Pure]> {
  let summary = "Orders the elements as a kernel reads them";
  let description = [{
    The source is the right-hand side `[K, N]` of a matrix product. The result is
    the sequence of elements in `layout`, with its padding: `panels` as in
    `moe/Support/PackedLayout.h`, `rows` as in `moe/Support/DeviceLayout.h`.

    ```mlir
    %p = weights.pack %w panels : !weights.tensor<128x40xf32> -> !weights.tensor<8192xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$source, Weights_LayoutAttr:$layout);
  let results = (outs Weights_TensorType:$result);
  let assemblyFormat = "$source $layout attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Weights_BankOp : Weights_Op<"bank", [Pure]> {
  let summary = "Groups the weights of a layer's experts";
  let description = [{
    Every tensor has the experts as its first dimension. With E experts, hidden
    size H and intermediate size I the shapes are: gate and up `[E, H, I]`, down
    `[E, I, H]` (both as right-hand sides of a product), gate_bias and up_bias
    `[E, I]`, down_bias `[E, H]`. A bank without a gate is not gated: its
    activation applies to `up`. `name` identifies the layer in reports;
    `index` is the bank's number in the archive, once assigned.

    ```mlir
    %b = weights.bank "layers.0" [gate, up, down] %g, %u, %d
       : (!weights.tensor<8x64x128xf32>, !weights.tensor<8x64x128xf32>, !weights.tensor<8x128x64xf32>) -> !weights.bank<8>
    ```
  }];
  let arguments = (ins StrAttr:$name, Variadic<Weights_TensorType>:$tensors, DenseI32ArrayAttr:$roles,
                       OptionalAttr<I64Attr>:$index);
  let results = (outs Weights_BankType:$result);
  let assemblyFormat = "$name custom<Roles>($roles) $tensors attr-dict `:` functional-type($tensors, $result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The tensor with this role, or null.
    ::mlir::Value getTensor(::mlir::moe::weights::Role role);
    /// Sizes read off the tensors.
    int64_t getHidden();
    int64_t getIntermediate();
  }];
}

def Weights_MaterializeOp : Weights_Op<"materialize", [Pure]> {
  let summary = "The resident bytes of a weight as a tensor or buffer";
  let description = [{
    The bridge from weights to computation: the tensor is loaded once with the
    model, is never evicted and must not be written.

    ```mlir
    %t = weights.materialize %w : !weights.tensor<64x128xf32> -> tensor<64x128xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$source);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Weights_PlaceOp : Weights_Op<"place"> {
  let summary = "Assigns a weight its place in the dense section";
  let description = [{
    Read by the packer: the bytes of `source` go to `offset` of the section that
    is resident for the whole life of a loaded model.

    ```mlir
    weights.place %w at 4096 : !weights.tensor<64x128xf32>
    ```
  }];
  let arguments = (ins Weights_TensorType:$source, I64Attr:$offset);
  let assemblyFormat = "$source `at` $offset attr-dict `:` type($source)";
}

#endif // MOE_WEIGHTS_OPS
