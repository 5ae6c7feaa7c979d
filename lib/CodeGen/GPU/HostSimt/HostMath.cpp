//===- HostMath.cpp - Arithmetic that needs no library on the host --------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::gpu;

static LogicalResult noModel(Operation *op, const Twine &what = "") {
  return op->emitError("no functional model for '")
         << op->getName() << "'" << what;
}

/// `type` with these elements, a vector when `like` is one.
static Type withElements(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? vector.clone(element) : element;
}

static Value getSplat(ImplicitLocOpBuilder &b, Type like, unsigned bits,
                      uint64_t value) {
  Type type = withElements(like, b.getIntegerType(bits));
  auto scalar = b.getIntegerAttr(b.getIntegerType(bits),
                                 llvm::APInt(bits, value).getSExtValue());
  if (auto vector = dyn_cast<VectorType>(type))
    return LLVM::ConstantOp::create(b, type,
                                    DenseElementsAttr::get(vector, scalar));
  return LLVM::ConstantOp::create(b, scalar);
}

// x86-64-v3 has no instruction for this and the library's function is not
// everywhere. NaNs become the one that GPUs give.
Value gpu::truncateToBF16(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Type i32 = withElements(type, b.getI32Type());
  auto splat = [&](uint64_t value) { return getSplat(b, type, 32, value); };
  Value bits = LLVM::BitcastOp::create(b, i32, x);
  Value odd = LLVM::AndOp::create(b, LLVM::LShrOp::create(b, bits, splat(16)),
                                  splat(1));
  Value bias = LLVM::AddOp::create(b, odd, splat(0x7fff));
  Value rounded =
      LLVM::LShrOp::create(b, LLVM::AddOp::create(b, bits, bias), splat(16));
  Value isNaN = LLVM::FCmpOp::create(b, LLVM::FCmpPredicate::uno, x, x);
  Value result = LLVM::SelectOp::create(b, isNaN, splat(0x7fff), rounded);
  result = LLVM::TruncOp::create(b, withElements(type, b.getI16Type()), result);
  return LLVM::BitcastOp::create(b, withElements(type, b.getBF16Type()),
                                 result);
}

static Value extendBF16(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value bits =
      LLVM::BitcastOp::create(b, withElements(type, b.getI16Type()), x);
  bits = LLVM::ZExtOp::create(b, withElements(type, b.getI32Type()), bits);
  bits = LLVM::ShlOp::create(b, bits, getSplat(b, type, 32, 16));
  return LLVM::BitcastOp::create(b, withElements(type, b.getF32Type()), bits);
}

static bool isBF16(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// Computes in float32 what bf16 operands and results are given for.
static void computeInF32(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  for (OpOperand &operand : op->getOpOperands())
    if (isBF16(operand.get().getType()))
      operand.set(extendBF16(b, operand.get()));
  Value result = op->getResult(0);
  if (!isBF16(result.getType()))
    return;
  result.setType(withElements(result.getType(), b.getF32Type()));
  b.setInsertionPointAfter(op);
  Value rounded = truncateToBF16(b, result);
  result.replaceUsesWithIf(rounded, [&](OpOperand &use) {
    // Not those that make `rounded` itself.
    Operation *user = use.getOwner();
    return user->getBlock() != op->getBlock() ||
           rounded.getDefiningOp()->isBeforeInBlock(user);
  });
}

static LogicalResult lowerConversion(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Type from = getElementTypeOrSelf(op->getOperand(0).getType());
  Type to = getElementTypeOrSelf(op->getResult(0).getType());
  Value result;
  if (isa<LLVM::FPTruncOp>(op) && from.isF32() && to.isBF16())
    result = truncateToBF16(b, op->getOperand(0));
  else if (isa<LLVM::FPExtOp>(op) && from.isBF16() && to.isF32())
    result = extendBF16(b, op->getOperand(0));
  else if (from.isBF16() || to.isBF16() || (from.isF64() && to.isF16()) ||
           (from.isF16() && to.isF64()))
    return op->emitError("no functional model for '")
           << op->getName() << "' from " << from << " to " << to;
  if (result) {
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }
  return success();
}

static std::optional<moe_simt_function> lookupFunction(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<moe_simt_function>>(op)
      .Case([](LLVM::ExpOp) { return MOE_SIMT_EXP; })
      .Case([](LLVM::Exp2Op) { return MOE_SIMT_EXP2; })
      .Case([](LLVM::LogOp) { return MOE_SIMT_LOG; })
      .Case([](LLVM::Log2Op) { return MOE_SIMT_LOG2; })
      .Case([](LLVM::SinOp) { return MOE_SIMT_SIN; })
      .Case([](LLVM::CosOp) { return MOE_SIMT_COS; })
      .Case([](LLVM::TanhOp) { return MOE_SIMT_TANH; })
      .Default([](Operation *) { return std::nullopt; });
}

/// Operations that x86-64-v3 has, for every type but bf16.
static bool isNative(Operation *op) {
  return isa<
      // Integers and pointers.
      LLVM::AddOp, LLVM::SubOp, LLVM::MulOp, LLVM::UDivOp, LLVM::SDivOp,
      LLVM::URemOp, LLVM::SRemOp, LLVM::AndOp, LLVM::OrOp, LLVM::XOrOp,
      LLVM::ShlOp, LLVM::LShrOp, LLVM::AShrOp, LLVM::ICmpOp, LLVM::SExtOp,
      LLVM::ZExtOp, LLVM::TruncOp, LLVM::PtrToIntOp, LLVM::IntToPtrOp,
      LLVM::GEPOp, LLVM::AddrSpaceCastOp, LLVM::BitcastOp, LLVM::SelectOp,
      LLVM::FreezeOp, LLVM::SMaxOp, LLVM::SMinOp, LLVM::UMaxOp, LLVM::UMinOp,
      LLVM::AbsOp, LLVM::CtPopOp, LLVM::CountLeadingZerosOp,
      LLVM::CountTrailingZerosOp, LLVM::BitReverseOp, LLVM::FshlOp,
      LLVM::FshrOp, LLVM::SAddWithOverflowOp, LLVM::UAddWithOverflowOp,
      LLVM::SMulWithOverflowOp, LLVM::UMulWithOverflowOp,
      // Aggregates and constants.
      LLVM::ConstantOp, LLVM::ZeroOp, LLVM::UndefOp, LLVM::PoisonOp,
      LLVM::ExtractValueOp, LLVM::InsertValueOp, LLVM::ExtractElementOp,
      LLVM::InsertElementOp, LLVM::ShuffleVectorOp,
      // Control flow and memory.
      LLVM::BrOp, LLVM::CondBrOp, LLVM::SwitchOp, LLVM::ReturnOp,
      LLVM::UnreachableOp, LLVM::AllocaOp, LLVM::LoadOp, LLVM::StoreOp,
      LLVM::AddressOfOp, LLVM::FenceOp, LLVM::AtomicRMWOp,
      LLVM::AtomicCmpXchgOp, LLVM::AssumeOp, LLVM::LifetimeStartOp,
      LLVM::LifetimeEndOp>(op);
}

/// Operations on floats that x86-64-v3 has; bf16 goes through float32.
static bool isFloatArithmetic(Operation *op) {
  return isa<LLVM::FAddOp, LLVM::FSubOp, LLVM::FMulOp, LLVM::FDivOp,
             LLVM::FNegOp, LLVM::FCmpOp, LLVM::FAbsOp, LLVM::CopySignOp,
             LLVM::MaxNumOp, LLVM::MinNumOp, LLVM::MaximumOp, LLVM::MinimumOp,
             LLVM::SqrtOp, LLVM::FFloorOp, LLVM::FCeilOp, LLVM::FTruncOp,
             LLVM::RintOp, LLVM::NearbyintOp, LLVM::RoundEvenOp>(op);
}

LogicalResult gpu::lowerMath(Operation *op, HostFunction &host) {
  if (auto function = lookupFunction(op)) {
    if (!getElementTypeOrSelf(op->getResult(0).getType()).isF32())
      return noModel(op, " but of f32");
    ImplicitLocOpBuilder b(op->getLoc(), op);
    Value result = host.callFunction(b, *function, op->getOperand(0));
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
    return success();
  }
  if (isa<LLVM::FPTruncOp, LLVM::FPExtOp, LLVM::SIToFPOp, LLVM::UIToFPOp,
          LLVM::FPToSIOp, LLVM::FPToUIOp>(op))
    return lowerConversion(op);
  bool hasBF16 = llvm::any_of(op->getOperandTypes(), isBF16) ||
                 llvm::any_of(op->getResultTypes(), isBF16);
  if (isFloatArithmetic(op)) {
    if (hasBF16)
      computeInF32(op);
    return success();
  }
  if (isa<LLVM::FMAOp, LLVM::FMulAddOp>(op)) {
    // Rounding twice would not be what the GPU does.
    Type element = getElementTypeOrSelf(op->getResult(0).getType());
    return element.isF32() || element.isF64() ? success()
                                              : noModel(op, " but of f32, f64");
  }
  if (isa<LLVM::AtomicRMWOp>(op) && hasBF16)
    return noModel(op, " of bf16");
  if (isNative(op))
    return success();
  return noModel(op);
}
