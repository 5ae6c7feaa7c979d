#!/bin/sh
# usage: run-reinterpreted.sh MODELS TEMP: each model is refused with one error, or
# gives onnxruntime's numbers, whether or not its layer is raised.
set -eu
models=$1 temp=$2 failed=0
for model in "$models"/*/; do
  name=$(basename "$model") code=0
  moe-compile "$model/model.onnx" -o "$temp/m.moe" --march=x86-64-v3 2>"$temp/log" || code=$?
  if [ $code = 1 ] && grep -q 'error: ' "$temp/log"; then continue; fi
  if [ $code != 0 ]; then echo "$name: exit code $code"; failed=1; continue; fi
  moe-run "$temp/m.moe" --input x="$model/x.npy" --expect y="$model/y.npy" --rtol=1e-3 --atol=1e-4 || { echo "$name: wrong numbers"; failed=1; }
done
[ $failed = 0 ] && echo "all are right or refused"
