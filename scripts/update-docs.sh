#!/bin/sh
# Writes the dialect and pass references, generated from ODS, to docs/; --check
# only says whether they are up to date.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
cd "$(dirname "$0")/.."
cmake --build --preset release --target moe-docs >/dev/null
case ${1:-} in
--check)
  for folder in Dialects Passes; do
    diff -ru "build/release/docs/$folder" "docs/$folder"
  done
  ;;
*)
  mkdir -p docs/Dialects docs/Passes
  cp build/release/docs/Dialects/*.md docs/Dialects/
  cp build/release/docs/Passes/*.md docs/Passes/
  ;;
esac
