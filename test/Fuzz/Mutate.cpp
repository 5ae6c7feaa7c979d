//===- Mutate.cpp - Changes of an ONNX model ------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutate.h"
#define ONNX_NAMESPACE onnx
#define ONNX_ML 1
#include "onnx/onnx_pb.h"
#include <random>
#include <string>
#include <vector>

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

namespace {

class Mutator {
public:
  Mutator(onnx::ModelProto &model, unsigned seed) : random(seed) {
    collect(model, 0);
  }
  void change();

private:
  unsigned below(size_t count) { return count ? random() % count : 0; }
  void collect(Message &message, unsigned depth);
  int64_t number(int64_t old);
  std::string text(const std::string &old);
  void changeScalar(Message &message, const FieldDescriptor *field, int index);

  std::minstd_rand random;
  std::vector<Message *> messages;
  std::vector<std::string> texts; // names, operators, symbols of the model
};

void Mutator::collect(Message &message, unsigned depth) {
  messages.push_back(&message);
  const Reflection *reflection = message.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor *field : fields) {
    int count =
        field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Message *inner =
            field->is_repeated()
                ? reflection->MutableRepeatedMessage(&message, field, i)
                : reflection->MutableMessage(&message, field);
        if (depth < 64)
          collect(*inner, depth + 1);
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        texts.push_back(field->is_repeated()
                            ? reflection->GetRepeatedString(message, field, i)
                            : reflection->GetString(message, field));
      }
    }
  }
}

int64_t Mutator::number(int64_t old) {
  static const int64_t values[] = {
      0,         1,         -1,        2,          3,
      4,         7,         8,         16,         64,
      -2,        -3,        127,       255,        1000,
      INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN,  int64_t(1) << 20,
      1LL << 32, 1LL << 40, 1LL << 52, 1000000000, -1000000000};
  switch (below(4)) {
  case 0:
    return int64_t(uint64_t(old) + 1);
  case 1:
    return int64_t(uint64_t(old) - 1);
  default:
    return values[below(std::size(values))];
  }
}

std::string Mutator::text(const std::string &old) {
  // Operators, so that a node becomes another one of the same form.
  static const char *const values[] = {"",
                                       "n",
                                       "n*n",
                                       "2*n + 1",
                                       "Add",
                                       "MatMul",
                                       "Gather",
                                       "Reshape",
                                       "Transpose",
                                       "Slice",
                                       "Concat",
                                       "Expand",
                                       "Split",
                                       "Softmax",
                                       "TopK",
                                       "Cast",
                                       "Where",
                                       "Pad",
                                       "Tile",
                                       "ReduceSum",
                                       "Squeeze",
                                       "Shape",
                                       "Unsqueeze",
                                       "Range",
                                       "Einsum",
                                       "ScatterND",
                                       "GatherND",
                                       "NonZero",
                                       "OneHot",
                                       "CumSum",
                                       "If",
                                       "Loop",
                                       "Scan",
                                       "Trilu",
                                       "Gemm",
                                       "Conv",
                                       "Flatten",
                                       "ScatterElements",
                                       "GatherElements",
                                       "ConstantOfShape",
                                       "axis",
                                       "axes",
                                       "value",
                                       "to",
                                       "perm",
                                       "keepdims",
                                       "body",
                                       "then_branch",
                                       "com.microsoft",
                                       "bij,bjk->bik"};
  unsigned kind = below(3);
  if (kind == 0)
    return values[below(std::size(values))];
  if (kind == 1 && !texts.empty())
    return texts[below(texts.size())];
  std::string result = old;
  if (result.empty() || below(2))
    result.insert(below(result.size() + 1), 1, char(below(256)));
  else
    result.erase(below(result.size()), 1);
  return result;
}

void Mutator::changeScalar(Message &message, const FieldDescriptor *field,
                           int index) {
  const Reflection *r = message.GetReflection();
  auto set = [&](auto get, auto getRepeated, auto put, auto putRepeated,
                 auto change) {
    if (index < 0)
      (r->*put)(&message, field, change((r->*get)(message, field)));
    else
      (r->*putRepeated)(&message, field, index,
                        change((r->*getRepeated)(message, field, index)));
  };
  auto integer = [&](auto old) { return decltype(old)(number(old)); };
  switch (field->cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return set(&Reflection::GetInt32, &Reflection::GetRepeatedInt32,
               &Reflection::SetInt32, &Reflection::SetRepeatedInt32, integer);
  case FieldDescriptor::CPPTYPE_INT64:
    return set(&Reflection::GetInt64, &Reflection::GetRepeatedInt64,
               &Reflection::SetInt64, &Reflection::SetRepeatedInt64, integer);
  case FieldDescriptor::CPPTYPE_UINT64:
    return set(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64,
               &Reflection::SetUInt64, &Reflection::SetRepeatedUInt64, integer);
  case FieldDescriptor::CPPTYPE_ENUM:
    return set(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue,
               &Reflection::SetEnumValue, &Reflection::SetRepeatedEnumValue,
               [&](int) { return int(below(17)); });
  case FieldDescriptor::CPPTYPE_FLOAT:
    return set(&Reflection::GetFloat, &Reflection::GetRepeatedFloat,
               &Reflection::SetFloat, &Reflection::SetRepeatedFloat,
               [&](float old) {
                 const float values[] = {0, 1, -1, old * 2, 1e30f, NAN};
                 return values[below(std::size(values))];
               });
  case FieldDescriptor::CPPTYPE_STRING:
    return set(&Reflection::GetString, &Reflection::GetRepeatedString,
               static_cast<void (Reflection::*)(
                   Message *, const FieldDescriptor *, std::string) const>(
                   &Reflection::SetString),
               static_cast<void (Reflection::*)(
                   Message *, const FieldDescriptor *, int, std::string) const>(
                   &Reflection::SetRepeatedString),
               [&](const std::string &old) { return text(old); });
  default:
    return;
  }
}

/// Changes, adds, drops, doubles or swaps: one field of one message.
void Mutator::change() {
  Message &message = *messages[below(messages.size())];
  const Reflection *reflection = message.GetReflection();
  const auto *descriptor = message.GetDescriptor();
  std::vector<const FieldDescriptor *> fields;
  reflection->ListFields(message, &fields);
  // Mostly a field that is there.
  const FieldDescriptor *field =
      fields.empty() || below(4) == 0
          ? descriptor->field(below(descriptor->field_count()))
          : fields[below(fields.size())];
  bool isMessage = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (!field->is_repeated()) {
    if (below(8) == 0)
      reflection->ClearField(&message, field);
    else if (!isMessage)
      changeScalar(message, field, -1);
    else
      reflection->MutableMessage(&message, field);
    return;
  }
  int count = reflection->FieldSize(message, field);
  if (count == 0 || below(4) == 0) {
    if (!isMessage) {
      std::string bytes; // one more element, which is changed below
      switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        reflection->AddInt32(&message, field, 0);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->AddInt64(&message, field, 0);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        reflection->AddFloat(&message, field, 0);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection->AddString(&message, field, bytes);
        break;
      default:
        return;
      }
      return changeScalar(message, field, count);
    }
    Message *added = reflection->AddMessage(&message, field);
    if (count)
      added->CopyFrom(
          reflection->GetRepeatedMessage(message, field, below(count)));
    return;
  }
  switch (isMessage ? below(2) : below(4)) {
  case 0:
    reflection->SwapElements(&message, field, below(count), below(count));
    break;
  case 1:
    reflection->SwapElements(&message, field, below(count), count - 1);
    reflection->RemoveLast(&message, field);
    break;
  default:
    changeScalar(message, field, below(count));
  }
}

} // namespace

size_t moe_fuzz::mutateModel(uint8_t *data, size_t bytes, size_t most,
                             unsigned seed) {
  onnx::ModelProto model;
  if (!model.ParseFromArray(data, int(bytes)))
    return 0;
  for (unsigned i = 0; i <= seed / 16 % 4; ++i)
    Mutator(model, seed + i).change();
  size_t length = model.ByteSizeLong();
  return length <= most && model.SerializeToArray(data, int(most)) ? length : 0;
}
