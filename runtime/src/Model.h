//===- Model.h - A loaded model: code, metadata, weights file ---*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_MODEL_H
#define MOE_RT_SRC_MODEL_H

#include "Device.h"
#include "moe_rt/moe_rt_abi.h"
#include "moe_rt/moe_rt_format.h"
#include <map>
#include <vector>

struct moe_rt_context {
  std::string error;
  moe_rt_status fail(moe_rt_status status, std::string text) {
    error = std::move(text);
    return status;
  }
};

namespace moe_rt {

struct ModelOnDevice;

/// A polynomial over the model's symbols.
struct Poly {
  struct Term {
    int64_t coefficient;
    std::vector<int32_t> symbols;
  };
  std::vector<Term> terms;

  /// The symbol this is the whole of, or -1.
  int32_t asSymbol() const;
  /// False when the value overflows or is negative.
  bool evaluate(const int64_t *symbols, int64_t &value) const;
  std::string text(const std::vector<std::string> &names) const;
};

struct TensorInfo {
  std::string name, shapeText;
  moe_rt_type type;
  std::vector<Poly> shape;
  int32_t state = -1;
};

/// Where a run can be watched, as moe_rt_point.
struct PointInfo {
  std::string tensor, node, op;
  moe_rt_type type;
  int32_t rank;
};

struct StateInfo {
  int32_t input, output, axis;
};

struct BankInfo {
  std::string name;
  int32_t experts, k;
  std::vector<uint64_t> parts; // bytes
  uint64_t slotBytes = 0;
  uint64_t firstPage = 0; // in the page table
};

/// A kernel of a device target, and what it uses of the device's units.
struct GpuKernelInfo {
  std::string name;
  std::vector<std::string> uses; ///< "mma", "wgmma", "tma", ...
};

enum class Target { CPU, CUDA };

/// Fills `info` from the metadata; the problem, or empty.
struct Signature {
  std::vector<std::string> symbols;
  std::vector<std::pair<Poly, Poly>> equal; ///< sizes the code takes as one
  std::vector<Poly> positive; ///< sizes the code takes to be above 0
  std::vector<TensorInfo> inputs, outputs;
  std::vector<StateInfo> states;
  std::vector<BankInfo> banks;
  std::vector<std::string> kernels;
  std::vector<PointInfo> points;
  Target target = Target::CPU;
  std::map<std::string, std::vector<GpuKernelInfo>> gpuKernels; ///< by variant
  std::string weightsFile;
  uint64_t denseBytes = 0;
  std::string parse(const char *text, size_t bytes);
};

/// Hash of a page or of a part of a file.
uint64_t hashBytes(const void *data, size_t bytes);

} // namespace moe_rt

struct moe_rt_model {
  moe_rt_context *context;
  std::string path, weightsPath, metadata, planText;
  void *handle = nullptr;
  const moe_rt_abi_model *code = nullptr;
  moe_rt::Signature signature;
  moe_format_weights_header header{};
  std::vector<moe_format_page> pages;
  int weights = -1; // buffered descriptor, for checks and dense pages
  moe_rt::HostDevice host;
  moe_rt::Buffer dense;                         // of the CPU target
  std::shared_ptr<moe_rt::KernelDevice> device; // the last one asked for
  std::shared_ptr<moe_rt::ModelOnDevice>
      modelOnDevice; // where it was loaded to

  ~moe_rt_model();
  /// Without its weights a model can only be planned.
  moe_rt_status load(const char *file, bool withWeights);
  /// Reads the dense section once, for the CPU target.
  moe_rt_status loadDense();
  /// Reads a page to `to` and checks it.
  moe_rt_status readPage(const moe_format_page &page, char *to);
  /// The steps of `load` that read what they do not execute: the trailer behind
  /// the code and its hash, and the weights file that `signature` asks for.
  moe_rt_status checkCode(int file, moe_format_trailer &trailer);
  moe_rt_status loadWeights(uint64_t weightsId);

private:
  moe_rt_status loadCode(const char *file, uint64_t &weightsId);
  moe_rt_status checkPages();
  moe_rt_status fail(moe_rt_status status, const std::string &text) {
    return context->fail(status, text);
  }
};

#endif // MOE_RT_SRC_MODEL_H
