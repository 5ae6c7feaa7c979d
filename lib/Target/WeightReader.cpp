//===- WeightReader.cpp - Elements of weight recipes ----------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightReader.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Path.h"
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::weights;

/// Bytes of a source file that are mapped at once.
static constexpr uint64_t kWindow = 32u << 20;

WeightReader::~WeightReader() {
  for (auto &entry : files) {
    File &file = entry.second;
    if (file.window)
      munmap(file.window, file.length);
    if (file.descriptor >= 0)
      close(file.descriptor);
  }
}

const char *WeightReader::fetch(StringRef name, uint64_t offset,
                                uint64_t bytes) {
  File &file = files[name];
  if (file.descriptor < 0) {
    SmallString<256> path(folder);
    llvm::sys::path::append(path, name);
    struct stat status;
    file.descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file.descriptor < 0 || fstat(file.descriptor, &status) != 0) {
      fail("'" + name.str() + "' cannot be opened: " + std::strerror(errno));
      return nullptr;
    }
    file.size = status.st_size;
  }
  if (offset > file.size || bytes > file.size - offset) {
    fail("'" + name.str() + "' was cut short");
    return nullptr;
  }
  if (!file.window || offset < file.begin ||
      offset + bytes > file.begin + file.length) {
    if (file.window)
      munmap(file.window, file.length);
    uint64_t page = sysconf(_SC_PAGESIZE);
    file.begin = offset / page * page;
    file.length = std::min(std::max(kWindow, offset + bytes - file.begin),
                           file.size - file.begin);
    void *window = mmap(nullptr, file.length, PROT_READ, MAP_PRIVATE,
                        file.descriptor, file.begin);
    if (window == MAP_FAILED) {
      file.window = nullptr;
      fail("'" + name.str() + "' cannot be mapped: " + std::strerror(errno));
      return nullptr;
    }
    file.window = static_cast<char *>(window);
  }
  return file.window + (offset - file.begin);
}

static int64_t elementBytes(Type type) {
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8u);
}

/// Row-major position of a point.
static int64_t linearize(ArrayRef<int64_t> index, ArrayRef<int64_t> shape) {
  int64_t position = 0;
  for (auto [i, extent] : llvm::zip(index, shape))
    position = position * extent + i;
  return position;
}

static SmallVector<int64_t> delinearize(int64_t position,
                                        ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(shape.size());
  for (int64_t d = shape.size() - 1; d >= 0; --d) {
    index[d] = position % shape[d];
    position /= shape[d];
  }
  return index;
}

bool WeightReader::readBytes(Value recipe, int64_t first, int64_t count,
                             char *out) {
  auto type = cast<WeightTensorType>(recipe.getType());
  int64_t width = elementBytes(type.getElementType());
  ArrayRef<int64_t> shape = type.getShape();
  Operation *op = recipe.getDefiningOp();
  if (count == 0)
    return true;
  if (auto ref = dyn_cast<RefOp>(op)) {
    const char *bytes =
        fetch(ref.getFile(), ref.getOffset() + first * width, count * width);
    if (bytes)
      std::memcpy(out, bytes, count * width);
    return bytes;
  }
  if (auto constant = dyn_cast<InlineOp>(op)) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!elements)
      return fail("an inline constant has an unknown form");
    ArrayRef<char> raw = elements.getRawData();
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(out + i * width,
                  raw.data() + (elements.isSplat() ? 0 : (first + i) * width),
                  width);
    return true;
  }
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return readBytes(reshape.getSource(), first, count, out);
  if (auto view = dyn_cast<ViewOp>(op)) {
    // Runs of the last dimension are consecutive in the source; a view of whole
    // rows is consecutive as a whole.
    ArrayRef<int64_t> source = view.getSource().getType().getShape();
    for (int64_t done = 0; done < count;) {
      SmallVector<int64_t> index = delinearize(first + done, shape);
      int64_t run = std::min(shape.back() - index.back(), count - done);
      if (source.size() > 1 &&
          llvm::equal(source.drop_front(), shape.drop_front()))
        run = count - done;
      for (auto [i, offset] : llvm::zip(index, view.getOffsets()))
        i += offset;
      if (!readBytes(view.getSource(), linearize(index, source), run,
                     out + done * width))
        return false;
      done += run;
    }
    return true;
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    ArrayRef<int64_t> source = transpose.getSource().getType().getShape();
    ArrayRef<int64_t> perm = transpose.getPermutation();
    for (int64_t done = 0; done < count;) {
      SmallVector<int64_t> index = delinearize(first + done, shape);
      SmallVector<int64_t> from(index.size());
      for (auto [i, p] : llvm::enumerate(perm))
        from[p] = index[i];
      // The last dimension stays last: its run is consecutive.
      int64_t run = perm.back() == int64_t(perm.size()) - 1
                        ? std::min(shape.back() - index.back(), count - done)
                        : 1;
      if (!readBytes(transpose.getSource(), linearize(from, source), run,
                     out + done * width))
        return false;
      done += run;
    }
    return true;
  }
  if (auto stack = dyn_cast<StackOp>(op)) {
    int64_t inner = cast<WeightTensorType>(stack.getSources()[0].getType())
                        .getNumElements();
    for (int64_t done = 0; done < count;) {
      int64_t at = first + done,
              run = std::min(inner - at % inner, count - done);
      if (!readBytes(stack.getSources()[at / inner], at % inner, run,
                     out + done * width))
        return false;
      done += run;
    }
    return true;
  }
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    // Runs of the axis and the dimensions behind it are consecutive in a
    // source.
    int64_t axis = concat.getAxis(), inner = 1;
    for (int64_t size : shape.drop_front(axis + 1))
      inner *= size;
    for (int64_t done = 0; done < count;) {
      int64_t at = first + done, outer = at / (inner * shape[axis]);
      int64_t within = at % (inner * shape[axis]);
      for (Value source : concat.getSources()) {
        int64_t extent =
            cast<WeightTensorType>(source.getType()).getShape()[axis] * inner;
        if (within >= extent) {
          within -= extent;
          continue;
        }
        int64_t run = std::min(extent - within, count - done);
        if (!readBytes(source, outer * extent + within, run,
                       out + done * width))
          return false;
        done += run;
        break;
      }
    }
    return true;
  }
  return fail("'" + op->getName().getStringRef().str() +
              "' of weights is not supported by the packer");
}

static float toFloat(const char *bytes, Type type) {
  if (type.isF32()) {
    float value;
    std::memcpy(&value, bytes, 4);
    return value;
  }
  if (type.isBF16()) {
    uint16_t half;
    std::memcpy(&half, bytes, 2);
    uint32_t bits = uint32_t(half) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }
  unsigned width = type.getIntOrFloatBitWidth();
  uint64_t bits = 0;
  std::memcpy(&bits, bytes, llvm::divideCeil(width, 8u));
  llvm::APFloat value(cast<FloatType>(type).getFloatSemantics(),
                      llvm::APInt(width, bits));
  bool inexact;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven,
                &inexact);
  return value.convertToFloat();
}

bool WeightReader::readFloats(Value recipe, int64_t first, int64_t count,
                              float *out) {
  if (auto cast = recipe.getDefiningOp<CastOp>())
    if (cast.getType().getElementType().isF32())
      return readFloats(cast.getSource(), first, count, out);
  Type type = cast<WeightTensorType>(recipe.getType()).getElementType();
  if (!isa<FloatType>(type))
    return fail("weights of integers are not supported here");
  if (type.isF32())
    return readBytes(recipe, first, count, reinterpret_cast<char *>(out));
  int64_t width = elementBytes(type);
  SmallVector<char> raw(count * width);
  if (!readBytes(recipe, first, count, raw.data()))
    return false;
  for (int64_t i = 0; i < count; ++i)
    out[i] = toFloat(raw.data() + i * width, type);
  return true;
}
