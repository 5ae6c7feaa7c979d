//===- Models.cpp - Functional models of nvvm operations ------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cstddef>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static LogicalResult noModel(Operation *op, const Twine &what = "") {
  return op->emitError("no functional model for '")
         << op->getName() << "'" << what;
}

static void replaceBy(Operation *op, Value value) {
  op->getResult(0).replaceAllUsesWith(value);
  op->erase();
}

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

/// The field of the thread that holds a special register, or -1.
static int lookupRegister(StringRef name) {
  return llvm::StringSwitch<int>(name)
      .Case("tid.x", MOE_SIMT_TID)
      .Case("tid.y", MOE_SIMT_TID + 1)
      .Case("tid.z", MOE_SIMT_TID + 2)
      .Case("ntid.x", MOE_SIMT_NTID)
      .Case("ntid.y", MOE_SIMT_NTID + 1)
      .Case("ntid.z", MOE_SIMT_NTID + 2)
      .Case("ctaid.x", MOE_SIMT_CTAID)
      .Case("ctaid.y", MOE_SIMT_CTAID + 1)
      .Case("ctaid.z", MOE_SIMT_CTAID + 2)
      .Case("nctaid.x", MOE_SIMT_NCTAID)
      .Case("nctaid.y", MOE_SIMT_NCTAID + 1)
      .Case("nctaid.z", MOE_SIMT_NCTAID + 2)
      .Case("laneid", MOE_SIMT_LANEID)
      .Case("warpid", MOE_SIMT_WARPID)
      .Case("nwarpid", MOE_SIMT_NWARPID)
      .Case("dynamic.smem.size", MOE_SIMT_SHARED_BYTES)
      .Default(-1);
}

/// (1 << lane) and the lanes below and above.
static Value getLaneMask(ImplicitLocOpBuilder &b, StringRef kind, Value lane) {
  Value equal = LLVM::ShlOp::create(b, getInteger(b, 32, 1), lane);
  Value below = LLVM::SubOp::create(b, equal, getInteger(b, 32, 1));
  if (kind == "eq")
    return equal;
  if (kind == "lt")
    return below;
  Value upTo = LLVM::OrOp::create(b, below, equal);
  if (kind == "le")
    return upTo;
  Value rest = kind == "ge" ? below : upTo;
  return LLVM::XOrOp::create(b, rest, getInteger(b, 32, -1));
}

static LogicalResult lowerRegister(Operation *op, StringRef name,
                                   HostFunction &host) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  auto load = [&](int field) {
    return host.loadThread(b, b.getI32Type(),
                           offsetof(moe_simt_thread, registers) +
                               field * sizeof(uint32_t));
  };
  if (int field = lookupRegister(name); field >= 0)
    return replaceBy(op, load(field)), success();
  if (name.consume_front("lanemask."))
    return replaceBy(op, getLaneMask(b, name, load(MOE_SIMT_LANEID))),
           success();
  // Without clusters: each block is one of its own.
  if (name == "warpsize")
    return replaceBy(op, getInteger(b, 32, 32)), success();
  if (name == "cluster.ctarank")
    return replaceBy(op, getInteger(b, 32, 0)), success();
  return noModel(op);
}

//===----------------------------------------------------------------------===//
// Barriers and what warps do together
//===----------------------------------------------------------------------===//

static LogicalResult lowerBarrier(NVVM::BarrierOp op, HostFunction &host) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto orZero = [&](Value value) {
    return value ? value : getInteger(b, 32, 0);
  };
  int64_t reduction =
      op.getReductionOp() ? static_cast<int64_t>(*op.getReductionOp()) : -1;
  host.callModel(op, MOE_SIMT_BARRIER, {reduction},
                 {orZero(op.getBarrierId()), orZero(op.getNumberOfThreads()),
                  orZero(op.getReductionPredicate())});
  return success();
}

static LogicalResult lowerWarpOp(Operation *op, HostFunction &host) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  auto call = [&](moe_simt_op model, ArrayRef<int64_t> attributes,
                  ValueRange operands) {
    host.callModel(op, model, attributes, operands);
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::Barrier0Op) {
        Value zero = getInteger(b, 32, 0);
        return call(MOE_SIMT_BARRIER, {-1}, {zero, zero, zero});
      })
      .Case(
          [&](NVVM::BarrierOp barrier) { return lowerBarrier(barrier, host); })
      .Case([&](NVVM::BarrierArriveOp arrive) {
        Value id = arrive.getBarrierId();
        return call(
            MOE_SIMT_BARRIER_ARRIVE, {},
            {id ? id : getInteger(b, 32, 0), arrive.getNumberOfThreads()});
      })
      .Case([&](NVVM::SyncWarpOp sync) {
        return call(MOE_SIMT_SYNC_WARP, {}, sync.getMask());
      })
      .Case([&](NVVM::ShflOp shuffle) {
        return call(MOE_SIMT_SHUFFLE, static_cast<int64_t>(shuffle.getKind()),
                    shuffle->getOperands());
      })
      .Case([&](NVVM::VoteSyncOp vote) {
        return call(MOE_SIMT_VOTE, static_cast<int64_t>(vote.getKind()),
                    vote->getOperands());
      })
      .Case([&](NVVM::ReduxOp redux) {
        if (!redux.getType().isInteger(32))
          return noModel(op, " of floats");
        return call(MOE_SIMT_REDUX, static_cast<int64_t>(redux.getKind()),
                    {redux.getVal(), redux.getMaskAndClamp()});
      })
      .Case([&](NVVM::ElectSyncOp elect) {
        Value mask = elect.getMembermask();
        return call(MOE_SIMT_ELECT, {}, mask ? mask : getInteger(b, 32, -1));
      })
      .Default([](Operation *op) { return noModel(op); });
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

static LogicalResult lowerMma(NVVM::MmaOp op, HostFunction &host) {
  auto typeA = op.getMultiplicandAPtxType(),
       typeB = op.getMultiplicandBPtxType();
  NVVM::MMATypes half[] = {NVVM::MMATypes::f16, NVVM::MMATypes::bf16};
  auto shape = op.getShape();
  bool isKnown = typeA && typeB == typeA && llvm::is_contained(half, *typeA) &&
                 shape.getM() == 16 && shape.getN() == 8 &&
                 (shape.getK() == 8 || shape.getK() == 16) &&
                 op.getLayoutA() == NVVM::MMALayout::row &&
                 op.getLayoutB() == NVVM::MMALayout::col &&
                 op.accumPtxType() == NVVM::MMATypes::f32 &&
                 op.resultPtxType() == NVVM::MMATypes::f32;
  if (!isKnown)
    return noModel(op, " but m16n8k8 and m16n8k16, row by column, of f16 or "
                       "bf16 with f32 accumulators");
  host.callModel(op, MOE_SIMT_MMA,
                 {shape.getM(), shape.getN(), shape.getK(),
                  static_cast<int64_t>(*typeA), static_cast<int64_t>(*typeB),
                  static_cast<int64_t>(op.accumPtxType()),
                  static_cast<int64_t>(op.resultPtxType())},
                 op->getOperands());
  return success();
}

static LogicalResult lowerWgmma(NVVM::WgmmaMmaAsyncOp op, HostFunction &host) {
  auto shape = op.getShape();
  NVVM::WGMMATypes half[] = {NVVM::WGMMATypes::f16, NVVM::WGMMATypes::bf16};
  if (op.getTypeA() != op.getTypeB() ||
      !llvm::is_contained(half, op.getTypeA()) ||
      op.getTypeD() != NVVM::WGMMATypes::f32 || shape.getM() != 64 ||
      shape.getK() != 16)
    return noModel(op, " but of f16 or bf16 with f32 accumulators");
  // A row-major A and a column-major B are contiguous in k.
  host.callModel(op, MOE_SIMT_WGMMA,
                 {shape.getM(), shape.getN(), shape.getK(),
                  static_cast<int64_t>(op.getTypeA()),
                  static_cast<int64_t>(op.getTypeB()),
                  static_cast<int64_t>(op.getTypeD()),
                  static_cast<int64_t>(op.getScaleD()),
                  static_cast<int64_t>(op.getScaleA()),
                  static_cast<int64_t>(op.getScaleB()),
                  op.getLayoutA() == NVVM::MMALayout::col,
                  op.getLayoutB() == NVVM::MMALayout::row},
                 {op.getInouts(), op.getDescriptorA(), op.getDescriptorB()});
  return success();
}

static LogicalResult lowerMatrixOp(Operation *op, HostFunction &host) {
  auto isModelled = [](auto matrix) {
    return matrix.getEltType() == NVVM::LdStMatrixEltType::B16;
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::LdMatrixOp load) {
        if (!isModelled(load))
          return noModel(op, " but of 16-bit elements");
        bool transposed = load.getLayout() == NVVM::MMALayout::col;
        host.callModel(op, MOE_SIMT_LOAD_MATRIX, {load.getNum(), transposed},
                       load.getPtr());
        return success();
      })
      .Case([&](NVVM::StMatrixOp store) {
        if (!isModelled(store))
          return noModel(op, " but of 16-bit elements");
        bool transposed = store.getLayout() == NVVM::MMALayout::col;
        int64_t count = store.getSources().size();
        host.callModel(op, MOE_SIMT_STORE_MATRIX, {count, transposed},
                       op->getOperands());
        return success();
      })
      .Case([&](NVVM::MmaOp mma) { return lowerMma(mma, host); })
      .Case([&](NVVM::WgmmaMmaAsyncOp mma) { return lowerWgmma(mma, host); })
      .Case([&](NVVM::WgmmaFenceAlignedOp) {
        host.callModel(op, MOE_SIMT_WGMMA_FENCE, {}, {});
        return success();
      })
      .Case([&](NVVM::WgmmaGroupSyncAlignedOp) {
        host.callModel(op, MOE_SIMT_WGMMA_COMMIT, {}, {});
        return success();
      })
      .Case([&](NVVM::WgmmaWaitGroupSyncOp wait) {
        host.callModel(op, MOE_SIMT_WGMMA_WAIT,
                       static_cast<int64_t>(wait.getGroup()), {});
        return success();
      })
      .Default([](Operation *op) { return noModel(op); });
}

//===----------------------------------------------------------------------===//
// Asynchronous copies and their barriers
//===----------------------------------------------------------------------===//

static LogicalResult lowerCopyOp(Operation *op, HostFunction &host) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::CpAsyncOp copy) {
        Value read = copy.getCpSize();
        host.callModel(op, MOE_SIMT_COPY_ASYNC, copy.getSize(),
                       {copy.getDst(), copy.getSrc(),
                        read ? read : getInteger(b, 32, copy.getSize())});
        return success();
      })
      .Case([&](NVVM::CpAsyncCommitGroupOp) {
        host.callModel(op, MOE_SIMT_COPY_COMMIT, {}, {});
        return success();
      })
      .Case([&](NVVM::CpAsyncWaitGroupOp wait) {
        host.callModel(op, MOE_SIMT_COPY_WAIT, wait.getN(), {});
        return success();
      })
      .Case([&](NVVM::CpAsyncMBarrierArriveOp arrive) {
        host.callModel(op, MOE_SIMT_COPY_ARRIVE, arrive.getNoinc(),
                       arrive.getAddr());
        return success();
      })
      .Case([&](NVVM::CpAsyncBulkCommitGroupOp) {
        host.callModel(op, MOE_SIMT_BULK_COMMIT, {}, {});
        return success();
      })
      .Case([&](NVVM::CpAsyncBulkWaitGroupOp wait) {
        host.callModel(op, MOE_SIMT_BULK_WAIT,
                       {wait.getGroup(), bool(wait.getRead())}, {});
        return success();
      })
      .Default([](Operation *op) { return noModel(op); });
}

static LogicalResult lowerTensorOp(Operation *op, HostFunction &host) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp load) {
        if (load.getMode() != NVVM::TMALoadMode::TILE ||
            load.getMulticastMask() || load.getGroup())
          return noModel(op, " but of tiles, to one block");
        SmallVector<Value> operands = {load.getDstMem(),
                                       load.getTmaDescriptor(), load.getMbar()};
        llvm::append_range(operands, load.getCoordinates());
        int64_t rank = load.getCoordinates().size();
        host.callModelIf(load.getPredicate(), op, MOE_SIMT_TENSOR_LOAD, rank,
                         operands);
        return success();
      })
      .Case([&](NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp store) {
        if (store.getMode() != NVVM::TMAStoreMode::TILE)
          return noModel(op, " but of tiles");
        SmallVector<Value> operands = {store.getTmaDescriptor(),
                                       store.getSrcMem()};
        llvm::append_range(operands, store.getCoordinates());
        int64_t rank = store.getCoordinates().size();
        host.callModelIf(store.getPredicate(), op, MOE_SIMT_TENSOR_STORE, rank,
                         operands);
        return success();
      })
      .Default([](Operation *op) { return noModel(op); });
}

static LogicalResult lowerMBarrierOp(Operation *op, HostFunction &host) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  // Waits: by parity when the operand is one of 32 bits, else by state.
  auto wait = [&](Value barrier, Value phase, bool must) {
    host.callModel(op, MOE_SIMT_MBARRIER_WAIT,
                   {phase.getType().isInteger(32), must}, {barrier, phase});
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::MBarrierInitOp init) {
        host.callModelIf(init.getPredicate(), op, MOE_SIMT_MBARRIER_INIT, {},
                         {init.getAddr(), init.getCount()});
        return success();
      })
      .Case([&](NVVM::MBarrierInvalOp invalidate) {
        host.callModel(op, MOE_SIMT_MBARRIER_INVALIDATE, {},
                       invalidate.getAddr());
        return success();
      })
      .Case([&](NVVM::MBarrierExpectTxOp expect) {
        host.callModel(op, MOE_SIMT_MBARRIER_EXPECT, {},
                       {expect.getAddr(), expect.getTxcount()});
        return success();
      })
      .Case([&](NVVM::MBarrierArriveOp arrive) {
        Value count = arrive.getCount();
        host.callModel(
            op, MOE_SIMT_MBARRIER_ARRIVE, {},
            {arrive.getAddr(), count ? count : getInteger(b, 32, 1)});
        return success();
      })
      .Case([&](NVVM::MBarrierArriveExpectTxOp arrive) {
        host.callModelIf(arrive.getPredicate(), op,
                         MOE_SIMT_MBARRIER_ARRIVE_EXPECT, {},
                         {arrive.getAddr(), arrive.getTxcount()});
        return success();
      })
      .Case([&](NVVM::MBarrierTryWaitParityOp op) {
        return wait(op.getAddr(), op.getPhase(), /*must=*/true);
      })
      .Case([&](NVVM::MBarrierTryWaitOp op) {
        return wait(op.getAddr(), op.getStateOrPhase(), /*must=*/false);
      })
      .Case([&](NVVM::MBarrierTestWaitOp op) {
        return wait(op.getAddr(), op.getStateOrPhase(), /*must=*/false);
      })
      .Default([](Operation *op) { return noModel(op); });
}

//===----------------------------------------------------------------------===//
// The rest
//===----------------------------------------------------------------------===//

/// Assembly of one instruction that computes a function of one float.
static LogicalResult lowerAssembly(Operation *op, StringRef text,
                                   HostFunction &host) {
  std::string instruction = text.ltrim().split(' ').first.str();
  if (op->getNumOperands() != 1 || op->getNumResults() != 1 ||
      !op->getResult(0).getType().isF32() || text.count(';') > 1)
    return noModel(op, " \"" + text + "\"");
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Value x = op->getOperand(0);
  auto reciprocal = [&](Value y) -> Value {
    Value one = LLVM::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
    return LLVM::FDivOp::create(b, one, y);
  };
  StringRef name = instruction;
  name.consume_back(".f32");
  name.consume_back(".ftz");
  if (name == "rcp.approx" || name == "rcp.rn")
    return replaceBy(op, reciprocal(x)), success();
  if (name == "rsqrt.approx")
    return replaceBy(op, reciprocal(LLVM::SqrtOp::create(b, x))), success();
  if (name == "sqrt.approx" || name == "sqrt.rn")
    return replaceBy(op, LLVM::SqrtOp::create(b, x)), success();
  auto function = llvm::StringSwitch<std::optional<moe_simt_function>>(name)
                      .Case("ex2.approx", MOE_SIMT_EXP2)
                      .Case("lg2.approx", MOE_SIMT_LOG2)
                      .Case("sin.approx", MOE_SIMT_SIN)
                      .Case("cos.approx", MOE_SIMT_COS)
                      .Case("tanh.approx", MOE_SIMT_TANH)
                      .Default(std::nullopt);
  if (!function)
    return noModel(op, " \"" + text + "\"");
  return replaceBy(op, host.callFunction(b, *function, x)), success();
}

/// Two floats to a vector of two, the second operand first.
static LogicalResult lowerPack(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  auto type = VectorType::get(2, b.getF32Type());
  Value pair = LLVM::PoisonOp::create(b, type);
  for (int64_t lane : {0, 1})
    pair = LLVM::InsertElementOp::create(b, pair, op->getOperand(1 - lane),
                                         getInteger(b, 32, lane));
  Type result = op->getResult(0).getType();
  if (getElementTypeOrSelf(result).isBF16())
    return replaceBy(op, truncateToBF16(b, pair)), success();
  return replaceBy(op, LLVM::FPTruncOp::create(b, result, pair)), success();
}

static LogicalResult lowerOther(Operation *op, HostFunction &host) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<NVVM::ConvertF32x2ToBF16x2Op, NVVM::ConvertF32x2ToF16x2Op>(
          [&](auto convert) {
            if (convert.getRnd() != NVVM::FPRoundingMode::RN ||
                convert.getRelu() ||
                convert.getSat() != NVVM::SaturationMode::NONE)
              return noModel(op, " but to the nearest, without relu");
            return lowerPack(op);
          })
      .Case([&](NVVM::RcpApproxFtzF32Op rcp) {
        return lowerAssembly(op, "rcp.approx.ftz.f32", host);
      })
      .Case([&](NVVM::InlinePtxOp inlined) {
        return lowerAssembly(op, inlined.getPtxCode(), host);
      })
      .Case<NVVM::FenceProxyOp, NVVM::FenceProxyAcquireOp,
            NVVM::FenceProxyReleaseOp>([&](Operation *op) {
        host.callModel(op, MOE_SIMT_PROXY_FENCE, {}, {});
        return success();
      })
      // Fibers run one at a time, so that memory is sequentially consistent;
      // registers and caches are not modelled.
      .Case<NVVM::FenceMbarrierInitOp, NVVM::FenceScClusterOp, NVVM::MembarOp,
            NVVM::SetMaxRegisterOp, NVVM::GriddepcontrolOp, NVVM::PrefetchOp,
            NVVM::CpAsyncBulkTensorPrefetchOp, NVVM::NanosleepOp>(
          [](Operation *op) {
            op->erase();
            return success();
          })
      .Default([](Operation *op) { return noModel(op); });
}

LogicalResult moe::gpu::lowerNVVM(Operation *op, HostFunction &host) {
  if (auto assembly = dyn_cast<LLVM::InlineAsmOp>(op))
    return lowerAssembly(op, assembly.getAsmString(), host);
  StringRef name = op->getName().stripDialect();
  if (name.consume_front("read.ptx.sreg."))
    return lowerRegister(op, name, host);
  if (name.starts_with("cp.async.bulk.tensor") && name.contains("shared"))
    return lowerTensorOp(op, host);
  if (name.starts_with("cp.async") && !name.contains("prefetch"))
    return lowerCopyOp(op, host);
  if (name.starts_with("mbarrier."))
    return lowerMBarrierOp(op, host);
  if (isa<NVVM::Barrier0Op, NVVM::BarrierOp, NVVM::BarrierArriveOp,
          NVVM::SyncWarpOp, NVVM::ShflOp, NVVM::VoteSyncOp, NVVM::ReduxOp,
          NVVM::ElectSyncOp>(op))
    return lowerWarpOp(op, host);
  if (name.starts_with("wgmma.") ||
      isa<NVVM::LdMatrixOp, NVVM::StMatrixOp, NVVM::MmaOp>(op))
    return lowerMatrixOp(op, host);
  return lowerOther(op, host);
}
