//===- Harness.cpp - Runs generated kernels on the host -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "HostCode.h"
#include "Machine.h"
#include "Ptx.h"
#include "dialects/Pager/IR/Pager.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "moe/CodeGen/CPU/Passes.h"
#include "moe/CodeGen/GPU/HostSimt.h"
#include "moe/CodeGen/GPU/Pipeline.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include <gtest/gtest.h>
#include <optional>

using namespace mlir;
using namespace moe_test;

static constexpr llvm::StringLiteral kImage = "test_image";

/// One context for all tests: loading its dialects takes long.
static MLIRContext &getSharedContext() {
  static std::unique_ptr<MLIRContext> context = [] {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerAllExtensions(registry);
    registry.insert<moe::MoEDialect, moe::pager::PagerDialect>();
    auto result = std::make_unique<MLIRContext>(
        registry, MLIRContext::Threading::DISABLED);
    result->loadAllAvailableDialects();
    return result;
  }();
  return *context;
}

struct Harness::Impl {
  MLIRContext *context = &getSharedContext();
  OwningOpRef<ModuleOp> module;
  func::FuncOp host;
  std::optional<ImplicitLocOpBuilder> builder;
  moe::gpu::KernelSet set;
  std::vector<Buffer> buffers;
  llvm::DenseMap<Value, uint64_t> arguments;
  std::vector<LaunchRecord> launches;
  std::vector<std::string> launched;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  const moe_simt_image *image = nullptr;

  Value addArgument(Type type, uint64_t number) {
    Value value = host.getBody().addArgument(type, host.getLoc());
    arguments[value] = number;
    return value;
  }
  void keepLaunched();
  bool lower();
  bool compile();
  bool runOnce(const moe_simt::Options &options);
};

Harness::Harness(moe::gpu::KernelSet set) : impl(new Impl) {
  impl->set = set;
  Location loc = UnknownLoc::get(impl->context);
  impl->module = ModuleOp::create(loc);
  impl->builder.emplace(loc, impl->context);
  impl->builder->setInsertionPointToEnd(impl->module->getBody());
  impl->host = func::FuncOp::create(*impl->builder, "host",
                                    impl->builder->getFunctionType({}, {}));
  impl->builder->setInsertionPointToStart(impl->host.addEntryBlock());
}

Harness::~Harness() = default;

MLIRContext *Harness::getContext() { return impl->context; }

const std::vector<std::string> &Harness::getLaunched() const {
  return impl->launched;
}

Type Harness::getType(Element element) {
  Builder &b = *impl->builder;
  switch (element) {
  case Element::F32:
    return b.getF32Type();
  case Element::BF16:
    return b.getBF16Type();
  case Element::F16:
    return b.getF16Type();
  case Element::I32:
    return b.getI32Type();
  case Element::I64:
    return b.getI64Type();
  case Element::I8:
    return b.getI8Type();
  }
  return Type();
}

Value Harness::add(const Buffer &buffer) {
  impl->buffers.push_back(buffer);
  SmallVector<int64_t> shape(buffer.getShape().begin(),
                             buffer.getShape().end());
  shape[0] = ShapedType::kDynamic;
  return impl->addArgument(MemRefType::get(shape, getType(buffer.getElement())),
                           reinterpret_cast<uint64_t>(buffer.getData()));
}

Value Harness::add(int64_t size) {
  return impl->addArgument(impl->builder->getIndexType(), size);
}

moe::gpu::Emitter Harness::getEmitter() {
  return {*impl->builder, *impl->module, impl->set};
}

/// Removes kernels that this run does not launch: they need not be compiled.
void Harness::Impl::keepLaunched() {
  for (const LaunchRecord &launch : launches)
    launched.push_back(launch.kernel);
  host.erase();
  for (auto device : module->getOps<mlir::gpu::GPUModuleOp>())
    for (auto kernel :
         llvm::make_early_inc_range(device.getOps<LLVM::LLVMFuncOp>()))
      if (!llvm::is_contained(launched, kernel.getName()))
        kernel.erase();
}

static void optimize(llvm::Module &module) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O1)
      .run(module, modules);
}

bool Harness::Impl::lower() {
  PassManager passes(context);
  passes.addPass(moe::cpu::createCPUExpandMath());
  moe::gpu::populateNVVMPipeline(passes);
  return succeeded(verify(*module)) && succeeded(passes.run(*module));
}

bool Harness::Impl::compile() {
  if (!lower())
    return false;
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto code = moe::gpu::translateHostSimt(*module, *llvmContext, kImage);
  if (failed(code))
    return false;
  optimize(**code);

  static bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;
  jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  (*code)->setDataLayout(jit->getDataLayout());
  llvm::cantFail(jit->addIRModule(
      llvm::orc::ThreadSafeModule(std::move(*code), std::move(llvmContext))));
  auto symbol = jit->lookup(kImage);
  if (!symbol) {
    ADD_FAILURE() << llvm::toString(symbol.takeError());
    return false;
  }
  image = symbol->toPtr<const moe_simt_image *>();
  return true;
}

bool Harness::Impl::runOnce(const moe_simt::Options &options) {
  moe_simt::Memory memory;
  moe_simt::Counters counters;
  for (const Buffer &buffer : buffers)
    if (buffer.getNumBytes() > 0)
      memory.add(buffer.getData(), buffer.getNumBytes());
  for (LaunchRecord &record : launches) {
    const moe_simt_kernel *kernel = nullptr;
    for (uint64_t i = 0; i < image->kernel_count; ++i)
      if (record.kernel == image->kernels[i].name)
        kernel = &image->kernels[i];
    if (!kernel) {
      ADD_FAILURE() << "the image has no kernel " << record.kernel;
      return false;
    }
    std::vector<void *> arguments;
    for (LaunchRecord::Argument &argument : record.arguments)
      arguments.push_back(argument.bytes);
    moe_rt_launch launch;
    std::copy_n(record.grid, 3, launch.grid);
    std::copy_n(record.block, 3, launch.block);
    launch.shared_bytes = record.sharedBytes;
    launch.arguments = arguments.data();
    // A grid without blocks is no launch.
    if (uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2] == 0)
      continue;
    std::string problem =
        moe_simt::run(*image, *kernel, launch, options, memory, counters);
    if (!problem.empty()) {
      ADD_FAILURE() << record.kernel << ": " << problem;
      return false;
    }
  }
  return true;
}

int64_t Harness::evaluate(Value value) {
  return evaluateNumber(impl->host, impl->arguments, value);
}

std::string Harness::compileToPtx() {
  impl->host.erase();
  if (!impl->lower()) {
    ADD_FAILURE() << "the kernels cannot be lowered";
    return "";
  }
  auto devices = impl->module->getOps<mlir::gpu::GPUModuleOp>();
  return emitPtx(*devices.begin(), moe::gpu::getName(impl->set));
}

void Harness::run() {
  func::ReturnOp::create(*impl->builder);
  impl->host.setType(impl->builder->getFunctionType(
      impl->host.getBody().getArgumentTypes(), {}));
  impl->launches = moe_test::evaluate(impl->host, impl->arguments);
  impl->keepLaunched();
  ASSERT_TRUE(impl->compile());

  using namespace moe_simt;
  Options late, reverse, any;
  late.check = Check::Race;
  reverse.order = Order::Descending;
  any.order = Order::Random;
  any.async = Async::Random;
  any.seed = 7;
  std::vector<std::vector<uint8_t>> before, first;
  for (const Buffer &buffer : impl->buffers)
    before.push_back(buffer.getContents());
  for (const Options &options : {late, reverse, any}) {
    for (size_t i = 0; i < before.size(); ++i)
      impl->buffers[i].setContents(before[i]);
    ASSERT_TRUE(impl->runOnce(options));
    bool isFirst = first.empty();
    for (size_t i = 0; i < before.size(); ++i) {
      if (isFirst)
        first.push_back(impl->buffers[i].getContents());
      else
        EXPECT_TRUE(first[i] == impl->buffers[i].getContents())
            << "the order of threads changed buffer " << i;
    }
  }
}
