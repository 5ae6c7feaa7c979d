#!/bin/sh
# What takes longer than the test suite. A hundred random decoders agree with their
# formulas. Changes that keep the meaning keep the layers and numbers of every model in
# test/Models/exporters. A model of 2.5 GB (or GIGABYTES) compiles under 1 GiB, runs with a
# quarter of its experts and with a budget in bytes, holds no more than the budget
# and 64 MiB, and gives the same tokens. Code of 48 layers takes no more time and
# space than that of 12; 8 GB are packed at 80 % of the speed of a copy; gathers for
# each choice run in the memory of the weights. The runtime's tests run under the
# sanitizers, and every fuzz target for five minutes where libFuzzer is installed.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
cd "$(dirname "$0")/.."
scripts/build.sh --target moe-compile moe-run
bin=$PWD/build/release/bin out=build/nightly
rm -rf "$out"; mkdir -p "$out"
trap 'rm -rf "$out"' EXIT
for seed in 2 3 4; do
  /usr/bin/python3 test/Integration/Inputs/random-decoders.py "$out/$seed" $seed 34
  "$bin/moe-compile" "$out/$seed/model.onnx" -o "$out/$seed/model.moe" --march=x86-64-v3
  for slots in 1 4; do
    "$bin/moe-run" "$out/$seed/model.moe" --inputs="$out/$seed/in" --expect-dir="$out/$seed/out" --rtol=1e-4 --atol=2e-5 --expert-slots=$slots
  done
done
/usr/bin/python3 scripts/check-metamorphic.py "$bin" "$out/changed" test/Models/exporters
/usr/bin/python3 scripts/make-large-model.py "$out" "${1:-2.5}"
/usr/bin/python3 - "$bin" "$out" <<'PY'
import json, os, subprocess, sys
bin, out = sys.argv[1:]

def run(*command):
    """Output, and the peak of the process's resident set in MiB."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        os.execv(command[0], command)
    os.close(write)
    text = os.fdopen(read).read()
    _, status, usage = os.wait4(child, 0)
    assert status == 0, (command, status)
    return text, usage.ru_maxrss / 1024

_, peak = run(f"{bin}/moe-compile", f"{out}/model.onnx", "-o", f"{out}/large.moe")
print(f"compile: peak {peak:.0f} MiB")
assert peak < 1024
sizes = ("--max-context=256", "--prefill-chunk=32")
texts = set()
for budget in ("25%", "700MiB", "200MiB"):
    text, peak = run(f"{bin}/moe-run", f"{out}/large.moe", f"--memory-budget={budget}", *sizes, "--generate=16",
                     "--prompt-ids=5,6,7,8", "--temperature=0", f"--stats={out}/stats.json")
    s = json.load(open(f"{out}/stats.json"))
    print(f"{budget}: budget {s['budget_bytes'] / 2**20:.0f} MiB, peak {peak:.0f} MiB, read {s['bytes_read'] / 1e9:.2f} GB, "
          f"stall {s['stall_seconds']:.2f} of {s['seconds']:.2f} s, {s['policy']}, {s['io']}")
    assert peak <= s["budget_bytes"] / 2**20 + 64
    texts.add(text)
assert len(texts) == 1, "the budget changed the tokens"
PY
/usr/bin/python3 scripts/check-scale.py "$bin/moe-compile" "$out/scale"
/usr/bin/python3 scripts/make-large-model.py "$out/gather" gather
/usr/bin/python3 scripts/check-large.py "$bin" "$out/gather" gather
rm -rf "$out/gather" "$out"/model.* "$out"/large.*
/usr/bin/python3 scripts/make-large-model.py "$out/eight" 8
/usr/bin/python3 scripts/check-large.py "$bin" "$out/eight" pack
rm -rf "$out/eight"
scripts/check-sanitizers.sh
if [ -n "$(find "$(clang-22 -print-resource-dir)/lib" -name 'libclang_rt.fuzzer*' 2>/dev/null)" ]; then
  cmake --preset fuzz >"$out/fuzz.log"
  cmake --build --preset fuzz >"$out/fuzz.log" || { cat "$out/fuzz.log"; exit 1; }
  test/Fuzz/run.sh 300
else
  echo "fuzzing skipped: install libclang-rt-22-dev"
fi
echo "nightly checks passed"
