//===- ONNXOps.td - What was imported -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ONNX_OPS
#define MOE_ONNX_OPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let summary = "ONNX graphs as imported: one generic operation";
  let description = [{
    A thin import form. Every ONNX node is an `onnx.node` that keeps domain,
    operator, version and node name apart, so every valid file imports and
    prints, whatever operators it uses. Patterns and tables are keyed by (domain,
    operator).

    **Shapes.** Tensors carry named dimensions. The module attribute
    `onnx.symbols` lists the names (`["batch", "sequence"]`); a tensor type's
    encoding is an affine map `()[s0, s1, ...] -> (dim, ...)` over them, so that
    equal dimensions of the file stay equal in the IR. Small integer tensors
    that hold shapes have their elements recorded the same way, in the node's
    `shape_values`.
  }];
  let cppNamespace = "::mlir::moe::onnx";
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::moe::weights::WeightsDialect"];
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    /// Module attribute: names of the symbols, an ArrayAttr of strings.
    static constexpr ::llvm::StringLiteral kSymbols = "onnx.symbols";
    /// Module attribute: sizes that must be at least 1 when a model runs, an
    /// array of maps with one result.
    static constexpr ::llvm::StringLiteral kPositiveDims = "onnx.positive_dims";
    /// Argument and result attribute: the ONNX name of a graph input or output.
    static constexpr ::llvm::StringLiteral kName = "onnx.name";
    /// Argument attribute: index of the graph output that continues this
    /// recurrent state (set by onnx-pair-states).
    static constexpr ::llvm::StringLiteral kStateOutput = "onnx.state_output";
    /// Argument attribute: the dimension along which the state grows.
    static constexpr ::llvm::StringLiteral kStateAxis = "onnx.state_axis";
  }];
}

class ONNX_Type<string name, string mnem> : TypeDef<ONNX_Dialect, name> { let mnemonic = mnem; }
def ONNX_ValueType : ONNX_Type<"Value", "value"> {
  let summary = "A value whose type is not known yet";
}
def ONNX_NoneType : ONNX_Type<"None", "none"> {
  let summary = "An operand that was left out";
}

class ONNX_Op<string mnem, list<Trait> traits = []> : Op<ONNX_Dialect, mnem, traits>;

def ONNX_NodeOp : ONNX_Op<"node", [Pure]> {
  let summary = "Any ONNX node";
  let description = [{
    `domain` is empty for the standard operators; `version` is the opset
    version the graph imports for the domain. `node_attrs` holds the ONNX
    attributes: ints as i64, floats as f32, strings, arrays of them
    (dense arrays of i64 and f32, arrays of strings), tensors as elements
    attributes. Subgraphs (If, Loop, Scan) become `bodies`, in the order of their
    attribute names, which `body_names` lists.
    `shape_values` has one entry per result: an affine map whose results are the
    elements of that result, or unit.

    ```mlir
    %y = onnx.node "MatMul" (%x, %w) {domain = "", name = "/layers.0/proj", version = 20 : i64, node_attrs = {}}
       : (tensor<?x48xf32>, !weights.tensor<48x96xf32>) -> tensor<?x96xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, StrAttr:$op_type, StrAttr:$domain, StrAttr:$name,
                       I64Attr:$version, DictionaryAttr:$node_attrs,
                       OptionalAttr<StrArrayAttr>:$body_names,
                       OptionalAttr<ArrayAttr>:$shape_values);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region VariadicRegion<AnyRegion>:$bodies);
  let assemblyFormat = [{
    $op_type `(` $inputs `)` attr-dict (`bodies` $bodies^)? `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// An ONNX attribute by name, or null.
    ::mlir::Attribute getNodeAttr(::llvm::StringRef attribute) {
      return getNodeAttrs().get(attribute);
    }
    /// An integer attribute, or `fallback` when absent.
    int64_t getInt(::llvm::StringRef attribute, int64_t fallback);
    /// A float attribute, or `fallback` when absent.
    double getFloat(::llvm::StringRef attribute, double fallback);
    /// A string attribute, or `fallback` when absent.
    ::llvm::StringRef getString(::llvm::StringRef attribute, ::llvm::StringRef fallback);
    /// True when input `i` exists and was not left out.
    bool hasInput(unsigned i);
    /// Input `i`, or a null value when it was left out.
    ::mlir::Value getInputOrNull(unsigned i);
    /// The known elements of result `i`, or null.
    ::mlir::AffineMap getShapeValue(unsigned i = 0);
    void setShapeValue(unsigned i, ::mlir::AffineMap values);
    /// True for this (domain, operator).
    bool is(::llvm::StringRef domain, ::llvm::StringRef opType) {
      return getDomain() == domain && getOpType() == opType;
    }
    bool isStandard(::llvm::StringRef opType) { return is("", opType); }
  }];
}

def ONNX_OmittedOp : ONNX_Op<"none", [Pure, ConstantLike]> {
  let summary = "Stands for an operand that was left out";
  let description = [{
    ```mlir
    %none = onnx.none
    ```
  }];
  let results = (outs ONNX_NoneType:$result);
  let assemblyFormat = "attr-dict";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins), [{
    build($_builder, $_state, NoneType::get($_builder.getContext()));
  }]>];
}

def ONNX_ConstantOp : ONNX_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A small constant: shapes, indices, scalars";
  let description = [{
    Integer and boolean initializers of up to 4 KiB and floating-point scalars.
    Everything else is a `weights.ref`: equal layers then differ in their operands
    only.

    ```mlir
    %c = onnx.constant dense<[-1, 48]> : tensor<2xi64>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def ONNX_YieldOp : ONNX_Op<"yield", [Terminator, Pure, HasParent<"NodeOp">]> {
  let summary = "Ends a subgraph of If, Loop or Scan with its outputs";
  let description = [{
    ```mlir
    onnx.yield %condition, %sum : tensor<i1>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def ONNX_SymbolOp : ONNX_Op<"symbol", [Pure]> {
  let summary = "The run-time value of a named dimension";
  let description = [{
    `index` is a position in the module's `onnx.symbols`. The value is bound from
    the inputs' shapes before the model runs.

    ```mlir
    %batch = onnx.symbol 0
    ```
  }];
  let arguments = (ins I64Attr:$index);
  let results = (outs Index:$result);
  let assemblyFormat = "$index attr-dict";
}

#endif // MOE_ONNX_OPS
