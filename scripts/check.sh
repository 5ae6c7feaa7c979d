#!/bin/sh
# Installs, builds and runs every test. The last line counts over all suites.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -u
cd "$(dirname "$0")/.."
scripts/build.sh || exit 1
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

step() { # step NAME COMMAND...: one check that passes or fails
  name=$1; shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1)); echo "ok      $name"
  else
    failed=$((failed + 1)); echo "FAILED  $name"; tail -n 40 "$log"
  fi
}

echo "== format and generated references"
step "clang-format" scripts/check-format.sh
step "generated docs are up to date" scripts/update-docs.sh --check

echo "== unit tests"
unit() { sed -n "s/^\[  $1  \] \([0-9]*\) test.*/\1/p" "$log" | tail -n 1; }
for suite in moe_rt_tests moe_simt_device_tests moe_gpu_tests; do
  if "build/release/bin/$suite" --gtest_brief=1 >"$log" 2>&1; then :; else cat "$log"; fi
  p=$(unit PASSED); passed=$((passed + ${p:-0}))
  f=$(sed -n 's/^ *\([0-9]*\) FAILED TEST.*/\1/p' "$log" | tail -n 1); failed=$((failed + ${f:-0}))
  [ -n "$p" ] || { echo "$suite did not finish"; failed=$((failed + 1)); }
  echo "$suite: ${p:-0} passed, ${f:-0} failed"
done

echo "== lit suites"
cmake --build --preset release --target check-moe-lit >"$log" 2>&1
grep -E '^(FAIL|XPASS|TIMEOUT|UNRESOLVED):|^(Passed|Failed|Unsupported|Unresolved|Timed Out)' "$log"
grep -q '^FAIL:\|^UNRESOLVED:\|^TIMEOUT:' "$log" && cat "$log"
count() { sed -n "s/^ *$1 *: *\([0-9]*\).*/\1/p" "$log" | head -n 1; }
p=$(count Passed); passed=$((passed + ${p:-0}))
for kind in Failed Unresolved 'Timed Out' 'Unexpectedly Passed'; do
  n=$(count "$kind"); failed=$((failed + ${n:-0}))
done
s=$(count Unsupported); skipped=$((skipped + ${s:-0}))
[ -n "$p" ] || { echo "lit did not run"; cat "$log"; failed=$((failed + 1)); }

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
