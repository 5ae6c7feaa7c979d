//===- Buffer.cpp - Device memory of tests --------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "llvm/ADT/APFloat.h"
#include <algorithm>
#include <cstring>

using namespace moe_test;

/// A NaN as f32, bf16 and f16.
static constexpr uint8_t kPattern = 0x7f;

static constexpr int64_t kAlignment = 256;

int64_t moe_test::getBytes(Element element) {
  switch (element) {
  case Element::F32:
  case Element::I32:
    return 4;
  case Element::BF16:
  case Element::F16:
    return 2;
  case Element::I64:
    return 8;
  case Element::I8:
    return 1;
  }
  return 0;
}

std::string moe_test::getName(Element element) {
  switch (element) {
  case Element::F32:
    return "f32";
  case Element::BF16:
    return "bf16";
  case Element::F16:
    return "f16";
  case Element::I32:
    return "i32";
  case Element::I64:
    return "i64";
  case Element::I8:
    return "i8";
  }
  return "";
}

static const llvm::fltSemantics &getSemantics(Element element) {
  if (element == Element::BF16)
    return llvm::APFloat::BFloat();
  if (element == Element::F16)
    return llvm::APFloat::IEEEhalf();
  return llvm::APFloat::IEEEsingle();
}

static bool isFloat(Element element) {
  return element == Element::F32 || element == Element::BF16 ||
         element == Element::F16;
}

static llvm::APFloat toFloat(Element element, double value) {
  llvm::APFloat result(value);
  bool inexact;
  result.convert(getSemantics(element), llvm::APFloat::rmNearestTiesToEven,
                 &inexact);
  return result;
}

double moe_test::roundTo(Element element, double value) {
  return toFloat(element, value).convertToDouble();
}

Buffer::Buffer(Element element, std::vector<int64_t> shape)
    : element(element), shape(std::move(shape)),
      storage(
          std::make_shared<std::vector<uint8_t>>(getNumBytes() + kAlignment)) {
  auto address = reinterpret_cast<uintptr_t>(storage->data());
  offset = (kAlignment - address % kAlignment) % kAlignment;
  clear();
}

int64_t Buffer::getSize() const {
  int64_t size = 1;
  for (int64_t dim : shape)
    size *= dim;
  return size;
}

void *Buffer::getData() const { return storage->data() + offset; }

double Buffer::get(int64_t index) const {
  int64_t bytes = getBytes(element);
  uint64_t bits = 0;
  memcpy(&bits, static_cast<uint8_t *>(getData()) + index * bytes, bytes);
  if (isFloat(element)) {
    llvm::APFloat value(getSemantics(element), llvm::APInt(8 * bytes, bits));
    return value.convertToDouble();
  }
  return llvm::APInt(8 * bytes, bits).getSExtValue();
}

void Buffer::set(int64_t index, double value) {
  setAt(index * getBytes(element), element, value);
}

void Buffer::setAt(int64_t byte, Element type, double value) {
  uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(value));
  if (isFloat(type))
    bits = toFloat(type, value).bitcastToAPInt().getZExtValue();
  memcpy(static_cast<uint8_t *>(getData()) + byte, &bits, getBytes(type));
}

bool Buffer::isUntouched(int64_t index) const {
  int64_t bytes = getBytes(element);
  const uint8_t *begin = static_cast<uint8_t *>(getData()) + index * bytes;
  return std::all_of(begin, begin + bytes,
                     [](uint8_t byte) { return byte == kPattern; });
}

void Buffer::clear() { memset(getData(), kPattern, getNumBytes()); }

std::vector<uint8_t> Buffer::getContents() const {
  auto *begin = static_cast<uint8_t *>(getData());
  return std::vector<uint8_t>(begin, begin + getNumBytes());
}

void Buffer::setContents(const std::vector<uint8_t> &contents) {
  std::copy(contents.begin(), contents.end(),
            static_cast<uint8_t *>(getData()));
}
