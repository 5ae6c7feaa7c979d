//===- Passes.td - Code generation for CPUs ------------------ -*- tablegen -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_PASSES
#define MOE_CODEGEN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def CPUBindEntry : Pass<"cpu-bind-entry", "::mlir::ModuleOp"> {
  let summary = "Bind the entry to the runtime's frame";
  let description = [{
    `@main`, a function of tensors, becomes `@moe_run`: inputs, outputs, states
    and dense weights are `pager.buffer`s of the frame. Every resident weight gets
    its place in the dense section (`weights.place`), every bank its number.
    Dynamic sizes of inputs come from their `cpu.dims` attribute.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::moe::pager::PagerDialect", "::mlir::moe::weights::WeightsDialect",
                           "::mlir::moe::onnx::ONNXDialect"];
}

def CPUConvertCopies : Pass<"cpu-convert-copies", "::mlir::ModuleOp"> {
  let summary = "Write copies as linalg, so that they run in parallel";
  let description = [{
    `memref.copy` of strided buffers would become a call of a support library;
    compiled models call none.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def CPUFuseElementwise : Pass<"cpu-fuse-elementwise", "::mlir::ModuleOp"> {
  let summary = "Fuse point-by-point operations into their only user";
  let description = [{
    With upstream's patterns, which also move reshapes out of the way; a body of
    more than `max-body` operations is not made. Tensors of the file whose name
    `keep` matches stay to be observed.
  }];
  let options = [Option<"maxBody", "max-body", "uint64_t", /*default=*/"128",
                        "Operations in the body of a fused loop">,
                 Option<"keep", "keep", "std::string", /*default=*/"",
                        "Regular expression of tensors that stay">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::affine::AffineDialect"];
}

def CPUReuseOperands : Pass<"cpu-reuse-operands", "::mlir::ModuleOp"> {
  let summary = "Write point-by-point results over operands that are read last";
  let description = [{
    An operand of the result's shape whose elements nothing reads later becomes
    the initial value of the result, so that bufferization keeps both in one
    buffer: a chain of operations on attention scores then takes one.
  }];
  let statistics = [
    Statistic<"numReused", "operands-reused", "results that are written over an operand">
  ];
}

def CPUObserveTensors : Pass<"cpu-observe-tensors", "::mlir::ModuleOp"> {
  let summary = "Show the tensors of the file that are left";
  let description = [{
    Behind every operation of the entry whose result is a tensor of the file, as
    its location tells, comes a `pager.observe`; the module's `cpu.points` lists
    them as arrays of tensor, node, operator and type. What was fused away is no
    longer there to be seen. Runs on tensors, before bufferization.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::moe::pager::PagerDialect"];
  let statistics = [
    Statistic<"numPoints", "points", "operations that a run can be watched at">
  ];
}

def CPUResolveDims : Pass<"cpu-resolve-dims", "::mlir::ModuleOp"> {
  let summary = "Replace sizes read off buffers by what they were made from";
  let description = [{
    After this, sizes are arithmetic on `onnx.symbol`, through any chain of views
    and loops, and the arena can be planned before anything runs.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def CPUPlanArena : Pass<"cpu-plan-arena", "::mlir::ModuleOp"> {
  let summary = "Place every buffer in one arena";
  let description = [{
    Replaces the `memref.alloc`s of the entry by ranges of the frame's arena.
    Buffers that live at the same time never overlap; sizes are expressions of
    `onnx.symbol` values, and `@moe_arena_bytes` computes their total.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::moe::pager::PagerDialect"];
}

def CPUOutlineLayers : Pass<"cpu-outline-layers", "::mlir::ModuleOp"> {
  let summary = "Compile what layers have in common once";
  let description = [{
    Cuts the entry where equal operations go on differently in different places,
    and moves pieces that differ only in weights, banks, states and places in the
    arena to one function. What its calls differ in is a row of a constant table.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
  let statistics = [
    Statistic<"functions", "functions", "bodies that several pieces share">,
    Statistic<"calls", "calls", "pieces that call a shared body">
  ];
}

def CPULowerLinalg : Pass<"cpu-lower-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower structured operations to parallel loops";
  let description = [{
    Every linalg operation on buffers becomes a `pager.parallel` over its outer
    parallel dimensions around sequential loops whose innermost is fit for
    vectorisation. Reductions are never split between threads. Sums of products
    of floats are computed in vectors: eight dot products with one row together,
    or up to 64 columns of a row of the result in registers.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::mlir::moe::pager::PagerDialect"];
}

def CPUExpandReshapes : Pass<"cpu-expand-reshapes", "::mlir::ModuleOp"> {
  let summary = "Lower memref.expand_shape to strided views";
  let description = [{
    Upstream's `expand-strided-metadata` accepts one dynamic size in a group of
    dimensions; here the operation's own output shape gives all sizes.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def CPUExpandMath : Pass<"cpu-expand-math", "::mlir::ModuleOp"> {
  let summary = "Write elementary functions as arithmetic";
  let description = [{
    Compiled models call no math library: exp, sin, cos, tanh, erf, log and pow of
    float32 become polynomials that LLVM vectorises with the loop around them.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def CPUOutlineParallel : Pass<"cpu-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "Move bodies of parallel loops to functions";
  let description = [{
    `pager.parallel` and one-dimensional `scf.parallel` become
    `pager.parallel_call`s of functions over a range of iterations.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::moe::pager::PagerDialect"];
}

def CPUThreadFrame : Pass<"cpu-thread-frame", "::mlir::ModuleOp"> {
  let summary = "Pass the frame to every function that needs it";
  let description = [{
    Functions that use the pager, buffers or symbols take the frame as their first
    argument, and so do their callers.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CPUConvertPagerToLLVM : Pass<"cpu-convert-pager-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower pager operations to the runtime's ABI";
  let description = [{
    Reads the frame and calls its function table, as `moe_rt_abi.h` lays them out.
    Expert streams become loops that end a failed run early.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect",
                           "::mlir::cf::ControlFlowDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect"];
}

def CPUSelectGemms : Pass<"cpu-select-gemms", "::mlir::ModuleOp"> {
  let summary = "Compute products with weights by packed kernels";
  let description = [{
    A `linalg.matmul` of float32 whose right-hand side is a resident weight and
    whose accumulator is zero becomes a call of a generated kernel, and the weight
    is packed for it (`weights.pack`). Kernels are made for the instruction set
    that the module's `cpu.isa` names. Runs on tensors, before bufferization.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect",
                           "::mlir::moe::pager::PagerDialect", "::mlir::moe::weights::WeightsDialect"];
  let statistics = [
    Statistic<"numSelected", "products-selected", "products that a packed kernel computes">
  ];
}

#endif // MOE_CODEGEN_CPU_PASSES
