#!/usr/bin/env python3
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a model of the Qwen3-MoE shape in the fused form with random weights, as
large as asked for, in bounded memory: external data, com.microsoft.MoE with fc3. Or
eight layers of Mixtral's shape in which each choice gathers its expert's matrices.

usage: make-large-model.py FOLDER [GIGABYTES|gather]     needs python3-onnx and python3-numpy"""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, save

H, I, E, K, HEADS, KV, D, VOCAB = 1024, 768, 32, 4, 8, 4, 64, 4096
folder = Path(sys.argv[1])
gathers = sys.argv[2:] == ["gather"]
if gathers:
    I, E, K = 2048, 8, 2
    target = 8 * 3 * E * I * H * 4 + 2 * VOCAB * H * 4
else:
    target = float(sys.argv[2]) * 1e9 if len(sys.argv) > 2 else 2.5e9
folder.mkdir(parents=True, exist_ok=True)
layers = max(1, round((target - 2 * VOCAB * H * 4) / (3 * E * I * H * 4)))
data, offset = open(folder / "model.data", "wb"), 0
rng = np.random.default_rng(0)
inits, nodes = [], []


def weight(name, shape, scale):
    """Appends random rows to the data file, a few megabytes at a time."""
    global offset
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    count = int(np.prod(shape))
    for key, value in (("location", "model.data"), ("offset", str(offset)), ("length", str(4 * count))):
        tensor.external_data.add(key=key, value=value)
    for at in range(0, count, 1 << 21):
        data.write((rng.standard_normal(min(1 << 21, count - at), dtype=np.float32) * scale).tobytes())
    offset += 4 * count
    inits.append(tensor)
    return name


def constant(name, values):
    inits.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
    return name


def node(op, inputs, output, domain="", **attributes):
    outputs = output if isinstance(output, list) else [output]
    nodes.append(helper.make_node(op, inputs, outputs, name=f"{outputs[0]}_{op}", domain=domain, **attributes))
    return outputs[0] if len(outputs) == 1 else outputs


def fused(p, flat, logits):
    return node("MoE", [flat, logits, weight(p + "fc1", [E, I, H], H**-0.5), "", weight(p + "fc2", [E, H, I], I**-0.5), "",
                        weight(p + "fc3", [E, I, H], H**-0.5)], p + "moe", domain="com.microsoft",
                k=K, activation_type="silu", normalize_routing_weights=1)


def gathered(p, flat, logits):
    """As exporters write it: [tokens * K, ...] matrices gathered from the stacked weights."""
    scores, ids = node("TopK", [node("Softmax", [logits], p + "p", axis=-1), constant(p + "choices_each", [K])], [p + "scores", p + "ids"])
    scores = node("Div", [scores, node("ReduceSum", [scores, constant(p + "last", [-1])], p + "sum")], p + "weights")
    each = constant(p + "each", [-1, 1])
    rows = node("Tile", [node("Unsqueeze", [flat, constant(p + "one", [1])], p + "wide"), constant(p + "times", [1, K, 1])], p + "tiled")
    rows = node("Reshape", [rows, constant(p + "column", [-1, H, 1])], p + "rows")
    chosen = node("Reshape", [ids, each], p + "chosen")
    y = node("MatMul", [node("GatherND", [weight(p + "gate_up", [E, 2 * I, H], H**-0.5), chosen], p + "gathered_up"), rows], p + "h")
    y = node("Squeeze", [y, constant(p + "two", [2])], p + "hs")
    gate, up = node("Split", [y, constant(p + "halves", [I, I])], [p + "gate", p + "up"], axis=1)
    y = node("Mul", [node("Mul", [gate, node("Sigmoid", [gate], p + "sigmoid")], p + "silu"), up], p + "a")
    y = node("Unsqueeze", [y, constant(p + "ua", [2])], p + "au")
    y = node("MatMul", [node("GatherND", [weight(p + "down", [E, H, I], I**-0.5), chosen], p + "gathered_down"), y], p + "d")
    y = node("Mul", [node("Squeeze", [y, constant(p + "sd", [2])], p + "ds"), node("Reshape", [scores, each], p + "ws")], p + "weighted")
    y = node("Reshape", [y, constant(p + "choices", [-1, K, H])], p + "by_token")
    return node("ReduceSum", [y, constant(p + "axis", [1])], p + "moe", keepdims=0)


inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])]
outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", VOCAB])]
x = node("Gather", [weight("embed", [VOCAB, H], 1.0), "input_ids"], "x", axis=0)
for layer in range(layers):
    p = f"l{layer}_"
    inputs += [helper.make_tensor_value_info(f"past_key_values.{layer}.{k}", TensorProto.FLOAT, ["batch", KV, "past", D])
               for k in ("key", "value")]
    outputs += [helper.make_tensor_value_info(f"present.{layer}.{k}", TensorProto.FLOAT, ["batch", KV, "past + sequence", D])
                for k in ("key", "value")]
    n = node("SimplifiedLayerNormalization", [x, weight(p + "norm1", [H], 1.0)], p + "n1", epsilon=1e-6)
    heads = {}
    for kind, count in (("q", HEADS), ("k", KV), ("v", KV)):
        y = node("MatMul", [n, weight(p + kind, [H, count * D], H**-0.5)], p + kind + "_flat")
        y = node("Reshape", [y, constant(p + kind + "_shape", [0, 0, count, D])], p + kind + "_split")
        heads[kind] = node("Transpose", [y], p + kind + "_heads", perm=[0, 2, 1, 3])
    k = node("Concat", [f"past_key_values.{layer}.key", heads["k"]], f"present.{layer}.key", axis=2)
    v = node("Concat", [f"past_key_values.{layer}.value", heads["v"]], f"present.{layer}.value", axis=2)
    y = node("Attention", [heads["q"], k, v], p + "attended")
    y = node("Transpose", [y], p + "merged", perm=[0, 2, 1, 3])
    y = node("Reshape", [y, constant(p + "merge_shape", [0, 0, HEADS * D])], p + "flat")
    x = node("Add", [x, node("MatMul", [y, weight(p + "o", [HEADS * D, H], H**-0.5)], p + "projected")], p + "x1")
    n = node("SimplifiedLayerNormalization", [x, weight(p + "norm2", [H], 1.0)], p + "n2", epsilon=1e-6)
    flat = node("Reshape", [n, constant(p + "tokens", [-1, H])], p + "t")
    logits = node("MatMul", [flat, weight(p + "router", [H, E], H**-0.5)], p + "logits")
    y = (gathered if gathers else fused)(p, flat, logits)
    shape = node("Shape", [x], p + "shape")
    x = node("Add", [x, node("Reshape", [y, shape], p + "moe3")], p + "x2")
n = node("SimplifiedLayerNormalization", [x, weight("norm", [H], 1.0)], "n", epsilon=1e-6)
node("MatMul", [n, weight("head", [H, VOCAB], H**-0.5)], "logits")
data.close()
graph = helper.make_graph(nodes, "large", inputs, outputs, inits)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)])
model.ir_version = 10
save(model, folder / "model.onnx")
print(f"{layers} layers, {offset / 1e9:.2f} GB")
