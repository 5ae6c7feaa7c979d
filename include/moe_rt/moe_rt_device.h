/*===- moe_rt_device.h - What the runtime asks of a device ----------------===*\
|*
|* Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
|* See LICENSE for license information.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* A device executes kernels and holds memory that the host cannot read. Two
|* back ends fill this table: the CUDA driver (inside the runtime) and host
|* execution (libmoe_simt.so, which exports `moe_rt_device_v1`). Pure C99.
|*
|* Every function that returns int32_t gives MOE_RT_OK or another status of
|* moe_rt.h; `last_error` then has the text. A device and what was made from it
|* is used by one thread at a time. Failures of work in flight are reported by
|* the next call that can see them; after MOE_RT_DEVICE every call fails so, and
|* everything can still be destroyed.
|*
\*===----------------------------------------------------------------------===*/
#ifndef MOE_RT_DEVICE_H
#define MOE_RT_DEVICE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOE_RT_DEVICE_VERSION 1u
#define MOE_RT_DEVICE_SYMBOL "moe_rt_device_v1"

typedef struct moe_rt_device moe_rt_device;
typedef struct moe_rt_stream moe_rt_stream;
typedef struct moe_rt_event moe_rt_event;
typedef struct moe_rt_module moe_rt_module;
typedef struct moe_rt_kernel moe_rt_kernel;
typedef struct moe_rt_graph moe_rt_graph;

typedef struct moe_rt_device_properties {
  char name[128];
  int32_t major, minor; /* compute capability */
  int32_t sm_count;
  int32_t driver_version; /* as the driver counts, 13000 for 13.0; 0: none */
  int32_t is_host_execution;
  uint64_t memory_total, memory_free; /* bytes */
  uint64_t shared_bytes_per_block;    /* the most a kernel can ask for */
} moe_rt_device_properties;

/* What an image holds. */
#define MOE_RT_IMAGE_CUBIN 0u
#define MOE_RT_IMAGE_PTX 1u
#define MOE_RT_IMAGE_SIMT 2u /* data: a moe_simt_image, see moe_simt.h */

typedef struct moe_rt_launch {
  uint32_t grid[3], block[3];
  uint32_t shared_bytes; /* dynamic */
  /* arguments[i] points to the i-th argument: 8 bytes for pointers and 64-bit
   * integers, 4 for 32-bit ones, 128 for tensor maps. Copied by the call. */
  void *const *arguments;
} moe_rt_launch;

/* A tiled tensor map (PTX ISA, "Tensors"): innermost dimension first. */
typedef struct moe_rt_tensor_map_spec {
  const void *base; /* device address, multiple of 16 */
  uint32_t rank;    /* 1 to 5 */
  uint32_t element; /* moe_rt_type: F32, F16, BF16, ... */
  uint32_t swizzle; /* 0, 32, 64 or 128 bytes */
  uint32_t reserved;
  uint64_t sizes[5];   /* elements */
  uint64_t strides[5]; /* bytes, multiples of 16; strides[0] is not read */
  uint32_t box[5];     /* elements, at most 256 */
} moe_rt_tensor_map_spec;
#define MOE_RT_TENSOR_MAP_BYTES 128

typedef struct moe_rt_device_api {
  uint32_t version, struct_size;

  /* Opens the device of this name: "cuda:0", or "host-simt" followed by options
   * as its documentation lists them. On failure writes why to `problem`. */
  int32_t (*open)(const char *name, moe_rt_device **device, char *problem,
                  uint64_t problem_bytes);
  /* After everything made from it was destroyed. */
  void (*close)(moe_rt_device *device);
  const char *(*last_error)(const moe_rt_device *device);
  int32_t (*properties)(moe_rt_device *device,
                        moe_rt_device_properties *properties);
  /* JSON, an object; lives until the next call: counters of the back end. */
  const char *(*statistics)(moe_rt_device *device);

  /* Device memory, 256-byte aligned; OUT_OF_MEMORY when there is none. */
  int32_t (*allocate)(moe_rt_device *device, uint64_t bytes, void **address);
  void (*release)(moe_rt_device *device, void *address);
  /* Host memory that copies run from without blocking, page aligned. */
  int32_t (*allocate_pinned)(moe_rt_device *device, uint64_t bytes,
                             void **address);
  void (*release_pinned)(moe_rt_device *device, void *address);

  /* Work of a stream runs in order; streams run beside each other. */
  int32_t (*stream_create)(moe_rt_device *device, moe_rt_stream **stream);
  void (*stream_destroy)(moe_rt_stream *stream);
  /* Waits for all work of the stream. */
  int32_t (*stream_synchronize)(moe_rt_stream *stream);

  int32_t (*event_create)(moe_rt_device *device, moe_rt_event **event);
  void (*event_destroy)(moe_rt_event *event);
  /* The event stands for all work of the stream so far. */
  int32_t (*event_record)(moe_rt_event *event, moe_rt_stream *stream);
  /* Later work of the stream runs after the event. */
  int32_t (*event_wait)(moe_rt_event *event, moe_rt_stream *stream);
  /* *done: whether its work has finished (also when never recorded). */
  int32_t (*event_query)(moe_rt_event *event, int32_t *done);
  int32_t (*event_synchronize)(moe_rt_event *event);

  /* Asynchronous; host memory is pinned and stays as it is until the copy ran.
   */
  int32_t (*copy_to_device)(moe_rt_stream *stream, void *to, const void *from,
                            uint64_t bytes);
  int32_t (*copy_to_host)(moe_rt_stream *stream, void *to, const void *from,
                          uint64_t bytes);
  /* `rows` rows of `bytes` bytes, their starts this many bytes apart. */
  int32_t (*copy_on_device)(moe_rt_stream *stream, void *to, uint64_t to_stride,
                            const void *from, uint64_t from_stride,
                            uint64_t bytes, uint64_t rows);

  /* INCOMPATIBLE: the device or its driver cannot run the image. */
  int32_t (*module_load)(moe_rt_device *device, uint32_t kind, const void *data,
                         uint64_t bytes, moe_rt_module **module);
  void (*module_unload)(moe_rt_module *module);
  /* Lives as long as the module. NOT_FOUND. */
  int32_t (*kernel_get)(moe_rt_module *module, const char *name,
                        moe_rt_kernel **kernel);
  /* A grid without blocks is no launch. */
  int32_t (*launch)(moe_rt_stream *stream, moe_rt_kernel *kernel,
                    const moe_rt_launch *launch);
  /* Fills MOE_RT_TENSOR_MAP_BYTES bytes at `map`, 64-byte aligned. */
  int32_t (*tensor_map)(moe_rt_device *device,
                        const moe_rt_tensor_map_spec *spec, void *map);

  /* Work given to the stream between begin and end is recorded, not run. */
  int32_t (*capture_begin)(moe_rt_stream *stream);
  int32_t (*capture_end)(moe_rt_stream *stream, moe_rt_graph **graph);
  /* Takes what `from`, just captured, does, when both differ in arguments only
   * (*updated); destroys `from` in any case. */
  int32_t (*graph_update)(moe_rt_graph *graph, moe_rt_graph *from,
                          int32_t *updated);
  int32_t (*graph_launch)(moe_rt_graph *graph, moe_rt_stream *stream);
  void (*graph_destroy)(moe_rt_graph *graph);

  /* The host was busy or waited for this long outside of the device, a read of
   * a file for example. NULL for back ends whose clock is not virtual. */
  void (*host_time)(moe_rt_device *device, double seconds);
} moe_rt_device_api;

#ifdef __cplusplus
}
#endif

#endif /* MOE_RT_DEVICE_H */
