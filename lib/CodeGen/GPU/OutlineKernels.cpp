//===- OutlineKernels.cpp - Bodies of launches as kernels -----------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/CodeGen/GPU/KernelSet.h"
#include "moe/CodeGen/GPU/Passes.h"
#include "moe/Support/Provenance.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::moe::gpu {
#define GEN_PASS_DEF_GPUOUTLINEKERNELS
#include "moe/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::moe::gpu

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

namespace {

/// A buffer of device memory in a kernel: elements from `base` on.
struct DeviceBuffer {
  MemRefType type;
  Value base;                 // !llvm.ptr<1>
  SmallVector<Value> strides; // in elements, index
};

class Outliner {
public:
  Outliner(ModuleOp module, mlir::gpu::GPUModuleOp kernels)
      : module(module), kernels(kernels), symbols(kernels),
        pointer(LLVM::LLVMPointerType::get(module.getContext(), 1)) {}
  LogicalResult outline(mlir::gpu::LaunchOp launch);
  unsigned getNumKernels() const { return known.size(); }

private:
  LogicalResult takeCaptured(mlir::gpu::LaunchOp launch);
  void addParameter(Value operand, Type type);
  void addBuffer(OpBuilder &host, Value buffer);
  LogicalResult addConstantBuffer(memref::GetGlobalOp op);
  void addScalar(OpBuilder &host, Value scalar);
  void makeBody(mlir::gpu::LaunchOp launch);
  void lowerAccesses();
  Value address(const DeviceBuffer &buffer, ValueRange indices);
  /// The type that an element has in memory.
  Type stored(Type element) {
    return element.isIndex() ? b().getI64Type() : element;
  }
  LLVM::LLVMFuncOp findEqual(std::string stem);
  ImplicitLocOpBuilder &b() { return *builder; }

  ModuleOp module;
  mlir::gpu::GPUModuleOp kernels;
  SymbolTable symbols;
  Type pointer;
  llvm::StringMap<LLVM::LLVMFuncOp> known; // by their text

  // The kernel that is being made.
  std::optional<ImplicitLocOpBuilder> builder;
  LLVM::LLVMFuncOp function;
  SmallVector<Value> operands;
  IRMapping mapping;
  llvm::MapVector<Value, DeviceBuffer> buffers;
};

} // namespace

void Outliner::addParameter(Value operand, Type type) {
  operands.push_back(operand);
  function.getBody().front().addArgument(type, operand.getLoc());
}

/// The host passes the address, and the strides that the type does not tell.
void Outliner::addBuffer(OpBuilder &host, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  addParameter(buffer, pointer);
  DeviceBuffer known = {
      type, function.getBody().front().getArguments().back(), {}};
  SmallVector<int64_t> strides;
  int64_t offset;
  (void)type.getStridesAndOffset(strides, offset);
  memref::ExtractStridedMetadataOp metadata;
  for (auto [i, stride] : llvm::enumerate(strides)) {
    if (!ShapedType::isDynamic(stride)) {
      known.strides.push_back(arith::ConstantIndexOp::create(b(), stride));
      continue;
    }
    if (!metadata)
      metadata = memref::ExtractStridedMetadataOp::create(host, buffer.getLoc(),
                                                          buffer);
    addParameter(metadata.getStrides()[i], b().getI64Type());
    known.strides.push_back(arith::IndexCastOp::create(
        b(), b().getIndexType(),
        function.getBody().front().getArguments().back()));
  }
  buffers[buffer] = known;
}

/// A table of constants becomes one of the device.
LogicalResult Outliner::addConstantBuffer(memref::GetGlobalOp op) {
  auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
      op, op.getNameAttr());
  auto value =
      global ? dyn_cast_or_null<ElementsAttr>(global.getConstantInitValue())
             : ElementsAttr();
  auto type = cast<MemRefType>(op.getType());
  if (!value)
    return op.emitError("a kernel reads host memory that is no constant");
  auto device = kernels.lookupSymbol<LLVM::GlobalOp>(op.getName());
  if (!device) {
    OpBuilder::InsertionGuard guard(b());
    b().setInsertionPointToStart(kernels.getBody());
    Type array = stored(type.getElementType());
    for (int64_t size : llvm::reverse(type.getShape()))
      array = LLVM::LLVMArrayType::get(array, size);
    Attribute bytes = value;
    if (auto splat = dyn_cast<SplatElementsAttr>(value);
        splat && type.getRank() == 0)
      bytes = splat.getSplatValue<Attribute>();
    device = LLVM::GlobalOp::create(b(), array, /*isConstant=*/true,
                                    LLVM::Linkage::Internal, op.getName(),
                                    bytes, /*alignment=*/16, /*addrSpace=*/1);
  }
  DeviceBuffer known = {
      type, LLVM::AddressOfOp::create(b(), pointer, op.getName()), {}};
  SmallVector<int64_t> strides;
  int64_t offset;
  (void)type.getStridesAndOffset(strides, offset);
  for (int64_t stride : strides)
    known.strides.push_back(arith::ConstantIndexOp::create(b(), stride));
  buffers[op.getResult()] = known;
  return success();
}

/// Parameters have 4 or 8 bytes.
void Outliner::addScalar(OpBuilder &host, Value scalar) {
  Type type = scalar.getType();
  Location loc = scalar.getLoc();
  Block &body = function.getBody().front();
  auto argument = [&] { return body.getArguments().back(); };
  if (type.isIndex()) {
    addParameter(scalar, b().getI64Type());
    mapping.map(scalar, arith::IndexCastOp::create(b(), type, argument()));
  } else if (type.getIntOrFloatBitWidth() >= 32) {
    addParameter(scalar, type);
    mapping.map(scalar, argument());
  } else if (isa<FloatType>(type)) {
    addParameter(arith::ExtFOp::create(host, loc, b().getF32Type(), scalar),
                 b().getF32Type());
    mapping.map(scalar, arith::TruncFOp::create(b(), type, argument()));
  } else {
    addParameter(arith::ExtUIOp::create(host, loc, b().getI32Type(), scalar),
                 b().getI32Type());
    mapping.map(scalar, arith::TruncIOp::create(b(), type, argument()));
  }
}

LogicalResult Outliner::takeCaptured(mlir::gpu::LaunchOp launch) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(launch.getBody(), captured);
  OpBuilder host(launch);
  for (Value value : captured) {
    if (isa<MemRefType>(value.getType())) {
      auto global = value.getDefiningOp<memref::GetGlobalOp>();
      if (!global)
        addBuffer(host, value);
      else if (failed(addConstantBuffer(global)))
        return failure();
    } else if (Attribute constant; matchPattern(value, m_Constant(&constant))) {
      mapping.map(value, b().clone(*value.getDefiningOp())->getResult(0));
    } else if (value.getType().isIntOrIndexOrFloat()) {
      addScalar(host, value);
    } else {
      return launch.emitError("a kernel cannot be given a value of type ")
             << value.getType();
    }
  }
  return success();
}

void Outliner::makeBody(mlir::gpu::LaunchOp launch) {
  using mlir::gpu::Dimension;
  auto bind = [&](mlir::gpu::KernelDim3 values, auto make) {
    mapping.map(values.x, make(Dimension::x));
    mapping.map(values.y, make(Dimension::y));
    mapping.map(values.z, make(Dimension::z));
  };
  bind(launch.getBlockIds(), [&](Dimension dimension) -> Value {
    return mlir::gpu::BlockIdOp::create(b(), dimension);
  });
  bind(launch.getThreadIds(), [&](Dimension dimension) -> Value {
    return mlir::gpu::ThreadIdOp::create(b(), dimension);
  });
  for (Operation &op : launch.getBody().front().without_terminator())
    b().clone(op, mapping);
  LLVM::ReturnOp::create(b(), ValueRange());
}

Value Outliner::address(const DeviceBuffer &buffer, ValueRange indices) {
  Value at = arith::ConstantIndexOp::create(b(), 0);
  for (auto [index, stride] : llvm::zip(indices, buffer.strides))
    at = arith::AddIOp::create(b(), at,
                               arith::MulIOp::create(b(), index, stride));
  Value offset = arith::IndexCastOp::create(b(), b().getI64Type(), at);
  return LLVM::GEPOp::create(b(), pointer, stored(buffer.type.getElementType()),
                             buffer.base, offset);
}

/// Loads and stores of buffers become accesses to addresses. Clones still refer
/// to the host's buffers, which tells them apart.
void Outliner::lowerAccesses() {
  SmallVector<Operation *> accesses;
  function.walk([&](Operation *op) {
    if (isa<memref::LoadOp, memref::StoreOp>(op))
      accesses.push_back(op);
  });
  for (Operation *op : accesses) {
    b().setInsertionPoint(op);
    b().setLoc(op->getLoc());
    if (auto load = dyn_cast<memref::LoadOp>(op)) {
      const DeviceBuffer &buffer = buffers.find(load.getMemRef())->second;
      Value result = LLVM::LoadOp::create(b(), stored(load.getType()),
                                          address(buffer, load.getIndices()));
      if (load.getType().isIndex())
        result = arith::IndexCastOp::create(b(), load.getType(), result);
      load.replaceAllUsesWith(result);
    } else {
      auto store = cast<memref::StoreOp>(op);
      const DeviceBuffer &buffer = buffers.find(store.getMemRef())->second;
      Value value = store.getValue();
      if (value.getType().isIndex())
        value = arith::IndexCastOp::create(b(), b().getI64Type(), value);
      LLVM::StoreOp::create(b(), value, address(buffer, store.getIndices()));
    }
    op->erase();
  }
}

/// The kernel that is there already with the same text, or this one under a
/// name of its own.
LLVM::LLVMFuncOp Outliner::findEqual(std::string stem) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  function->print(stream, OpPrintingFlags().useLocalScope());
  LLVM::LLVMFuncOp &equal = known[text];
  if (equal) {
    function.erase();
    return equal;
  }
  function.setName(stem);
  symbols.insert(function);
  return equal = function;
}

/// `softmax` for the node Softmax; `kernel` for what no node tells.
static std::string getStem(Location loc) {
  std::string stem;
  if (auto provenance = getProvenance(loc))
    for (char c : provenance->op.getValue())
      stem += llvm::isAlnum(c) ? llvm::toLower(c) : '_';
  return stem.empty() ? "kernel" : stem;
}

LogicalResult Outliner::outline(mlir::gpu::LaunchOp launch) {
  MLIRContext *context = module.getContext();
  Location loc = launch.getLoc();
  operands.clear();
  buffers.clear();
  mapping = IRMapping();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {});
  OpBuilder moduleBuilder = OpBuilder::atBlockEnd(kernels.getBody());
  function = LLVM::LLVMFuncOp::create(moduleBuilder, loc, "kernel", type);
  builder.emplace(loc, function.addEntryBlock(moduleBuilder),
                  Block::iterator());
  b().setInsertionPointToStart(&function.getBody().front());
  if (failed(takeCaptured(launch)))
    return failure();
  makeBody(launch);
  lowerAccesses();
  function.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(context),
      llvm::to_vector(function.getBody().front().getArgumentTypes())));
  auto unit = moduleBuilder.getUnitAttr();
  function->setAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName(), unit);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), unit);
  if (auto threads = getConstantIntValue(launch.getBlockSizeX()))
    function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                      moduleBuilder.getDenseI32ArrayAttr({int32_t(*threads)}));
  LLVM::LLVMFuncOp kernel = findEqual(getStem(loc));

  OpBuilder host(launch);
  auto symbol = SymbolRefAttr::get(kernels.getNameAttr(),
                                   {FlatSymbolRefAttr::get(kernel)});
  mlir::gpu::LaunchFuncOp::create(
      host, loc, symbol, launch.getGridSizeOperandValues(),
      launch.getBlockSizeOperandValues(), launch.getDynamicSharedMemorySize(),
      operands);
  launch.erase();
  return success();
}

namespace {

class GPUOutlineKernels
    : public moe::gpu::impl::GPUOutlineKernelsBase<GPUOutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<mlir::gpu::LaunchOp> launches;
    module.walk([&](mlir::gpu::LaunchOp op) { launches.push_back(op); });
    if (launches.empty())
      return;
    auto kernels = module.lookupSymbol<mlir::gpu::GPUModuleOp>(kKernelsModule);
    if (!kernels) {
      OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
      kernels = mlir::gpu::GPUModuleOp::create(builder, module.getLoc(),
                                               kKernelsModule);
    }
    module->setAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                    UnitAttr::get(&getContext()));
    Outliner outliner(module, kernels);
    for (mlir::gpu::LaunchOp launch : launches)
      if (failed(outliner.outline(launch)))
        return signalPassFailure();
    numLaunches += launches.size();
    numKernels += outliner.getNumKernels();
  }
};

} // namespace
