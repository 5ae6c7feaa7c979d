"""usage: open-forms.py FOLDER: norms, GELUs and attentions as chains of nodes in one
file, with inputs of several lengths and what the chains give, step by step: rows that
are masked whole, NaNs, infinities, no past, no token.
       open-forms.py FOLDER check: compares FOLDER/CASE/got with FOLDER/CASE/out."""
import sys
from math import erf
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder = Path(sys.argv[1])
HEADS, KV, D, LOW = 4, 2, 12, np.finfo(np.float32).min
# Name, scale, what masks, and whether NaN weights become zero. Each has a scale of its
# own: what several read is computed once, and no part of any.
ATTENTIONS = (("add", 0.25, "add", 0), ("guard", 0.5, "add", 1), ("inf", 0.375, "hide", 0), ("inf_guard", 0.75, "hide", 1), ("low", 1.5, "low", 0))
CASES = {"whole": (3, 5), "one": (1, 4), "first": (4, 0), "none": (0, 3), "long": (19, 14)}
SHAPES = {"q": ["b", HEADS, "s", D], "k": ["b", KV, "p + s", D], "v": ["b", KV, "p + s", D], "mask": ["s", "p + s"],
          "hide": ["s", "p + s"], "x": ["b", "s", D], "past": ["p"]}
nodes, inits, outputs = [], [], []
rng = np.random.default_rng(1)
weights = {"scale": rng.standard_normal(D), "shift": rng.standard_normal(D)}


def node(op, *inputs, **attributes):
    name = f"t{len(nodes)}"
    nodes.append(helper.make_node(op, inputs, [name], name=f"{op}_{len(nodes)}", **attributes))
    return name


def constant(value, kind=np.float32):
    name = f"c{len(inits)}"
    inits.append(numpy_helper.from_array(np.asarray(value, kind), name))
    return name


def result(name, value, dims):
    nodes.append(helper.make_node("Identity", [value], [name], name=name))
    outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))


def repeat(x):
    """[b, 2, l, D] to [b, 4, l, D], each head twice."""
    five = node("Unsqueeze", x, constant([2], np.int64))
    shape = node("Shape", five)
    whole = node("Mul", shape, constant([1, 1, HEADS // KV, 1, 1], np.int64))
    return node("Reshape", node("Expand", five, whole), constant([0, HEADS, -1, D], np.int64))


def attention(scale, mask, guard):
    keys = node("Transpose", repeat("k"), perm=[0, 1, 3, 2])
    scores = mask(node("MatMul", node("Mul", "q", constant(scale)), keys))
    p = node("Softmax", scores, axis=-1)
    if guard:
        p = node("Where", node("IsNaN", p), constant(0.0), p)
    return node("MatMul", p, repeat("v"))


def write_model():
    hide = lambda low: lambda s: node("Where", node("Cast", "hide", to=TensorProto.BOOL), constant(low), s)
    masks = {"add": lambda s: node("Add", s, "mask"), "hide": hide(-np.inf), "low": hide(LOW)}
    for name, scale, mask, guard in ATTENTIONS:
        result(name, attention(scale, masks[mask], guard), ["b", HEADS, "s", D])
    for name in weights:
        inits.append(numpy_helper.from_array(weights[name].astype(np.float32), name))
    mean = lambda x: node("ReduceMean", x, axes=[-1], keepdims=1)
    root = lambda x: node("Sqrt", node("Add", mean(node("Pow", x, constant(2.0))), constant(1e-6)))
    result("rms", node("Mul", "scale", node("Mul", "x", node("Reciprocal", root("x")))), ["b", "s", D])
    centred = node("Sub", "x", mean("x"))
    result("layer", node("Add", node("Mul", node("Div", centred, root(centred)), "scale"), "shift"), ["b", "s", D])
    exact = node("Add", node("Erf", node("Div", "x", constant(2**0.5))), constant(1.0))
    result("gelu", node("Mul", node("Mul", "x", exact), constant(0.5)), ["b", "s", D])
    inner = node("Add", "x", node("Mul", node("Pow", "x", constant(3.0)), constant(0.044715)))
    tanh = node("Tanh", node("Mul", inner, constant((2 / np.pi)**0.5)))
    result("gelu_tanh", node("Mul", node("Mul", constant(0.5), "x"), node("Add", tanh, constant(1.0))), ["b", "s", D])
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64 if n == "hide" else TensorProto.FLOAT, s) for n, s in SHAPES.items()]
    graph = helper.make_graph(nodes, "open-forms", inputs, outputs, inits)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")


def weigh(scores, guard):
    e = np.exp(scores - scores.max(-1, keepdims=True)) if scores.size else scores
    p = e / e.sum(-1, keepdims=True)
    return np.where(np.isnan(p), 0, p) if guard else p


def compute(f):
    x, out = f["x"].astype(np.float64), {}
    k, v = (np.repeat(f[n].astype(np.float64), HEADS // KV, 1) for n in "kv")
    for name, scale, mask, guard in ATTENTIONS:
        scores = f["q"].astype(np.float64) @ k.swapaxes(-1, -2) * scale
        if mask == "add":
            scores = (scores.astype(np.float32) + f["mask"]).astype(np.float64)
        else:
            scores = np.where(f["hide"], -np.inf if mask == "hide" else LOW, scores)
        out[name] = weigh(scores, guard) @ v
    norm = lambda y: y / np.sqrt((y * y).mean(-1, keepdims=True) + 1e-6)
    out["rms"] = norm(x) * weights["scale"]
    out["layer"] = norm(x - x.mean(-1, keepdims=True)) * weights["scale"] + weights["shift"]
    out["gelu"] = 0.5 * x * (1 + np.vectorize(erf, otypes=[float])(x / 2**0.5))
    out["gelu_tanh"] = 0.5 * x * (1 + np.tanh((2 / np.pi)**0.5 * (x + 0.044715 * x**3)))
    return out


def make_case(name, s, p):
    length, feeds = s + p, {}
    sizes = {"b": 2, "s": s, "p": p, "p + s": length}
    for key, shape in SHAPES.items():
        feeds[key] = rng.standard_normal([sizes.get(d, d) for d in shape]).astype(np.float32)
    feeds["hide"] = (np.arange(length)[None, :] > np.arange(s)[:, None] + p).astype(np.int64)
    feeds["mask"] = np.where(feeds["hide"], LOW, 0).astype(np.float32)
    if name == "whole":  # rows without an element; a NaN and infinities
        feeds["hide"][1], feeds["mask"][1], feeds["mask"][2] = 1, LOW, -np.inf
        feeds["q"][1, 0, 0, 0], feeds["k"][1, 1, 0, 3], feeds["v"][0, 0, 1, 2] = np.nan, np.inf, np.nan
        feeds["x"][0, 0, 0], feeds["x"][0, 1, 0], feeds["x"][0, 2] = np.nan, np.inf, 0
    for side, arrays in (("in", feeds), ("out", compute(feeds))):
        (folder / name / side).mkdir(parents=True)
        for key, array in arrays.items():
            np.save(folder / name / side / f"{key}.npy", array if array.dtype == np.int64 else array.astype(np.float32))


if len(sys.argv) == 2:
    np.seterr(all="ignore")
    write_model()
    for case, (s, p) in CASES.items():
        make_case(case, s, p)
else:
    for case in CASES:
        for file in sorted((folder / case / "out").iterdir()):
            want, got = np.load(file), np.load(folder / case / "got" / file.name)
            if want.shape != got.shape or not np.allclose(got, want, 1e-4, 1e-5, equal_nan=True):
                print(f"{case} {file.name}: {want.shape} {got.shape}, largest difference {np.nanmax(np.abs(want - got), initial=0)}, "
                      f"NaNs {np.isnan(want).sum()} and {np.isnan(got).sum()}")
    print("compared")
