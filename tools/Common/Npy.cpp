//===- Npy.cpp - Tensors in .npy files ------------------------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"
#include "WholeFile.h"
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

using namespace moe_tools;

namespace {

struct Closer {
  void operator()(FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Closer>;

struct TypeName {
  moe_rt_type type;
  const char *name;
};
const TypeName kTypes[] = {
    {MOE_RT_F32, "<f4"}, {MOE_RT_F64, "<f8"}, {MOE_RT_F16, "<f2"},
    {MOE_RT_I8, "|i1"},  {MOE_RT_U8, "|u1"},  {MOE_RT_I16, "<i2"},
    {MOE_RT_U16, "<u2"}, {MOE_RT_I32, "<i4"}, {MOE_RT_U32, "<u4"},
    {MOE_RT_I64, "<i8"}, {MOE_RT_U64, "<u8"}, {MOE_RT_BOOL, "|b1"}};

float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half >> 15) << 31, exponent = half >> 10 & 31,
           mantissa = half & 1023;
  if (exponent == 0) {
    float value = std::ldexp(float(mantissa), -24);
    return sign ? -value : value;
  }
  uint32_t bits = exponent == 31
                      ? sign | 0x7f800000 | mantissa << 13
                      : sign | (exponent + 112) << 23 | mantissa << 13;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

uint16_t floatToHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  uint16_t sign = bits >> 16 & 0x8000;
  if (std::isnan(value))
    return sign | 0x7e00;
  float magnitude = std::fabs(value);
  if (magnitude >= 65520.0f)
    return sign | 0x7c00;
  if (magnitude < 6.103515625e-05f) // denormal: multiples of 2^-24
    return sign | uint16_t(std::nearbyint(std::ldexp(magnitude, 24)));
  int exponent;
  float fraction = std::frexp(magnitude, &exponent); // [0.5, 1)
  uint32_t mantissa = uint32_t(std::nearbyint(std::ldexp(fraction, 11)));
  if (mantissa == 2048) {
    mantissa = 1024;
    ++exponent;
  }
  return sign | uint16_t((exponent + 14) << 10) | uint16_t(mantissa & 1023);
}

uint16_t floatToBFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if (std::isnan(value))
    return uint16_t(bits >> 16 | 64);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Reorders an array whose first dimension varies fastest.
void toRowMajor(Array &array) {
  size_t width = moe_rt_type_size(array.type), rank = array.shape.size();
  std::vector<char> rows(array.bytes.size());
  std::vector<int64_t> index(rank);
  for (size_t at = 0; at < rows.size(); at += width) {
    int64_t from = 0;
    for (size_t d = rank; d-- > 0;)
      from = from * array.shape[d] + index[d];
    std::memcpy(rows.data() + at, array.bytes.data() + from * width, width);
    for (size_t d = rank; d-- > 0 && ++index[d] == array.shape[d];)
      index[d] = 0;
  }
  array.bytes = std::move(rows);
}

/// What the header's dictionary says.
struct Header {
  std::string descr; ///< as written; other than a string's is in no list
  bool fortran = false;
  std::vector<int64_t> shape;
};

/// Reads the dictionary, which is Python, as far as numpy writes it: the three
/// keys, each once. Nothing is guessed.
class HeaderParser {
public:
  explicit HeaderParser(const std::string &text) : at(text.c_str()) {}

  /// The problem, or empty.
  std::string parse(Header &header) {
    unsigned seen = 0; // a bit for each key
    if (!take('{'))
      return "its header is damaged";
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':'))
        return "its header is damaged";
      unsigned bit = key == "descr"           ? 1
                     : key == "fortran_order" ? 2
                     : key == "shape"         ? 4
                                              : 0;
      if (bit == 0)
        return "its header has an unknown key '" + key + "'";
      if (seen & bit)
        return "its header has the key '" + key + "' twice";
      seen |= bit;
      if (!value(bit, header))
        return "its header is damaged at '" + key + "'";
      if (!take(',') && *at != '}')
        return "its header is damaged after '" + key + "'";
    }
    space();
    return seen == 7 && *at == 0 ? "" : "its header is damaged";
  }

private:
  void space() {
    while (*at == ' ' || *at == '\n')
      ++at;
  }
  bool take(char c) {
    space();
    if (*at != c)
      return false;
    ++at;
    space();
    return true;
  }
  bool word(const char *expected) {
    size_t length = std::strlen(expected);
    if (std::strncmp(at, expected, length) != 0)
      return false;
    at += length;
    return true;
  }
  bool string(std::string &result) {
    if (*at != '\'')
      return false;
    const char *end = std::strchr(at + 1, '\'');
    if (!end)
      return false;
    result.assign(at + 1, end);
    at = end + 1;
    return true;
  }
  /// A tuple of sizes; that of one has a comma behind it.
  bool tuple(std::vector<int64_t> &sizes) {
    if (!take('('))
      return false;
    bool comma = true;
    while (!take(')')) {
      char *end;
      errno = 0;
      long long size = std::strtoll(at, &end, 10);
      if (!comma || *at < '0' || *at > '9' || errno)
        return false;
      sizes.push_back(size);
      at = end;
      comma = take(',');
    }
    return sizes.size() != 1 || comma;
  }
  bool value(unsigned key, Header &header) {
    if (key == 4)
      return tuple(header.shape);
    if (key == 2)
      return (header.fortran = word("True")) || word("False");
    if (*at != '[')
      return string(header.descr);
    // A list of fields, which is refused by name: the rest does not matter.
    const char *end = std::strchr(at, ']');
    if (end) {
      header.descr.assign(at, end + 1);
      at = end + 1;
    }
    return end;
  }

  const char *at;
};

/// Names an element type that is not supported, and what to do.
std::string explainType(const std::string &descr) {
  std::string name = "'" + descr + "'";
  if (descr.find('O') != std::string::npos && descr[0] != '[')
    return "its elements are Python objects (" + name + "), not numbers";
  if (descr[0] == '>')
    return "its elements are big-endian (" + name +
           "); save it little-endian with .astype('<" + descr.substr(1) + "')";
  return "its element type " + name + " is not supported";
}

/// Type, shape and order of the elements.
bool parseHeader(const std::string &text, Array &array, bool &fortran,
                 std::string &problem) {
  Header header;
  problem = HeaderParser(text).parse(header);
  if (!problem.empty())
    return false;
  const TypeName *type = std::find_if(
      std::begin(kTypes), std::end(kTypes),
      [&](const TypeName &known) { return header.descr == known.name; });
  if (type == std::end(kTypes))
    problem = explainType(header.descr);
  else if (header.shape.size() > MOE_RT_MAX_RANK)
    problem = "its shape has " + std::to_string(header.shape.size()) +
              " dimensions, more than " + std::to_string(MOE_RT_MAX_RANK);
  if (!problem.empty())
    return false;
  array.type = type->type;
  array.shape = std::move(header.shape);
  fortran = header.fortran;
  return true;
}

/// Opens a regular file. Anything else is refused, and without waiting: a pipe
/// nobody writes to would block for ever.
File openToRead(const std::string &path, std::string &why) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  File file(descriptor < 0 ? nullptr : fdopen(descriptor, "rb"));
  struct stat status;
  if (!file || fstat(descriptor, &status) != 0) {
    why = std::strerror(errno);
    return nullptr;
  }
  if (S_ISREG(status.st_mode))
    return file;
  why = S_ISDIR(status.st_mode) ? "is a folder, not a file"
                                : "not a regular file";
  return nullptr;
}

} // namespace

bool moe_tools::readNpy(const std::string &path, Array &array,
                        std::string &problem) {
  auto fail = [&](const std::string &why) {
    problem = path + ": " + why;
    return false;
  };
  std::string why;
  File file = openToRead(path, why);
  if (!file)
    return fail(why);
  unsigned char magic[8];
  if (std::fread(magic, 1, 8, file.get()) != 8 ||
      std::memcmp(magic, "\x93NUMPY", 6) != 0 || magic[6] < 1 || magic[6] > 3)
    return fail("not a .npy file");
  uint32_t length = 0;
  if (std::fread(&length, 1, magic[6] == 1 ? 2 : 4, file.get()) !=
          (magic[6] == 1 ? 2u : 4u) ||
      length > 1 << 20)
    return fail("its header is damaged");
  std::string header(length, 0);
  if (std::fread(header.data(), 1, length, file.get()) != length)
    return fail("its header is cut short");
  array = Array();
  bool fortran;
  if (!parseHeader(header, array, fortran, why))
    return fail(why);
  uint64_t bytes = moe_rt_type_size(array.type);
  for (int64_t size : array.shape)
    if (__builtin_mul_overflow(bytes, uint64_t(size), &bytes))
      return fail("its shape overflows");
  // What is left of the file must be just the data.
  long begin = std::ftell(file.get());
  std::fseek(file.get(), 0, SEEK_END);
  long end = std::ftell(file.get());
  if (begin < 0 || end < begin || uint64_t(end - begin) != bytes)
    return fail("its length does not fit its shape; the file is damaged or cut "
                "short");
  std::fseek(file.get(), begin, SEEK_SET);
  array.bytes.resize(bytes);
  if (std::fread(array.bytes.data(), 1, bytes, file.get()) != bytes)
    return fail("it cannot be read");
  if (fortran)
    toRowMajor(array);
  return true;
}

bool moe_tools::writeNpy(const std::string &path, const Array &given,
                         std::string &problem) {
  Array array = given;
  if (array.type == MOE_RT_BF16)
    convertFloats(array, MOE_RT_F32);
  std::string shape;
  for (int64_t size : array.shape)
    shape += std::to_string(size) + ", ";
  if (array.shape.size() > 1)
    shape.resize(shape.size() - 2);
  const char *descr = "<f4";
  for (const TypeName &type : kTypes)
    if (type.type == array.type)
      descr = type.name;
  std::string header = "{'descr': '" + std::string(descr) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  while ((10 + header.size() + 1) % 64)
    header += ' ';
  header += '\n';
  uint16_t length = uint16_t(header.size());
  WholeFile file(path);
  file.write("\x93NUMPY\x01\x00", 8);
  file.write(&length, 2);
  file.write(header.data(), length);
  file.write(array.bytes.data(), array.bytes.size());
  return file.finish(problem);
}

bool moe_tools::isFloat(moe_rt_type type) { return type <= MOE_RT_BF16; }

/// What is stored at `at` as a `Value`.
template <typename Value>
static Value load(const char *at) {
  Value value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

template <typename Number>
static Number loadInteger(moe_rt_type type, const char *at) {
  switch (type) {
  case MOE_RT_I8:
    return load<int8_t>(at);
  case MOE_RT_U8:
  case MOE_RT_BOOL:
    return load<uint8_t>(at);
  case MOE_RT_I16:
    return load<int16_t>(at);
  case MOE_RT_U16:
    return load<uint16_t>(at);
  case MOE_RT_I32:
    return load<int32_t>(at);
  case MOE_RT_U32:
    return load<uint32_t>(at);
  case MOE_RT_I64:
    return Number(load<int64_t>(at));
  case MOE_RT_U64:
    return Number(load<uint64_t>(at));
  default:
    return 0;
  }
}

static const char *elementAt(const Array &array, int64_t index) {
  return array.bytes.data() + index * moe_rt_type_size(array.type);
}

double moe_tools::elementAsDouble(const Array &array, int64_t index) {
  const char *at = elementAt(array, index);
  switch (array.type) {
  case MOE_RT_F32:
    return load<float>(at);
  case MOE_RT_F64:
    return load<double>(at);
  case MOE_RT_F16:
    return halfToFloat(load<uint16_t>(at));
  case MOE_RT_BF16: {
    uint32_t bits = uint32_t(load<uint16_t>(at)) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }
  default:
    return loadInteger<double>(array.type, at);
  }
}

Integer moe_tools::elementAsInteger(const Array &array, int64_t index) {
  return loadInteger<Integer>(array.type, elementAt(array, index));
}

bool moe_tools::convertFloats(Array &array, moe_rt_type type) {
  if (array.type == type)
    return true;
  if (!isFloat(array.type) || !isFloat(type))
    return false;
  Array result;
  result.type = type;
  result.shape = array.shape;
  int64_t count = array.count();
  size_t width = moe_rt_type_size(type);
  result.bytes.resize(count * width);
  for (int64_t i = 0; i < count; ++i) {
    double value = elementAsDouble(array, i);
    float single = float(value);
    uint16_t half =
        type == MOE_RT_F16 ? floatToHalf(single) : floatToBFloat(single);
    const void *from = type == MOE_RT_F64   ? static_cast<const void *>(&value)
                       : type == MOE_RT_F32 ? static_cast<const void *>(&single)
                                            : static_cast<const void *>(&half);
    std::memcpy(result.bytes.data() + i * width, from, width);
  }
  array = std::move(result);
  return true;
}
