//===- RuntimeTest.cpp - The runtime on a hand-written model --------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelWriter.h"
#include "ThreadPool.h"
#include "moe_rt/moe_rt.h"
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using json = nlohmann::json;

namespace {

constexpr int kExperts = 6;

/// A folder with model.moe and model.moew, whose experts hold `salt` + id.
class RuntimeTest : public testing::Test {
protected:
  static std::string folder, code;

  static void SetUpTestSuite() {
    char name[] = "/tmp/moe-rt-test-XXXXXX";
    folder = mkdtemp(name);
    code = compileModel(MOE_TEST_SOURCE, folder);
    ASSERT_FALSE(code.empty());
    writeModel("model", 0);
  }
  static void TearDownTestSuite() { std::system(("rm -rf " + folder).c_str()); }

  static void writeModel(const std::string &name, float salt) {
    BankData bank;
    for (int e = 0; e < kExperts; ++e)
      bank.push_back({{8192, salt + float(e)}, {4096, float(e) * 10}});
    writeModelFiles(folder + "/" + name, code, MOE_FORMAT_FAMILY_X86, 0.5f,
                    {bank});
  }

  void SetUp() override { context = moe_rt_context_create(); }
  void TearDown() override {
    close();
    moe_rt_context_destroy(context);
  }
  void close() {
    if (session)
      moe_rt_session_close(session);
    if (model)
      moe_rt_model_free(model);
    session = nullptr;
    model = nullptr;
  }

  moe_rt_status load(const std::string &name = "model") {
    return moe_rt_model_load(context, (folder + "/" + name + ".moe").c_str(),
                             &model);
  }
  void open(std::function<void(moe_rt_options &)> change = {}) {
    ASSERT_EQ(load(), MOE_RT_OK) << error();
    moe_rt_options options;
    moe_rt_options_init(&options);
    options.threads = 2;
    if (change)
      change(options);
    ASSERT_EQ(moe_rt_session_open(model, &options, &session), MOE_RT_OK)
        << error();
  }
  std::string error() { return moe_rt_context_last_error(context); }
  moe_rt_status run(const std::vector<int64_t> &ids) {
    int64_t shape[1] = {int64_t(ids.size())};
    moe_rt_status status =
        moe_rt_session_set_input(session, 0, MOE_RT_I64, 1, shape, ids.data());
    return status == MOE_RT_OK ? moe_rt_session_run(session) : status;
  }
  std::vector<float> values() {
    moe_rt_tensor tensor;
    EXPECT_EQ(moe_rt_session_output(session, 0, &tensor), MOE_RT_OK);
    auto *data = static_cast<const float *>(tensor.data);
    return std::vector<float>(data, data + tensor.shape[0]);
  }
  static std::vector<float> expected(const std::vector<int64_t> &ids) {
    std::vector<float> result;
    for (int64_t e : ids)
      result.push_back(0.5f + float(e) * 1000 + float(e) * 10);
    return result;
  }
  json stats() { return json::parse(moe_rt_session_stats(session)); }

  moe_rt_context *context = nullptr;
  moe_rt_model *model = nullptr;
  moe_rt_session *session = nullptr;
};
std::string RuntimeTest::folder, RuntimeTest::code;

const std::vector<std::vector<int64_t>> kSteps = {
    {0, 1, 2}, {2, 3}, {0}, {5, 4, 3, 2, 1, 0}, {1, 1, 1}, {}, {3, 0}, {2, 5}};

TEST_F(RuntimeTest, SameValuesHoweverExpertsArePaged) {
  for (const char *io : {"auto", "uring", "pread", "buffered"})
    for (const char *policy : {"lru", "lfu"})
      for (int slots : {1, 2, 3, 6}) {
        if (std::string(io) == "uring" || std::string(io) == "pread") {
          // The file system of the temporary folder may refuse them.
          ASSERT_EQ(load(), MOE_RT_OK);
          moe_rt_options options;
          moe_rt_options_init(&options);
          options.io = io;
          if (moe_rt_session_open(model, &options, &session) != MOE_RT_OK) {
            EXPECT_NE(error().find("use auto"), std::string::npos);
            close();
            continue;
          }
          close();
        }
        open([&](moe_rt_options &o) {
          o.io = io;
          o.policy = policy;
          o.expert_slots = slots;
        });
        for (const auto &ids : kSteps) {
          ASSERT_EQ(run(ids), MOE_RT_OK) << error();
          EXPECT_EQ(values(), expected(ids)) << io << policy << slots;
        }
        EXPECT_LE(stats()["expert_bytes_resident_peak"].get<uint64_t>(),
                  uint64_t(slots) * 12288);
        close();
      }
}

TEST_F(RuntimeTest, BytesReadEqualAnIndependentLRUReplay) {
  for (size_t slots : {1u, 2u, 4u}) {
    open([&](moe_rt_options &o) {
      o.policy = "lru";
      o.expert_slots = int(slots);
    });
    std::string trace = folder + "/trace";
    ASSERT_EQ(moe_rt_session_trace(session, trace.c_str()), MOE_RT_OK);
    for (const auto &ids : kSteps)
      ASSERT_EQ(run(ids), MOE_RT_OK);
    ASSERT_EQ(moe_rt_session_trace(session, nullptr), MOE_RT_OK);
    std::map<int, std::vector<int>> streams;
    std::ifstream file(trace);
    for (std::string line; std::getline(file, line);) {
      json entry = json::parse(line);
      streams[entry["stream"]].push_back(entry["expert"]);
    }
    std::list<int> resident; // least recently used first
    uint64_t bytes = 0;
    for (auto &[number, experts] : streams) {
      std::vector<int> misses;
      for (int e : experts) {
        auto at = std::find(resident.begin(), resident.end(), e);
        if (at == resident.end()) {
          misses.push_back(e);
        } else {
          resident.erase(at);
          resident.push_back(e);
        }
      }
      for (int e : misses) {
        if (resident.size() == slots)
          resident.pop_front();
        resident.push_back(e);
        bytes += 12288;
      }
    }
    EXPECT_EQ(stats()["bytes_read"].get<uint64_t>(), bytes);
    close();
  }
}

TEST_F(RuntimeTest, DecodeAllocatesNothingAndCopiesNoState) {
  open([](moe_rt_options &o) { o.expert_slots = 2; });
  ASSERT_EQ(run({0, 1, 2, 3}), MOE_RT_OK);
  ASSERT_EQ(run({4}), MOE_RT_OK);
  json before = stats();
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(run({i % 6}), MOE_RT_OK);
  json after = stats();
  EXPECT_EQ(before["allocations"], after["allocations"]);
  EXPECT_EQ(after["state_bytes_copied"], 0);
  EXPECT_EQ(moe_rt_session_state_length(session, 0), 105);
}

TEST_F(RuntimeTest, StatesImportAppendTruncateExport) {
  open();
  int64_t past[] = {7, 8}, shape[] = {2};
  ASSERT_EQ(moe_rt_session_set_input(session, 1, MOE_RT_I64, 1, shape, past),
            MOE_RT_OK);
  ASSERT_EQ(run({1}), MOE_RT_OK) << error();
  ASSERT_EQ(run({2}), MOE_RT_OK);
  ASSERT_EQ(moe_rt_session_truncate(session, 3), MOE_RT_OK);
  ASSERT_EQ(run({3}), MOE_RT_OK);
  moe_rt_tensor tensor;
  ASSERT_EQ(moe_rt_session_output(session, 1, &tensor), MOE_RT_OK);
  auto *kept = static_cast<const int64_t *>(tensor.data);
  EXPECT_EQ(std::vector<int64_t>(kept, kept + tensor.shape[0]),
            (std::vector<int64_t>{7, 8, 1, 3}));
  EXPECT_EQ(moe_rt_session_truncate(session, 5), MOE_RT_INVALID_ARGUMENT);
}

TEST_F(RuntimeTest, WrongInputsAreExplained) {
  open();
  int64_t ids[] = {1}, shape[] = {1, 1};
  EXPECT_EQ(moe_rt_session_set_input(session, 0, MOE_RT_F32, 1, shape, ids),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("'ids' is i64, was given f32"), std::string::npos);
  EXPECT_EQ(moe_rt_session_set_input(session, 0, MOE_RT_I64, 2, shape, ids),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("rank 1"), std::string::npos);
  EXPECT_EQ(moe_rt_session_set_input(session, 9, MOE_RT_I64, 1, shape, ids),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_EQ(moe_rt_session_run(session), MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("'ids' was not given"), std::string::npos);
}

TEST_F(RuntimeTest, CancelEndsTheRun) {
  open();
  moe_rt_session_cancel(session);
  EXPECT_EQ(run({0, 1}), MOE_RT_CANCELLED);
  ASSERT_EQ(run({0, 1}), MOE_RT_OK) << error();
  EXPECT_EQ(values(), expected({0, 1}));
}

TEST_F(RuntimeTest, BudgetsBelowTheFloorNameTheOneThatWorks) {
  ASSERT_EQ(load(), MOE_RT_OK);
  moe_rt_options options;
  moe_rt_options_init(&options);
  const char *plan = nullptr;
  options.memory_budget = 1000;
  EXPECT_EQ(moe_rt_model_plan(model, &options, &plan), MOE_RT_BUDGET);
  EXPECT_NE(error().find("use --memory-budget="), std::string::npos);
  options.memory_budget = 1;
  EXPECT_EQ(moe_rt_model_plan(model, &options, &plan), MOE_RT_BUDGET);
  EXPECT_NE(error().find("a memory budget of 1 byte is"), std::string::npos);
  options.memory_budget = 8 << 20;
  ASSERT_EQ(moe_rt_model_plan(model, &options, &plan), MOE_RT_OK) << error();
  EXPECT_LE(json::parse(plan)["total_bytes"].get<uint64_t>(), 8u << 20);
  options.memory_budget = 0;
  options.expert_slots = 1;
  ASSERT_EQ(moe_rt_model_plan(model, &options, &plan), MOE_RT_OK);
  EXPECT_EQ(json::parse(plan)["policy"], "lfu"); // fewer than k = 2
  options.policy = "nonsense";
  EXPECT_EQ(moe_rt_model_plan(model, &options, &plan), MOE_RT_INVALID_ARGUMENT);
}

TEST_F(RuntimeTest, OutputsAreInThePlan) {
  open([](moe_rt_options &o) {
    o.memory_budget = 8 << 20;
    o.prefill_chunk = 4;
  });
  const char *plan = nullptr;
  moe_rt_options options;
  moe_rt_options_init(&options);
  options.prefill_chunk = 5000;
  ASSERT_EQ(moe_rt_model_plan(model, &options, &plan), MOE_RT_OK) << error();
  EXPECT_EQ(json::parse(plan)["output_bytes"], 20480);
  ASSERT_EQ(run({0, 1, 2, 3}), MOE_RT_OK) << error();
  EXPECT_EQ(run(std::vector<int64_t>(2000, 1)), MOE_RT_BUDGET);
  EXPECT_NE(error().find("output 'y' needs 8000 bytes in this run, the plan "
                         "has 4096"),
            std::string::npos)
      << error();
}

/// A share of the experts bounds nothing else, but what grows is counted.
TEST_F(RuntimeTest, GrowthBeyondThePlanIsCounted) {
  open([](moe_rt_options &o) {
    o.budget_percent = 50;
    o.max_context = o.prefill_chunk = 4;
  });
  uint64_t planned = stats()["budget_bytes"];
  ASSERT_EQ(run(std::vector<int64_t>(3000, 1)), MOE_RT_OK) << error();
  json after = stats();
  auto of = [&](const char *name) { return after[name].get<uint64_t>(); };
  EXPECT_GE(of("state_bytes"), 24000u);
  EXPECT_GE(of("arena_bytes"), 24000u);
  EXPECT_GE(of("output_bytes"), 12000u);
  uint64_t overhead = planned - 4096 * 4 - 3 * 12288;
  EXPECT_EQ(of("budget_bytes"), of("dense_bytes") + of("arena_bytes") +
                                    of("state_bytes") + of("output_bytes") +
                                    of("slot_bytes") + overhead);
}

TEST_F(RuntimeTest, WhatTheMachineLacksIsRefused) {
  open();
  int64_t shape[] = {int64_t(1) << 40}, id = 0;
  ASSERT_EQ(moe_rt_session_set_input(session, 0, MOE_RT_I64, 1, shape, &id),
            MOE_RT_OK);
  EXPECT_EQ(moe_rt_session_run(session), MOE_RT_OUT_OF_MEMORY);
  EXPECT_NE(error().find("the machine has"), std::string::npos) << error();
  // No budget makes room for such a context: none is proposed.
  moe_rt_options options;
  moe_rt_options_init(&options);
  options.max_context = int64_t(1) << 40;
  const char *plan = nullptr;
  for (uint64_t budget : {0, 8 << 20}) {
    options.memory_budget = budget;
    EXPECT_EQ(moe_rt_model_plan(model, &options, &plan), MOE_RT_BUDGET);
    EXPECT_NE(error().find("use a smaller --max-context (now 1099511627776)"),
              std::string::npos)
        << error();
    EXPECT_EQ(error().find("--memory-budget"), std::string::npos) << error();
  }
}

TEST_F(RuntimeTest, TracesThatCannotBeWrittenAreTold) {
  open();
  std::string trace = folder + "/small";
  ASSERT_EQ(moe_rt_session_trace(session, trace.c_str()), MOE_RT_OK);
  ASSERT_EQ(run({0, 1, 2}), MOE_RT_OK);
  // As a full disk: no file may grow, and the write returns an error.
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit none{0, before.rlim_max};
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  EXPECT_EQ(moe_rt_session_trace(session, nullptr), MOE_RT_IO);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(error().find("small: File too large"), std::string::npos);
  EXPECT_EQ(moe_rt_session_trace(session, nullptr), MOE_RT_OK);
}

/// Any flipped bit is noticed when its bytes are used, never by a signal.
TEST_F(RuntimeTest, DamageIsNoticed) {
  std::string moe = slurp(folder + "/model.moe"),
              moew = slurp(folder + "/model.moew");
  auto tryModel = [&] {
    moe_rt_status status = load("bad");
    if (status == MOE_RT_OK) {
      moe_rt_options options;
      moe_rt_options_init(&options);
      status = moe_rt_session_open(model, &options, &session);
    }
    if (status == MOE_RT_OK)
      status = run({0, 1, 2, 3, 4, 5});
    EXPECT_FALSE(status != MOE_RT_OK && error().empty());
    close();
    return status;
  };
  spit(folder + "/bad.moew", moew);
  for (size_t at = 0; at < moe.size(); at += moe.size() / 61) {
    std::string bad = moe;
    bad[at] ^= 4;
    spit(folder + "/bad.moe", bad);
    EXPECT_NE(tryModel(), MOE_RT_OK) << "model byte " << at;
  }
  for (size_t at = moe.size() - 64; at < moe.size(); ++at) {
    std::string bad = moe;
    bad[at] ^= 1;
    spit(folder + "/bad.moe", bad);
    EXPECT_NE(tryModel(), MOE_RT_OK) << "trailer byte " << at;
  }
  spit(folder + "/bad.moe", moe);
  EXPECT_EQ(tryModel(), MOE_RT_OK);
  for (size_t at = 0; at < moew.size();
       at += at < 80 || at > moew.size() - 700 ? 1 : 509) {
    if (at >= 80 && at < 4096)
      continue; // padding of the header's page is never used
    std::string bad = moew;
    bad[at] ^= 16;
    spit(folder + "/bad.moew", bad);
    EXPECT_NE(tryModel(), MOE_RT_OK) << "weights byte " << at;
  }
  for (size_t length :
       {size_t(0), size_t(3), size_t(63), moe.size() / 2, moe.size() - 1}) {
    spit(folder + "/bad.moew", moew);
    spit(folder + "/bad.moe", moe.substr(0, length));
    EXPECT_EQ(tryModel(), MOE_RT_DAMAGED) << length;
  }
  spit(folder + "/bad.moe", moe);
  for (size_t length : {size_t(0), size_t(79), size_t(5000), moew.size() - 1}) {
    spit(folder + "/bad.moew", moew.substr(0, length));
    EXPECT_EQ(tryModel(), MOE_RT_DAMAGED) << length;
  }
}

TEST_F(RuntimeTest, ForeignAndMissingWeights) {
  writeModel("other", 3);
  spit(folder + "/bad.moe", slurp(folder + "/model.moe"));
  spit(folder + "/bad.moew", slurp(folder + "/other.moew"));
  EXPECT_EQ(load("bad"), MOE_RT_INCOMPATIBLE);
  EXPECT_NE(error().find("belongs to another model"), std::string::npos);
  std::remove((folder + "/bad.moew").c_str());
  std::rename((folder + "/model.moew").c_str(), (folder + "/away").c_str());
  EXPECT_EQ(load("bad"), MOE_RT_NOT_FOUND);
  std::rename((folder + "/away").c_str(), (folder + "/model.moew").c_str());
  EXPECT_EQ(load("none"), MOE_RT_NOT_FOUND);
}

/// What is no file is refused by name, and without waiting for a writer.
TEST_F(RuntimeTest, PipesAndFoldersAreNoModels) {
  ASSERT_EQ(mkfifo((folder + "/pipe.moe").c_str(), 0600), 0);
  EXPECT_EQ(load("pipe"), MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("pipe.moe: not a regular file"), std::string::npos);
  spit(folder + "/odd.moe", slurp(folder + "/model.moe"));
  ASSERT_EQ(mkfifo((folder + "/odd.moew").c_str(), 0600), 0);
  EXPECT_EQ(load("odd"), MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("odd.moew: not a regular file"), std::string::npos);
  std::remove((folder + "/odd.moew").c_str());
  ASSERT_EQ(mkdir((folder + "/odd.moew").c_str(), 0700), 0);
  EXPECT_EQ(load("odd"), MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("odd.moew: is a folder"), std::string::npos);
}

/// Sets the default stack of new threads beyond what any address space holds.
class NoMoreThreads {
public:
  NoMoreThreads() {
    pthread_getattr_default_np(&before);
    pthread_attr_t huge = before;
    pthread_attr_setstacksize(&huge, size_t(1) << 46);
    pthread_setattr_default_np(&huge);
  }
  ~NoMoreThreads() { pthread_setattr_default_np(&before); }

private:
  pthread_attr_t before;
};

TEST_F(RuntimeTest, RefusedThreadsAreDoneWithout) {
  NoMoreThreads none;
  ASSERT_EQ(load(), MOE_RT_OK);
  moe_rt_options options;
  moe_rt_options_init(&options);
  options.threads = 8;
  options.io = "buffered";
  EXPECT_EQ(moe_rt_session_open(model, &options, &session),
            MOE_RT_INVALID_ARGUMENT);
  EXPECT_NE(error().find("no thread to read with"), std::string::npos);
  moe_rt::ThreadPool pool(8);
  EXPECT_EQ(pool.size(), 1);
}

TEST(ThreadPool, EveryIterationOnce) {
  for (int threads : {1, 2, 4}) {
    moe_rt::ThreadPool pool(threads);
    for (int64_t n : {0, 1, 2, 7, 1000})
      for (int64_t grain : {1, 3, 64}) {
        std::vector<int> seen(n);
        pool.parallelFor(
            [](void *data, int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i)
                ++(*static_cast<std::vector<int> *>(data))[i];
            },
            &seen, n, grain);
        EXPECT_EQ(seen, std::vector<int>(n, 1));
      }
  }
}

} // namespace
