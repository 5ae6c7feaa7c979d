/*===- moe_rt.h - The runtime's C API
--------------------------------------===*\
|*
|* Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
|* See LICENSE for license information.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Loads compiled models and runs them with experts paged under a memory budget.
|* Pure C99. No globals, no library constructors. Every function that can fail
|* returns a status; the text of the last failure is on the context. A context
|* and what was made from it is used by one thread at a time, except for
|* moe_rt_session_cancel. A .moe file is executable code: load only what you
|* trust.
|*
\*===----------------------------------------------------------------------===*/
#ifndef MOE_RT_H
#define MOE_RT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MOE_RT_API __attribute__((visibility("default")))
#else
#define MOE_RT_API
#endif

/* Status codes: name, number, meaning. Numbers are never reused. */
#define MOE_RT_STATUS_TABLE(X)                                                 \
  X(OK, 0, "success")                                                          \
  X(INVALID_ARGUMENT, 1, "an argument or an input is not acceptable")          \
  X(NOT_FOUND, 2, "a file or a name does not exist")                           \
  X(IO, 3, "reading or writing failed")                                        \
  X(DAMAGED, 4, "a file is damaged or cut short")                              \
  X(INCOMPATIBLE, 5, "a file is of another version, machine or model")         \
  X(BUDGET, 6, "the memory budget cannot be met")                              \
  X(OUT_OF_MEMORY, 7, "the machine has no more memory")                        \
  X(CANCELLED, 8, "the run was cancelled")                                     \
  X(INTERNAL, 9, "a defect of the runtime or of the compiled code")            \
  X(DEVICE, 10, "the device is missing, unsuitable, or failed")

typedef enum moe_rt_status {
#define MOE_RT_STATUS_ENUM(name, number, text) MOE_RT_##name = number,
  MOE_RT_STATUS_TABLE(MOE_RT_STATUS_ENUM)
#undef MOE_RT_STATUS_ENUM
} moe_rt_status;

/* Element types of tensors. */
typedef enum moe_rt_type {
  MOE_RT_F32 = 0,
  MOE_RT_F64 = 1,
  MOE_RT_F16 = 2,
  MOE_RT_BF16 = 3,
  MOE_RT_I8 = 4,
  MOE_RT_U8 = 5,
  MOE_RT_I16 = 6,
  MOE_RT_U16 = 7,
  MOE_RT_I32 = 8,
  MOE_RT_U32 = 9,
  MOE_RT_I64 = 10,
  MOE_RT_U64 = 11,
  MOE_RT_BOOL = 12
} moe_rt_type;

#define MOE_RT_MAX_RANK 8

typedef struct moe_rt_context moe_rt_context;
typedef struct moe_rt_model moe_rt_model;
typedef struct moe_rt_session moe_rt_session;

/* The meaning of a status, a string that lives forever. */
MOE_RT_API const char *moe_rt_status_text(moe_rt_status status);
/* Bytes of one element. */
MOE_RT_API size_t moe_rt_type_size(moe_rt_type type);
/* "f32", "i64", ... */
MOE_RT_API const char *moe_rt_type_name(moe_rt_type type);

/* A context holds the text of the last failure. Owned by the caller. */
MOE_RT_API moe_rt_context *moe_rt_context_create(void);
MOE_RT_API void moe_rt_context_destroy(moe_rt_context *context);
/* Valid until the next call with the context or something made from it. */
MOE_RT_API const char *moe_rt_context_last_error(const moe_rt_context *context);

/* Loads `path` (.moe) and finds its weights beside it. Checks both files'
 * structure; weight pages are checked when they are read. */
MOE_RT_API moe_rt_status moe_rt_model_load(moe_rt_context *context,
                                           const char *path,
                                           moe_rt_model **model);
/* As moe_rt_model_load, but without the weights file, which need not exist:
 * for moe_rt_model_plan. No session can be opened. */
MOE_RT_API moe_rt_status moe_rt_model_load_code(moe_rt_context *context,
                                                const char *path,
                                                moe_rt_model **model);
/* After all of its sessions were closed. */
MOE_RT_API void moe_rt_model_free(moe_rt_model *model);

typedef struct moe_rt_tensor_info {
  const char *name; /* lives as long as the model */
  moe_rt_type type;
  int32_t rank;
  const char *shape; /* "[batch, sequence, 256]" */
  int32_t state;     /* index of the state it belongs to, or -1 */
} moe_rt_tensor_info;

MOE_RT_API int32_t moe_rt_model_input_count(const moe_rt_model *model);
MOE_RT_API int32_t moe_rt_model_output_count(const moe_rt_model *model);
MOE_RT_API int32_t moe_rt_model_state_count(const moe_rt_model *model);
/* Index in [0, count). */
MOE_RT_API moe_rt_tensor_info moe_rt_model_input(const moe_rt_model *model,
                                                 int32_t index);
MOE_RT_API moe_rt_tensor_info moe_rt_model_output(const moe_rt_model *model,
                                                  int32_t index);
/* Index of the input of this name, or -1. */
MOE_RT_API int32_t moe_rt_model_find_input(const moe_rt_model *model,
                                           const char *name);
MOE_RT_API int32_t moe_rt_model_find_output(const moe_rt_model *model,
                                            const char *name);
/* The metadata of docs/ModelFormat.md, JSON; lives as long as the model. */
MOE_RT_API const char *moe_rt_model_metadata(const moe_rt_model *model);

typedef struct moe_rt_options {
  uint64_t struct_size; /* set by moe_rt_options_init */
  /* Bytes for everything where the model computes; 0: as much as there is. */
  uint64_t memory_budget;
  double budget_percent; /* of each layer's experts; 0: off */
  int32_t expert_slots;  /* per layer; 0: from the budget */
  int32_t threads;       /* 0: as many as the process may use */
  const char *policy;    /* "auto", "lru", "lfu" */
  const char *io;        /* "auto", "uring", "pread", "buffered" */
  const char *isa;       /* NULL: the best the CPU or the device has */
  /* "cpu"; "cuda:0"; "host-simt", then options. NULL: "cpu" or "cuda:0", as the
   * model was compiled. */
  const char *device;
  int64_t max_context; /* positions a state is planned for */
  int64_t max_batch;
  int64_t prefill_chunk; /* tokens of one run that are planned for */
  /* Of a device: bytes of pinned host memory that experts pass, and stay in
   * while nothing else needs it; 0: a few experts. */
  uint64_t host_budget;
} moe_rt_options;

MOE_RT_API void moe_rt_options_init(moe_rt_options *options);

/* What a session with these options would hold, as JSON, before anything is
 * loaded: dense, arena, state, output and slot bytes, slots per layer, the
 * floor, the policy and why. BUDGET when it cannot be met; the text names what
 * works. The string lives until the next plan of the model. */
MOE_RT_API moe_rt_status moe_rt_model_plan(moe_rt_model *model,
                                           const moe_rt_options *options,
                                           const char **json);

/* Opens a session; loads the dense weights once for the model. */
MOE_RT_API moe_rt_status moe_rt_session_open(moe_rt_model *model,
                                             const moe_rt_options *options,
                                             moe_rt_session **session);
MOE_RT_API void moe_rt_session_close(moe_rt_session *session);

/* Gives input `index` its value for the next run: a dense row-major array that
 * is borrowed until the run ends. A state's input imports the tensor into the
 * session's state; without one the state goes on from the last run. */
MOE_RT_API moe_rt_status moe_rt_session_set_input(
    moe_rt_session *session, int32_t index, moe_rt_type type, int32_t rank,
    const int64_t *shape, const void *data);
/* Runs once with the inputs set since the last run. */
MOE_RT_API moe_rt_status moe_rt_session_run(moe_rt_session *session);

typedef struct moe_rt_tensor {
  moe_rt_type type;
  int32_t rank;
  int64_t shape[MOE_RT_MAX_RANK];
  const void *data; /* owned by the session, valid until the next run */
} moe_rt_tensor;

/* The last run's output. A state's output is copied out of the state. */
MOE_RT_API moe_rt_status moe_rt_session_output(moe_rt_session *session,
                                               int32_t index,
                                               moe_rt_tensor *tensor);

/* Valid positions of a state. */
MOE_RT_API int64_t moe_rt_session_state_length(const moe_rt_session *session,
                                               int32_t state);
/* Forgets all positions from `length` on, of every state. */
MOE_RT_API moe_rt_status moe_rt_session_truncate(moe_rt_session *session,
                                                 int64_t length);

/* Makes the current or next run end with CANCELLED. From any thread. */
MOE_RT_API void moe_rt_session_cancel(moe_rt_session *session);

/* Statistics since the session was opened, as JSON; see docs/Paging.md. Lives
 * until the next call. */
MOE_RT_API const char *moe_rt_session_stats(moe_rt_session *session);

/* Writes one JSON line for each demanded expert to `path` from now on:
 * {"stream", "bank", "expert", "hit", "bytes"}. NULL ends it; IO when lines
 * could not be written. */
MOE_RT_API moe_rt_status moe_rt_session_trace(moe_rt_session *session,
                                              const char *path);

/* Where a run can be watched: behind the computation of a tensor of the ONNX
 * file, or of the experts of a layer. Tensors that were fused into others are
 * not among them; see moe-compile --keep-tensors. Strings live as long as the
 * model. */
typedef struct moe_rt_point {
  const char *tensor; /* "": no tensor of the file */
  const char *node;   /* the node that gives it */
  const char *op;     /* its operator, "Experts" for the experts of a layer */
  moe_rt_type type;
  int32_t rank;
} moe_rt_point;

/* Points are numbered in the order in which a run passes them. */
MOE_RT_API int32_t moe_rt_model_point_count(const moe_rt_model *model);
MOE_RT_API moe_rt_point moe_rt_model_point(const moe_rt_model *model,
                                           int32_t index);

#define MOE_RT_RUN_BEGINS (-1)
#define MOE_RT_RUN_ENDS (-2)

/* Called on the thread that runs, at every point and, without a tensor, with
 * MOE_RT_RUN_BEGINS and MOE_RT_RUN_ENDS around them. Element (i, j, ...) is at
 * data + (i * strides[0] + j * strides[1] + ...) * moe_rt_type_size(type); all
 * is borrowed until the observer returns. It calls nothing of the session and
 * throws nothing. */
typedef void (*moe_rt_observer)(void *user, int32_t point, const void *data,
                                const int64_t *sizes, const int64_t *strides);

/* Watches the runs from now on; NULL ends it. */
MOE_RT_API moe_rt_status moe_rt_session_observe(moe_rt_session *session,
                                                moe_rt_observer observer,
                                                void *user);

#ifdef __cplusplus
}
#endif

#endif /* MOE_RT_H */
