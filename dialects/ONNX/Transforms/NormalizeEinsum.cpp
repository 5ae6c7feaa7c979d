//===- NormalizeEinsum.cpp - Einsum as sums and batched products ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Letters of a term that are nowhere else are summed first. Of two terms, every
// letter is then one of four kinds:
//
//   in both and the result   batch
//   in both only             contracted
//   in one and the result    rows or columns
//
// so that the equation is MatMul of [batch..., rows, contracted] and
// [batch..., contracted, columns], between transposes. Where one term is a
// vector in each batch, the other one stays as it lies.

#include "dialects/ONNX/Transforms/Normalize.h"
#include <map>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

namespace {

/// An operand and the letter of each of its dimensions.
struct Term {
  Value value;
  std::string letters;
};

bool contains(StringRef letters, char letter) {
  return letters.contains(letter);
}

/// Sums over the letters that `keep` has not.
bool sumOut(NodeRewriter &r, Term &term, StringRef keep) {
  SmallVector<int64_t> axes;
  std::string left;
  for (auto [i, letter] : llvm::enumerate(term.letters)) {
    if (contains(keep, letter))
      left += letter;
    else
      axes.push_back(i);
  }
  if (axes.empty())
    return true;
  term.letters = left;
  term.value = r.create("ReduceSum", term.value,
                        {r.attr("axes", axes), r.attr("keepdims", 0),
                         r.attr("normalized", r.builder.getUnitAttr())});
  return bool(term.value);
}

/// The dimensions in the order of `letters`.
bool order(NodeRewriter &r, Term &term, const std::string &letters) {
  SmallVector<int64_t> perm;
  for (char letter : letters)
    perm.push_back(term.letters.find(letter));
  term.letters = letters;
  term.value = r.transpose(term.value, perm);
  return bool(term.value);
}

/// Letters of an equation with explicit result and without dots or repeated
/// letters in a term; false for other equations.
bool parse(NodeRewriter &r, SmallVectorImpl<Term> &terms, std::string &result) {
  std::string equation;
  for (char c : r.op.getString("equation", ""))
    if (c != ' ')
      equation += c;
  if (!StringRef(equation).contains("->") || StringRef(equation).contains('.'))
    return false;
  auto [inputs, output] = StringRef(equation).split("->");
  SmallVector<StringRef> parts;
  inputs.split(parts, ',');
  if (parts.size() != r.op.getInputs().size() || parts.size() > 2)
    return false;
  for (auto [part, value] : llvm::zip(parts, r.op.getInputs())) {
    auto dims = getPolyDims(value);
    if (!dims || dims->size() != part.size())
      return false;
    for (char letter : part)
      if (part.count(letter) > 1)
        return false;
    terms.push_back({value, part.str()});
  }
  result = output.str();
  return true;
}

/// The product of a vector of one contracted letter and a matrix whose letters
/// are batch, own and contracted, in this order or with the last two exchanged;
/// a null value for others.
Term vectorProduct(NodeRewriter &r, Term vector, Term matrix,
                   const std::string &batch, const std::string &contracted,
                   const std::string &own) {
  bool isLast = matrix.letters == batch + own + contracted;
  auto dims = getPolyDims(matrix.value);
  if (contracted.size() != 1 || !dims ||
      (!isLast && matrix.letters != batch + contracted + own) ||
      !order(r, vector, batch + contracted))
    return {};
  auto lead = ArrayRef<Poly>(*dims).take_front(batch.size());
  SmallVector<Poly> column(lead), whole(lead);
  Poly size = (*dims)[matrix.letters.find(contracted)];
  if (isLast) {
    column.append(own.size() - 1, Poly(1));
    column.append({size, Poly(1)});
    llvm::append_range(whole,
                       ArrayRef<Poly>(*dims).slice(batch.size(), own.size()));
  } else {
    Poly width(1);
    for (const Poly &dim : ArrayRef<Poly>(*dims).drop_front(batch.size() + 1)) {
      whole.push_back(dim);
      width = width * dim;
    }
    column.append({Poly(1), size});
    SmallVector<Poly> flat(lead);
    flat.append({size, width});
    matrix.value = r.reshape(matrix.value, flat);
  }
  vector.value = r.reshape(vector.value, column);
  if (!vector.value || !matrix.value)
    return {};
  Value y = isLast ? r.create("MatMul", {matrix.value, vector.value})
                   : r.create("MatMul", {vector.value, matrix.value});
  return {y ? r.reshape(y, whole) : Value(), batch + own};
}

Values einsumRule(NodeRewriter &r) {
  SmallVector<Term> terms;
  std::string result;
  if (!parse(r, terms, result))
    return std::nullopt;
  if (terms.size() == 1) {
    if (!sumOut(r, terms[0], result) || !order(r, terms[0], result))
      return std::nullopt;
    return single(terms[0].value);
  }
  Term &a = terms[0], &b = terms[1];
  if (!sumOut(r, a, b.letters + result) || !sumOut(r, b, a.letters + result))
    return std::nullopt;
  std::map<char, Poly> sizes;
  for (Term &term : terms) {
    auto dims = getPolyDims(term.value);
    for (auto [letter, dim] : llvm::zip(term.letters, *dims)) {
      auto [known, inserted] = sizes.try_emplace(letter, dim);
      if (!inserted && known->second != dim)
        return std::nullopt; // stretches, or equal only at run time
    }
  }
  std::string batch, rows, columns, contracted;
  for (char letter : a.letters) {
    if (!contains(b.letters, letter))
      rows += letter;
    else
      (contains(result, letter) ? batch : contracted) += letter;
  }
  for (char letter : b.letters)
    if (!contains(a.letters, letter))
      columns += letter;

  // One dimension each for rows, columns and what is contracted.
  auto sizesOf = [&](StringRef letters) {
    SmallVector<Poly> dims;
    for (char letter : letters)
      dims.push_back(sizes[letter]);
    return dims;
  };
  auto product = [&](StringRef letters) {
    Poly size(1);
    for (char letter : letters)
      size = size * sizes[letter];
    return size;
  };
  if (rows.empty() != columns.empty()) {
    Term &vector = rows.empty() ? a : b, &matrix = rows.empty() ? b : a;
    Term whole = vectorProduct(r, vector, matrix, batch, contracted,
                               rows.empty() ? columns : rows);
    if (whole.value)
      return order(r, whole, result) ? single(whole.value) : std::nullopt;
  }
  auto flatten = [&](Term &term, StringRef first, StringRef second) {
    if (!order(r, term, batch + first.str() + second.str()))
      return false;
    SmallVector<Poly> dims = sizesOf(batch);
    dims.push_back(product(first));
    dims.push_back(product(second));
    term.value = r.reshape(term.value, dims);
    return bool(term.value);
  };
  if (!flatten(a, rows, contracted) || !flatten(b, contracted, columns))
    return std::nullopt;
  Value y = r.create("MatMul", {a.value, b.value});
  if (y)
    y = r.reshape(y, sizesOf(batch + rows + columns));
  Term whole{y, batch + rows + columns};
  if (!y || !order(r, whole, result))
    return std::nullopt;
  return single(whole.value);
}

} // namespace

void onnx::addEinsumRules(NormalizeTable &table) {
  table["Einsum"] = einsumRule;
}
