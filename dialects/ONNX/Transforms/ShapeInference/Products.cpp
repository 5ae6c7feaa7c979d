//===- Products.cpp - Shapes of matrix products and attention -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Inference.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

/// The inner dimensions of a product must agree.
LogicalResult contract(Inference &n, ArrayRef<Poly> lhs, ArrayRef<Poly> rhs,
                       const Poly &k, const Poly &k2) {
  if (k.asConstant() && k2.asConstant() && k != k2)
    return n.contradict("multiplies " + n.text(lhs) + " by " + n.text(rhs));
  return success(succeeded(n.unify(k, k2)));
}

/// The shape of lhs * rhs, and a check of what they contract.
LogicalResult inferProduct(Inference &n, Dims lhs, Dims rhs) {
  if (lhs.empty() || rhs.empty())
    return n.contradict("multiplies a scalar");
  bool lhsVector = lhs.size() == 1, rhsVector = rhs.size() == 1;
  if (lhsVector)
    lhs.insert(lhs.begin(), Poly(1));
  if (rhsVector)
    rhs.push_back(Poly(1));
  Dims result;
  if (failed(contract(n, lhs, rhs, lhs.back(), rhs[rhs.size() - 2])) ||
      failed(n.broadcastDims(
          {Dims(lhs.begin(), lhs.end() - 2), Dims(rhs.begin(), rhs.end() - 2)},
          result)))
    return failure();
  if (!lhsVector)
    result.push_back(lhs[lhs.size() - 2]);
  if (!rhsVector)
    result.push_back(rhs.back());
  return n.set(0,
               n.op.getOpType() == "MatMulInteger" ? n.b.getI32Type()
                                                   : n.elementOf(0),
               result);
}

LogicalResult matMul(Inference &n) {
  Dims lhs, rhs;
  if (!n.dimsOf(0, lhs) || !n.dimsOf(1, rhs))
    return failure();
  return inferProduct(n, lhs, rhs);
}

/// com.microsoft.FusedMatMul: operands may be transposed, see
/// getFusedMatMulPerm.
LogicalResult fusedMatMul(Inference &n) {
  Dims operands[2];
  for (unsigned i : {0u, 1u}) {
    Dims dims;
    if (!n.dimsOf(i, dims))
      return failure();
    for (int64_t from : getFusedMatMulPerm(n.op, i, dims.size()))
      operands[i].push_back(dims[from]);
  }
  return inferProduct(n, operands[0], operands[1]);
}

LogicalResult gemm(Inference &n) {
  Dims lhs, rhs, bias, sum;
  if (!n.dimsOf(0, lhs) || !n.dimsOf(1, rhs))
    return failure();
  if (lhs.size() != 2 || rhs.size() != 2)
    return n.contradict("multiplies " + n.text(lhs) + " by " + n.text(rhs) +
                        "; both must be matrices");
  bool transA = n.op.getInt("transA", 0), transB = n.op.getInt("transB", 0);
  if (failed(contract(n, lhs, rhs, lhs[transA ? 0 : 1], rhs[transB ? 1 : 0])))
    return failure();
  Dims result = {lhs[transA ? 1 : 0], rhs[transB ? 0 : 1]};
  if (n.dimsOf(2, bias) && failed(n.broadcastDims({result, bias}, sum)))
    return failure();
  return n.set(0, n.elementOf(0), result);
}

/// An equation such as "bij,bjk->bik"; "..." stands for leading dimensions that
/// broadcast.
LogicalResult einsum(Inference &n) {
  std::string equation;
  for (char c : n.op.getString("equation", ""))
    if (c != ' ')
      equation += c;
  auto [inputs, output] = StringRef(equation).split("->");
  bool isExplicit = StringRef(equation).contains("->");
  SmallVector<StringRef> terms;
  inputs.split(terms, ',');
  if (terms.size() != n.op.getInputs().size())
    return n.contradict("its equation '" + equation + "' has " +
                        Twine(terms.size()) + " terms for " +
                        Twine(n.op.getInputs().size()) + " operands");
  std::map<char, Poly> sizes;
  std::map<char, unsigned> uses;
  SmallVector<Dims> leading;
  for (auto [i, term] : llvm::enumerate(terms)) {
    Dims dims;
    if (!n.dimsOf(i, dims))
      return failure();
    auto [before, after] = term.split("...");
    bool dots = term.contains("...");
    size_t letters = before.size() + after.size();
    if (dots ? dims.size() < letters : dims.size() != letters)
      return n.contradict("its equation '" + equation + "' does not fit " +
                          n.text(dims));
    size_t extra = dims.size() - letters;
    leading.push_back(Dims(dims.begin() + before.size(),
                           dims.begin() + before.size() + extra));
    for (size_t d = 0; d < letters; ++d) {
      bool isBefore = d < before.size();
      char name = isBefore ? before[d] : after[d - before.size()];
      const Poly &dim = dims[isBefore ? d : d + extra];
      ++uses[name];
      auto [known, inserted] = sizes.try_emplace(name, dim);
      if (inserted || dim.asConstant() == 1)
        continue;
      if (known->second.asConstant() == 1) {
        known->second = dim;
        continue;
      }
      if (known->second.asConstant() && dim.asConstant() &&
          known->second != dim)
        return n.contradict("dimension '" + Twine(name) + "' of equation '" +
                            equation + "' is both " + n.text(known->second) +
                            " and " + n.text(dim));
      FailureOr<Poly> same = n.unify(known->second, dim);
      if (failed(same))
        return failure();
      known->second = *same;
    }
  }
  Dims dots, result;
  if (failed(n.broadcastDims(leading, dots)))
    return failure();
  std::string implicit;
  if (!isExplicit) {
    implicit = "...";
    for (auto [name, count] : uses)
      if (count == 1)
        implicit += name;
    output = implicit;
  }
  auto [before, after] = output.split("...");
  auto append = [&](StringRef names) {
    for (char name : names) {
      auto known = sizes.find(name);
      if (known == sizes.end())
        return false;
      result.push_back(known->second);
    }
    return true;
  };
  bool fits = append(before);
  if (output.contains("..."))
    result.append(dots);
  if (!fits || !append(after))
    return n.contradict("the result of equation '" + equation +
                        "' has a dimension that no operand has");
  return n.set(0, n.elementOf(0), result);
}

LogicalResult matMulNBits(Inference &n) {
  Dims dims;
  if (!n.dimsOf(0, dims) || dims.empty())
    return failure();
  int64_t k = n.op.getInt("K", 0), columns = n.op.getInt("N", 0);
  if (dims.back().asConstant() && dims.back() != Poly(k))
    return n.contradict("multiplies " + n.text(dims) + " by [" + Twine(k) +
                        ", " + Twine(columns) + "]");
  if (failed(n.unify(dims.back(), Poly(k))))
    return failure();
  dims.back() = Poly(columns);
  return n.set(0, n.elementOf(0), dims);
}

/// The result of attention: rows of the query, columns of the value.
LogicalResult attention(Inference &n) {
  Dims q, k, v, past;
  if (!n.dimsOf(0, q) || !n.dimsOf(1, k) || !n.dimsOf(2, v))
    return failure();
  if (q.size() != k.size() || q.size() != v.size() ||
      (q.size() != 3 && q.size() != 4))
    return n.contradict("query " + n.text(q) + ", key " + n.text(k) +
                        " and value " + n.text(v) +
                        " must all have rank 3 or 4");
  bool flat = q.size() == 3;
  int64_t heads = n.op.getInt("q_num_heads", 0),
          kvHeads = n.op.getInt("kv_num_heads", 0);
  if (flat) {
    if (heads < 1 || kvHeads < 1)
      return n.contradict("operands of rank 3 need q_num_heads and "
                          "kv_num_heads");
    // [B, S, heads * size] to [B, heads, S, size].
    for (auto [dims, count] :
         {std::make_pair(&q, heads), {&k, kvHeads}, {&v, kvHeads}}) {
      auto size = dims->back().dividedBy(Poly(count));
      if (!size)
        return n.contradict(n.text(dims->back()) + " columns are not " +
                            Twine(count) + " heads");
      *dims = {(*dims)[0], Poly(count), (*dims)[1], *size};
    }
  }
  if (q[3].asConstant() && k[3].asConstant() && q[3] != k[3])
    return n.contradict("query " + n.text(q) + " and key " + n.text(k) +
                        " have heads of different sizes");
  if (k[2].asConstant() && v[2].asConstant() && k[2] != v[2])
    return n.contradict("key " + n.text(k) + " and value " + n.text(v) +
                        " have different lengths");
  auto hq = q[1].asConstant(), hkv = k[1].asConstant();
  if (hq && hkv && (*hkv == 0 || *hq % *hkv != 0))
    return n.contradict(Twine(*hq) + " query heads are no multiple of " +
                        Twine(*hkv) + " key heads");
  Dims result =
      flat ? Dims{q[0], q[2], q[1] * v[3]} : Dims{q[0], q[1], q[2], v[3]};
  if (failed(n.set(0, n.elementOf(0), result)))
    return failure();
  Dims presentK = k, presentV = v;
  if (n.dimsOf(4, past) && past.size() == 4)
    presentK[2] = presentV[2] = past[2] + k[2];
  if (n.op.getNumResults() > 2 && (failed(n.set(1, n.elementOf(1), presentK)) ||
                                   failed(n.set(2, n.elementOf(2), presentV))))
    return failure();
  return n.op.getNumResults() > 3
             ? n.set(3, n.elementOf(0), {q[0], q[1], q[2], presentK[2]})
             : success();
}

} // namespace

SmallVector<int64_t> onnx::getFusedMatMulPerm(NodeOp op, unsigned operand,
                                              int64_t rank) {
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (rank < 2)
    return perm;
  auto isSet = [&](StringRef name) {
    return op.getInt((name + (operand == 0 ? "A" : "B")).str(), 0) != 0;
  };
  if (isSet("transBatch"))
    std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (isSet("trans"))
    std::swap(perm[rank - 2], perm[rank - 1]);
  return perm;
}

void onnx::addProductRules(RuleTable &t) {
  t.addAll({"MatMul", "MatMulInteger"}, 1, matMul);
  t.add("FusedMatMul", 1, fusedMatMul, kMicrosoft);
  t.add("Gemm", 7, gemm);
  t.add("Einsum", 12, einsum);
  t.add("Attention", 23, attention);
  t.add("MatMulNBits", 1, matMulNBits, kMicrosoft);
}
