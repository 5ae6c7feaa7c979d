#!/bin/sh
# The runtime's unit tests, which also replay the fuzz corpora, under the address and
# undefined-behaviour sanitizers, then under the thread sanitizer. Needs no LLVM.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
cd "$(dirname "$0")/.."
for kind in address,undefined thread; do
  build=build/sanitize-$kind
  CC=clang-22 CXX=clang++-22 cmake -S runtime -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS="-fsanitize=$kind -fno-sanitize-recover=all" -DCMAKE_CXX_FLAGS="-fsanitize=$kind -fno-sanitize-recover=all" >"$build.log" 2>&1 ||
    { cat "$build.log"; exit 1; }
  cmake --build "$build" --target moe_rt_tests >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
  # Models are shared objects that the tests compile and load: not instrumented.
  "$build/moe_rt_tests" --gtest_brief=1 || { echo "FAILED under $kind"; exit 1; }
  echo "ok under $kind"
done
