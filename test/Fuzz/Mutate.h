//===- Mutate.h - Changes of an ONNX model ----------------------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_FUZZ_MUTATE_H
#define MOE_TEST_FUZZ_MUTATE_H

#include <cstddef>
#include <cstdint>

namespace moe_fuzz {

/// Changes one to four fields of the model in `data`. The new length, or 0 when
/// it is no model or becomes too long.
size_t mutateModel(uint8_t *data, size_t bytes, size_t most, unsigned seed);

} // namespace moe_fuzz

#endif // MOE_TEST_FUZZ_MUTATE_H
