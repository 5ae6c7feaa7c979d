//===- moe-simt-run.cpp - Runs a kernel that was compiled for the host ----===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For tests. usage: moe-simt-run MODULE.so KERNEL GRID BLOCK SHARED ORDER ASYNC
// CHECK ARGUMENT...: one launch of a kernel of the module's `moe_simt_image`.
// Sizes are one number; ORDER, ASYNC and CHECK as in Machine.h, in lower case.
// Each ARGUMENT is one of the kernel, in order:
//   buffer:IN[:OUT]   device memory with the bytes of file IN, written to OUT
//   i32:N  i64:N  f32:X
//   map:ARG:TYPE:SWIZZLE:SIZES:STRIDES:BOX   a tensor map of the buffer that is
//                     argument number ARG; lists are separated by commas,
//                     innermost dimension first, strides from the second on
// Prints what was found, and then fails.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "moe_rt/moe_rt.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <vector>

static void stop(const std::string &message) {
  fprintf(stderr, "moe-simt-run: %s\n", message.c_str());
  exit(2);
}

namespace {

/// One argument of the kernel.
struct Argument {
  alignas(64) char bytes[MOE_RT_TENSOR_MAP_BYTES] = {};
  std::unique_ptr<char, decltype(&::free)> buffer{nullptr, ::free};
  size_t bufferBytes = 0;
  std::string output;

  template <typename T>
  void set(T value) {
    memcpy(bytes, &value, sizeof(value));
  }
};

} // namespace

static std::vector<std::string> split(const std::string &text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);)
    parts.push_back(part);
  return parts;
}

/// The position of `text` among the names of an enumeration.
template <typename T>
static T parseName(const std::string &text,
                   std::initializer_list<const char *> names) {
  int index = 0;
  for (const char *name : names) {
    if (text == name)
      return static_cast<T>(index);
    ++index;
  }
  stop("unknown: " + text);
  return T();
}

static void readBuffer(const std::vector<std::string> &parts,
                       Argument &argument, moe_simt::Memory &memory) {
  std::ifstream file(parts[1], std::ios::binary);
  if (!file)
    stop("cannot read " + parts[1]);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  argument.bufferBytes = bytes.size();
  argument.buffer.reset(
      static_cast<char *>(aligned_alloc(256, (bytes.size() / 256 + 1) * 256)));
  memcpy(argument.buffer.get(), bytes.data(), bytes.size());
  memory.add(argument.buffer.get(), bytes.size(), parts[1]);
  argument.set(argument.buffer.get());
  if (parts.size() > 2)
    argument.output = parts[2];
}

template <typename T>
static void parseList(const std::string &text, T *values) {
  for (const std::string &part : split(text, ','))
    *values++ = static_cast<T>(std::stoull(part));
}

static void encodeMap(const std::vector<std::string> &parts, Argument &argument,
                      const std::vector<Argument> &others) {
  if (parts.size() < 7)
    stop("a map has 6 fields");
  moe_rt_tensor_map_spec spec{};
  spec.base = others.at(std::stoul(parts[1])).buffer.get();
  spec.element = parts[2] == "f32"   ? MOE_RT_F32
                 : parts[2] == "f16" ? MOE_RT_F16
                                     : MOE_RT_BF16;
  spec.swizzle = std::stoul(parts[3]);
  spec.rank = split(parts[4], ',').size();
  parseList(parts[4], spec.sizes);
  parseList(parts[5], spec.strides + 1);
  parseList(parts[6], spec.box);
  std::string problem = moe_simt::encodeTensorMap(spec, argument.bytes);
  if (!problem.empty())
    stop(problem);
}

static void parseArgument(const std::string &text, Argument &argument,
                          const std::vector<Argument> &others,
                          moe_simt::Memory &memory) {
  std::vector<std::string> parts = split(text, ':');
  if (parts.size() < 2)
    stop("no argument: " + text);
  if (parts[0] == "buffer")
    readBuffer(parts, argument, memory);
  else if (parts[0] == "i32")
    argument.set(static_cast<int32_t>(std::stol(parts[1])));
  else if (parts[0] == "i64")
    argument.set(static_cast<int64_t>(std::stoll(parts[1])));
  else if (parts[0] == "f32")
    argument.set(std::stof(parts[1]));
  else if (parts[0] == "map")
    encodeMap(parts, argument, others);
  else
    stop("no argument: " + text);
}

static const moe_simt_image &load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void *image = library ? dlsym(library, "moe_simt_image") : nullptr;
  if (!image)
    stop(dlerror());
  return *static_cast<const moe_simt_image *>(image);
}

static const moe_simt_kernel &findKernel(const moe_simt_image &image,
                                         const std::string &name) {
  for (uint64_t i = 0; i < image.kernel_count; ++i)
    if (name == image.kernels[i].name)
      return image.kernels[i];
  stop("no kernel " + name);
  abort();
}

int main(int argc, char **argv) {
  constexpr int kFixed = 9;
  if (argc < kFixed)
    stop("too few arguments");
  const moe_simt_image &image = load(argv[1]);
  const moe_simt_kernel &kernel = findKernel(image, argv[2]);
  moe_simt::Options options;
  options.order = parseName<moe_simt::Order>(
      argv[6], {"ascending", "descending", "round-robin", "random"});
  options.async =
      parseName<moe_simt::Async>(argv[7], {"early", "late", "random"});
  options.check =
      parseName<moe_simt::Check>(argv[8], {"none", "bounds", "race"});

  std::vector<Argument> arguments(argc - kFixed);
  if (arguments.size() != kernel.argument_count)
    stop("the kernel has " + std::to_string(kernel.argument_count) +
         " arguments");
  moe_simt::Memory memory;
  std::vector<void *> pointers;
  // Maps last: they may name any buffer.
  for (bool maps : {false, true})
    for (size_t i = 0; i < arguments.size(); ++i) {
      std::string text = argv[kFixed + i];
      if ((text.rfind("map:", 0) == 0) == maps)
        parseArgument(text, arguments[i], arguments, memory);
    }
  for (Argument &argument : arguments)
    pointers.push_back(argument.bytes);
  auto number = [&](int i) {
    return static_cast<uint32_t>(std::stoul(argv[i]));
  };
  moe_rt_launch launch{
      {number(3), 1, 1}, {number(4), 1, 1}, number(5), pointers.data()};
  moe_simt::Counters counters;
  std::string problem =
      moe_simt::run(image, kernel, launch, options, memory, counters);
  if (!problem.empty()) {
    printf("%s\n", problem.c_str());
    return 1;
  }
  for (const Argument &argument : arguments)
    if (!argument.output.empty())
      std::ofstream(argument.output, std::ios::binary)
          .write(argument.buffer.get(), argument.bufferBytes);
  return 0;
}
