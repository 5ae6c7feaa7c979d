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

/* One GPU thread at work; its first field is the table of functional models
 * that generated code calls. */
typedef struct moe_simt_thread moe_simt_thread;

typedef struct moe_simt_kernel {
  const char *name;
  /* Runs one thread of the kernel from its start to its end. */
  void (*run)(moe_simt_thread *thread, void *const *arguments);
  uint32_t static_shared_bytes; /* shared memory the kernel declares */
  uint32_t shared_alignment;    /* of the dynamic shared memory, as declared */
  uint32_t max_threads;         /* of a block; 0: any */
  uint32_t argument_count;
  const uint32_t *argument_bytes; /* 4, 8 or 128 each */
} moe_simt_kernel;

/* Where an access or a barrier comes from. */
typedef struct moe_simt_location {
  const char *kernel; /* its function */
  const char *op;     /* "nvvm.mma.sync", "llvm.store", ... */
  const char *source; /* the node of the ONNX file, or "" */
} moe_simt_location;

typedef struct moe_simt_image {
  uint32_t version, struct_size;
  const moe_simt_kernel *kernels;
  uint64_t kernel_count;
  const moe_simt_location *locations; /* by the number that calls carry */
  uint64_t location_count;
} moe_simt_image;

#ifdef __cplusplus
}
#endif

#endif /* MOE_SIMT_H */
