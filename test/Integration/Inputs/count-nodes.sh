#!/bin/sh
# usage: count-nodes.sh FOLDER NAME...: how many norms, attentions, means, softmaxes and
# rotary embeddings the normalized form of each model of FOLDER has.
folder=$1
shift
for name; do
  line=$name
  nodes=$(moe-compile "$folder/$name/model.onnx" --emit=normalized) || exit 1
  for op in '"RMSNormalization"\|"LayerNormalization"' '"Attention"' '"ReduceMean"' '"Softmax"' '"RotaryEmbedding"'; do
    line="$line $(printf '%s\n' "$nodes" | grep -c "$op")"
  done
  echo "$line"
done
