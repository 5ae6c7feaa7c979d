//===- PagerCalls.cpp - Calls of bodies by the runtime --------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PagerLowering.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include <cstddef>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::cpu;

/// A value as `type`, for one side of the conversion that is not done yet.
static Value castTo(OpBuilder &b, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return UnrealizedConversionCastOp::create(b, value.getLoc(), type, value)
      .getResult(0);
}

/// The function with the runtime's signature that takes the captures out of
/// their structure and calls the body; one for each body.
func::FuncOp PagerLowering::getThunk(func::FuncOp body,
                                     LLVM::LLVMStructType captures) {
  func::FuncOp &thunk = thunks[body];
  if (thunk)
    return thunk;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(body);
  thunk = func::FuncOp::create(b, (body.getName() + "_thunk").str(),
                               b.getFunctionType({pointer, i64, i64}, {}));
  thunk.setPrivate();
  symbols.insert(thunk);
  Block *entry = thunk.addEntryBlock();
  b.setInsertionPointToStart(entry);
  SmallVector<Value> operands;
  for (auto [i, field] : llvm::enumerate(captures.getBody())) {
    Value address =
        LLVM::GEPOp::create(b, pointer, captures, entry->getArgument(0),
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    operands.push_back(castTo(b, LLVM::LoadOp::create(b, field, address),
                              body.getArgumentTypes()[i]));
  }
  operands.push_back(toIndex(entry->getArgument(1)));
  operands.push_back(toIndex(entry->getArgument(2)));
  func::CallOp::create(b, body, operands);
  func::ReturnOp::create(b);
  return thunk;
}

/// Captures travel in a structure on the caller's stack.
void PagerLowering::lowerParallelCall(pager::ParallelCallOp op) {
  SmallVector<Type> fields;
  for (Value capture : op.getCaptures())
    fields.push_back(typeConverter.convertType(capture.getType()));
  auto structType =
      LLVM::LLVMStructType::getLiteral(module.getContext(), fields);

  Value context;
  {
    // One allocation for each call site, not for each iteration around it.
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(
        &op->getParentOfType<func::FuncOp>().getBody().front());
    context = LLVM::AllocaOp::create(b, pointer, structType, constant(i64, 1));
  }
  for (auto [i, capture] : llvm::enumerate(op.getCaptures())) {
    Value address =
        LLVM::GEPOp::create(b, pointer, structType, context,
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    LLVM::StoreOp::create(b, castTo(b, capture, fields[i]), address);
  }

  func::FuncOp thunk =
      getThunk(symbols.lookup<func::FuncOp>(op.getBody()), structType);
  Value address = func::ConstantOp::create(
      b, thunk.getFunctionType(), FlatSymbolRefAttr::get(thunk.getNameAttr()));
  call(frame(op), offsetof(moe_rt_abi_host, parallel_for), {},
       {castTo(b, address, pointer), context, toI64(op.getN()),
        toI64(op.getGrain())});
}

/// Branches to a return of `code` when it is not 0, and goes on behind.
void PagerLowering::returnOnError(Value code, func::FuncOp function) {
  Value failed = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, code,
                                       constant(i32, 0));
  Block *block = b.getInsertionBlock();
  Block *rest = block->splitBlock(b.getInsertionPoint());
  Block *leave = new Block();
  function.getBody().push_back(leave);
  b.setInsertionPointToEnd(block);
  cf::CondBranchOp::create(b, failed, leave, ValueRange(), rest, ValueRange());
  b.setInsertionPointToEnd(leave);
  func::ReturnOp::create(b, code);
  b.setInsertionPointToStart(rest);
}

FailureOr<PagerLowering::StreamLoop> PagerLowering::openStream(Operation *op,
                                                               Value bank,
                                                               Value counts,
                                                               Value tokens) {
  auto function = dyn_cast<func::FuncOp>(op->getParentOp());
  if (!function || function.getNumResults() != 1)
    return op->emitError(
        "expert streams run in the entry or a layer, outside of loops");
  Value number = UnrealizedConversionCastOp::create(b, i32, bank).getResult(0);
  Value opened =
      call(function.getArgument(0), offsetof(moe_rt_abi_host, stream_open), i32,
           {number, pointerOf(counts), toI64(tokens)});
  returnOnError(opened, function);

  Block *before = b.getInsertionBlock();
  StreamLoop loop = {function, new Block(), new Block(),
                     before->splitBlock(op->getIterator())};
  for (Block *block : {loop.next, loop.exit})
    function.getBody().getBlocks().insert(loop.after->getIterator(), block);
  b.setInsertionPointToEnd(before);
  cf::BranchOp::create(b, loop.next);
  b.setInsertionPointToEnd(loop.next);
  return loop;
}

/// Moves the body between `next` and `exit`; entered when there is more.
void PagerLowering::enterBody(const StreamLoop &loop, Value more,
                              Region &body) {
  Block *first = &body.front();
  func::FuncOp function = loop.function;
  function.getBody().getBlocks().splice(loop.exit->getIterator(),
                                        body.getBlocks());
  cf::CondBranchOp::create(b, more, first, ValueRange(), loop.exit,
                           ValueRange());
}

void PagerLowering::closeStream(const StreamLoop &loop, Operation *op) {
  func::FuncOp function = loop.function;
  b.setInsertionPointToEnd(loop.exit);
  Value closed = call(function.getArgument(0),
                      offsetof(moe_rt_abi_host, stream_close), i32, {});
  cf::BranchOp::create(b, loop.after);
  b.setInsertionPoint(op);
  returnOnError(closed, function);
  op->erase();
}

LogicalResult PagerLowering::lowerForEach(pager::ForEachReadyOp op) {
  FailureOr<StreamLoop> loop =
      openStream(op, op.getBank(), op.getCounts(), op.getTokens());
  if (failed(loop))
    return failure();
  Value frameValue = loop->function.getArgument(0);
  Value expert =
      call(frameValue, offsetof(moe_rt_abi_host, stream_next), i32, {});
  Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, expert,
                                     constant(i32, 0));
  Value expertIndex = toIndex(expert);
  Block *body = &op.getBody().front();
  body->getArgument(0).replaceAllUsesWith(expertIndex);
  body->eraseArgument(0);
  enterBody(*loop, more, op.getBody());

  // A part that cannot be read ends the stream; its close tells why.
  SmallVector<pager::WaitPartOp> waits(body->getOps<pager::WaitPartOp>());
  pager::YieldOp yield = cast<pager::YieldOp>(body->getTerminator());
  for (pager::WaitPartOp wait : waits) {
    b.setInsertionPoint(wait);
    Value part = constant(i32, wait.getPart());
    Value address = call(frameValue, offsetof(moe_rt_abi_host, stream_part),
                         pointer, {expert, part});
    Value null = LLVM::ZeroOp::create(b, pointer);
    Value ok = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, address, null);
    for (Operation *user : llvm::make_early_inc_range(wait->getUsers())) {
      auto view = cast<pager::PartViewOp>(user);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(view);
      view.replaceAllUsesWith(
          makeMemRef(cast<MemRefType>(view.getType()), address, {}, {}));
      view.erase();
    }
    Block *block = wait->getBlock();
    Block *rest = block->splitBlock(wait);
    b.setInsertionPointToEnd(block);
    cf::CondBranchOp::create(b, ok, rest, ValueRange(), loop->exit,
                             ValueRange());
    wait.erase();
  }
  b.setInsertionPoint(yield);
  call(frameValue, offsetof(moe_rt_abi_host, stream_release), {}, {expert});
  cf::BranchOp::create(b, loop->next);
  yield.erase();

  closeStream(*loop, op);
  return success();
}
