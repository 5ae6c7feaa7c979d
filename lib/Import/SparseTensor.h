//===- SparseTensor.h - Sparse initializers as dense ones -------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_IMPORT_SPARSETENSOR_H
#define MOE_LIB_IMPORT_SPARSETENSOR_H

#include "TensorData.h"

namespace mlir::moe {

/// The dense tensor of the same name: zeros, and the values at their indices,
/// which are [n] of linearized or [n, rank] of separate coordinates. Fails when
/// an index is out of bounds or given twice, or the dense form is too large to
/// be kept in memory.
llvm::Expected<onnx_ns::TensorProto>
densify(const onnx_ns::SparseTensorProto &sparse, MLIRContext *context);

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_SPARSETENSOR_H
