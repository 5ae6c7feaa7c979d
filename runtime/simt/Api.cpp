//===- Api.cpp - The table that generated code calls ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <cmath>

using namespace moe_simt;

// Computed in double and rounded, the same bits on every host.
static float exp32(float x) { return static_cast<float>(std::exp(double(x))); }
static float exp2_32(float x) {
  return static_cast<float>(std::exp2(double(x)));
}
static float log32(float x) { return static_cast<float>(std::log(double(x))); }
static float log2_32(float x) {
  return static_cast<float>(std::log2(double(x)));
}
static float sin32(float x) { return static_cast<float>(std::sin(double(x))); }
static float cos32(float x) { return static_cast<float>(std::cos(double(x))); }
static float tanh32(float x) {
  return static_cast<float>(std::tanh(double(x)));
}

// In the order of moe_simt_op and moe_simt_function.
const moe_simt_api moe_simt::kApi = {
    MOE_SIMT_VERSION,
    sizeof(moe_simt_api),
    models::access,
    {models::barrier,
     models::barrierArrive,
     models::syncWarp,
     models::shuffle,
     models::vote,
     models::redux,
     models::elect,
     models::loadMatrix,
     models::storeMatrix,
     models::mma,
     models::copyAsync,
     models::copyCommit,
     models::copyWait,
     models::copyArrive,
     models::mbarrierInit,
     models::mbarrierInvalidate,
     models::mbarrierExpect,
     models::mbarrierArrive,
     models::mbarrierArriveExpect,
     models::mbarrierWait,
     models::tensorLoad,
     models::tensorStore,
     models::bulkCommit,
     models::bulkWait,
     models::proxyFence,
     models::wgmmaFence,
     models::wgmma,
     models::wgmmaCommit,
     models::wgmmaWait},
    {exp32, exp2_32, log32, log2_32, sin32, cos32, tanh32},
};
