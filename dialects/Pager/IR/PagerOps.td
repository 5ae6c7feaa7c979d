//===- PagerOps.td - When weights move -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PAGER_OPS
#define MOE_PAGER_OPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "dialects/Weights/IR/WeightsTypes.td"

def Pager_Dialect : Dialect {
  let name = "pager";
  let summary = "When weights move, and where recurrent state grows";
  let description = [{
    Experts are pages. Compute does not acquire them one by one: it asks for all
    that a routing needs and takes each as it becomes resident, so that resident
    experts run while missing ones load.
  }];
  let cppNamespace = "::mlir::moe::pager";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::moe::weights::WeightsDialect"];
}

class Pager_Type<string name, string mnem> : TypeDef<Pager_Dialect, name> { let mnemonic = mnem; }

def Pager_StateType : Pager_Type<"State", "state"> {
  let summary = "A recurrent value that grows along one dimension";
  let description = [{
    `!pager.state<?x2x?x12xf32, axis = 2>`: a tensor kept between runs with
    room to grow along `axis`, so that appending moves nothing.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType, "int64_t":$axis);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Pager_PartType : Pager_Type<"Part", "part"> {
  let summary = "The address of a resident part of an expert";
}

def Pager_TensorMapType : Pager_Type<"TensorMap", "tensor_map"> {
  let summary = "How a GPU's copy engine walks a tensor in device memory";
}

class Pager_Op<string mnem, list<Trait> traits = []> : Op<Pager_Dialect, mnem, traits>;

def Pager_PrefetchOp : Pager_Op<"prefetch"> {
  let summary = "Hints that experts will be wanted soon";
  let description = [{
    `counts` has one i32 per expert of the bank; those above 0 are wanted. Never
    blocks and may be ignored.

    ```mlir
    pager.prefetch %bank, %counts : !weights.bank<8>, memref<8xi32>
    ```
  }];
  let arguments = (ins Weights_BankType:$bank, AnyMemRef:$counts);
  let assemblyFormat = "$bank `,` $counts attr-dict `:` type($bank) `,` type($counts)";
  let hasVerifier = 1;
}

def Pager_ForEachReadyOp : Pager_Op<"for_each_ready", [SingleBlockImplicitTerminator<"YieldOp">,
                                    RecursiveMemoryEffects]> {
  let summary = "Runs its body for every wanted expert, resident ones first";
  let description = [{
    The body runs once for every expert with `counts[e] > 0`, in an order the
    pager chooses, one at a time; one slot suffices. Within the body the expert
    stays resident; it is released when the body ends. Results must therefore not
    depend on the order: the body writes rows that belong to its expert.

    ```mlir
    pager.for_each_ready %bank, %counts, %tokens : !weights.bank<8>, memref<8xi32> {
    ^bb0(%expert: index):
      %gate_up = pager.wait_part %expert, 0
      ...
    }
    ```
  }];
  let arguments = (ins Weights_BankType:$bank, AnyMemRef:$counts, Index:$tokens);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$bank `,` $counts `,` $tokens attr-dict `:` type($bank) `,` type($counts) $body";
  let hasRegionVerifier = 1;
  let hasVerifier = 1;
}

def Pager_WaitPartOp : Pager_Op<"wait_part", [HasParent<"ForEachReadyOp">]> {
  let summary = "Waits until a part of the expert is resident";
  let description = [{
    ```mlir
    %down = pager.wait_part %expert, 1
    ```
  }];
  let arguments = (ins Index:$expert, I64Attr:$part);
  let results = (outs Pager_PartType:$result);
  let assemblyFormat = "$expert `,` $part attr-dict";
}

def Pager_ForEachWaveOp : Pager_Op<"for_each_wave", [SingleBlockImplicitTerminator<"YieldOp">,
                                   RecursiveMemoryEffects]> {
  let summary = "Runs its body for waves of experts that are resident on a device";
  let description = [{
    For kernels that compute many experts at once. Every expert with
    `counts[e] > 0` belongs to one wave; the first holds those that are resident.
    The body gets the bank's slots, their number, and by expert its slot, or -1
    for one that is not in this wave; what it launches may read the slots. Results
    must not depend on how experts are spread over waves. `counts` is in device
    memory; `pager.prefetch` of the same counts comes first.

    ```mlir
    pager.for_each_wave %bank, %counts, %tokens : !weights.bank<8>, memref<8xi32> {
    ^bb0(%slots: memref<?xi8>, %slot_count: index, %slot_of: memref<8xi32>):
      gpu.launch_func ...
    }
    ```
  }];
  let arguments = (ins Weights_BankType:$bank, AnyMemRef:$counts, Index:$tokens);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$bank `,` $counts `,` $tokens attr-dict `:` type($bank) `,` type($counts) $body";
  let hasRegionVerifier = 1;
  let hasVerifier = 1;
}

def Pager_YieldOp : Pager_Op<"yield", [Terminator, Pure,
                                       ParentOneOf<["ForEachReadyOp", "ForEachWaveOp"]>]> {
  let summary = "Ends the work on an expert or a wave, which may then be evicted";
  let assemblyFormat = "attr-dict";
}

def Pager_StateAppendOp : Pager_Op<"state_append"> {
  let summary = "Appends positions to a state and gives the whole of it";
  let description = [{
    The result is the state with `value` after its valid positions. It is the
    state's own memory: nothing is copied but `value`.

    ```mlir
    %k = pager.state_append %state, %new
       : !pager.state<?x2x?x12xf32, axis = 2>, tensor<?x2x?x12xf32> -> tensor<?x2x?x12xf32>
    ```
  }];
  let arguments = (ins Pager_StateType:$state, AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$value);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$state `,` $value attr-dict `:` type($state) `,` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Pager_PartViewOp : Pager_Op<"part_view", [Pure]> {
  let summary = "The bytes of a resident part as a buffer";
  let description = [{
    A view of static shape; the buffer must not be written and is valid until the
    `pager.for_each_ready` body ends.

    ```mlir
    %panels = pager.part_view %gate_up : memref<6144xf32>
    ```
  }];
  let arguments = (ins Pager_PartType:$part);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$part attr-dict `:` type($result)";
}

def Pager_TensorMapOp : Pager_Op<"tensor_map", [AttrSizedOperandSegments]> {
  let summary = "Describes a tensor in device memory to the copy engine";
  let description = [{
    A tiled tensor map for TMA over memory that starts `offset` bytes behind the
    buffer. Innermost dimension first: `sizes` in elements, `strides` in bytes for
    all dimensions but the innermost; `box` is what one copy moves, in elements,
    and `swizzle` (0, 32, 64 or 128 bytes) how it lies in shared memory.

    ```mlir
    %map = pager.tensor_map %slots at %c0 sizes(%k, %n, %count) strides(%row, %slot)
        box [64, 128, 1] swizzle 128 of bf16 : memref<?xi8>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Index:$offset, Variadic<Index>:$sizes,
                       Variadic<Index>:$strides, DenseI64ArrayAttr:$box, I64Attr:$swizzle,
                       TypeAttr:$element);
  let results = (outs Pager_TensorMapType:$result);
  let assemblyFormat = [{
    $source `at` $offset `sizes` `(` $sizes `)` `strides` `(` $strides `)` `box` $box
    `swizzle` $swizzle `of` $element attr-dict `:` type($source)
  }];
  let hasVerifier = 1;
}

def Pager_CountOp : Pager_Op<"count"> {
  let summary = "Records a kernel launch and the rows it computed";
  let description = [{
    ```mlir
    pager.count "ffn_up_f32_64x128", %rows
    ```
  }];
  let arguments = (ins StrAttr:$kernel, Index:$rows);
  let assemblyFormat = "$kernel `,` $rows attr-dict";
}

def Pager_ObserveOp : Pager_Op<"observe"> {
  let summary = "Shows a tensor of the file to whoever watches the run";
  let description = [{
    `point` is an index into the module's `cpu.points`, which tell the tensor, its
    node and the operator. Costs a branch when nobody watches.

    ```mlir
    pager.observe %point, %tensor : memref<?x48xf32, strided<[?, ?], offset: ?>>
    ```
  }];
  let arguments = (ins Index:$point, AnyMemRef:$tensor);
  let assemblyFormat = "$point `,` $tensor attr-dict `:` type($tensor)";
}

def Pager_ReadBackOp : Pager_Op<"read_back", [
    TypesMatchWith<"the result is an element", "source", "result",
                   "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">]> {
  let summary = "Reads an element from device memory on the host";
  let description = [{
    Waits for everything that was launched before.

    ```mlir
    %n = pager.read_back %sizes[%i] : memref<4xi64>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$source `[` $indices `]` attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Pager_Space : I32EnumAttr<"Space", "which memory of the frame", [
  I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"Output", 1, "output">,
  I32EnumAttrCase<"State", 2, "state">, I32EnumAttrCase<"Arena", 3, "arena">,
  I32EnumAttrCase<"Dense", 4, "dense">]> {
  let cppNamespace = "::mlir::moe::pager";
  let genSpecializedAttr = 0;
}
def Pager_SpaceAttr : EnumAttr<Pager_Dialect, Pager_Space, "space">;

def Pager_BufferOp : Pager_Op<"buffer", [Pure, AttrSizedOperandSegments,
                              DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "A buffer over memory that the runtime provides";
  let description = [{
    `slot` selects the input, output or state; `offset` is in bytes. Dynamic sizes
    and strides follow as operands, one for each dynamic one of the type.

    ```mlir
    %b = pager.buffer arena[%c0] at %offset sizes(%n) : memref<?x48xf32>
    ```
  }];
  let arguments = (ins Pager_SpaceAttr:$space, Index:$slot, Index:$offset,
                       Variadic<Index>:$sizes, Variadic<Index>:$strides);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $space `[` $slot `]` `at` $offset (`sizes` `(` $sizes^ `)`)? (`strides` `(` $strides^ `)`)?
    attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Pager_StateCapacityOp : Pager_Op<"state_capacity", [Pure]> {
  let summary = "Positions a state has room for: the stride of its axis";
  let description = [{
    ```mlir
    %capacity = pager.state_capacity %slot
    ```
  }];
  let arguments = (ins Index:$slot);
  let results = (outs Index:$result);
  let assemblyFormat = "$slot attr-dict";
}

def Pager_ParallelOp : Pager_Op<"parallel", [RecursiveMemoryEffects, SingleBlock, NoTerminator]> {
  let summary = "A parallel loop on the session's threads";
  let description = [{
    Runs the body for every index of `[0, n)`, in chunks of `grain`. Iterations
    are independent.

    ```mlir
    pager.parallel %n grain %g {
    ^bb0(%i: index):
      ...
    }
    ```
  }];
  let arguments = (ins Index:$n, Index:$grain);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$n `grain` $grain attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Pager_ParallelCallOp : Pager_Op<"parallel_call"> {
  let summary = "An outlined parallel loop";
  let description = [{
    Calls `@body(%captures..., begin, end)` for chunks of `[0, n)`.

    ```mlir
    pager.parallel_call @body(%x) of %n grain %g : memref<?xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$body, Variadic<AnyType>:$captures, Index:$n, Index:$grain);
  let assemblyFormat = "$body `(` $captures `)` `of` $n `grain` $grain attr-dict `:` type($captures)";
}

#endif // MOE_PAGER_OPS
