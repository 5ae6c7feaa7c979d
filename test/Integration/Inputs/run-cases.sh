#!/bin/sh
# usage: run-cases.sh MODEL.moe CASES TEMP: every case within its tolerance, and
# the same bits with a quarter of the experts, one slot, one and two threads,
# each way of reading, and each instruction set the CPU has.
set -eu
model=$1 cases=$2 temp=$3
rm -rf "$temp"; mkdir -p "$temp"
for case in "$cases"/*/; do
  moe-run "$model" --inputs="$case/in" --expect-dir="$case/out" --rtol=1e-3 --atol=2e-4 --output-dir="$temp/base"
  for flags in --memory-budget=25% --expert-slots=1 --threads=1 "--threads=2 --memory-budget=25%" \
               "--io=buffered --expert-slots=1" "--io=pread --expert-slots=2" "--policy=lfu --expert-slots=2"; do
    # shellcheck disable=SC2086
    moe-run "$model" --inputs="$case/in" --output-dir="$temp/other" $flags 2>/dev/null
    for file in "$temp"/base/*.npy; do cmp "$file" "$temp/other/${file##*/}"; done
    rm -rf "$temp/other"
  done
  # The older instruction set sums in another order: within tolerance.
  moe-run "$model" --inputs="$case/in" --expect-dir="$case/out" --rtol=1e-3 --atol=2e-4 --isa=x86-64-v3
  echo "case $(basename "$case") holds"
done
