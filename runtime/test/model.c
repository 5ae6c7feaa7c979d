/* A model as the compiler would make it, by hand: y[t] = sum over e in
 * ids[t] of expert e's first value, and a state that appends ids. Kept tiny, so
 * that the runtime is tested without the compiler. */
#include "moe_rt/moe_rt_abi.h"

enum { EXPERTS = 6 };

static int32_t run(const moe_rt_abi_frame *f) {
  const int64_t tokens = f->symbols[0], past = f->symbols[1];
  const int64_t *ids = f->inputs[0];
  float *y = f->outputs[0];
  int64_t *kept = f->states[0].data;
  const float *dense = f->dense;
  for (int64_t t = 0; t < tokens; ++t)
    kept[past + t] = ids[t];
  int32_t *counts = f->arena;
  for (int e = 0; e < EXPERTS; ++e)
    counts[e] = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    y[t] = dense[0];
    if (ids[t] >= 0 && ids[t] < EXPERTS)
      ++counts[ids[t]];
  }
  f->host->prefetch(f->session, 0, counts);
  int32_t code = f->host->stream_open(f->session, 0, counts, tokens);
  if (code)
    return code;
  int32_t e;
  while ((e = f->host->stream_next(f->session)) >= 0) {
    const float *a = f->host->stream_part(f->session, e, 0);
    const float *b = a ? f->host->stream_part(f->session, e, 1) : 0;
    if (!b)
      break;
    for (int64_t t = 0; t < tokens; ++t)
      if (ids[t] == e)
        y[t] += a[0] * 1000 + b[0];
    f->host->count(f->session, 0, counts[e]);
    f->host->stream_release(f->session, e);
  }
  return f->host->stream_close(f->session);
}

static int64_t arena_bytes(const int64_t *symbols) {
  return 64 + symbols[0] * 8;
}

static const char metadata[] =
    "{\"format\":1,\"producer\":\"test\",\"source\":\"none\","
    "\"symbols\":[\"tokens\",\"past\"],"
    "\"inputs\":[{\"name\":\"ids\",\"type\":\"i64\",\"shape\":[[[1,0]]],"
    "\"state\":-1},"
    "{\"name\":\"past\",\"type\":\"i64\",\"shape\":[[[1,1]]],\"state\":0}],"
    "\"outputs\":[{\"name\":\"y\",\"type\":\"f32\",\"shape\":[[[1,0]]],"
    "\"state\":-1},"
    "{\"name\":\"present\",\"type\":\"i64\",\"shape\":[[[1,0],[1,1]]],"
    "\"state\":0}],"
    "\"states\":[{\"input\":1,\"output\":1,\"axis\":0}],"
    "\"banks\":[{\"name\":\"bank\",\"experts\":6,\"parts\":[8192,4096],\"k\":2}"
    "],"
    "\"kernels\":[\"kernel\"],"
    "\"weights\":{\"file\":\"model.moew\",\"dense_bytes\":4096}}";

static const moe_rt_abi_variant variants[] = {
    {"baseline", 0, run, arena_bytes}};

const moe_rt_abi_model moe_model_v1 = {MOE_RT_ABI_MAGIC,
                                       MOE_RT_ABI_VERSION,
                                       sizeof(moe_rt_abi_model),
                                       metadata,
                                       sizeof(metadata) - 1,
                                       variants,
                                       1};
