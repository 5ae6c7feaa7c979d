//===- DeviceTest.cpp - Models of a device target on a fake driver --------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelWriter.h"
#include "fake/FakeCuda.h"
#include <dlfcn.h>
#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

using json = nlohmann::json;

namespace {

constexpr int kExperts = 6;

/// A folder with a model of a device target, and the fake driver.
class DeviceTest : public testing::Test {
protected:
  static std::string folder;
  static FakeControl *driver;

  static void SetUpTestSuite() {
    char name[] = "/tmp/moe-rt-test-XXXXXX";
    folder = mkdtemp(name);
    std::string code = compileModel(MOE_TEST_DEVICE_SOURCE, folder);
    ASSERT_FALSE(code.empty());
    BankData first, second;
    for (int e = 0; e < kExperts; ++e) {
      first.push_back({{8192, float(e)}, {4096, float(e) * 10}});
      second.push_back({{4096, float(e) + 7}, {4096, float(e) / 2}});
    }
    for (auto [base, family] :
         {std::make_pair("/model", MOE_FORMAT_FAMILY_CUDA),
          {"/foreign", MOE_FORMAT_FAMILY_X86}})
      writeModelFiles(folder + base, code, family, 0.5f, {first, second});
    void *library = dlopen(MOE_TEST_FAKE_CUDA, RTLD_NOW);
    ASSERT_TRUE(library) << dlerror();
    auto *get = reinterpret_cast<FakeControl *(*)()>(
        dlsym(library, "fake_cuda_control"));
    ASSERT_TRUE(get);
    driver = get();
  }
  static void TearDownTestSuite() { std::system(("rm -rf " + folder).c_str()); }

  void SetUp() override {
    *driver = FakeControl();
    setenv("MOE_CUDA_DRIVER", MOE_TEST_FAKE_CUDA, 1);
    context = moe_rt_context_create();
  }
  void TearDown() override {
    close();
    moe_rt_context_destroy(context);
    expectNothingLeft();
  }
  void close() {
    if (session)
      moe_rt_session_close(session);
    if (model)
      moe_rt_model_free(model);
    session = nullptr;
    model = nullptr;
  }
  void expectNothingLeft() {
    EXPECT_EQ(driver->contexts, 0);
    EXPECT_EQ(driver->allocations, 0);
    EXPECT_EQ(driver->pinnings, 0);
    EXPECT_EQ(driver->streams, 0);
    EXPECT_EQ(driver->events, 0);
    EXPECT_EQ(driver->modules, 0);
    EXPECT_EQ(driver->graphs, 0);
    EXPECT_EQ(driver->executables, 0);
  }

  moe_rt_status load(const std::string &name = "model") {
    return moe_rt_model_load(context, (folder + "/" + name + ".moe").c_str(),
                             &model);
  }
  using Change = std::function<void(moe_rt_options &)>;
  static moe_rt_options makeOptions(const Change &change) {
    moe_rt_options options;
    moe_rt_options_init(&options);
    options.threads = 1;
    options.io = "buffered";
    options.max_context = 64;
    options.prefill_chunk = 16;
    if (change)
      change(options);
    return options;
  }
  moe_rt_status tryOpen(const Change &change = {}) {
    moe_rt_status status = load();
    moe_rt_options options = makeOptions(change);
    return status == MOE_RT_OK ? moe_rt_session_open(model, &options, &session)
                               : status;
  }
  void open(const Change &change = {}) {
    ASSERT_EQ(tryOpen(change), MOE_RT_OK) << error();
  }
  std::string error() { return moe_rt_context_last_error(context); }
  moe_rt_status run(const std::vector<int64_t> &ids) {
    int64_t shape[1] = {int64_t(ids.size())};
    moe_rt_status status =
        moe_rt_session_set_input(session, 0, MOE_RT_I64, 1, shape, ids.data());
    return status == MOE_RT_OK ? moe_rt_session_run(session) : status;
  }
  moe_rt_status read(int32_t index, moe_rt_tensor &tensor) {
    return moe_rt_session_output(session, index, &tensor);
  }
  std::vector<float> values() {
    moe_rt_tensor tensor;
    EXPECT_EQ(read(0, tensor), MOE_RT_OK) << error();
    auto *data = static_cast<const float *>(tensor.data);
    return std::vector<float>(data, data + tensor.shape[0]);
  }
  std::vector<int64_t> kept() {
    moe_rt_tensor tensor;
    EXPECT_EQ(read(1, tensor), MOE_RT_OK) << error();
    auto *data = static_cast<const int64_t *>(tensor.data);
    return std::vector<int64_t>(data, data + tensor.shape[0]);
  }
  static std::vector<float> expected(const std::vector<int64_t> &ids) {
    std::vector<float> result;
    for (int64_t e : ids) {
      float y = 0.5f;
      y += float(e) * 1000 + float(e) * 10;
      float other = float((e + 1) % kExperts);
      y += (other + 7) * 3 + other / 2;
      result.push_back(y);
    }
    return result;
  }
  json stats() { return json::parse(moe_rt_session_stats(session)); }
  json plan(const Change &change = {}) {
    moe_rt_options options = makeOptions(change);
    const char *text = nullptr;
    EXPECT_EQ(moe_rt_model_plan(model, &options, &text), MOE_RT_OK) << error();
    return json::parse(text ? text : "{}");
  }
  void expectError(const std::string &part) {
    EXPECT_NE(error().find(part), std::string::npos) << error();
  }

  moe_rt_context *context = nullptr;
  moe_rt_model *model = nullptr;
  moe_rt_session *session = nullptr;
};
std::string DeviceTest::folder;
FakeControl *DeviceTest::driver;

const std::vector<std::vector<int64_t>> kSteps = {
    {0, 1, 2}, {2, 3},       {0},       {5, 4, 3, 2, 1, 0},    {1, 1, 1},
    {3, 0},    {2, 5},       {4, 4, 1}, {0, 1, 2, 3, 4, 5, 0}, {1},
    {2},       {5, 5, 0, 3}, {3, 0}};

/// What the account of a run with these slots is, by an independent replay.
struct Replay {
  uint64_t hits = 0, misses = 0, missedBytes = 0, rows = 0;
};
Replay replayLRU(size_t slots) {
  Replay result;
  std::vector<int> resident[2]; // least recently used first
  for (const auto &ids : kSteps)
    for (int bank = 0; bank < 2; ++bank) {
      std::vector<int> &list = resident[bank];
      std::vector<bool> wanted(kExperts);
      for (int64_t e : ids)
        wanted[(e + bank) % kExperts] = true;
      result.rows += ids.size();
      std::vector<int> misses;
      for (int e = 0; e < kExperts; ++e) {
        auto at = std::find(list.begin(), list.end(), e);
        if (!wanted[e])
          continue;
        if (at == list.end()) {
          misses.push_back(e);
          continue;
        }
        ++result.hits;
        list.erase(at);
        list.push_back(e);
      }
      for (int e : misses) {
        ++result.misses;
        result.missedBytes += bank ? 8192 : 12288;
        if (list.size() == slots)
          list.erase(list.begin());
        list.push_back(e);
      }
    }
  return result;
}

TEST_F(DeviceTest, SameValuesHoweverExpertsArePaged) {
  for (bool early : {false, true})
    for (int slots : {1, 2, 3, 6})
      for (uint64_t host : {0, 2 * 12288, 3 * 12288, 12 * 12288}) {
        driver->early = early;
        open([&](moe_rt_options &o) {
          o.expert_slots = slots;
          o.policy = "lru";
          o.host_budget = host;
        });
        for (const auto &ids : kSteps) {
          ASSERT_EQ(run(ids), MOE_RT_OK) << error();
          EXPECT_EQ(values(), expected(ids)) << slots << " " << host;
        }
        Replay account = replayLRU(slots);
        json s = stats();
        EXPECT_EQ(s["hits"], account.hits);
        EXPECT_EQ(s["misses"], account.misses);
        EXPECT_EQ(s["bytes_to_device"], account.missedBytes);
        EXPECT_EQ(s["ffn_rows"], account.rows);
        EXPECT_LE(s["expert_bytes_resident_peak"].get<uint64_t>(),
                  uint64_t(slots) * (12288 + 8192));
        // What was still in pinned memory is not read again.
        if (host == 12 * 12288)
          EXPECT_EQ(s["bytes_read"], kExperts * (12288 + 8192));
        if (slots == 1 && host == 12 * 12288)
          EXPECT_EQ(s["host_hits"], account.misses - 2 * kExperts);
        close();
      }
}

TEST_F(DeviceTest, StatesImportAppendGrowTruncateExport) {
  open([](moe_rt_options &o) { o.max_context = 4; });
  int64_t past[] = {7, 8}, shape[] = {2};
  ASSERT_EQ(moe_rt_session_set_input(session, 1, MOE_RT_I64, 1, shape, past),
            MOE_RT_OK);
  ASSERT_EQ(run({1}), MOE_RT_OK) << error();
  ASSERT_EQ(run({2}), MOE_RT_OK);
  ASSERT_EQ(moe_rt_session_truncate(session, 3), MOE_RT_OK);
  ASSERT_EQ(run({3}), MOE_RT_OK);
  EXPECT_EQ(kept(), (std::vector<int64_t>{7, 8, 1, 3}));
  ASSERT_EQ(run({4, 5, 0}), MOE_RT_OK) << error(); // beyond what was planned
  EXPECT_EQ(kept(), (std::vector<int64_t>{7, 8, 1, 3, 4, 5, 0}));
  EXPECT_EQ(values(), expected({4, 5, 0}));
}

/// Everything is resident after the first run; from then on runs are graphs.
TEST_F(DeviceTest, ResidentModelsRunAsGraphs) {
  open();
  ASSERT_EQ(run({0, 1, 2, 3, 4, 5}), MOE_RT_OK) << error();
  EXPECT_EQ(driver->graphLaunches, 0u);
  const uint64_t waves = stats()["launches"]["experts"];
  EXPECT_GE(waves, 2u); // as many as it took
  uint64_t copies = 0;
  for (int64_t i = 0; i < 5; ++i) {
    ASSERT_EQ(run({i, 5 - i}), MOE_RT_OK) << error();
    EXPECT_EQ(values(), expected({i, 5 - i}));
    if (i == 1)
      copies = driver->copiesToDevice;
  }
  EXPECT_EQ(driver->graphLaunches, 5u);
  EXPECT_EQ(driver->instantiated, 1u); // the state grew: others are updates
  EXPECT_EQ(driver->graphUpdates, 4u);
  EXPECT_EQ(driver->copiesToDevice, copies + 3); // the inputs, no tables
  // The same sizes and addresses: launched again as it is.
  ASSERT_EQ(moe_rt_session_truncate(session, 6), MOE_RT_OK);
  ASSERT_EQ(run({3, 3}), MOE_RT_OK);
  ASSERT_EQ(moe_rt_session_truncate(session, 6), MOE_RT_OK);
  ASSERT_EQ(run({4, 0}), MOE_RT_OK);
  EXPECT_EQ(values(), expected({4, 0}));
  EXPECT_EQ(driver->graphUpdates, 5u);
  EXPECT_EQ(driver->graphLaunches, 7u);
  json s = stats();
  EXPECT_EQ(s["launches"]["start"], 8);
  EXPECT_EQ(s["launches"]["experts"], waves + 7 * 2);
  EXPECT_EQ(s["launches_using"]["mma"], waves + 7 * 2);
  EXPECT_EQ(s["launches_using"]["tma"], 0);
  EXPECT_EQ(s["ffn_rows"], 2 * (6 + 7 * 2));
  EXPECT_EQ(s["misses"], 12);
  EXPECT_EQ(s["device_statistics"]["graph_launches"], 7);
}

/// A program that looks at a value in the middle cannot be recorded further.
TEST_F(DeviceTest, ProgramsThatWaitAreNotRecorded) {
  open();
  ASSERT_EQ(run({0, 1, 2, 3, 4, 5}), MOE_RT_OK) << error();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(run({0, 1, 2, 3, 4, 5, 0}), MOE_RT_OK) << error();
    EXPECT_EQ(values(), expected({0, 1, 2, 3, 4, 5, 0}));
  }
  EXPECT_EQ(driver->graphLaunches, 1u); // the beginning of the first of them
  EXPECT_EQ(stats()["ffn_rows"], 2 * (6 + 3 * 7));
}

TEST_F(DeviceTest, ObserversSeeTensorsOfTheDevice) {
  open();
  for (int i = 0; i < 2; ++i) { // paged, then resident
    std::vector<float> seen;
    moe_rt_session_observe(
        session,
        [](void *user, int32_t point, const void *data, const int64_t *sizes,
           const int64_t *) {
          auto *values = static_cast<const float *>(data);
          if (point == 0)
            static_cast<std::vector<float> *>(user)->assign(values,
                                                            values + sizes[0]);
        },
        &seen);
    ASSERT_EQ(run({5, 4, 3, 2, 1, 0}), MOE_RT_OK) << error();
    ASSERT_EQ(seen.size(), 6u);
    EXPECT_EQ(seen[0], 0.5f + 5050); // before the second layer
  }
}

TEST_F(DeviceTest, CancelEndsTheRunAndTheNextOneWorks) {
  for (int slots : {1, 6}) {
    open([&](moe_rt_options &o) { o.expert_slots = slots; });
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(run({0, 1, 2, 3, 4, 5}), MOE_RT_OK) << error();
      moe_rt_session_cancel(session);
      EXPECT_EQ(run({0, 1}), MOE_RT_CANCELLED);
      ASSERT_EQ(run({0, 1}), MOE_RT_OK) << error();
      EXPECT_EQ(values(), expected({0, 1}));
    }
    close();
  }
}

TEST_F(DeviceTest, SessionsOfAModelShareKernelsAndDenseWeights) {
  open();
  moe_rt_session *other = nullptr;
  moe_rt_options options = makeOptions({});
  ASSERT_EQ(moe_rt_session_open(model, &options, &other), MOE_RT_OK) << error();
  EXPECT_EQ(driver->modules, 1);
  EXPECT_EQ(driver->contexts, 1);
  ASSERT_EQ(run({1, 2}), MOE_RT_OK);
  moe_rt_session_close(other);
  ASSERT_EQ(run({3}), MOE_RT_OK) << error();
  EXPECT_EQ(values(), expected({3}));
}

TEST_F(DeviceTest, PlansHoldOnTheDevice) {
  ASSERT_EQ(load(), MOE_RT_OK) << error();
  json p = plan([](moe_rt_options &o) { o.expert_slots = 2; });
  EXPECT_EQ(p["device"], "cuda:0");
  EXPECT_EQ(p["device_name"], "Fake GPU");
  EXPECT_EQ(p["image"], "sm_80");
  EXPECT_EQ(p["slot_bytes"], 2 * (12288 + 8192));
  EXPECT_EQ(p["input_bytes"], 4096);
  EXPECT_EQ(p["host_slots"], 8);
  EXPECT_EQ(p["host_bytes"], 8 * 12288);
  uint64_t total = p["total_bytes"];
  close();
  open([](moe_rt_options &o) { o.expert_slots = 2; });
  for (const auto &ids : kSteps)
    ASSERT_EQ(run(ids), MOE_RT_OK) << error();
  EXPECT_LE(driver->mostMemoryUsed, total);
  EXPECT_EQ(stats()["budget_bytes"], total);
  close();
  // A budget bounds the device's memory.
  open([&](moe_rt_options &o) { o.memory_budget = total; });
  EXPECT_EQ(run(std::vector<int64_t>(4000, 1)), MOE_RT_BUDGET);
  close();
  ASSERT_EQ(load(), MOE_RT_OK);
  moe_rt_options options = makeOptions({});
  options.memory_budget = 1000;
  const char *text;
  EXPECT_EQ(moe_rt_model_plan(model, &options, &text), MOE_RT_BUDGET);
  expectError("inputs 1MiB");
  options.memory_budget = 0;
  options.host_budget = 12288;
  EXPECT_EQ(moe_rt_model_plan(model, &options, &text), MOE_RT_BUDGET);
  expectError("two experts need 1MiB; use --host-budget=1MiB");
  options.host_budget = 0;
  options.max_context = 1 << 30;
  EXPECT_EQ(moe_rt_model_plan(model, &options, &text), MOE_RT_BUDGET);
  expectError("the device has");
}

TEST_F(DeviceTest, TheBestImageIsChosen) {
  struct Case {
    int major, minor;
    const char *image, *kernel;
  };
  for (Case c :
       {Case{8, 0, "sm_80", "experts"}, Case{8, 6, "sm_86", "experts"},
        Case{8, 9, "sm_86", "experts"}, Case{9, 0, "sm_90a", "experts_90a"},
        Case{10, 0, "sm_80", "experts"}}) {
    driver->major = c.major;
    driver->minor = c.minor;
    open();
    ASSERT_EQ(run({1, 2}), MOE_RT_OK) << error();
    EXPECT_EQ(values(), expected({1, 2}));
    json s = stats();
    EXPECT_EQ(s["image"], c.image);
    EXPECT_GE(s["launches"][c.kernel].get<int>(), 2);
    close();
  }
  driver->major = 9;
  open([](moe_rt_options &o) { o.isa = "sm_80"; });
  EXPECT_EQ(stats()["image"], "sm_80");
  close();
  driver->major = 7;
  driver->minor = 5;
  EXPECT_EQ(tryOpen(), MOE_RT_INCOMPATIBLE);
  expectError("no image that Fake GPU (compute capability 7.5) can run; it has "
              "sm_80 (PTX), sm_86 (cubin), sm_90a (cubin), host-simt:sm_80");
  expectError("kernels need compute capability 8.0");
}

TEST_F(DeviceTest, MissingDriversAndDevicesAreExplained) {
  setenv("MOE_CUDA_DRIVER", "/nowhere/libcuda.so.1", 1);
  EXPECT_EQ(tryOpen(), MOE_RT_DEVICE);
  expectError("there is no CUDA driver");
  close();
  setenv("MOE_CUDA_DRIVER", MOE_TEST_FAKE_CUDA, 1);
  driver->version = 11040;
  EXPECT_EQ(tryOpen(), MOE_RT_DEVICE);
  expectError("it is for CUDA 11.4, needed is 12.0 or later");
  close();
  driver->version = 13000;
  driver->devices = 0;
  EXPECT_EQ(tryOpen(), MOE_RT_DEVICE);
  expectError("finds no device; use --device=host-simt");
  close();
  driver->devices = 2;
  EXPECT_EQ(tryOpen([](moe_rt_options &o) { o.device = "cuda:2"; }),
            MOE_RT_DEVICE);
  expectError("has 2 CUDA devices; the last one is cuda:1");
  close();
  EXPECT_EQ(tryOpen([](moe_rt_options &o) { o.device = "cpu"; }),
            MOE_RT_INVALID_ARGUMENT);
  expectError("compiled for CUDA devices, not for CPUs; use --device=cuda:0 or "
              "--device=host-simt");
  close();
  for (const char *name : {"cuda:", "cuda:x", "cuda:-1", "gpu", "host-simtx"}) {
    EXPECT_EQ(tryOpen([&](moe_rt_options &o) { o.device = name; }),
              MOE_RT_INVALID_ARGUMENT);
    close();
  }
  EXPECT_EQ(load("foreign"), MOE_RT_INCOMPATIBLE);
  expectError("packed for another version or machine than CUDA devices");
}

TEST_F(DeviceTest, RefusalsOfTheDriverAreExplained) {
  driver->refuse = "cuModuleLoadDataEx";
  driver->code = 222;
  driver->jitLog = "ptxas: this is too new";
  EXPECT_EQ(tryOpen(), MOE_RT_INCOMPATIBLE);
  expectError("its image for sm_80 cannot be loaded");
  expectError("CUDA_ERROR_UNSUPPORTED_PTX_VERSION");
  expectError("ptxas: this is too new");
  close();
  driver->refuse = "cuMemAlloc_v2";
  driver->code = 2;
  EXPECT_EQ(tryOpen(), MOE_RT_OUT_OF_MEMORY);
  expectError("bytes in one piece; 67108864 are free");
  close();
  driver->refuse = "cuFuncSetAttribute";
  driver->code = 1;
  open();
  EXPECT_EQ(run({1}), MOE_RT_INTERNAL);
  expectError("kernel 'experts'");
  expectError("needs 102400 bytes of shared memory, a block can have 163840");
  driver->refuse = nullptr;
  ASSERT_EQ(run({1}), MOE_RT_OK) << error(); // no such refusal is final
  EXPECT_EQ(values(), expected({1}));
  close();
  // As much as can be pinned is enough, if it is enough for two.
  driver->pinned = (9u << 20) + 3 * 12288;
  open([](moe_rt_options &o) {
    o.expert_slots = 1;
    o.host_budget = 12 * 12288;
  });
  for (const auto &ids : kSteps) {
    ASSERT_EQ(run(ids), MOE_RT_OK) << error();
    EXPECT_EQ(values(), expected(ids));
  }
  close();
  driver->memory = 20000;
  EXPECT_EQ(tryOpen(), MOE_RT_BUDGET);
  expectError("the device has 1MiB left, too little");
}

/// The device is lost at the N-th call of the driver, whichever that is:
/// it is told, nothing leaks, and a new session on a working device works.
TEST_F(DeviceTest, LostDevicesAreToldAtAnyCall) {
  auto session_ = [&](int slots) {
    moe_rt_status status = tryOpen([&](moe_rt_options &o) {
      o.expert_slots = slots;
      o.host_budget = 2 * 12288;
    });
    moe_rt_tensor tensor;
    for (const auto &ids :
         std::vector<std::vector<int64_t>>{{0, 1, 2, 3, 4, 5}, {1, 2}, {3, 4}})
      if (status == MOE_RT_OK && (status = run(ids)) == MOE_RT_OK)
        status = read(0, tensor);
    if (status == MOE_RT_OK)
      status = read(1, tensor);
    std::string text = status == MOE_RT_OK ? "" : error();
    if (session && status == MOE_RT_DEVICE && driver->failAt)
      EXPECT_EQ(run({1}), MOE_RT_DEVICE) << "it stays lost";
    close();
    EXPECT_TRUE(status == MOE_RT_OK || !text.empty());
    return status;
  };
  for (int slots : {1, 6}) {
    *driver = FakeControl();
    ASSERT_EQ(session_(slots), MOE_RT_OK) << error();
    uint64_t calls = driver->calls;
    ASSERT_GT(calls, 100u);
    bool told = false;
    for (uint64_t n = 1; n <= calls; ++n) {
      *driver = FakeControl();
      driver->failAt = n;
      moe_rt_status status = session_(slots);
      // Only what destroys things cannot tell.
      EXPECT_TRUE(status == MOE_RT_DEVICE || (status == MOE_RT_OK && told))
          << "call " << n << ": " << status;
      told |= status == MOE_RT_DEVICE;
      expectNothingLeft();
      if (HasFailure())
        return;
    }
  }
}

/// The checkers of host execution find nothing: no copy without its event, no
/// slot or pinned memory used again too early, no table written too early.
TEST_F(DeviceTest, HostExecutionFindsNoHazards) {
  setenv("MOE_SIMT_LIBRARY", MOE_TEST_SIMT, 1);
  for (const char *name :
       {"host-simt", "host-simt:arch=sm_80,check=race,polls=1",
        "host-simt:streams=early", "host-simt:streams=random,seed=7",
        "host-simt:check=race,streams=random,seed=8,polls=0"})
    for (auto [slots, host] : {std::make_pair(1, 12), {3, 2}, {6, 3}}) {
      open([&, slots = slots, host = host](moe_rt_options &o) {
        o.device = name;
        o.expert_slots = slots;
        o.policy = "lru";
        o.host_budget = host * 12288;
      });
      for (const auto &ids : kSteps) {
        ASSERT_EQ(run(ids), MOE_RT_OK) << name << slots << ": " << error();
        ASSERT_EQ(values(), expected(ids)) << name << slots;
      }
      json s = stats();
      EXPECT_EQ(s["image"], "host-simt:sm_80");
      EXPECT_EQ(s["device"], name);
      EXPECT_TRUE(s["device_statistics"].is_object());
      close();
    }
  EXPECT_EQ(
      tryOpen([](moe_rt_options &o) { o.device = "host-simt:arch=sm_90a"; }),
      MOE_RT_INCOMPATIBLE);
  expectError("has no image for host-simt:sm_90a; it has");
  close();
  setenv("MOE_SIMT_LIBRARY", "/nowhere/libmoe_simt.so", 1);
  EXPECT_EQ(tryOpen([](moe_rt_options &o) { o.device = "host-simt"; }),
            MOE_RT_DEVICE);
  expectError("host execution is not available");
  unsetenv("MOE_SIMT_LIBRARY");
}

/// Damage of the file is noticed before the device gets a byte of it.
TEST_F(DeviceTest, DamageIsNoticed) {
  std::string moew = slurp(folder + "/model.moew");
  spit(folder + "/bad.moe", slurp(folder + "/model.moe"));
  for (size_t at = 4096; at < moew.size(); at += 2048) {
    std::string bad = moew;
    bad[at] ^= 16;
    spit(folder + "/bad.moew", bad);
    moe_rt_status status = load("bad");
    moe_rt_options options = makeOptions({});
    if (status == MOE_RT_OK)
      status = moe_rt_session_open(model, &options, &session);
    if (status == MOE_RT_OK)
      status = run({0, 1, 2, 3, 4, 5});
    EXPECT_EQ(status, MOE_RT_DAMAGED) << at;
    close();
    expectNothingLeft();
  }
}

} // namespace
