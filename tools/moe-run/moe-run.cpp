//===- moe-run.cpp - Runs a compiled model --------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate.h"
#include "Npy.h"
#include "SessionFlags.h"
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

using namespace moe_tools;
namespace fs = std::filesystem;

namespace {

struct Flags {
  std::string model, inputsFolder, outputFolder, expectFolder, statsFile,
      traceFile, promptIds, prompt;
  std::vector<std::string> inputs, expected;
  double rtol = 1e-5, atol = 1e-6;
  GenerateOptions generate;
  SessionFlags session;
  bool plan = false;
};

int complain(const std::string &text) {
  std::fprintf(stderr, "moe-run: error: %s\n", text.c_str());
  return kUserError;
}

/// `/` cannot be in a file's name.
std::string fileName(std::string tensor) {
  for (char &c : tensor)
    if (c == '/')
      c = '_';
  return tensor + ".npy";
}

/// NAME=FILE pairs, and every NAME.npy of a folder.
bool gather(const std::vector<std::string> &pairs, const std::string &folder,
            std::map<std::string, std::string> &files, std::string &problem) {
  std::error_code error;
  if (!folder.empty())
    for (const auto &entry : fs::directory_iterator(folder, error))
      if (entry.path().extension() == ".npy")
        files[entry.path().stem().string()] = entry.path().string();
  if (error) {
    problem = folder + ": " + error.message();
    return false;
  }
  // A flag goes before the folder's file.
  for (const std::string &pair : pairs) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos) {
      problem = "'" + pair + "' is not NAME=FILE.npy";
      return false;
    }
    files[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return true;
}

/// The tensor a file or a flag names: exactly, or with / as _.
int32_t findTensor(const moe_rt_model *model, const std::string &name,
                   bool input) {
  int32_t count = input ? moe_rt_model_input_count(model)
                        : moe_rt_model_output_count(model);
  for (int32_t i = 0; i < count; ++i) {
    std::string own = input ? moe_rt_model_input(model, i).name
                            : moe_rt_model_output(model, i).name;
    if (own == name || fileName(own) == name + ".npy")
      return i;
  }
  return -1;
}

std::string listTensors(const moe_rt_model *model, bool input) {
  std::string text;
  int32_t count = input ? moe_rt_model_input_count(model)
                        : moe_rt_model_output_count(model);
  for (int32_t i = 0; i < count; ++i) {
    moe_rt_tensor_info info =
        input ? moe_rt_model_input(model, i) : moe_rt_model_output(model, i);
    text += "\n  " + std::string(info.name) + ": " +
            moe_rt_type_name(info.type) + " " + info.shape;
  }
  return text;
}

int compare(const std::string &name, const Array &got, const Array &want,
            const Flags &flags) {
  if (got.shape != want.shape)
    return complain("output '" + name + "' has another shape than expected");
  int64_t worst = -1, bad = 0;
  double worstError = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    double g = elementAsDouble(got, i), w = elementAsDouble(want, i);
    if (g == w || (std::isnan(g) && std::isnan(w)))
      continue;
    double error = std::fabs(g - w),
           limit = flags.atol + flags.rtol * std::fabs(w);
    if (error <= limit)
      continue;
    ++bad;
    double excess = std::isfinite(error) ? error / limit : INFINITY;
    if (worst < 0 || excess > worstError) {
      worst = i;
      worstError = excess;
    }
  }
  if (bad == 0)
    return kOk;
  std::ostringstream text;
  text << "output '" << name << "' differs in " << bad << " of " << want.count()
       << " elements; element " << worst << " is "
       << elementAsDouble(got, worst) << ", expected "
       << elementAsDouble(want, worst);
  return complain(text.str());
}

/// Runs once on files; writes and compares the outputs.
int runOnFiles(Runtime &runtime, const Flags &flags) {
  std::map<std::string, std::string> files, expected;
  std::string problem;
  if (!gather(flags.inputs, flags.inputsFolder, files, problem) ||
      !gather(flags.expected, flags.expectFolder, expected, problem))
    return complain(problem);
  std::vector<Array> arrays(files.size());
  size_t next = 0;
  for (const auto &[name, file] : files) {
    int32_t index = findTensor(runtime.model, name, true);
    if (index < 0)
      return complain("the model has no input '" + name + "'; its inputs are" +
                      listTensors(runtime.model, true));
    Array &array = arrays[next++];
    if (!readNpy(file, array, problem))
      return complain(problem);
    moe_rt_type type = moe_rt_model_input(runtime.model, index).type;
    if (type == MOE_RT_BF16 && array.type == MOE_RT_F32)
      convertFloats(array, type);
    if (moe_rt_session_set_input(
            runtime.session, index, array.type, int32_t(array.shape.size()),
            array.shape.data(), array.bytes.data()) != MOE_RT_OK)
      return runtime.fail("moe-run");
  }
  for (const auto &[name, file] : expected)
    if (findTensor(runtime.model, name, false) < 0)
      return complain("the model has no output '" + name +
                      "'; its outputs are" + listTensors(runtime.model, false));
  if (moe_rt_session_run(runtime.session) != MOE_RT_OK)
    return runtime.fail("moe-run");

  if (!flags.outputFolder.empty()) {
    std::error_code error;
    fs::create_directories(flags.outputFolder, error);
    if (error)
      return complain(flags.outputFolder + ": " + error.message());
  }
  int result = kOk;
  for (int32_t i = 0; i < moe_rt_model_output_count(runtime.model); ++i) {
    std::string name = moe_rt_model_output(runtime.model, i).name;
    const std::string *want = nullptr;
    for (const auto &[key, file] : expected)
      if (findTensor(runtime.model, key, false) == i)
        want = &file;
    if (!want && flags.outputFolder.empty())
      continue;
    moe_rt_tensor tensor;
    if (moe_rt_session_output(runtime.session, i, &tensor) != MOE_RT_OK)
      return runtime.fail("moe-run");
    Array got;
    got.type = tensor.type;
    got.shape.assign(tensor.shape, tensor.shape + tensor.rank);
    size_t bytes = got.count() * moe_rt_type_size(got.type);
    const char *data = static_cast<const char *>(tensor.data);
    if (bytes > 0)
      got.bytes.assign(data, data + bytes);
    if (!flags.outputFolder.empty() &&
        !writeNpy((fs::path(flags.outputFolder) / fileName(name)).string(), got,
                  problem))
      return complain(problem);
    if (want) {
      Array expectedArray;
      if (!readNpy(*want, expectedArray, problem))
        return complain(problem);
      result = std::max(result, compare(name, got, expectedArray, flags));
    }
  }
  return result;
}

bool parsePrompt(const Flags &flags, GenerateOptions &options,
                 std::string &problem) {
  if (!flags.prompt.empty()) {
    options.bytes = true;
    for (char c : flags.prompt)
      options.prompt.push_back(static_cast<unsigned char>(c));
    return true;
  }
  std::string text = flags.promptIds;
  if (std::ifstream file(text); file) {
    std::stringstream content;
    content << file.rdbuf();
    text = content.str();
  }
  for (char &c : text)
    if (c == ',' || c == '\n')
      c = ' ';
  std::istringstream list(text);
  for (std::string word; list >> word;) {
    char *end;
    long long id = std::strtoll(word.c_str(), &end, 10);
    if (*end || id < 0) {
      problem = "--prompt-ids: '" + word + "' is no token id";
      return false;
    }
    options.prompt.push_back(id);
  }
  return true;
}

bool writeText(const std::string &path, const std::string &text) {
  std::ofstream file(path);
  file << text << "\n";
  file.flush();
  return bool(file);
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Runs a compiled model: on .npy files, or generating text");
  Flags flags;
  app.add_option("model", flags.model, "The .moe file")->required();
  app.add_option("--input", flags.inputs, "NAME=FILE.npy, for each input")
      ->allow_extra_args(false);
  app.add_option("--inputs", flags.inputsFolder, "A folder of NAME.npy");
  app.add_option("--output-dir", flags.outputFolder,
                 "Write each output's .npy");
  app.add_option("--expect", flags.expected, "NAME=FILE.npy to compare with")
      ->allow_extra_args(false);
  app.add_option("--expect-dir", flags.expectFolder,
                 "A folder of NAME.npy to compare with");
  app.add_option("--rtol", flags.rtol, "Relative tolerance");
  app.add_option("--atol", flags.atol, "Absolute tolerance");
  flags.session.add(app);
  app.add_option("--stats", flags.statsFile, "Write statistics as JSON");
  app.add_option("--trace", flags.traceFile,
                 "Write each demanded expert as a line of JSON");
  app.add_flag("--plan", flags.plan, "Print the memory plan and stop");
  app.add_option("--generate", flags.generate.count, "Generate N tokens")
      ->check(CLI::PositiveNumber);
  app.add_option("--prompt-ids", flags.promptIds, "Token ids: 1,2,3 or a file");
  app.add_option("--prompt", flags.prompt, "A text, for byte-level models");
  app.add_option("--temperature", flags.generate.temperature, "0: greedy");
  app.add_option("--top-k", flags.generate.topK, "Sample among the k best");
  app.add_option("--top-p", flags.generate.topP,
                 "Sample among this probability")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", flags.generate.seed, "Of the random numbers");
  std::string dumpTensors, compareWith;
  bool profile = false;
  app.add_option("--dump-tensors", dumpTensors, "(not available yet)");
  app.add_option("--compare-with", compareWith, "(not available yet)");
  app.add_flag("--profile", profile, "(not available yet)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  for (const char *flag : {"--dump-tensors", "--compare-with", "--profile"})
    if (app.count(flag)) {
      std::fprintf(stderr, "moe-run: %s is not available yet\n", flag);
      return kUsage;
    }
  // A flag that cannot take effect is a mistake.
  auto needs = [&](std::initializer_list<const char *> useless,
                   const char *why) {
    for (const char *flag : useless)
      if (app.count(flag)) {
        std::fprintf(stderr, "moe-run: %s %s\n", flag, why);
        return true;
      }
    return false;
  };
  if (flags.generate.count == 0
          ? needs({"--prompt", "--prompt-ids", "--temperature", "--top-k",
                   "--top-p", "--seed"},
                  "needs --generate")
          : needs({"--input", "--inputs", "--output-dir", "--expect",
                   "--expect-dir"},
                  "has no effect with --generate"))
    return kUsage;
  if (flags.expected.empty() && flags.expectFolder.empty() &&
      needs({"--rtol", "--atol"}, "needs --expect or --expect-dir"))
    return kUsage;
  moe_rt_options options;
  std::string problem;
  if (!flags.session.fill(options, problem)) {
    std::fprintf(stderr, "moe-run: %s\n", problem.c_str());
    return kUsage;
  }

  Runtime runtime;
  const char *plan = nullptr;
  if (moe_rt_model_load(runtime.context, flags.model.c_str(), &runtime.model) !=
          MOE_RT_OK ||
      moe_rt_model_plan(runtime.model, &options, &plan) != MOE_RT_OK)
    return runtime.fail("moe-run");
  if (flags.plan) {
    std::printf("%s\n", plan);
    return kOk;
  }
  if (!flags.session.budget.empty())
    std::fprintf(stderr, "plan: %s\n", plan);
  if (moe_rt_session_open(runtime.model, &options, &runtime.session) !=
      MOE_RT_OK)
    return runtime.fail("moe-run");
  if (!flags.traceFile.empty() &&
      moe_rt_session_trace(runtime.session, flags.traceFile.c_str()) !=
          MOE_RT_OK)
    return runtime.fail("moe-run");
  int result;
  if (flags.generate.count > 0) {
    if (!parsePrompt(flags, flags.generate, problem))
      return complain(problem);
    flags.generate.chunk = flags.session.prefillChunk;
    result = generate(runtime, flags.generate);
  } else {
    result = runOnFiles(runtime, flags);
  }
  if (!flags.statsFile.empty() &&
      !writeText(flags.statsFile, moe_rt_session_stats(runtime.session)))
    return complain(flags.statsFile + " cannot be written");
  return result;
}
