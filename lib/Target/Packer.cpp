//===- Packer.cpp - Weights to the .moew file -----------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Target/Packer.h"
#include "PageWriter.h"
#include "WeightReader.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "moe/CodeGen/GPU/KernelSet.h"
#include "moe/Support/BankLayout.h"
#include "moe_rt/moe_rt_format.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::weights;

namespace {

constexpr uint64_t kAlign = MOE_FORMAT_PAGE_ALIGN;
/// Dense pages are pieces of at most this many bytes.
constexpr uint64_t kDensePage = 4u << 20;

class Packer {
public:
  Packer(ModuleOp module, StringRef sourceFolder)
      : module(module), reader(sourceFolder) {
    module.walk([&](PlaceOp op) { places.push_back(op); });
    llvm::sort(places, [](PlaceOp a, PlaceOp b) {
      return a.getOffset() < b.getOffset();
    });
    module.walk([&](BankOp op) { banks.push_back(op); });
    // Devices read another layout; see DeviceLayout.h.
    if (module->hasAttr(gpu::kKernelSetAttr)) {
      auto type = module->getAttrOfType<TypeAttr>(gpu::kWeightsAttr);
      element = type ? type.getValue() : Float32Type::get(module.getContext());
    }
    llvm::sort(banks, [](BankOp a, BankOp b) {
      return a.getIndex().value_or(0) < b.getIndex().value_or(0);
    });
  }

  PackedWeights plan();
  FailureOr<PackedWeights> write(StringRef path, bool showProgress);

private:
  bool writeDense();
  bool fillPlace(PlaceOp place, char *out);
  bool writeBank(BankOp bank);
  bool writePage(const char *bytes, uint64_t size, moe_format_page page);
  bool writePages();
  bool finish();
  bool flush();
  bool checkSpace(StringRef path);
  void progress();
  LogicalResult report(Location loc) {
    return emitError(loc) << (problem.empty() ? reader.problem() : problem);
  }

  uint64_t getPartBytes(BankOp bank, int64_t part) {
    return element ? device::getExpertLayout(bank, element).getPartBytes(part)
                   : packed::getExpertShape(bank).getPartBytes(part);
  }

  ModuleOp module;
  Type element; // of weights packed for a device; null for a CPU
  WeightReader reader;
  SmallVector<PlaceOp> places;
  SmallVector<BankOp> banks;
  PackedWeights result;
  std::optional<PageWriter> writer;
  int file = -1;
  std::string problem;
  bool show = false;
  std::chrono::steady_clock::time_point begin, shown;
  Location current = UnknownLoc::get(module.getContext());
};

PackedWeights Packer::plan() {
  PackedWeights sizes;
  for (PlaceOp place : places)
    sizes.denseBytes = std::max<uint64_t>(
        sizes.denseBytes,
        place.getOffset() + place.getSource().getType().getNumBytes());
  sizes.denseBytes = llvm::alignTo(sizes.denseBytes, kAlign);
  uint64_t bytes = kAlign + sizes.denseBytes,
           count = llvm::divideCeil(sizes.denseBytes, kDensePage);
  for (BankOp bank : banks) {
    llvm::json::Array parts;
    for (int64_t part = 0; part < packed::ExpertShape::kNumParts; ++part) {
      parts.push_back(int64_t(getPartBytes(bank, part)));
      bytes += getPartBytes(bank, part) * bank.getType().getExperts();
    }
    count += bank.getType().getExperts() * packed::ExpertShape::kNumParts;
    int64_t k = 1;
    if (auto attr = bank->getAttrOfType<IntegerAttr>("k"))
      k = attr.getInt();
    sizes.banks.push_back(
        llvm::json::Object{{"name", bank.getName()},
                           {"experts", bank.getType().getExperts()},
                           {"parts", std::move(parts)},
                           {"k", k}});
  }
  sizes.fileBytes = bytes + count * sizeof(moe_format_page);
  return sizes;
}

void Packer::progress() {
  auto now = std::chrono::steady_clock::now();
  if (!show || now - shown < std::chrono::milliseconds(200))
    return;
  shown = now;
  double seconds = std::chrono::duration<double>(now - begin).count();
  double share =
      double(writer->getPosition()) / std::max<uint64_t>(1, result.fileBytes);
  llvm::errs() << llvm::format("\rpacking %3.0f %%, %.0f MB/s, %.0f s left ",
                               100 * share,
                               writer->getPosition() / 1e6 / seconds,
                               seconds / std::max(share, 1e-6) * (1 - share));
}

bool Packer::writePage(const char *bytes, uint64_t size, moe_format_page page) {
  progress();
  return writer->putPage(bytes, size, page);
}

/// The bytes of one weight at its place.
bool Packer::fillPlace(PlaceOp place, char *out) {
  Value source = place.getSource();
  current = place.getLoc();
  auto pack = source.getDefiningOp<PackOp>();
  auto type = cast<WeightTensorType>(source.getType());
  if (!pack || pack.getLayout() == Layout::Raw) {
    Value value = pack ? pack.getSource() : source;
    if (type.getElementType().isF32())
      return reader.readFloats(value, 0, type.getNumElements(),
                               reinterpret_cast<float *>(out));
    return reader.readBytes(value, 0, type.getNumElements(), out);
  }
  Value matrix = pack.getSource();
  // Rows are rounded as they are packed: once.
  if (auto cast = matrix.getDefiningOp<CastOp>();
      cast && pack.getLayout() == Layout::Rows)
    matrix = cast.getSource();
  ArrayRef<int64_t> shape = cast<WeightTensorType>(matrix.getType()).getShape();
  packed::MatrixSource rows;
  rows.k = shape[0];
  rows.n = shape[1];
  // A transposed source is read along its own rows.
  if (auto transpose = matrix.getDefiningOp<TransposeOp>()) {
    rows.transposed = true;
    matrix = transpose.getSource();
  }
  int64_t columns = cast<WeightTensorType>(matrix.getType()).getShape()[1];
  rows.read = [&, matrix, columns](int64_t row, int64_t column, int64_t count,
                                   float *to) {
    return reader.readFloats(matrix, row * columns + column, count, to);
  };
  if (pack.getLayout() == Layout::Rows)
    return device::packRows(rows, device::getElement(type.getElementType()),
                            out);
  return packed::packMatrix(rows, reinterpret_cast<float *>(out));
}

/// The dense section, a page at a time: each weight is made in memory, the
/// pages it touches are written as they fill.
bool Packer::writeDense() {
  std::vector<char> page;
  auto flush = [&](bool all) {
    while (page.size() >= kDensePage || (all && !page.empty())) {
      uint64_t size = std::min<uint64_t>(page.size(), kDensePage);
      if (!writePage(page.data(), size,
                     {0, 0, 0, MOE_FORMAT_PAGE_DENSE, 0, 0, 0}))
        return false;
      page.erase(page.begin(), page.begin() + size);
    }
    return true;
  };
  uint64_t filled = 0;
  for (PlaceOp place : places) {
    uint64_t bytes = place.getSource().getType().getNumBytes();
    page.resize(page.size() + (place.getOffset() - filled), 0);
    uint64_t start = page.size();
    page.resize(start + bytes, 0);
    if (!fillPlace(place, page.data() + start))
      return false;
    filled = place.getOffset() + bytes;
    if (!flush(false))
      return false;
  }
  page.resize(page.size() + (result.denseBytes - filled), 0);
  return flush(true);
}

/// One expert's matrix of a tensor [E, K, N], read along the rows of what lies
/// under a final transpose: [1, 0] of one expert, or [0, 2, 1] of all.
packed::MatrixSource expertMatrix(WeightReader &reader, Value tensor,
                                  int64_t expert) {
  packed::MatrixSource source;
  if (!tensor)
    return source;
  ArrayRef<int64_t> shape = cast<WeightTensorType>(tensor.getType()).getShape();
  source.k = shape[1];
  source.n = shape[2];
  int64_t base = expert * source.k * source.n;
  if (auto stack = tensor.getDefiningOp<StackOp>()) {
    tensor = stack.getSources()[expert];
    base = 0;
  }
  if (auto transpose = tensor.getDefiningOp<TransposeOp>()) {
    ArrayRef<int64_t> perm = transpose.getPermutation();
    size_t last = perm.size() - 1;
    if (perm[last] == int64_t(last) - 1 && perm[last - 1] == int64_t(last) &&
        (last == 1 || perm[0] == 0)) {
      source.transposed = true;
      tensor = transpose.getSource();
    }
  }
  int64_t columns = source.transposed ? source.k : source.n;
  source.read = [&reader, tensor, base, columns](int64_t row, int64_t column,
                                                 int64_t count, float *out) {
    return reader.readFloats(tensor, base + row * columns + column, count, out);
  };
  return source;
}

packed::VectorSource expertVector(WeightReader &reader, Value stacked,
                                  int64_t expert) {
  if (!stacked)
    return {};
  int64_t n = cast<WeightTensorType>(stacked.getType()).getShape()[1];
  return
      [&reader, stacked, expert, n](int64_t first, int64_t count, float *out) {
        return reader.readFloats(stacked, expert * n + first, count, out);
      };
}

bool Packer::writeBank(BankOp bank) {
  current = bank.getLoc();
  packed::ExpertShape shape = packed::getExpertShape(bank);
  std::vector<float> buffer;
  auto pack = [&](const packed::ExpertSource &source, int64_t part) {
    if (!element)
      return packed::packExpertPart(shape, source, part, buffer.data());
    return device::packExpertPart(device::getExpertLayout(bank, element),
                                  device::getElement(element), source, part,
                                  reinterpret_cast<char *>(buffer.data()));
  };
  for (int64_t expert = 0; expert < bank.getType().getExperts(); ++expert) {
    packed::ExpertSource source;
    source.gate = expertMatrix(reader, bank.getTensor(Role::Gate), expert);
    source.up = expertMatrix(reader, bank.getTensor(Role::Up), expert);
    source.down = expertMatrix(reader, bank.getTensor(Role::Down), expert);
    source.gateBias =
        expertVector(reader, bank.getTensor(Role::GateBias), expert);
    source.upBias = expertVector(reader, bank.getTensor(Role::UpBias), expert);
    source.downBias =
        expertVector(reader, bank.getTensor(Role::DownBias), expert);
    for (int64_t part = 0; part < packed::ExpertShape::kNumParts; ++part) {
      uint64_t bytes = getPartBytes(bank, part);
      buffer.assign(bytes / sizeof(float), 0);
      moe_format_page page{};
      page.kind = MOE_FORMAT_PAGE_EXPERT;
      page.bank = bank.getIndex().value_or(0);
      page.expert = expert;
      page.part = part;
      if (!pack(source, part) ||
          !writePage(reinterpret_cast<char *>(buffer.data()), bytes, page))
        return false;
    }
  }
  return true;
}

bool Packer::writePages() {
  std::vector<char> headerPage(kAlign, 0);
  bool ok = writer->put(headerPage.data(), kAlign) && writeDense();
  for (BankOp bank : banks)
    ok = ok && writeBank(bank);
  return writer->finish() && ok;
}

/// The page table, and the header in front.
bool Packer::finish() {
  const std::vector<moe_format_page> &pages = writer->getPages();
  uint64_t tableBytes = pages.size() * sizeof(moe_format_page);
  moe_format_weights_header header{};
  header.magic = MOE_FORMAT_WEIGHTS_MAGIC;
  header.version = MOE_FORMAT_VERSION;
  header.family = element ? MOE_FORMAT_FAMILY_CUDA : MOE_FORMAT_FAMILY_X86;
  header.dense_offset = kAlign;
  header.dense_bytes = result.denseBytes;
  header.table_offset = writer->getPosition();
  header.page_count = pages.size();
  header.table_hash = XXH3_64bits(pages.data(), tableBytes);
  header.weights_id = header.table_hash;
  header.file_bytes = header.table_offset + tableBytes;
  header.header_hash =
      XXH3_64bits(&header, offsetof(moe_format_weights_header, header_hash));
  result.weightsId = header.weights_id;
  result.fileBytes = header.file_bytes;
  if (!writeAll(file, reinterpret_cast<const char *>(pages.data()), tableBytes,
                problem))
    return false;
  if (lseek(file, 0, SEEK_SET) != 0) {
    problem =
        std::string("the weights cannot be written: ") + std::strerror(errno);
    return false;
  }
  return writeAll(file, reinterpret_cast<const char *>(&header), sizeof(header),
                  problem);
}

bool Packer::flush() {
  if (fsync(file) == 0 || errno == EINVAL)
    return true;
  problem =
      std::string("the weights cannot be written: ") + std::strerror(errno);
  return false;
}

bool Packer::checkSpace(StringRef path) {
  struct statvfs status;
  if (statvfs(path.str().c_str(), &status) != 0)
    return true; // writing will tell
  uint64_t free = uint64_t(status.f_bavail) * status.f_frsize;
  if (free >= result.fileBytes)
    return true;
  problem = "the weights need " + std::to_string(result.fileBytes >> 20) +
            " MiB, the output's disk has " + std::to_string(free >> 20) +
            " MiB free";
  return false;
}

FailureOr<PackedWeights> Packer::write(StringRef path, bool showProgress) {
  show = showProgress;
  begin = shown = std::chrono::steady_clock::now();
  result = plan();
  if (!checkSpace(path))
    return report(module.getLoc());
  file = open(path.str().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (file < 0) {
    problem = "'" + path.str() + "' cannot be written: " + std::strerror(errno);
    return report(module.getLoc());
  }
  writer.emplace(file);
  bool ok = writePages();
  problem = writer->getProblem();
  ok = ok && finish() && flush();
  close(file);
  if (show)
    llvm::errs() << "\r\033[K";
  if (!ok)
    return report(current);
  return std::move(result);
}

} // namespace

FailureOr<PackedWeights> moe::planWeights(ModuleOp module) {
  return Packer(module, "").plan();
}

FailureOr<PackedWeights> moe::packWeights(ModuleOp module,
                                          StringRef sourceFolder,
                                          StringRef path, bool showProgress) {
  return Packer(module, sourceFolder).write(path, showProgress);
}
