/*===- moe_rt_abi.h - Contract between compiled models and the runtime
-----===*\
|*
|* Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
|* See LICENSE for license information.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Shared by the compiler (which emits these structures) and the runtime (which
|* reads them). Pure C99, no dependency. A model is an ELF shared object that
|* exports one symbol, `moe_model_v1`, of type `moe_rt_abi_model`. Compiled code
|* keeps no globals, calls nothing but the function table of its frame (and
|* memcpy, memset, memmove), and never throws or longjmps.
|*
\*===----------------------------------------------------------------------===*/
#ifndef MOE_RT_ABI_H
#define MOE_RT_ABI_H

#include "moe_rt/moe_rt_device.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOE_RT_ABI_MAGIC UINT64_C(0x314c444d454f4d00) /* "\0MOEMDL1" */
#define MOE_RT_ABI_VERSION 3u
#define MOE_RT_ABI_SYMBOL "moe_model_v1"

/* What compiled code returns. Anything else is a runtime error code that a
 * function of the host table produced and compiled code passes on unchanged. */
#define MOE_RT_ABI_OK 0

/* A recurrent state (a KV cache) as compiled code sees it. The state tensor has
 * a fixed rank; its `axis` dimension grows. Elements are row-major over
 * [..., capacity, ...]: the axis is stored with stride `capacity`, so appending
 * moves nothing. `length` is the number of valid positions before this run;
 * compiled code writes positions [length, length + new). */
typedef struct moe_rt_abi_state {
  void *data;
  int64_t length;
  int64_t capacity;
} moe_rt_abi_state;

/* Body of a parallel loop: iterations [begin, end). `context` is the pointer
 * given to `parallel_for`. */
typedef void (*moe_rt_abi_body)(void *context, int64_t begin, int64_t end);

/* Experts that are resident at the same time, on a device. */
typedef struct moe_rt_abi_wave {
  void *slots;        /* device: slot_count slots, one behind the other */
  int64_t slot_count; /* of the bank, whether used or not */
  int32_t *slot_of;   /* device: by expert, its slot, or -1: not in this wave */
} moe_rt_abi_wave;

/* Functions the runtime offers to compiled code. `session` is `frame.session`.
 * All are callable from the thread that runs the model only; bodies given to
 * `parallel_for` call none of them. */
typedef struct moe_rt_abi_host {
  uint32_t abi_version;
  uint32_t struct_size;

  /* Runs body over [0, n) in chunks of `grain` (>= 1) iterations on the
   * session's threads and returns when all are done. n <= grain runs inline.
   * Chunk boundaries are multiples of `grain` whatever the thread count. */
  void (*parallel_for)(void *session, moe_rt_abi_body body, void *context,
                       int64_t n, int64_t grain);

  /* Hint: the experts with counts[e] > 0 of `bank` will be wanted soon.
   * `counts` has one entry per expert of the bank. Never blocks. */
  void (*prefetch)(void *session, int32_t bank, const int32_t *counts);

  /* Begins a pass over the experts of `bank` with counts[e] > 0. `tokens` is
   * the number of tokens routed (for statistics). One stream is open at a
   * time. Returns 0 or an error code. */
  int32_t (*stream_open)(void *session, int32_t bank, const int32_t *counts,
                         int64_t tokens);

  /* Hands out the next expert whose first part is (or is about to be)
   * resident: resident ones first, then in order of completion. Returns the
   * expert id, -1 when all were handed out, -2 on an error or cancellation
   * (then `stream_close` tells the code). The expert is pinned until
   * `stream_release`. */
  int32_t (*stream_next)(void *session);

  /* Waits until part `part` of a handed-out expert is resident and returns its
   * address (64-byte aligned, read only), or NULL on an error. */
  const void *(*stream_part)(void *session, int32_t expert, int32_t part);

  /* Unpins an expert: the compute that reads it has finished. */
  void (*stream_release)(void *session, int32_t expert);

  /* Ends the pass. Returns 0 or the error code of the first failure. */
  int32_t (*stream_close)(void *session);

  /* Records that `rows` (token, expert) pairs were computed and a kernel was
   * launched; for statistics only. `kernel` indexes the "kernels" list of the
   * metadata. */
  void (*count)(void *session, int32_t kernel, int64_t rows);

  /* Shows a tensor that was just computed, while `frame.observing`. `point`
   * indexes the "points" list of the metadata, which has its type and rank;
   * sizes and strides (in elements) have one entry per dimension. */
  void (*observe)(void *session, int32_t point, const void *data,
                  const int64_t *sizes, const int64_t *strides);

  /* The rest is for models of a device target; pointers to tensors are device
   * addresses there, also those of the frame. A stream of experts is opened and
   * closed as above, but handed out in waves. `counts` is on the device:
   * `prefetch` starts to read it back, `stream_open` waits for it. */

  /* Starts a kernel behind all work so far. `kernel` indexes the "gpu_kernels"
   * list of the metadata; dims: grid x, y, z, block x, y, z, dynamic shared
   * bytes; `arguments` as in moe_rt_launch, copied. A failure ends the run. */
  void (*launch)(void *session, int32_t kernel, const uint32_t *dims,
                 void *const *arguments);

  /* Fills the 128 bytes at `map` (64-byte aligned). A failure ends the run. */
  void (*tensor_map)(void *session, const moe_rt_tensor_map_spec *spec,
                     void *map);

  /* Waits for all work so far and copies `bytes` from the device; zeros when
   * the run has failed. */
  void (*read_back)(void *session, void *to, const void *from, int64_t bytes);

  /* Hands out the next wave of the open stream. Returns 1; 0 when every expert
   * was handed out; -1 on an error or cancellation. Kernels started from here
   * to `wave_done` may read the wave's slots. */
  int32_t (*wave_next)(void *session, moe_rt_abi_wave *wave);

  /* The experts of the wave may be evicted behind the work started so far. */
  void (*wave_done)(void *session);
} moe_rt_abi_host;

/* Everything one run of an entry sees. All pointers stay valid during the run.
 * The order of `symbols`, `inputs`, `outputs` and `states` is that of the
 * metadata. Inputs and outputs are dense row-major arrays whose shapes follow
 * from the symbols. An input or output that belongs to a state has a NULL
 * pointer here: compiled code uses the state. */
typedef struct moe_rt_abi_frame {
  const moe_rt_abi_host *host;
  void *session;
  const int64_t *symbols;
  const void *const *inputs;
  void *const *outputs;
  const moe_rt_abi_state *states;
  void *arena;       /* >= arena_bytes(symbols) bytes, 64-byte aligned */
  const void *dense; /* the resident dense section of the weights file */
  int64_t observing; /* not 0: call `observe` at every point */
} moe_rt_abi_frame;

/* Runs the model once. Returns MOE_RT_ABI_OK or a code from the host table. */
typedef int32_t (*moe_rt_abi_run)(const moe_rt_abi_frame *frame);

/* Bytes of scratch memory that a run with these symbol values needs. Computed
 * from the symbols alone; allocates nothing. Negative: sizes overflow. */
typedef int64_t (*moe_rt_abi_arena_bytes)(const int64_t *symbols);

/* CPU features a variant needs (bits of `features`). The runtime picks the
 * last variant of the table whose features the CPU has. */
#define MOE_RT_ABI_X86_64_V3 (UINT64_C(1) << 0) /* AVX2, FMA, F16C, BMI2 */
#define MOE_RT_ABI_X86_64_V4                                                   \
  (UINT64_C(1) << 1) /* AVX-512 F, BW, CD, DQ, VL                              \
                      */

typedef struct moe_rt_abi_variant {
  /* "x86-64-v3", "x86-64-v4": the names of --isa. For a device target the set
   * of kernels that it launches: "sm_80", "sm_90a". */
  const char *isa;
  uint64_t features;
  moe_rt_abi_run run;
  moe_rt_abi_arena_bytes arena_bytes;
} moe_rt_abi_variant;

/* Code for a device, and which variant launches it. */
typedef struct moe_rt_abi_image {
  const char *arch;    /* "sm_80", "sm_90a", "host-simt:sm_90a" */
  const char *variant; /* the `isa` of the variant */
  uint32_t kind;       /* MOE_RT_IMAGE_* */
  uint32_t reserved;
  const void *data;
  uint64_t bytes; /* 0 for MOE_RT_IMAGE_SIMT */
} moe_rt_abi_image;

typedef struct moe_rt_abi_model {
  uint64_t magic;
  uint32_t abi_version;
  uint32_t struct_size;
  const char *metadata; /* JSON text, see docs/ModelFormat.md */
  uint64_t metadata_bytes;
  const moe_rt_abi_variant *variants;
  uint64_t variant_count;
  const moe_rt_abi_image *images; /* of a device target */
  uint64_t image_count;
} moe_rt_abi_model;

#ifdef __cplusplus
}
#endif

#endif /* MOE_RT_ABI_H */
