/*===- moe_simt.h - Images of host execution ------------------------------===*\
|*
|* Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
|* See LICENSE for license information.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The contract between code that `nvvm-to-host-simt` generates and
|* libmoe_simt.so, which runs it. Pure C99.
|*
\*===----------------------------------------------------------------------===*/
#ifndef MOE_SIMT_H
#define MOE_SIMT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOE_SIMT_VERSION 1u

/* The functional models. Each is called with 8-byte slots: attributes first, as
 * 64-bit integers, then the operands; results are left from slot 0 on. A scalar
 * or a vector of up to 8 bytes takes the low bytes of a slot, a structure a
 * slot for each element. Pointers are host addresses, those of shared memory
 * too. */
enum moe_simt_op {
  /* reduction: -1 none, else as NVVM's; barrier, threads (0: all of the block),
   * predicate -> the reduction */
  MOE_SIMT_BARRIER,
  MOE_SIMT_BARRIER_ARRIVE, /* barrier, threads */
  MOE_SIMT_SYNC_WARP,      /* mask */
  MOE_SIMT_SHUFFLE,      /* kind; mask, value, offset, clamp -> value, valid */
  MOE_SIMT_VOTE,         /* kind; mask, predicate -> result */
  MOE_SIMT_REDUX,        /* kind; value, mask -> result */
  MOE_SIMT_ELECT,        /* mask -> elected */
  MOE_SIMT_LOAD_MATRIX,  /* matrices, transposed; address -> registers */
  MOE_SIMT_STORE_MATRIX, /* matrices, transposed; address, registers */
  /* m, n, k, types of A, B, C, D (MMATypes); A, B, C registers -> D */
  MOE_SIMT_MMA,
  MOE_SIMT_COPY_ASYNC,    /* bytes; to, from, bytes read (the rest is zero) */
  MOE_SIMT_COPY_COMMIT,   /* nothing */
  MOE_SIMT_COPY_WAIT,     /* groups that may be in flight */
  MOE_SIMT_COPY_ARRIVE,   /* noinc; mbarrier */
  MOE_SIMT_MBARRIER_INIT, /* mbarrier, count */
  MOE_SIMT_MBARRIER_INVALIDATE,    /* mbarrier */
  MOE_SIMT_MBARRIER_EXPECT,        /* mbarrier, bytes */
  MOE_SIMT_MBARRIER_ARRIVE,        /* mbarrier, count -> state */
  MOE_SIMT_MBARRIER_ARRIVE_EXPECT, /* mbarrier, bytes -> state */
  /* by parity, must wait; mbarrier, state or parity -> whether complete */
  MOE_SIMT_MBARRIER_WAIT,
  MOE_SIMT_TENSOR_LOAD,  /* rank; to, map, mbarrier, coordinates */
  MOE_SIMT_TENSOR_STORE, /* rank; map, from, coordinates */
  MOE_SIMT_BULK_COMMIT,  /* nothing */
  MOE_SIMT_BULK_WAIT,    /* groups that may be in flight, reads only */
  MOE_SIMT_PROXY_FENCE,  /* nothing */
  MOE_SIMT_WGMMA_FENCE,  /* nothing */
  /* m, n, k, types of A, B, D (WGMMATypes), scale of D, A, B, whether A and B
   * are transposed; D registers, descriptors of A and B -> D registers */
  MOE_SIMT_WGMMA,
  MOE_SIMT_WGMMA_COMMIT, /* nothing */
  MOE_SIMT_WGMMA_WAIT,   /* groups that may be in flight */
  MOE_SIMT_OP_COUNT
};

/* Functions of one float32. */
enum moe_simt_function {
  MOE_SIMT_EXP,
  MOE_SIMT_EXP2,
  MOE_SIMT_LOG,
  MOE_SIMT_LOG2,
  MOE_SIMT_SIN,
  MOE_SIMT_COS,
  MOE_SIMT_TANH,
  MOE_SIMT_FUNCTION_COUNT
};

/* What an access does, with its space (0 generic, 1 global, 3 shared) << 4, its
 * alignment << 8 and its size << 16, both in bytes. */
#define MOE_SIMT_LOAD 0u
#define MOE_SIMT_STORE 1u
#define MOE_SIMT_ATOMIC 2u

/* One GPU thread at work. */
typedef struct moe_simt_thread moe_simt_thread;

/* What generated code calls. `location` is an index of the image's table. */
typedef struct moe_simt_api {
  uint32_t version, struct_size;
  /* In front of an access; does not return when it must not happen. */
  void (*access)(moe_simt_thread *thread, const void *address, uint32_t kind,
                 uint32_t location);
  void (*ops[MOE_SIMT_OP_COUNT])(moe_simt_thread *thread, uint64_t *slots,
                                 uint32_t location);
  float (*functions[MOE_SIMT_FUNCTION_COUNT])(float x);
} moe_simt_api;

/* Special registers, 32 bits each. */
enum moe_simt_register {
  MOE_SIMT_TID, /* x, y, z, as the next three */
  MOE_SIMT_NTID = 3,
  MOE_SIMT_CTAID = 6,
  MOE_SIMT_NCTAID = 9,
  MOE_SIMT_LANEID = 12,
  MOE_SIMT_WARPID,
  MOE_SIMT_NWARPID,
  MOE_SIMT_SHARED_BYTES, /* dynamic */
  MOE_SIMT_REGISTER_COUNT
};

struct moe_simt_thread {
  const moe_simt_api *api;
  /* The block's window of shared memory, 1024-byte aligned. An integer that
   * stands for a shared address is the offset in it. */
  void *shared;
  uint32_t registers[MOE_SIMT_REGISTER_COUNT];
};

typedef struct moe_simt_kernel {
  const char *name;
  /* Runs one thread of the kernel from its start to its end. */
  void (*run)(moe_simt_thread *thread, void *const *arguments);
  /* Shared memory that the kernel declares. It begins at the offset
   * `shared_alignment` of the window, the dynamic memory right behind it: no
   * address is aligned better than the kernel declares. */
  uint32_t static_shared_bytes;
  uint32_t shared_alignment;
  uint32_t max_threads; /* of a block; 0: any */
  uint32_t argument_count;
  const uint32_t *argument_bytes; /* 4, 8 or 128 each */
} moe_simt_kernel;

/* Where an access or a barrier comes from. */
typedef struct moe_simt_location {
  const char *kernel; /* its function */
  const char *op;     /* "nvvm.mma.sync", "llvm.store", ... */
  uint64_t ordinal;   /* which one of these of the function, from 0 */
  const char *source; /* the node of the ONNX file, or "" */
} moe_simt_location;

typedef struct moe_simt_image {
  uint32_t version, struct_size;
  uint32_t instrumented; /* whether `access` is called */
  uint32_t reserved;
  const moe_simt_kernel *kernels;
  uint64_t kernel_count;
  const moe_simt_location *locations; /* by the number that calls carry */
  uint64_t location_count;
} moe_simt_image;

#ifdef __cplusplus
}
#endif

#endif /* MOE_SIMT_H */
