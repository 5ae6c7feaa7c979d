//===- WireFormat.cpp - Protocol buffer bytes without the weights ---------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WireFormat.h"
#include "llvm/ADT/DenseMap.h"
#include <google/protobuf/descriptor.h>

using namespace mlir::moe;
using llvm::StringRef;

namespace {

/// Field numbers of onnx.proto.
constexpr uint32_t kModelGraph = 7, kGraphInitializer = 5, kTensorRawData = 9;
/// Shorter data stays: it may be a shape.
constexpr uint64_t kKeep = 4096;
/// Limits that only hostile files meet: of the bytes without the weights, and
/// of what they are in memory.
constexpr uint64_t kMaxStripped = 512 << 20, kMaxMemory = 1 << 30;
/// About what the message classes take for a message, and for a string.
constexpr uint64_t kMessageBytes = 256, kStringBytes = 40;

struct Field {
  uint32_t number;
  StringRef header;  // tag and, for a message or bytes, its length
  StringRef payload; // what follows
};

/// Reads one field after the other; never beyond the end.
class Reader {
public:
  explicit Reader(StringRef bytes) : rest(bytes) {}
  bool atEnd() const { return rest.empty(); }

  bool next(Field &field) {
    const char *begin = rest.data();
    uint64_t tag, length;
    if (!varint(tag) || (tag >> 3) == 0 || (tag >> 3) > 0x1fffffff)
      return false;
    field.number = tag >> 3;
    switch (tag & 7) {
    case 0: {
      const char *value = rest.data();
      uint64_t ignored;
      if (!varint(ignored))
        return false;
      field.header = StringRef(begin, value - begin);
      field.payload = StringRef(value, rest.data() - value);
      return true;
    }
    case 1:
      length = 8;
      break;
    case 5:
      length = 4;
      break;
    case 2:
      if (!varint(length))
        return false;
      break;
    default:
      return false;
    }
    if (length > rest.size())
      return false;
    field.header = StringRef(begin, rest.data() - begin);
    field.payload = rest.take_front(length);
    rest = rest.drop_front(length);
    return true;
  }

private:
  bool varint(uint64_t &value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest.empty())
        return false;
      uint8_t byte = rest.front();
      rest = rest.drop_front();
      value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return true;
    }
    return false;
  }

  StringRef rest;
};

void writeVarint(std::string &out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(char(value | 0x80));
    value >>= 7;
  }
  out.push_back(char(value));
}

void writeMessage(std::string &out, uint32_t number, StringRef payload) {
  writeVarint(out, number << 3 | 2);
  writeVarint(out, payload.size());
  out.append(payload.begin(), payload.end());
}

void copy(std::string &out, const Field &field) {
  out.append(field.header.begin(), field.header.end());
  out.append(field.payload.begin(), field.payload.end());
}

/// Adds up what a message and those in it take in memory.
llvm::Error addMemory(StringRef bytes, const google::protobuf::Descriptor *type,
                      int depth, uint64_t &memory) {
  using google::protobuf::FieldDescriptor;
  if (depth > kMaxNesting)
    return llvm::createStringError("its graphs are nested too deeply");
  Reader reader(bytes);
  Field field;
  while (!reader.atEnd()) {
    // Damage is for the parser to report.
    if (!reader.next(field))
      return llvm::Error::success();
    memory += field.header.size() + field.payload.size();
    const FieldDescriptor *known = type->FindFieldByNumber(field.number);
    bool isMessage =
        known && known->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    memory += isMessage ? kMessageBytes : kStringBytes;
    if (memory > kMaxMemory)
      return llvm::createStringError("it is too large even without its "
                                     "weights");
    if (isMessage)
      if (llvm::Error problem = addMemory(field.payload, known->message_type(),
                                          depth + 1, memory))
        return problem;
  }
  return llvm::Error::success();
}

} // namespace

llvm::Error mlir::moe::checkMessages(StringRef bytes,
                                     const google::protobuf::Descriptor *type) {
  uint64_t memory = 0;
  return addMemory(bytes, type, 0, memory);
}

llvm::Expected<StrippedModel> mlir::moe::stripRawData(StringRef file) {
  auto damaged = [](StringRef where) {
    return llvm::createStringError("the bytes of the " + where +
                                   " are damaged or cut short");
  };
  auto tooLarge = [] {
    return llvm::createStringError("it is too large even without its weights");
  };
  StrippedModel result;
  unsigned initializer = 0;
  Reader model(file);
  while (!model.atEnd()) {
    Field field;
    if (!model.next(field))
      return damaged("file");
    if (field.number != kModelGraph) {
      if (result.bytes.size() + field.payload.size() > kMaxStripped)
        return tooLarge();
      copy(result.bytes, field);
      continue;
    }
    std::string graphBytes;
    Reader graph(field.payload);
    while (!graph.atEnd()) {
      Field inner;
      if (!graph.next(inner))
        return damaged("graph");
      if (graphBytes.size() + inner.payload.size() > kMaxStripped &&
          inner.number != kGraphInitializer)
        return tooLarge();
      if (inner.number != kGraphInitializer) {
        copy(graphBytes, inner);
        continue;
      }
      std::string tensorBytes;
      Reader tensor(inner.payload);
      while (!tensor.atEnd()) {
        Field data;
        if (!tensor.next(data))
          return damaged("initializer " + std::to_string(initializer));
        if (data.number == kTensorRawData && data.payload.size() > kKeep)
          result.rawData[initializer] = {
              uint64_t(data.payload.data() - file.data()), data.payload.size()};
        else if (graphBytes.size() + tensorBytes.size() + data.payload.size() >
                 kMaxStripped)
          return tooLarge();
        else
          copy(tensorBytes, data);
      }
      ++initializer;
      writeMessage(graphBytes, kGraphInitializer, tensorBytes);
    }
    writeMessage(result.bytes, kModelGraph, graphBytes);
  }
  return result;
}
