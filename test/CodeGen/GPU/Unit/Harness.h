//===- Harness.h - Runs generated kernels on the host -----------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A test builds host code with the functions of Kernels.h over buffers and
// sizes that are known. The harness evaluates that code down to a list of
// launches, compiles the kernels it launches for host execution, and runs the
// list in several orders of threads: each has to be free of complaints and to
// leave the same bits.
//
//===----------------------------------------------------------------------===//
#ifndef MOE_TEST_CODEGEN_GPU_UNIT_HARNESS_H
#define MOE_TEST_CODEGEN_GPU_UNIT_HARNESS_H

#include "moe/CodeGen/GPU/Kernels.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace moe_test {

/// Element types of buffers.
enum class Element { F32, BF16, F16, I32, I64, I8 };

int64_t getBytes(Element element);
std::string getName(Element element);
/// The nearest number of the type.
double roundTo(Element element, double value);

/// Device memory of exactly this size. What nobody wrote reads as a pattern
/// that is a NaN in every float type.
class Buffer {
public:
  Buffer() = default;
  /// `shape`: of the memref; the first dimension is dynamic in its type.
  Buffer(Element element, std::vector<int64_t> shape);

  Element getElement() const { return element; }
  const std::vector<int64_t> &getShape() const { return shape; }
  int64_t getSize() const;
  int64_t getNumBytes() const { return getSize() * getBytes(element); }
  void *getData() const;

  double get(int64_t index) const;
  /// Rounds to the element type.
  void set(int64_t index, double value);
  /// As above for an element of another type at a byte: packed weights.
  void setAt(int64_t byte, Element type, double value);
  /// Whether the element still has the pattern of memory that nobody wrote.
  bool isUntouched(int64_t index) const;
  /// Back to that pattern.
  void clear();
  std::vector<uint8_t> getContents() const;
  void setContents(const std::vector<uint8_t> &contents);

private:
  Element element = Element::F32;
  std::vector<int64_t> shape;
  std::shared_ptr<std::vector<uint8_t>> storage;
  int64_t offset = 0; // of the first element, 256-byte aligned
};

class Harness {
public:
  explicit Harness(mlir::moe::gpu::KernelSet set);
  ~Harness();

  mlir::MLIRContext *getContext();
  mlir::Type getType(Element element);
  /// A value of the host function for a buffer, or for a size.
  mlir::Value add(const Buffer &buffer);
  mlir::Value add(int64_t size);
  mlir::moe::gpu::Emitter getEmitter();

  /// The number that the host function computes for an index value.
  int64_t evaluate(mlir::Value value);
  /// Ends the host function, runs it, and reports failures to GoogleTest.
  /// Buffers have the contents of the last order afterwards.
  void run();
  /// Instead of running: PTX of all kernels that were emitted.
  std::string compileToPtx();
  /// Names of the kernels that were launched.
  const std::vector<std::string> &getLaunched() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace moe_test

#endif // MOE_TEST_CODEGEN_GPU_UNIT_HARNESS_H
