//===- HostCode.cpp - Host code down to its launches ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostCode.h"
#include "Machine.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe_rt/moe_rt.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace mlir;
using namespace moe_test;

namespace {

class Evaluator {
public:
  explicit Evaluator(const llvm::DenseMap<Value, uint64_t> &arguments)
      : numbers(arguments) {}

  void run(Block &block) {
    for (Operation &op : block)
      run(op);
  }
  uint64_t get(Value value) const { return numbers.lookup(value); }
  std::vector<LaunchRecord> launches;

private:
  void run(Operation &op);
  void branch(scf::IfOp op);
  void launch(mlir::gpu::LaunchFuncOp op);
  void encode(moe::pager::TensorMapOp op);
  void fold(Operation &op);

  /// Integers and sizes as they are, floats as bits, buffers as addresses.
  llvm::DenseMap<Value, uint64_t> numbers;
  llvm::DenseMap<Value, LaunchRecord::Argument> maps;
};

} // namespace

void Evaluator::run(Operation &op) {
  if (auto branchOp = dyn_cast<scf::IfOp>(op))
    return branch(branchOp);
  if (auto launchOp = dyn_cast<mlir::gpu::LaunchFuncOp>(op))
    return launch(launchOp);
  if (auto mapOp = dyn_cast<moe::pager::TensorMapOp>(op))
    return encode(mapOp);
  if (!op.hasTrait<OpTrait::IsTerminator>())
    fold(op);
}

void Evaluator::branch(scf::IfOp op) {
  Region &taken = numbers.lookup(op.getCondition()) & 1 ? op.getThenRegion()
                                                        : op.getElseRegion();
  if (taken.empty())
    return;
  run(taken.front());
  for (auto [result, value] :
       llvm::zip(op.getResults(), taken.front().getTerminator()->getOperands()))
    numbers[result] = numbers.lookup(value);
}

void Evaluator::launch(mlir::gpu::LaunchFuncOp op) {
  LaunchRecord record;
  record.kernel = op.getKernelName().str();
  auto set = [&](uint32_t *dims, mlir::gpu::KernelDim3 values) {
    dims[0] = numbers.lookup(values.x);
    dims[1] = numbers.lookup(values.y);
    dims[2] = numbers.lookup(values.z);
  };
  set(record.grid, op.getGridSizeOperandValues());
  set(record.block, op.getBlockSizeOperandValues());
  record.sharedBytes = 0;
  if (Value shared = op.getDynamicSharedMemorySize())
    record.sharedBytes = numbers.lookup(shared);
  for (Value operand : op.getKernelOperands()) {
    auto &argument = record.arguments.emplace_back();
    if (auto map = maps.find(operand); map != maps.end()) {
      argument = map->second;
      continue;
    }
    auto number = numbers.find(operand);
    if (number == numbers.end()) {
      ADD_FAILURE() << "an operand of " << record.kernel << " is not known";
      return;
    }
    memcpy(argument.bytes, &number->second, sizeof(number->second));
  }
  launches.push_back(std::move(record));
}

void Evaluator::encode(moe::pager::TensorMapOp op) {
  moe_rt_tensor_map_spec spec = {};
  spec.base = reinterpret_cast<void *>(numbers.lookup(op.getSource()) +
                                       numbers.lookup(op.getOffset()));
  spec.rank = op.getSizes().size();
  Type element = op.getElement();
  spec.element = element.isF32()    ? MOE_RT_F32
                 : element.isBF16() ? MOE_RT_BF16
                                    : MOE_RT_F16;
  spec.swizzle = op.getSwizzle();
  for (uint32_t i = 0; i < spec.rank; ++i) {
    spec.sizes[i] = numbers.lookup(op.getSizes()[i]);
    spec.box[i] = op.getBox()[i];
    if (i > 0)
      spec.strides[i] = numbers.lookup(op.getStrides()[i - 1]);
  }
  std::string problem =
      moe_simt::encodeTensorMap(spec, maps[op.getResult()].bytes);
  EXPECT_EQ(problem, "");
}

/// Anything that folds when its operands are constants.
void Evaluator::fold(Operation &op) {
  SmallVector<Attribute> operands;
  for (Value operand : op.getOperands()) {
    Type type = operand.getType();
    operands.push_back(type.isIntOrIndex() ? Attribute(IntegerAttr::get(
                                                 type, numbers.lookup(operand)))
                                           : Attribute());
  }
  SmallVector<OpFoldResult> results;
  if (failed(op.fold(operands, results)) || results.empty()) {
    ADD_FAILURE() << "cannot evaluate " << op.getName().getStringRef().str();
    return;
  }
  for (auto [result, value] : llvm::zip(op.getResults(), results)) {
    if (auto other = dyn_cast<Value>(value)) {
      numbers[result] = numbers.lookup(other);
      continue;
    }
    auto attribute = cast<Attribute>(value);
    if (auto real = dyn_cast<FloatAttr>(attribute))
      numbers[result] = real.getValue().bitcastToAPInt().getZExtValue();
    else
      numbers[result] = cast<IntegerAttr>(attribute).getValue().getZExtValue();
  }
}

std::vector<LaunchRecord>
moe_test::evaluate(func::FuncOp function,
                   const llvm::DenseMap<Value, uint64_t> &arguments) {
  Evaluator evaluator(arguments);
  evaluator.run(function.getBody().front());
  return std::move(evaluator.launches);
}

uint64_t
moe_test::evaluateNumber(func::FuncOp function,
                         const llvm::DenseMap<Value, uint64_t> &arguments,
                         Value value) {
  Evaluator evaluator(arguments);
  evaluator.run(function.getBody().front());
  return evaluator.get(value);
}
