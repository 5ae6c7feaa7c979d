#!/bin/sh
# Runs every fuzz target of build/fuzz for SECONDS (60) each, from the committed
# corpora; regressions are replayed by the test suite, and some take seconds. One
# line for each; 1 when something was found, and the input then lies in
# build/fuzz/findings.
#   test/Fuzz/run.sh [SECONDS [TARGET...]]
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -u
cd "$(dirname "$0")/../.."
seconds=${1:-60} # for each
[ $# -gt 0 ] && shift
# LLVM is not instrumented: what its allocators hand to our code is not poison.
export ASAN_OPTIONS=allow_user_poisoning=0:detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
result=0
for target in ${*:-npy moe metadata moew flags import}; do
  grown=build/fuzz/corpus/$target findings=build/fuzz/findings/$target log=build/fuzz/fuzz-$target.log
  mkdir -p "$grown" "$findings"
  build/fuzz/bin/fuzz-$target "$grown" "test/Fuzz/corpus/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=60 -max_len=65536 \
    -artifact_prefix="$findings/" -print_final_stats=1 >"$log" 2>&1
  status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  found=0
  [ "$status" = 0 ] || { found=1 result=1; }
  echo "fuzz-$target: ${runs:-0} runs, $found findings"
  [ "$found" = 0 ] || grep -E '^(SUMMARY|.*runtime error|.*ERROR:|artifact_prefix|Test unit)' "$log" | head -n 8
done
exit $result
