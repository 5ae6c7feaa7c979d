//===- moe-inspect.cpp - Shows what a compiled model is -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceCode.h"
#include "SessionFlags.h"
#include <cstdio>
#include <nlohmann/json.hpp>

using namespace moe_tools;
using json = nlohmann::json;

static int inspect(int argc, char **argv) {
  CLI::App app("Shows the inputs, states, experts and kernels of a model");
  std::string model;
  bool asJson = false;
  app.add_option("model", model, "The .moe file")->required();
  app.add_flag("--json", asJson, "Print the metadata as JSON");
  app.set_version_flag("--version", "moe-inspect 0.1.0");
  int result;
  if (!parseFlags(app, "moe-inspect", argc, argv, result))
    return result;
  Runtime runtime;
  if (moe_rt_model_load(runtime.context, model.c_str(), &runtime.model) !=
      MOE_RT_OK)
    return runtime.fail("moe-inspect");
  const char *metadata = moe_rt_model_metadata(runtime.model);
  if (asJson) {
    std::printf("%s\n", metadata);
    return kOk;
  }
  json root = json::parse(metadata, nullptr, false);
  // The runtime has checked all fields but this one, which it does not read.
  auto source = root.find("source");
  std::printf("source: %s\n", source != root.end() && source->is_string()
                                  ? source->get<std::string>().c_str()
                                  : "?");
  auto show = [](const char *title, const moe_rt_tensor_info &info) {
    std::printf("%s %s: %s %s%s\n", title, info.name,
                moe_rt_type_name(info.type), info.shape,
                info.state >= 0 ? " (state)" : "");
  };
  for (int i = 0; i < moe_rt_model_input_count(runtime.model); ++i)
    show("input", moe_rt_model_input(runtime.model, i));
  for (int i = 0; i < moe_rt_model_output_count(runtime.model); ++i)
    show("output", moe_rt_model_output(runtime.model, i));
  uint64_t total = 0;
  for (const json &bank : root["banks"]) {
    uint64_t bytes = 0;
    for (const json &part : bank["parts"])
      bytes += part.get<uint64_t>();
    total += bytes * bank["experts"].get<uint64_t>();
    std::printf(
        "layer %s: %d experts, at most %d for a token, %llu bytes each\n",
        bank["name"].get<std::string>().c_str(), bank["experts"].get<int>(),
        bank["k"].get<int>(), static_cast<unsigned long long>(bytes));
  }
  std::printf("experts: %llu bytes, dense weights: %llu bytes\n",
              static_cast<unsigned long long>(total),
              static_cast<unsigned long long>(
                  root["weights"]["dense_bytes"].get<uint64_t>()));
  for (const json &kernel : root["kernels"])
    std::printf("kernel %s\n", kernel.get<std::string>().c_str());
  showDeviceCode(root);
  return kOk;
}

int main(int argc, char **argv) {
  prepareStreams();
  return finish("moe-inspect", inspect(argc, argv));
}
