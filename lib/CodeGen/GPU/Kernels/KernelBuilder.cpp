//===- KernelBuilder.cpp - Shorthand for writing GPU kernels --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

/// All lanes of a warp take part.
static constexpr int64_t kAllLanes = -1;

Value KernelBuilder::integer(Type type, int64_t value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr attr = IntegerAttr::get(
      element, APInt(element.getIntOrFloatBitWidth(), value, /*isSigned=*/true,
                     /*implicitTrunc=*/true));
  if (auto vector = dyn_cast<VectorType>(type))
    attr = SplatElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(*this, type, attr);
}

Value KernelBuilder::real(Type type, double value) {
  TypedAttr attr = getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = SplatElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(*this, type, attr);
}

Value KernelBuilder::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value KernelBuilder::sub(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}
Value KernelBuilder::mul(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}
Value KernelBuilder::div(Value a, Value b) {
  return createOrFold<arith::DivUIOp>(a, b);
}
Value KernelBuilder::rem(Value a, Value b) {
  return createOrFold<arith::RemUIOp>(a, b);
}
Value KernelBuilder::bitAnd(Value a, Value b) {
  return createOrFold<arith::AndIOp>(a, b);
}
Value KernelBuilder::bitOr(Value a, Value b) {
  return createOrFold<arith::OrIOp>(a, b);
}
Value KernelBuilder::bitXor(Value a, Value b) {
  return createOrFold<arith::XOrIOp>(a, b);
}
Value KernelBuilder::shiftLeft(Value a, Value b) {
  return createOrFold<arith::ShLIOp>(a, b);
}
Value KernelBuilder::shiftRight(Value a, Value b) {
  return createOrFold<arith::ShRUIOp>(a, b);
}
Value KernelBuilder::minS(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}
Value KernelBuilder::maxS(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}

Value KernelBuilder::cast(Type type, Value a) {
  unsigned from = a.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (from == to)
    return a;
  if (from < to)
    return createOrFold<arith::ExtSIOp>(type, a);
  return createOrFold<arith::TruncIOp>(type, a);
}

Value KernelBuilder::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return createOrFold<arith::CmpIOp>(predicate, a, b);
}
Value KernelBuilder::compare(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(*this, predicate, a, b);
}
Value KernelBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(*this, condition, a, b);
}
Value KernelBuilder::bitcast(Type type, Value a) {
  return a.getType() == type ? a : LLVM::BitcastOp::create(*this, type, a);
}

Value KernelBuilder::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(*this, a, b, c);
}

Value KernelBuilder::convert(Type type, Value a) {
  if (a.getType() == type)
    return a;
  if (a.getType().getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(*this, type, a);
  // Between two types of 16 bits there is no conversion but through f32.
  if (a.getType().getIntOrFloatBitWidth() == type.getIntOrFloatBitWidth())
    a = arith::ExtFOp::create(*this, getF32Type(), a);
  return arith::TruncFOp::create(*this, type, a);
}

Value KernelBuilder::extract(Value vector, int64_t lane) {
  return vector::ExtractOp::create(*this, vector, lane);
}

Value KernelBuilder::pack(ArrayRef<Value> lanes) {
  auto type = vectorType(lanes.size(), lanes.front().getType());
  return vector::FromElementsOp::create(*this, type, lanes);
}

Value KernelBuilder::at(Value pointer, Type type, Value index) {
  return LLVM::GEPOp::create(*this, pointer.getType(), type, pointer,
                             ArrayRef<LLVM::GEPArg>{index});
}

Value KernelBuilder::at(Value pointer, Type type, int64_t index) {
  if (index == 0)
    return pointer;
  // Constant indices of the operation have 31 bits.
  if (!llvm::isInt<31>(index))
    return at(pointer, type, i64(index));
  return LLVM::GEPOp::create(
      *this, pointer.getType(), type, pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)});
}

static unsigned getAlignment(Type type, unsigned alignment) {
  if (alignment)
    return alignment;
  return getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8;
}

Value KernelBuilder::load(Type type, Value pointer, unsigned alignment) {
  return LLVM::LoadOp::create(*this, type, pointer,
                              getAlignment(type, alignment));
}

void KernelBuilder::store(Value value, Value pointer, unsigned alignment) {
  LLVM::StoreOp::create(*this, value, pointer,
                        getAlignment(value.getType(), alignment));
}

void KernelBuilder::atomicAdd(Value pointer, Value value) {
  LLVM::AtomicRMWOp::create(*this, LLVM::AtomicBinOp::add, pointer, value,
                            LLVM::AtomicOrdering::monotonic, "block");
}

/// Shared memory of this name and type; nothing initialises it.
static Value getSharedGlobal(KernelBuilder &b, StringRef name, Type element,
                             int64_t count, LLVM::Linkage linkage,
                             uint64_t alignment) {
  auto module = b.getInsertionBlock()
                    ->getParentOp()
                    ->getParentOfType<mlir::gpu::GPUModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(element, count),
                           /*isConstant=*/false, linkage, name, Attribute(),
                           alignment, /*addrSpace=*/3);
  }
  return LLVM::AddressOfOp::create(b, b.sharedPtr(), name);
}

Value KernelBuilder::dynamicShared() {
  return getSharedGlobal(*this, "dynamic_shared", getI8Type(), 0,
                         LLVM::Linkage::External, 1024);
}

Value KernelBuilder::staticShared(Type element, int64_t count) {
  Operation *parent = getInsertionBlock()->getParentOp();
  auto kernel = dyn_cast<LLVM::LLVMFuncOp>(parent);
  if (!kernel)
    kernel = parent->getParentOfType<LLVM::LLVMFuncOp>();
  auto module = kernel->getParentOfType<mlir::gpu::GPUModuleOp>();
  std::string name;
  int64_t number = 0;
  do
    name = (kernel.getName() + "_shared" + Twine(number++)).str();
  while (module.lookupSymbol(name));
  return getSharedGlobal(*this, name, element, count, LLVM::Linkage::Internal,
                         16);
}

Value KernelBuilder::threadId() {
  return NVVM::ThreadIdXOp::create(*this, getI32Type());
}
Value KernelBuilder::blockX() {
  return NVVM::BlockIdXOp::create(*this, getI32Type());
}
Value KernelBuilder::blockY() {
  return NVVM::BlockIdYOp::create(*this, getI32Type());
}
Value KernelBuilder::blockZ() {
  return NVVM::BlockIdZOp::create(*this, getI32Type());
}

void KernelBuilder::barrier() { NVVM::Barrier0Op::create(*this); }

void KernelBuilder::barrier(int64_t id, int64_t threads) {
  NVVM::BarrierOp::create(*this, Type(), i32(id), i32(threads),
                          NVVM::BarrierReductionAttr(), Value());
}

void KernelBuilder::syncWarp() {
  NVVM::SyncWarpOp::create(*this, i32(kAllLanes));
}

/// A shuffle of 32 bits, or of the halves of 64.
static Value emitShuffle(KernelBuilder &b, Value value, Value lane,
                         int64_t clamp, NVVM::ShflKind kind) {
  auto shuffle = [&](Value word) -> Value {
    return NVVM::ShflOp::create(b, word.getType(), b.i32(kAllLanes), word, lane,
                                b.i32(clamp), kind, UnitAttr());
  };
  if (value.getType().getIntOrFloatBitWidth() == 32)
    return shuffle(value);
  Value low = shuffle(b.toI32(value));
  Value high = shuffle(b.toI32(b.shiftRight(value, 32)));
  Value wide = arith::ExtUIOp::create(b, b.getI64Type(), low);
  return b.bitOr(b.shiftLeft(b.toI64(high), 32), wide);
}

Value KernelBuilder::shuffleXor(Value value, int64_t mask) {
  return emitShuffle(*this, value, i32(mask), 31, NVVM::ShflKind::bfly);
}
Value KernelBuilder::shuffle(Value value, Value lane) {
  return emitShuffle(*this, value, lane, 31, NVVM::ShflKind::idx);
}
Value KernelBuilder::shuffleUp(Value value, int64_t delta) {
  return emitShuffle(*this, value, i32(delta), 0, NVVM::ShflKind::up);
}

Value KernelBuilder::ballot(Value predicate) {
  return NVVM::VoteSyncOp::create(
      *this, getI32Type(), i32(kAllLanes), predicate,
      NVVM::VoteSyncKindAttr::get(getContext(), NVVM::VoteSyncKind::ballot));
}

Value KernelBuilder::warpReduce(
    Value value, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t mask = kWarpThreads / 2; mask > 0; mask /= 2)
    value = combine(value, shuffleXor(value, mask));
  return value;
}

Value KernelBuilder::warpSum(Value value) {
  return warpReduce(value, [&](Value a, Value b) {
    return isa<FloatType>(a.getType()) ? addF(a, b) : add(a, b);
  });
}

Value KernelBuilder::blockSum(Value value, int64_t threads, Value scratch) {
  Type type = value.getType();
  value = warpSum(value);
  when(equal(laneId(), 0), [&] { store(value, at(scratch, type, warpId())); });
  barrier();
  Value sum = load(type, scratch);
  for (int64_t i = 1; i < threads / kWarpThreads; ++i) {
    Value next = load(type, at(scratch, type, i));
    sum = isa<FloatType>(type) ? addF(sum, next) : add(sum, next);
  }
  return sum;
}

void KernelBuilder::copyAsync(Value to, Value from, Value bytes) {
  NVVM::CpAsyncOp::create(*this, to, from, 16, NVVM::LoadCacheModifierKind::CG,
                          bytes);
}
void KernelBuilder::commitCopies() {
  NVVM::CpAsyncCommitGroupOp::create(*this);
}
void KernelBuilder::waitCopies(int64_t groups) {
  NVVM::CpAsyncWaitGroupOp::create(*this, groups);
}

SmallVector<Value> KernelBuilder::loadMatrices(Value pointer, int64_t count,
                                               bool transposed) {
  SmallVector<Type> words(count, getI32Type());
  Type type = getI32Type();
  if (count > 1)
    type = LLVM::LLVMStructType::getLiteral(getContext(), words);
  Value matrices = NVVM::LdMatrixOp::create(
      *this, type, pointer, count,
      transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(getContext(), 8, 8),
      NVVM::LdStMatrixEltType::B16);
  if (count == 1)
    return {matrices};
  SmallVector<Value> results;
  for (int64_t i = 0; i < count; ++i)
    results.push_back(LLVM::ExtractValueOp::create(*this, matrices, i));
  return results;
}

SmallVector<Value> KernelBuilder::mma(Type element, ValueRange a, ValueRange b,
                                      ValueRange c) {
  // f16 operands are pairs, bf16 operands are words.
  bool pairs = element.isF16();
  auto types = pairs ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  auto operands = [&](ValueRange words) {
    SmallVector<Value> result(words.begin(), words.end());
    if (pairs)
      for (Value &word : result)
        word = bitcast(vectorType(2, element), word);
    return result;
  };
  Type result = LLVM::LLVMStructType::getLiteral(
      getContext(), SmallVector<Type>(4, getF32Type()));
  Value sums = NVVM::MmaOp::create(
      *this, result, operands(a), operands(b), c, ArrayRef<int64_t>{16, 8, 16},
      std::nullopt, std::nullopt, std::array{types, types},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> results;
  for (int64_t i = 0; i < 4; ++i)
    results.push_back(LLVM::ExtractValueOp::create(*this, sums, i));
  return results;
}

void KernelBuilder::forEach(Value begin, Value end, Value step,
                            llvm::function_ref<void(Value)> body) {
  fold(begin, end, step, {}, [&](Value i, ValueRange) -> SmallVector<Value> {
    body(i);
    return {};
  });
}

SmallVector<Value> KernelBuilder::fold(
    Value begin, Value end, Value step, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, step, init);
  InsertionGuard guard(*this);
  // Without carried values the loop has its terminator already.
  if (init.empty())
    setInsertionPoint(loop.getBody()->getTerminator());
  else
    setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(*this, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> then,
                         llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(*this, condition,
                                  /*withElseRegion=*/bool(otherwise));
  InsertionGuard guard(*this);
  setInsertionPoint(branch.thenYield());
  then();
  if (otherwise) {
    setInsertionPoint(branch.elseYield());
    otherwise();
  }
}

SmallVector<Value>
KernelBuilder::choose(Value condition, TypeRange types,
                      llvm::function_ref<SmallVector<Value>()> then,
                      llvm::function_ref<SmallVector<Value>()> otherwise) {
  auto branch = scf::IfOp::create(*this, types, condition,
                                  /*withElseRegion=*/true);
  InsertionGuard guard(*this);
  setInsertionPointToStart(&branch.getThenRegion().front());
  scf::YieldOp::create(*this, then());
  setInsertionPointToStart(&branch.getElseRegion().front());
  scf::YieldOp::create(*this, otherwise());
  return llvm::to_vector_of<Value>(branch.getResults());
}
