//===- moe-run.cpp - Runs a compiled model --------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Complain.h"
#include "Generate.h"
#include "NamedFiles.h"
#include "Prompt.h"
#include "Watch.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace moe_tools;
namespace fs = std::filesystem;

namespace {

struct Flags {
  std::string model, statsFile, traceFile, promptIds, prompt;
  FileFlags inputs{true, "--input", {}, ""};
  FileFlags expected{false, "--expect", {}, ""};
  WatchOptions watch;
  GenerateOptions generate;
  SessionFlags session;
  bool plan = false;
};

/// Reads the inputs into `arrays`, which the session borrows for its run.
int setInputs(Runtime &runtime, const Files &files,
              std::vector<Array> &arrays) {
  std::string problem;
  arrays.resize(files.size());
  size_t next = 0;
  for (const auto &[index, file] : files) {
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
  return kOk;
}

/// Writes an output, and compares it with a file where there is one.
int takeOutput(Runtime &runtime, const Flags &flags, int32_t index,
               const std::string *expected) {
  std::string name = moe_rt_model_output(runtime.model, index).name, problem;
  Array got;
  if (!readOutput(runtime, index, got))
    return kUserError;
  int result = kOk;
  if (!flags.watch.outputFolder.empty() &&
      !writeNpy((fs::path(flags.watch.outputFolder) / fileName(name)).string(),
                got, problem))
    result = complain(problem);
  if (!expected)
    return result;
  Array want;
  if (!readNpy(*expected, want, problem))
    return complain(problem);
  std::string difference = findMismatch(got, want, Shapes::Equal);
  if (difference.empty())
    difference = findDifference(got, want, flags.watch.tolerance);
  return difference.empty() ? result
                            : complain("output '" + name + "' " + difference);
}

/// Runs once on files; writes and compares the outputs.
int runOnFiles(Runtime &runtime, const Flags &flags, Watch &watch) {
  Files files, expected;
  int result = gather(runtime.model, flags.inputs, files);
  if (result == kOk)
    result = gather(runtime.model, flags.expected, expected);
  std::vector<Array> arrays;
  if (result == kOk)
    result = setInputs(runtime, files, arrays);
  if (result != kOk)
    return result;
  if (!flags.watch.outputFolder.empty()) {
    std::error_code error;
    fs::create_directories(flags.watch.outputFolder, error);
    if (error)
      return complain(flags.watch.outputFolder + ": " + error.message());
  }
  if (moe_rt_session_run(runtime.session) != MOE_RT_OK)
    return runtime.fail("moe-run");
  result = watch.takeOutputs(runtime);
  for (int32_t i = 0; i < moe_rt_model_output_count(runtime.model); ++i) {
    auto want = expected.find(i);
    if (want == expected.end() && flags.watch.outputFolder.empty())
      continue;
    result = std::max(
        result, takeOutput(runtime, flags, i,
                           want == expected.end() ? nullptr : &want->second));
  }
  return watch.report() == kOk ? result : kUserError;
}

/// Token ids, each below `vocabulary` where that is known (not 0).
bool parsePrompt(const Flags &flags, int64_t vocabulary,
                 GenerateOptions &options, std::string &problem) {
  if (flags.prompt.empty())
    return readPromptIds(flags.promptIds, vocabulary, options.prompt, problem);
  options.bytes = true;
  for (unsigned char c : flags.prompt) {
    options.prompt.push_back(c);
    if (!checkToken("--prompt", std::to_string(c), c, vocabulary, problem))
      return false;
  }
  return true;
}

int writeText(const std::string &path, const std::string &text) {
  errno = 0;
  std::ofstream file(path);
  file << text << "\n";
  file.flush();
  return file ? kOk
              : complain(
                    path + " cannot be written" +
                    (errno ? std::string(": ") + std::strerror(errno) : ""));
}

void addFlags(CLI::App &app, Flags &flags) {
  app.add_option("model", flags.model, "The .moe file")->required();
  app.add_option("--input", flags.inputs.pairs, "NAME=FILE.npy, for each input")
      ->allow_extra_args(false);
  app.add_option("--inputs", flags.inputs.folder, "A folder of NAME.npy");
  app.add_option("--output-dir", flags.watch.outputFolder,
                 "Write each output's .npy");
  app.add_option("--expect", flags.expected.pairs,
                 "NAME=FILE.npy to compare with")
      ->allow_extra_args(false);
  app.add_option("--expect-dir", flags.expected.folder,
                 "A folder of NAME.npy to compare with");
  app.add_option("--rtol", flags.watch.tolerance.rtol,
                 "Relative tolerance of floats")
      ->check(realNumber(0));
  app.add_option("--atol", flags.watch.tolerance.atol,
                 "Absolute tolerance of floats")
      ->check(realNumber(0));
  flags.session.add(app);
  app.add_option("--stats", flags.statsFile, "Write statistics as JSON");
  app.add_option("--trace", flags.traceFile,
                 "Write each demanded expert as a line of JSON");
  app.add_flag("--profile", flags.watch.profile, "Print the time of each node");
  app.add_option("--dump-tensors", flags.watch.dump,
                 "Print a line about each tensor whose name this regular "
                 "expression matches; with --output-dir, write it")
      ->check(regularExpression());
  app.add_option("--compare-with", flags.watch.compareFolder,
                 "A folder of NAME.npy, for tensors anywhere in the graph: "
                 "names the first node that diverges");
  app.add_flag("--plan", flags.plan, "Print the memory plan and stop");
  const uint64_t most = std::numeric_limits<int>::max();
  app.add_option("--generate", flags.generate.count, "Generate N tokens")
      ->check(wholeNumber(1, most));
  app.add_option("--prompt-ids", flags.promptIds, "Token ids: 1,2,3 or a file");
  app.add_option("--prompt", flags.prompt, "A text, for byte-level models");
  app.add_option("--temperature", flags.generate.temperature, "0: greedy")
      ->check(realNumber(0));
  app.add_option("--top-k", flags.generate.topK, "Sample among the k best")
      ->check(wholeNumber(0, most));
  app.add_option("--top-p", flags.generate.topP,
                 "Sample among this probability")
      ->check(realNumber(0, 1));
  app.add_option("--seed", flags.generate.seed, "Of the random numbers")
      ->check(wholeNumber(0, std::numeric_limits<uint64_t>::max()));
  app.set_version_flag("--version", "moe-run 0.1.0");
}

/// A flag that cannot take effect is a mistake.
int checkFlags(const CLI::App &app, const Flags &flags) {
  auto refuse = [&](std::initializer_list<const char *> useless,
                    const char *why) {
    int result = kOk;
    for (const char *flag : useless)
      if (app.count(flag))
        result = misuse(std::string(flag) + " " + why);
    return result;
  };
  if (flags.plan)
    return refuse({"--input", "--inputs", "--output-dir", "--expect",
                   "--expect-dir", "--rtol", "--atol", "--stats", "--trace",
                   "--profile", "--dump-tensors", "--compare-with",
                   "--generate", "--prompt", "--prompt-ids", "--temperature",
                   "--top-k", "--top-p", "--seed"},
                  "has no effect with --plan");
  int result =
      flags.generate.count == 0
          ? refuse({"--prompt", "--prompt-ids", "--temperature", "--top-k",
                    "--top-p", "--seed"},
                   "needs --generate")
          : refuse({"--input", "--inputs", "--output-dir", "--expect",
                    "--expect-dir", "--dump-tensors", "--compare-with"},
                   "has no effect with --generate");
  if (result == kOk && app.count("--prompt"))
    result = refuse({"--prompt-ids"}, "and --prompt exclude each other");
  if (result == kOk && flags.expected.pairs.empty() &&
      flags.expected.folder.empty() && flags.watch.compareFolder.empty())
    result = refuse({"--rtol", "--atol"},
                    "needs --expect, --expect-dir or --compare-with");
  return result;
}

/// What the flags ask for, in an open session. Of a run that failed nothing is
/// reported but why.
int work(Runtime &runtime, Flags &flags, Watch &watch) {
  watch.attach(runtime.session);
  if (flags.generate.count == 0)
    return runOnFiles(runtime, flags, watch);
  std::string problem;
  if (!parsePrompt(flags, vocabularySize(runtime.model), flags.generate,
                   problem))
    return complain(problem);
  flags.generate.chunk = flags.session.prefillChunk;
  int result = generate(runtime, flags.generate);
  return result == kOk ? watch.report() : result;
}

int runTool(int argc, char **argv) {
  CLI::App app("Runs a compiled model: on .npy files, or generating text");
  Flags flags;
  addFlags(app, flags);
  int result;
  if (!parseFlags(app, "moe-run", argc, argv, result))
    return result;
  result = checkFlags(app, flags);
  if (result != kOk)
    return result;
  moe_rt_options options;
  std::string problem;
  if (!flags.session.fill(options, problem))
    return misuse(problem);

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
  Watch watch(runtime.model, flags.watch);
  for (const std::string &text : watch.prepare())
    result = complain(text);
  if (result != kOk)
    return result;
  if (!flags.session.budget.empty())
    std::fprintf(stderr, "plan: %s\n", plan);
  if (moe_rt_session_open(runtime.model, &options, &runtime.session) !=
      MOE_RT_OK)
    return runtime.fail("moe-run");
  if (!flags.traceFile.empty() &&
      moe_rt_session_trace(runtime.session, flags.traceFile.c_str()) !=
          MOE_RT_OK)
    return runtime.fail("moe-run");
  result = work(runtime, flags, watch);
  if (moe_rt_session_trace(runtime.session, nullptr) != MOE_RT_OK)
    result = runtime.fail("moe-run");
  if (!flags.statsFile.empty())
    result = std::max(result, writeText(flags.statsFile,
                                        moe_rt_session_stats(runtime.session)));
  return result;
}

} // namespace

int main(int argc, char **argv) {
  prepareStreams();
  return finish("moe-run", runTool(argc, argv));
}
