#!/bin/sh
# usage: run-cases-simt.sh MODEL.moe CASES TEMP ARCH RTOL ATOL: on host execution
# of the kernels of ARCH, every case within the tolerance, and the same bits with
# a quarter of the experts and with one slot.
set -eu
model=$1 cases=$2 temp=$3 device="host-simt:arch=$4"
rm -rf "$temp"; mkdir -p "$temp"
for case in "$cases"/*/; do
  moe-run "$model" --device="$device" --inputs="$case/in" --expect-dir="$case/out" --rtol="$5" --atol="$6" \
    --output-dir="$temp/base" --stats="$temp/stats.json"
  for flags in --memory-budget=25% "--expert-slots=1 --host-budget=1MiB"; do
    # shellcheck disable=SC2086
    moe-run "$model" --device="$device" --inputs="$case/in" --output-dir="$temp/other" $flags 2>/dev/null
    for file in "$temp"/base/*.npy; do cmp "$file" "$temp/other/${file##*/}"; done
    rm -rf "$temp/other"
  done
  echo "case $(basename "$case") holds"
done
