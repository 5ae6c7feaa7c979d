/* A model of a device target as the compiler would make it, by hand. For each
 * token, y = dense + expert ids[t] of bank 0 + expert (ids[t] + 1) % EXPERTS of
 * bank 1, and a state that appends ids. The kernels are C functions that the
 * fake driver of the tests runs. */
#include "moe_rt/moe_rt_abi.h"

enum { EXPERTS = 6, SLOT0 = 12288, SLOT1 = 8192 };

/* As FakeCuda.h. */
typedef struct kernel {
  const char *name;
  void (*run)(void *const *arguments);
  uint64_t argument_count;
  uint64_t argument_bytes[8];
} kernel;
typedef struct module {
  uint64_t magic;
  uint64_t kernel_count;
  const kernel *kernels;
} module;

/* start(ids, tokens, kept, past, y, dense, counts) */
static void start(void *const *a) {
  const int64_t *ids = *(const int64_t **)a[0];
  const int64_t tokens = *(const int64_t *)a[1], past = *(const int64_t *)a[3];
  int64_t *kept = *(int64_t **)a[2];
  float *y = *(float **)a[4];
  const float *dense = *(const float **)a[5];
  int32_t *counts = *(int32_t **)a[6];
  for (int e = 0; e < 2 * EXPERTS; ++e)
    counts[e] = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    kept[past + t] = ids[t];
    y[t] = dense[0];
    ++counts[ids[t]];
    ++counts[EXPERTS + (ids[t] + 1) % EXPERTS];
  }
}

/* experts(ids, tokens, y, map of the slots, slot_of, bank) */
static void experts(void *const *a) {
  const int64_t *ids = *(const int64_t **)a[0];
  const int64_t tokens = *(const int64_t *)a[1];
  float *y = *(float **)a[2];
  const char *slots = *(const char **)a[3]; /* the base, as encoded */
  const int32_t *slot_of = *(const int32_t **)a[4];
  const int32_t bank = *(const int32_t *)a[5];
  for (int64_t t = 0; t < tokens; ++t) {
    const int32_t slot = slot_of[(ids[t] + bank) % EXPERTS];
    if (slot < 0)
      continue;
    const char *at = slots + (int64_t)slot * (bank ? SLOT1 : SLOT0);
    const float *p0 = (const float *)at;
    const float *p1 = (const float *)(at + (bank ? 4096 : 8192));
    y[t] += bank ? p0[0] * 3 + p1[0] : p0[0] * 1000 + p1[0];
  }
}

static int32_t layer(const moe_rt_abi_frame *f, int32_t bank, int32_t *counts) {
  const moe_rt_abi_host *host = f->host;
  int32_t code = host->stream_open(f->session, bank, counts, f->symbols[0]);
  moe_rt_abi_wave wave;
  int32_t more;
  if (code)
    return code;
  while ((more = host->wave_next(f->session, &wave)) > 0) {
    _Alignas(64) char map[MOE_RT_TENSOR_MAP_BYTES];
    moe_rt_tensor_map_spec spec = {
        wave.slots, 2,      0, 128, 0, {1024, (uint64_t)wave.slot_count},
        {0, SLOT1}, {32, 1}};
    host->tensor_map(f->session, &spec, map);
    void *arguments[] = {(void *)&f->inputs[0],  (void *)&f->symbols[0],
                         (void *)&f->outputs[0], map,
                         &wave.slot_of,          &bank};
    const uint32_t dims[7] = {2, 1, 1, 128, 1, 1, 100 << 10};
    host->launch(f->session, 1, dims, arguments);
    host->wave_done(f->session);
  }
  code = host->stream_close(f->session);
  return more < 0 && !code ? 99 : code;
}

static int32_t run(const moe_rt_abi_frame *f) {
  const moe_rt_abi_host *host = f->host;
  int32_t *counts = f->arena;
  int64_t past = f->states[0].length;
  void *arguments[] = {(void *)&f->inputs[0],
                       (void *)&f->symbols[0],
                       (void *)&f->states[0].data,
                       &past,
                       (void *)&f->outputs[0],
                       (void *)&f->dense,
                       &counts};
  const uint32_t dims[7] = {1, 1, 1, 32, 1, 1, 0};
  host->launch(f->session, 0, dims, arguments);
  host->prefetch(f->session, 0, counts);
  int32_t code = layer(f, 0, counts);
  if (code)
    return code;
  if (f->symbols[0] == 7) { /* some programs look at values in the middle */
    int32_t seen[EXPERTS];
    int64_t sum = 0;
    host->read_back(f->session, seen, counts, sizeof(seen));
    for (int e = 0; e < EXPERTS; ++e)
      sum += seen[e];
    if (sum != 7)
      return 98;
  }
  if (f->observing) {
    const int64_t sizes[1] = {f->symbols[0]}, strides[1] = {1};
    host->observe(f->session, 0, f->outputs[0], sizes, strides);
  }
  return layer(f, 1, counts + EXPERTS);
}

static int64_t arena_bytes(const int64_t *symbols) {
  return 2 * EXPERTS * 4 + 64 + 0 * symbols[0];
}

static const char metadata[] =
    "{\"format\":1,\"producer\":\"test\",\"source\":\"none\","
    "\"target\":\"cuda\",\"symbols\":[\"tokens\",\"past\"],"
    "\"inputs\":[{\"name\":\"ids\",\"type\":\"i64\",\"shape\":[[[1,0]]],"
    "\"state\":-1},"
    "{\"name\":\"past\",\"type\":\"i64\",\"shape\":[[[1,1]]],\"state\":0}],"
    "\"outputs\":[{\"name\":\"y\",\"type\":\"f32\",\"shape\":[[[1,0]]],"
    "\"state\":-1},"
    "{\"name\":\"present\",\"type\":\"i64\",\"shape\":[[[1,0],[1,1]]],"
    "\"state\":0}],"
    "\"states\":[{\"input\":1,\"output\":1,\"axis\":0}],"
    "\"banks\":[{\"name\":\"first\",\"experts\":6,\"parts\":[8192,4096],"
    "\"k\":1},{\"name\":\"second\",\"experts\":6,\"parts\":[4096,4096],"
    "\"k\":1}],\"kernels\":[],"
    "\"gpu_kernels\":{\"sm_80\":[{\"name\":\"start\",\"uses\":[]},"
    "{\"name\":\"experts\",\"uses\":[\"mma\"]}],"
    "\"sm_90a\":[{\"name\":\"start\",\"uses\":[]},"
    "{\"name\":\"experts_90a\",\"uses\":[\"wgmma\",\"tma\"]}]},"
    "\"points\":[{\"tensor\":\"y\",\"node\":\"n\",\"op\":\"Add\","
    "\"type\":\"f32\",\"rank\":1}],"
    "\"weights\":{\"file\":\"model.moew\",\"dense_bytes\":4096}}";

static const kernel kernels[] = {
    {"start", start, 7, {8, 8, 8, 8, 8, 8, 8}},
    {"experts", experts, 6, {8, 8, 8, 128, 8, 4}},
    {"experts_90a", experts, 6, {8, 8, 8, 128, 8, 4}}};
static const module table = {0x656c75646f4d, 3, kernels};

static const moe_rt_abi_variant variants[] = {{"sm_80", 0, run, arena_bytes},
                                              {"sm_90a", 0, run, arena_bytes}};
static const moe_rt_abi_image images[] = {
    {"sm_80", "sm_80", MOE_RT_IMAGE_PTX, 0, &table, sizeof(table)},
    {"sm_86", "sm_80", MOE_RT_IMAGE_CUBIN, 0, &table, sizeof(table)},
    {"sm_90a", "sm_90a", MOE_RT_IMAGE_CUBIN, 0, &table, sizeof(table)}};

const moe_rt_abi_model moe_model_v1 = {MOE_RT_ABI_MAGIC,
                                       MOE_RT_ABI_VERSION,
                                       sizeof(moe_rt_abi_model),
                                       metadata,
                                       sizeof(metadata) - 1,
                                       variants,
                                       2,
                                       images,
                                       3};
