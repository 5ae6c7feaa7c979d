/* A model of a device target as the compiler would make it, by hand. For each
 * token, y = dense + expert ids[t] of bank 0 + expert (ids[t] + 1) % EXPERTS of
 * bank 1, and a state that appends ids. The kernels are C functions that the
 * fake driver of the tests runs, and host execution. */
#include "moe_rt/moe_rt_abi.h"
#include "moe_rt/moe_simt.h"

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

/* An element of device memory, which host execution is told of. */
static const void *at(moe_simt_thread *thread, const void *address,
                      uint32_t kind, uint32_t bytes) {
  if (thread)
    thread->api->access(thread, address,
                        kind | 1 << 4 | bytes << 8 | bytes << 16, 0);
  return address;
}
#define LOAD(type, from)                                                       \
  (*(const type *)at(thread, (from), MOE_SIMT_LOAD, sizeof(type)))
#define STORE(type, to)                                                        \
  (*(type *)at(thread, (to), MOE_SIMT_STORE, sizeof(type)))

/* start(ids, tokens, kept, past, y, dense, counts) */
static void start_at(moe_simt_thread *thread, void *const *a) {
  const int64_t *ids = *(const int64_t **)a[0];
  const int64_t tokens = *(const int64_t *)a[1], past = *(const int64_t *)a[3];
  int64_t *kept = *(int64_t **)a[2];
  float *y = *(float **)a[4];
  const float *dense = *(const float **)a[5];
  int32_t *counts = *(int32_t **)a[6];
  for (int e = 0; e < 2 * EXPERTS; ++e)
    STORE(int32_t, counts + e) = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t id = LOAD(int64_t, ids + t);
    int32_t *first = counts + id,
            *second = counts + EXPERTS + (id + 1) % EXPERTS;
    STORE(int64_t, kept + past + t) = id;
    STORE(float, y + t) = LOAD(float, dense);
    STORE(int32_t, first) = LOAD(int32_t, first) + 1;
    STORE(int32_t, second) = LOAD(int32_t, second) + 1;
  }
}

/* experts(ids, tokens, y, map of the slots, slot_of, bank, slots) */
static void experts_at(moe_simt_thread *thread, void *const *a) {
  const int64_t *ids = *(const int64_t **)a[0];
  const int64_t tokens = *(const int64_t *)a[1];
  float *y = *(float **)a[2];
  /* The fake driver's maps hold the base. */
  const char *slots = thread ? *(const char **)a[6] : *(const char **)a[3];
  const int32_t *slot_of = *(const int32_t **)a[4];
  const int32_t bank = *(const int32_t *)a[5];
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t expert = (LOAD(int64_t, ids + t) + bank) % EXPERTS;
    const int32_t slot = LOAD(int32_t, slot_of + expert);
    if (slot < 0)
      continue;
    const char *begin = slots + (int64_t)slot * (bank ? SLOT1 : SLOT0);
    const float p0 = LOAD(float, begin),
                p1 = LOAD(float, begin + (bank ? 4096 : 8192));
    const float sum = LOAD(float, y + t);
    STORE(float, y + t) = sum + (bank ? p0 * 3 + p1 : p0 * 1000 + p1);
  }
}

static void start(void *const *a) { start_at(0, a); }
static void experts(void *const *a) { experts_at(0, a); }
/* One thread of a grid does everything. */
static int is_first(const moe_simt_thread *thread) {
  return !thread->registers[MOE_SIMT_TID] && !thread->registers[MOE_SIMT_CTAID];
}
static void start_simt(moe_simt_thread *thread, void *const *a) {
  if (is_first(thread))
    start_at(thread, a);
}
static void experts_simt(moe_simt_thread *thread, void *const *a) {
  if (is_first(thread))
    experts_at(thread, a);
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
    void *arguments[] = {(void *)&f->inputs[0],
                         (void *)&f->symbols[0],
                         (void *)&f->outputs[0],
                         map,
                         &wave.slot_of,
                         &bank,
                         &wave.slots};
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
    {"experts", experts, 7, {8, 8, 8, 128, 8, 4, 8}},
    {"experts_90a", experts, 7, {8, 8, 8, 128, 8, 4, 8}}};
static const uint32_t start_bytes[] = {8, 8, 8, 8, 8, 8, 8},
                      experts_bytes[] = {8, 8, 8, 128, 8, 4, 8};
static const moe_simt_kernel simt_kernels[] = {
    {"start", start_simt, 0, 16, 0, 7, start_bytes},
    {"experts", experts_simt, 0, 128, 0, 7, experts_bytes}};
static const moe_simt_location locations[] = {{"kernel", "access", 0, ""}};
static const moe_simt_image simt = {MOE_SIMT_VERSION,
                                    sizeof(moe_simt_image),
                                    1,
                                    0,
                                    simt_kernels,
                                    2,
                                    locations,
                                    1};
static const module table = {0x656c75646f4d, 3, kernels};

static const moe_rt_abi_variant variants[] = {{"sm_80", 0, run, arena_bytes},
                                              {"sm_90a", 0, run, arena_bytes}};
static const moe_rt_abi_image images[] = {
    {"sm_80", "sm_80", MOE_RT_IMAGE_PTX, 0, &table, sizeof(table)},
    {"sm_86", "sm_80", MOE_RT_IMAGE_CUBIN, 0, &table, sizeof(table)},
    {"sm_90a", "sm_90a", MOE_RT_IMAGE_CUBIN, 0, &table, sizeof(table)},
    {"host-simt:sm_80", "sm_80", MOE_RT_IMAGE_SIMT, 0, &simt, 0}};

const moe_rt_abi_model moe_model_v1 = {MOE_RT_ABI_MAGIC,
                                       MOE_RT_ABI_VERSION,
                                       sizeof(moe_rt_abi_model),
                                       metadata,
                                       sizeof(metadata) - 1,
                                       variants,
                                       2,
                                       images,
                                       4};
