//===- HostMutationTest.cpp - Would a missing wait be noticed? ------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs sessions on host execution without the calls of one place that order
// work, for each place of the runtime that makes such calls. The checkers of
// host execution have to find it, or the values have to be wrong.
//
// Some places nobody can miss here, because others do the same in these
// sessions: an event that is asked for and then waited for by host and stream;
// the end of a run, whose outputs are then read; rings of staging memory that
// are longer than what is in flight between two waits of the host.
//
//===----------------------------------------------------------------------===//

#include "ModelWriter.h"
#include "fake/MutantDevice.h"
#include "moe_rt/moe_rt.h"
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

namespace {

constexpr int kExperts = 6;

/// Decode and prefill, with hits and misses.
const std::vector<std::vector<int64_t>> kSteps = {
    {0, 1, 2}, {2, 3}, {5, 4, 3, 2, 1, 0}, {3, 0}, {0, 5}, {1}, {4, 4, 1}};

struct Setting {
  const char *device;
  int32_t slots;
  uint64_t host; // bytes of pinned memory that is kept
};

class HostMutationTest : public testing::Test {
protected:
  std::string folder;
  MutantControl *mutant = nullptr;

  void SetUp() override {
    char name[] = "/tmp/moe-rt-test-XXXXXX";
    folder = mkdtemp(name);
    std::string code = compileModel(MOE_TEST_DEVICE_SOURCE, folder);
    ASSERT_FALSE(code.empty());
    BankData first, second;
    for (int e = 0; e < kExperts; ++e) {
      first.push_back({{8192, float(e)}, {4096, float(e) * 10}});
      second.push_back({{4096, float(e) + 7}, {4096, float(e) / 2}});
    }
    writeModelFiles(folder + "/model", code, MOE_FORMAT_FAMILY_CUDA, 0.5f,
                    {first, second});
    setenv("MOE_SIMT_LIBRARY", MOE_TEST_MUTANT, 1);
    void *library = dlopen(MOE_TEST_MUTANT, RTLD_NOW);
    ASSERT_TRUE(library) << dlerror();
    auto *get = reinterpret_cast<MutantControl *(*)()>(
        dlsym(library, "mutant_device_control"));
    ASSERT_TRUE(get);
    mutant = get();
  }
  void TearDown() override {
    unsetenv("MOE_SIMT_LIBRARY");
    std::system(("rm -rf " + folder).c_str());
  }

  static std::vector<float> expected(const std::vector<int64_t> &ids) {
    std::vector<float> result;
    for (int64_t e : ids) {
      float other = float((e + 1) % kExperts);
      result.push_back(0.5f + (float(e) * 1000 + float(e) * 10) +
                       ((other + 7) * 3 + other / 2));
    }
    return result;
  }

  /// What went wrong in a session, or an empty string.
  std::string runSession(const Setting &setting) {
    std::string problem;
    moe_rt_context *context = moe_rt_context_create();
    moe_rt_model *model = nullptr;
    moe_rt_session *session = nullptr;
    moe_rt_options options;
    moe_rt_options_init(&options);
    options.threads = 1;
    options.io = "buffered";
    options.max_context = 64;
    options.prefill_chunk = 16;
    options.policy = "lru";
    options.device = setting.device;
    options.expert_slots = setting.slots;
    options.host_budget = setting.host;
    auto check = [&](moe_rt_status status) {
      if (status != MOE_RT_OK && problem.empty())
        problem = moe_rt_context_last_error(context);
    };
    check(moe_rt_model_load(context, (folder + "/model.moe").c_str(), &model));
    if (problem.empty())
      check(moe_rt_session_open(model, &options, &session));
    for (const std::vector<int64_t> &ids : kSteps) {
      if (!problem.empty())
        break;
      int64_t shape[1] = {int64_t(ids.size())};
      check(moe_rt_session_set_input(session, 0, MOE_RT_I64, 1, shape,
                                     ids.data()));
      check(moe_rt_session_run(session));
      moe_rt_tensor tensor = {};
      check(moe_rt_session_output(session, 0, &tensor));
      if (!problem.empty())
        break;
      auto *data = static_cast<const float *>(tensor.data);
      if (std::vector<float>(data, data + ids.size()) != expected(ids))
        problem = "wrong values";
    }
    if (session)
      moe_rt_session_close(session);
    if (model)
      moe_rt_model_free(model);
    moe_rt_context_destroy(context);
    return problem;
  }
};

TEST_F(HostMutationTest, ForgottenPlacesAreNoticed) {
  const std::vector<Setting> settings = {
      {"host-simt:memory=64MiB", 2, 2 * 12288},
      {"host-simt:memory=64MiB", 1, 12 * 12288},
      {"host-simt:memory=64MiB", 6, 12 * 12288},
      {"host-simt:memory=64MiB,polls=1", 6, 2 * 12288},
      {"host-simt:memory=64MiB,polls=50", 3, 2 * 12288}};
  mutant->drop = nullptr;
  mutant->sites.clear();
  for (const Setting &setting : settings)
    ASSERT_EQ(runSession(setting), "") << setting.device;
  const std::vector<MutantSite> sites = mutant->sites;
  std::set<std::string> functions, noticedFunctions;
  size_t noticed = 0;
  std::string survivors;
  for (const MutantSite &site : sites) {
    mutant->drop = site.address;
    std::string found;
    for (const Setting &setting : settings)
      if (found.empty())
        found = runSession(setting);
    functions.insert(site.function);
    if (found.empty()) {
      survivors += std::string(" ") + site.function;
      continue;
    }
    noticedFunctions.insert(site.function);
    ++noticed;
  }
  mutant->drop = nullptr;
  std::printf("%zu of %zu places noticed, not:%s\n", noticed, sites.size(),
              survivors.c_str());
  // Whether pinned memory would be used again too early depends on how fast the
  // file is read, so a place more or less may be noticed.
  EXPECT_GE(4 * noticed, sites.size());
  functions.erase("event_query");
  noticedFunctions.erase("event_query");
  EXPECT_EQ(noticedFunctions, functions);
}

} // namespace
