//===- DeviceImages.h - Every image of a set of kernels ---------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_PIPELINES_DEVICEIMAGES_H
#define MOE_LIB_PIPELINES_DEVICEIMAGES_H

#include "moe/CodeGen/CPU/EmitObject.h"
#include "moe/CodeGen/GPU/Images.h"

namespace mlir::moe {

/// The images of one set of kernels, in the order in which a device should
/// prefer them.
struct DeviceImages {
  std::vector<cpu::DeviceImage> images;
  /// Code that images of host execution name, to be linked.
  std::vector<llvm::SmallVector<char, 0>> objects;
  /// What ptxas says, by architecture.
  llvm::json::Object resources;
};

/// "cubin", "ptx" or "host execution", for MOE_RT_IMAGE_*.
llvm::StringRef getKindName(uint32_t kind);

/// Makes them from a module of the llvm stage. `translate` reads MLIR; `emit`
/// only LLVM IR, and can run beside other compilations.
class DeviceImagesJob {
public:
  DeviceImagesJob(gpu::KernelSet set, std::vector<gpu::Architecture> wanted)
      : set(set), wanted(std::move(wanted)) {}
  LogicalResult translate(ModuleOp module);
  FailureOr<DeviceImages> emit(Location loc);

private:
  struct Code {
    std::unique_ptr<llvm::LLVMContext> context;
    std::unique_ptr<llvm::Module> module;
  };
  LogicalResult addCubin(size_t number, llvm::StringRef assembler,
                         DeviceImages &result, Location loc);
  LogicalResult addPTX(DeviceImages &result, Location loc);
  LogicalResult addHostSimt(size_t number, DeviceImages &result, Location loc);

  gpu::KernelSet set;
  std::vector<gpu::Architecture> wanted;
  std::vector<Code> code; // for each architecture
  std::string ptx;        // of the set's own architecture, once made
};

} // namespace mlir::moe

#endif // MOE_LIB_PIPELINES_DEVICEIMAGES_H
