#!/bin/sh
# Checks that the C and C++ sources are as clang-format wants them; -f fixes.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
cd "$(dirname "$0")/.."
files=$(git ls-files '*.c' '*.cpp' '*.h')
case ${1:-} in
-f) echo "$files" | xargs clang-format-14 -i ;;
*) echo "$files" | xargs clang-format-14 --dry-run --Werror ;;
esac
