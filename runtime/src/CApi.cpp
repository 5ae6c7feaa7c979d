//===- CApi.cpp - The functions of moe_rt.h -------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include <algorithm>
#include <cstring>
#include <new>

using namespace moe_rt;

// No exception may leave: what can throw is memory allocation.
template <typename F>
static moe_rt_status guarded(moe_rt_context *context, F f) {
  try {
    return f();
  } catch (const std::bad_alloc &) {
    return context->fail(MOE_RT_OUT_OF_MEMORY, "out of memory");
  } catch (...) {
    return context->fail(MOE_RT_INTERNAL, "an unexpected failure");
  }
}

const char *moe_rt_status_text(moe_rt_status status) {
  switch (status) {
#define MOE_RT_STATUS_CASE(name, number, text)                                 \
  case MOE_RT_##name:                                                          \
    return text;
    MOE_RT_STATUS_TABLE(MOE_RT_STATUS_CASE)
#undef MOE_RT_STATUS_CASE
  }
  return "unknown status";
}

size_t moe_rt_type_size(moe_rt_type type) {
  static const size_t sizes[] = {4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8, 1};
  return unsigned(type) < 13 ? sizes[type] : 0;
}

const char *moe_rt_type_name(moe_rt_type type) {
  static const char *const names[] = {"f32", "f64", "f16", "bf16", "i8",
                                      "u8",  "i16", "u16", "i32",  "u32",
                                      "i64", "u64", "bool"};
  return unsigned(type) < 13 ? names[type] : "?";
}

moe_rt_context *moe_rt_context_create(void) {
  return new (std::nothrow) moe_rt_context;
}
void moe_rt_context_destroy(moe_rt_context *context) { delete context; }
const char *moe_rt_context_last_error(const moe_rt_context *context) {
  return context->error.c_str();
}

static moe_rt_status loadModel(moe_rt_context *context, const char *path,
                               bool withWeights, moe_rt_model **model) {
  *model = nullptr;
  return guarded(context, [&] {
    auto loaded = std::make_unique<moe_rt_model>();
    loaded->context = context;
    moe_rt_status status = loaded->load(path, withWeights);
    if (status == MOE_RT_OK)
      *model = loaded.release();
    return status;
  });
}
moe_rt_status moe_rt_model_load(moe_rt_context *context, const char *path,
                                moe_rt_model **model) {
  return loadModel(context, path, true, model);
}
moe_rt_status moe_rt_model_load_code(moe_rt_context *context, const char *path,
                                     moe_rt_model **model) {
  return loadModel(context, path, false, model);
}
void moe_rt_model_free(moe_rt_model *model) { delete model; }

int32_t moe_rt_model_input_count(const moe_rt_model *model) {
  return int32_t(model->signature.inputs.size());
}
int32_t moe_rt_model_output_count(const moe_rt_model *model) {
  return int32_t(model->signature.outputs.size());
}
int32_t moe_rt_model_state_count(const moe_rt_model *model) {
  return int32_t(model->signature.states.size());
}

static moe_rt_tensor_info infoOf(const TensorInfo &info) {
  return {info.name.c_str(), info.type, int32_t(info.shape.size()),
          info.shapeText.c_str(), info.state};
}
moe_rt_tensor_info moe_rt_model_input(const moe_rt_model *model,
                                      int32_t index) {
  return infoOf(model->signature.inputs[index]);
}
moe_rt_tensor_info moe_rt_model_output(const moe_rt_model *model,
                                       int32_t index) {
  return infoOf(model->signature.outputs[index]);
}

static int32_t find(const std::vector<TensorInfo> &list, const char *name) {
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i].name == name)
      return int32_t(i);
  return -1;
}
int32_t moe_rt_model_find_input(const moe_rt_model *model, const char *name) {
  return find(model->signature.inputs, name);
}
int32_t moe_rt_model_find_output(const moe_rt_model *model, const char *name) {
  return find(model->signature.outputs, name);
}
const char *moe_rt_model_metadata(const moe_rt_model *model) {
  return model->metadata.c_str();
}

void moe_rt_options_init(moe_rt_options *options) {
  std::memset(options, 0, sizeof(*options));
  options->struct_size = sizeof(*options);
  options->policy = "auto";
  options->io = "auto";
  options->max_context = 4096;
  options->max_batch = 1;
  options->prefill_chunk = 512;
}

/// The caller may have been compiled when there were fewer options.
static moe_rt_options allOptions(const moe_rt_options &given) {
  moe_rt_options options;
  moe_rt_options_init(&options);
  std::memcpy(&options, &given,
              std::min<uint64_t>(given.struct_size, sizeof(options)));
  return options;
}

moe_rt_status moe_rt_model_plan(moe_rt_model *model,
                                const moe_rt_options *options,
                                const char **json) {
  return guarded(model->context, [&] {
    Plan plan;
    moe_rt_status status = makePlan(*model, allOptions(*options), plan);
    if (status == MOE_RT_OK) {
      model->planText = plan.json(*model);
      *json = model->planText.c_str();
    }
    return status;
  });
}

moe_rt_status moe_rt_session_open(moe_rt_model *model,
                                  const moe_rt_options *options,
                                  moe_rt_session **session) {
  *session = nullptr;
  return guarded(model->context, [&] {
    auto opened = std::make_unique<moe_rt_session>();
    opened->model = model;
    moe_rt_status status = opened->open(allOptions(*options));
    if (status == MOE_RT_OK)
      *session = opened.release();
    return status;
  });
}
void moe_rt_session_close(moe_rt_session *session) { delete session; }

moe_rt_status moe_rt_session_set_input(moe_rt_session *session, int32_t index,
                                       moe_rt_type type, int32_t rank,
                                       const int64_t *shape, const void *data) {
  return guarded(session->model->context, [&] {
    return session->setInput(index, type, rank, shape, data);
  });
}
moe_rt_status moe_rt_session_run(moe_rt_session *session) {
  return guarded(session->model->context, [&] { return session->run(); });
}
moe_rt_status moe_rt_session_output(moe_rt_session *session, int32_t index,
                                    moe_rt_tensor *tensor) {
  return guarded(session->model->context,
                 [&] { return session->output(index, *tensor); });
}
int64_t moe_rt_session_state_length(const moe_rt_session *session,
                                    int32_t state) {
  return state >= 0 && size_t(state) < session->states.size()
             ? session->states[state].length
             : -1;
}
moe_rt_status moe_rt_session_truncate(moe_rt_session *session, int64_t length) {
  return guarded(session->model->context,
                 [&] { return session->truncate(length); });
}
void moe_rt_session_cancel(moe_rt_session *session) {
  session->pager->cancelled = true;
}
const char *moe_rt_session_stats(moe_rt_session *session) {
  return session->statistics();
}
moe_rt_status moe_rt_session_trace(moe_rt_session *session, const char *path) {
  return guarded(session->model->context, [&] { return session->trace(path); });
}

int32_t moe_rt_model_point_count(const moe_rt_model *model) {
  return int32_t(model->signature.points.size());
}
moe_rt_point moe_rt_model_point(const moe_rt_model *model, int32_t index) {
  const PointInfo &info = model->signature.points[index];
  return {info.tensor.c_str(), info.node.c_str(), info.op.c_str(), info.type,
          info.rank};
}
moe_rt_status moe_rt_session_observe(moe_rt_session *session,
                                     moe_rt_observer observer, void *user) {
  session->observer = observer;
  session->observerData = user;
  return MOE_RT_OK;
}
