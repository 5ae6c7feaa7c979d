#!/bin/sh
# Builds, compiles the example model from ONNX and generates text with a quarter
# of its experts in memory.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
cd "$(dirname "$0")/.."
scripts/build.sh --target moe-compile moe-run
bin=build/release/bin out=build/demo
mkdir -p "$out"
echo "== compiling examples/tiny-moe/tiny-moe.onnx"
$bin/moe-compile examples/tiny-moe/tiny-moe.onnx -o "$out/tiny-moe.moe" --report="$out/report.json"
python3 - "$out/report.json" <<'PY'
import json, sys
for layer in json.load(open(sys.argv[1]))["moe_layers"]:
    print(f"   {layer['name']}: {layer['pattern']}, router {layer['router']}, {layer['k']} of {layer['experts']}, {layer['kinds']}")
PY
echo "== generating with --memory-budget=25%"
echo
$bin/moe-run "$out/tiny-moe.moe" --memory-budget=25% --generate="${TOKENS:-400}" --prompt="${PROMPT:-In the beginning }" \
  --temperature=0.6 --top-k=20 --seed="${SEED:-1}" --stats="$out/stats.json" 2>"$out/log"
echo
python3 - "$out/stats.json" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
print(f"budget: {s['budget_bytes']} bytes, experts {s['expert_bytes']} bytes")
print(f"resident experts at most: {s['expert_bytes_resident_peak']} bytes, {100 * s['expert_bytes_resident_peak'] / s['expert_bytes']:.1f} %")
print(f"read: {s['bytes_read']} bytes, hit rate {s['hit_rate']:.2f}, through {s['io']}")
print(f"speed: {s['tokens'] / s['seconds']:.0f} tokens/s")
PY
