#!/usr/bin/env python3
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes FOLDER/model.onnx, a decoder with a key/value cache whose layers are not alike: sliding and full
attention with rotary angles of their own, dense blocks of two widths, expert layers of two sizes.

usage: make-mixed-model.py FOLDER LAYERS [same|period|random]     needs python3-onnx and python3-numpy
  same    sliding attention and eight experts in every layer
  period  sliding, sliding, sliding, full; the first layer and every fourth dense (default)
  random  kinds drawn for each layer, so that no pattern repeats"""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper

H, I, HEADS, KV, D, K, WINDOW, VOCAB = 32, 24, 4, 2, 8, 2, 8, 64
folder, layers = Path(sys.argv[1]), int(sys.argv[2])
pattern = sys.argv[3] if len(sys.argv) > 3 else "period"
rng = np.random.default_rng(7)
nodes, inits = [], []


def node(op, inputs, outputs=1, domain="", **attributes):
    names = [f"{op}_{len(nodes)}_{i}" for i in range(outputs)] if isinstance(outputs, int) else outputs
    nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{len(nodes)}", domain=domain, **attributes))
    return names[0] if len(names) == 1 else names


def constant(value, dtype=None):
    inits.append(numpy_helper.from_array(np.asarray(value, dtype), f"c{len(inits)}"))
    return inits[-1].name


def weight(*shape):
    return constant(rng.standard_normal(shape) / np.sqrt(shape[-1]), np.float32)


def floats(value):
    return constant(value, np.float32)


def ints(*value):
    return constant(value, np.int64)


def norm(x):
    square = node("ReduceMean", [node("Pow", [x, floats(2.0)]), ints(-1)], keepdims=1)
    root = node("Reciprocal", [node("Sqrt", [node("Add", [square, floats(1e-6)])])])
    return node("Mul", [weight(H), node("Mul", [x, root])])


def angles(positions, theta):
    """Cosine and sine of the rotary angles, [batch, 1, sequence, D]."""
    frequencies = floats(theta ** -(np.arange(D // 2) / (D // 2)))
    a = node("Mul", [node("Unsqueeze", [node("Cast", [positions], to=TensorProto.FLOAT), ints(-1)]), frequencies])
    a = node("Unsqueeze", [node("Concat", [a, a], axis=-1), ints(1)])
    return node("Cos", [a]), node("Sin", [a])


def rotate(x, table):
    low, high = node("Split", [x, ints(D // 2, D // 2)], 2, axis=-1)
    turned = node("Concat", [node("Neg", [high]), low], axis=-1)
    return node("Add", [node("Mul", [x, table[0]]), node("Mul", [turned, table[1]])])


def masks(ids, past):
    """Additive masks of full and of sliding attention, [sequence, past + sequence]."""
    size = lambda x, axis: node("Squeeze", [node("Shape", [x], start=axis, end=axis + 1), ints(0)])
    before, new = size(past, 2), size(ids, 1)
    total = node("Add", [before, new])
    zero, one = constant(0, np.int64), constant(1, np.int64)
    row = node("Unsqueeze", [node("Range", [before, total, one]), ints(1)])
    column = node("Unsqueeze", [node("Range", [zero, total, one]), ints(0)])
    causal = node("LessOrEqual", [column, row])
    near = node("Greater", [column, node("Sub", [row, constant(WINDOW, np.int64)])])
    additive = lambda seen: node("Where", [seen, floats(0.0), floats(-1e9)])
    return additive(causal), additive(node("And", [causal, near]))


def repeat(x):
    """[batch, KV, length, D] to [batch, HEADS, length, D], as exporters write it."""
    wide = node("Unsqueeze", [x, ints(2)])
    batch, length = (node("Shape", [x], start=i, end=i + 1) for i in (0, 2))
    wide = node("Expand", [wide, node("Concat", [batch, ints(KV, HEADS // KV), length, ints(D)], axis=0)])
    return node("Reshape", [wide, node("Concat", [batch, ints(HEADS), length, ints(D)], axis=0)])


def attention(x, layer, mask, table):
    heads = {}
    for kind, count in ("query", HEADS), ("key", KV), ("value", KV):
        y = node("Reshape", [node("MatMul", [x, weight(H, count * D)]), ints(0, 0, count, D)])
        y = node("Transpose", [y], perm=[0, 2, 1, 3])
        heads[kind] = y if kind == "value" else rotate(y, table)
    for kind in "key", "value":
        names = f"past_key_values.{layer}.{kind}", f"present.{layer}.{kind}"
        inputs.append(helper.make_tensor_value_info(names[0], TensorProto.FLOAT, ["batch", KV, "past", D]))
        outputs.append(helper.make_tensor_value_info(names[1], TensorProto.FLOAT, ["batch", KV, "past + sequence", D]))
        heads[kind] = repeat(node("Concat", [names[0], heads[kind]], [names[1]], axis=2))
    scores = node("MatMul", [heads["query"], node("Transpose", [heads["key"]], perm=[0, 1, 3, 2])])
    scores = node("Softmax", [node("Add", [node("Mul", [scores, floats(D**-0.5)]), mask])], axis=-1)
    y = node("Transpose", [node("MatMul", [scores, heads["value"]])], perm=[0, 2, 1, 3])
    return node("MatMul", [node("Reshape", [y, ints(0, 0, HEADS * D)]), weight(HEADS * D, H)])


def dense(x, width):
    gate = node("MatMul", [x, weight(H, width)])
    gate = node("Mul", [gate, node("Sigmoid", [gate])])
    return node("MatMul", [node("Mul", [gate, node("MatMul", [x, weight(H, width)])]), weight(width, H)])


def experts(x, count):
    flat = node("Reshape", [x, ints(-1, H)])
    logits = node("MatMul", [flat, weight(H, count)])
    y = node("MoE", [flat, logits, weight(count, I, H), "", weight(count, H, I), "", weight(count, I, H)],
             domain="com.microsoft", k=K, activation_type="silu", normalize_routing_weights=1)
    return node("Reshape", [y, node("Shape", [x])])


def kinds(layer):
    """Whether the attention is full, the width of a dense block or 0, and the number of experts."""
    if pattern == "same":
        return False, 0, 8
    if pattern == "random":
        return rng.random() < .3, rng.choice([0, 0, 0, 40, 56]), rng.choice([4, 8])
    width = 56 if layer == 0 else 40 if layer % 4 == 2 else 0
    return layer % 4 == 3, width, 4 if layer % 6 == 1 else 8


value = helper.make_tensor_value_info
inputs = [value("input_ids", TensorProto.INT64, ["batch", "sequence"]), value("position_ids", TensorProto.INT64, ["batch", "sequence"])]
outputs = [value("logits", TensorProto.FLOAT, ["batch", "sequence", VOCAB])]
by_kind = list(zip(masks("input_ids", "past_key_values.0.key"), (angles("position_ids", t) for t in (1e6, 1e4))))
x = node("Gather", [weight(VOCAB, H), "input_ids"], axis=0)
for layer in range(layers):
    full, width, count = kinds(layer)
    x = node("Add", [x, attention(norm(x), layer, *by_kind[0 if full else 1])])
    y = norm(x)
    x = node("Add", [x, dense(y, width) if width else experts(y, count)])
node("MatMul", [norm(x), weight(H, VOCAB)], ["logits"])
graph = helper.make_graph(nodes, "mixed", inputs, outputs, inits)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)])
model.ir_version = 8
folder.mkdir(parents=True, exist_ok=True)
(folder / "model.onnx").write_bytes(model.SerializeToString())
print(len(nodes), "nodes")
