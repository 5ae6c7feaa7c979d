//===- Signature.cpp - The metadata of a model ----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"
#include <nlohmann/json.hpp>

using namespace moe_rt;
using json = nlohmann::json;

int32_t Poly::asSymbol() const {
  if (terms.size() == 1 && terms[0].coefficient == 1 &&
      terms[0].symbols.size() == 1)
    return terms[0].symbols[0];
  return -1;
}

bool Poly::evaluate(const int64_t *symbols, int64_t &value) const {
  value = 0;
  for (const Term &term : terms) {
    int64_t product = term.coefficient;
    for (int32_t symbol : term.symbols)
      if (__builtin_mul_overflow(product, symbols[symbol], &product))
        return false;
    if (__builtin_add_overflow(value, product, &value))
      return false;
  }
  return value >= 0;
}

std::string Poly::text(const std::vector<std::string> &names) const {
  std::string result;
  for (const Term &term : terms) {
    std::string factors;
    for (int32_t symbol : term.symbols)
      factors += (factors.empty() ? "" : "*") + names[symbol];
    // The sign between two terms is an operator.
    bool minus = !result.empty() && term.coefficient < 0;
    if (!result.empty())
      result += minus ? " - " : " + ";
    std::string number = std::to_string(term.coefficient);
    if (minus)
      number.erase(0, 1);
    if (factors.empty())
      result += number;
    else
      result += (number == "1" ? "" : number + "*") + factors;
  }
  return result.empty() ? "0" : result;
}

namespace {

/// Reads fields without trusting that they are there or of the right kind.
struct Fields {
  const json &object;
  std::string &problem;

  const json *get(const char *name) {
    auto found = object.is_object() ? object.find(name) : object.end();
    if (!object.is_object() || found == object.end()) {
      problem = std::string("it has no '") + name + "'";
      return nullptr;
    }
    return &*found;
  }
  std::string text(const char *name) {
    const json *value = get(name);
    if (value && value->is_string())
      return value->get<std::string>();
    problem = std::string("'") + name + "' is no text";
    return "";
  }
  int64_t number(const char *name, int64_t low, int64_t high) {
    const json *value = get(name);
    if (value && value->is_number_integer()) {
      int64_t number = value->get<int64_t>();
      if (number >= low && number <= high)
        return number;
    }
    problem = std::string("'") + name + "' is out of range";
    return low;
  }
  const json &array(const char *name) {
    static const json empty = json::array();
    const json *value = get(name);
    if (value && value->is_array() && value->size() <= 1000000)
      return *value;
    if (problem.empty())
      problem = std::string("'") + name + "' is no list";
    return empty;
  }
};

/// Limits that only hostile metadata meets. The compiler's polynomials have no
/// more terms and symbols than these; the sums of all sizes stay in 64 bits.
constexpr size_t kMostTerms = 256, kMostFactors = 16;
constexpr uint64_t kMostExpertBytes = uint64_t(1) << 50;

const char *const kTypes[] = {"f32", "f64", "f16", "bf16", "i8",  "u8",  "i16",
                              "u16", "i32", "u32", "i64",  "u64", "bool"};

bool parseDim(const json &value, size_t symbols, Poly &poly) {
  if (value.is_number_integer()) {
    poly.terms.push_back({value.get<int64_t>(), {}});
    return value.get<int64_t>() >= 0;
  }
  if (!value.is_array() || value.size() > kMostTerms)
    return false;
  for (const json &term : value) {
    if (!term.is_array() || term.empty() || term.size() > kMostFactors + 1 ||
        !term[0].is_number_integer())
      return false;
    Poly::Term parsed{term[0].get<int64_t>(), {}};
    for (size_t i = 1; i < term.size(); ++i) {
      if (!term[i].is_number_integer() || term[i].get<int64_t>() < 0 ||
          term[i].get<int64_t>() >= int64_t(symbols))
        return false;
      parsed.symbols.push_back(term[i].get<int32_t>());
    }
    poly.terms.push_back(std::move(parsed));
  }
  return true;
}

bool parseType(const std::string &name, moe_rt_type &type) {
  for (int i = 0; i < 13; ++i)
    if (name == kTypes[i]) {
      type = moe_rt_type(i);
      return true;
    }
  return false;
}

bool parsePoint(const json &value, PointInfo &info, std::string &problem) {
  Fields fields{value, problem};
  info.tensor = fields.text("tensor");
  info.node = fields.text("node");
  info.op = fields.text("op");
  info.rank = fields.number("rank", 0, MOE_RT_MAX_RANK);
  if (!parseType(fields.text("type"), info.type))
    problem = "tensor '" + info.tensor + "' has an unknown type";
  return problem.empty();
}

bool parseTensor(const json &value, const std::vector<std::string> &symbols,
                 TensorInfo &info, std::string &problem) {
  Fields fields{value, problem};
  info.name = fields.text("name");
  std::string type = fields.text("type");
  info.state = fields.number("state", -1, 100000);
  const json &shape = fields.array("shape");
  if (!parseType(type, info.type) || shape.size() > MOE_RT_MAX_RANK) {
    problem = "tensor '" + info.name + "' has an unknown type or rank";
    return false;
  }
  info.shapeText = "[";
  for (const json &dim : shape) {
    Poly poly;
    if (!parseDim(dim, symbols.size(), poly)) {
      problem =
          "tensor '" + info.name + "' has a dimension that is no polynomial";
      return false;
    }
    info.shapeText += (info.shape.empty() ? "" : ", ") + poly.text(symbols);
    info.shape.push_back(std::move(poly));
  }
  info.shapeText += "]";
  return problem.empty();
}

/// "target" and, for a device, "gpu_kernels".
bool parseTarget(const json &root, Signature &signature, std::string &problem) {
  Fields fields{root, problem};
  std::string target = root.contains("target") ? fields.text("target") : "cpu";
  if (target != "cpu" && target != "cuda")
    problem = "it is for an unknown target, '" + target + "'";
  signature.target = target == "cuda" ? Target::CUDA : Target::CPU;
  if (!problem.empty() || signature.target == Target::CPU)
    return problem.empty();
  const json *variants = fields.get("gpu_kernels");
  if (!variants || !variants->is_object()) {
    problem = "'gpu_kernels' is no object";
    return false;
  }
  for (const auto &[variant, list] : variants->items()) {
    Fields kernels{*variants, problem};
    for (const json &value : kernels.array(variant.c_str())) {
      Fields kernel{value, problem};
      GpuKernelInfo info;
      info.name = kernel.text("name");
      for (const json &use : kernel.array("uses")) {
        if (!use.is_string()) {
          problem = "what kernel '" + info.name + "' uses is no text";
          return false;
        }
        info.uses.push_back(use.get<std::string>());
      }
      signature.gpuKernels[variant].push_back(std::move(info));
    }
  }
  return problem.empty();
}

} // namespace

std::string Signature::parse(const char *text, size_t bytes) {
  json root = json::parse(text, text + bytes, nullptr, false);
  if (root.is_discarded())
    return "it is no JSON";
  std::string problem;
  Fields fields{root, problem};
  if (fields.number("format", 1, 1) != 1 || !problem.empty())
    return problem;
  for (const json &name : fields.array("symbols")) {
    if (!name.is_string())
      return "a symbol is no text";
    symbols.push_back(name.get<std::string>());
  }
  for (const json &value :
       root.contains("equal") ? fields.array("equal") : json::array()) {
    Poly first, second;
    if (!value.is_array() || value.size() != 2 ||
        !parseDim(value[0], symbols.size(), first) ||
        !parseDim(value[1], symbols.size(), second))
      return "an equality is not between two sizes";
    equal.emplace_back(std::move(first), std::move(second));
  }
  for (const json &value :
       root.contains("positive") ? fields.array("positive") : json::array()) {
    Poly size;
    if (!parseDim(value, symbols.size(), size))
      return "a size above 0 is no polynomial";
    positive.push_back(std::move(size));
  }
  for (auto [name, list] :
       {std::make_pair("inputs", &inputs), std::make_pair("outputs", &outputs)})
    for (const json &value : fields.array(name)) {
      TensorInfo info;
      if (!parseTensor(value, symbols, info, problem))
        return problem;
      list->push_back(std::move(info));
    }
  for (const json &value : fields.array("states")) {
    Fields state{value, problem};
    StateInfo info;
    info.input = state.number("input", 0, int64_t(inputs.size()) - 1);
    info.output = state.number("output", 0, int64_t(outputs.size()) - 1);
    if (!problem.empty())
      return problem;
    const TensorInfo &in = inputs[info.input], &out = outputs[info.output];
    info.axis = state.number("axis", 0, int64_t(in.shape.size()) - 1);
    if (!problem.empty() || in.shape.size() != out.shape.size() ||
        in.type != out.type || in.shape[info.axis].asSymbol() < 0)
      return "a state's input and output do not fit together";
    states.push_back(info);
  }
  for (auto *list : {&inputs, &outputs})
    for (const TensorInfo &info : *list)
      if (info.state >= int32_t(states.size()))
        return "a tensor names a state that does not exist";
  uint64_t expertBytes = 0;
  for (const json &value : fields.array("banks")) {
    Fields bank{value, problem};
    BankInfo info;
    info.name = bank.text("name");
    info.experts = bank.number("experts", 1, 1 << 20);
    info.k = bank.number("k", 1, 1 << 20);
    for (const json &part : bank.array("parts")) {
      int64_t size = part.is_number_integer() ? part.get<int64_t>() : 0;
      if (size <= 0 || size % MOE_FORMAT_PAGE_ALIGN ||
          size > (int64_t(1) << 40))
        return "bank '" + info.name + "' has a part of impossible size";
      info.parts.push_back(size);
      info.slotBytes += size;
    }
    if (problem.empty() && (info.parts.empty() || info.parts.size() > 8))
      return "bank '" + info.name + "' has no parts";
    expertBytes += info.slotBytes > kMostExpertBytes / info.experts
                       ? kMostExpertBytes + 1
                       : info.slotBytes * info.experts;
    if (expertBytes > kMostExpertBytes)
      return "its experts are of impossible size";
    banks.push_back(std::move(info));
  }
  for (const json &value : fields.array("kernels")) {
    if (!value.is_string())
      return "a kernel's name is no text";
    kernels.push_back(value.get<std::string>());
  }
  for (const json &value :
       root.contains("points") ? fields.array("points") : json::array()) {
    PointInfo info;
    if (!parsePoint(value, info, problem))
      return problem;
    points.push_back(std::move(info));
  }
  if (!parseTarget(root, *this, problem))
    return problem;
  if (const json *weights = fields.get("weights")) {
    Fields inner{*weights, problem};
    weightsFile = inner.text("file");
    denseBytes = inner.number("dense_bytes", 0, int64_t(1) << 50);
  }
  return problem;
}
