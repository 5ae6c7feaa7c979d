"""usage: random-moe.py FOLDER SEED: one model of many com.microsoft.MoE nodes, each
with sizes and options of its own, and what their formula gives in float64."""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder, rng = Path(sys.argv[1]), np.random.default_rng(int(sys.argv[2]))
(folder / "in").mkdir(parents=True, exist_ok=True)
(folder / "out").mkdir(exist_ok=True)


def activation(name, x):
    if name == "relu":
        return np.maximum(x, 0)
    if name == "silu":
        return x / (1 + np.exp(-x))
    if name == "gelu":
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x


def layer(x, logits, w1, b1, w2, b2, w3, b3, k, normalize, act, fusion, alpha, beta, limit):
    y = np.zeros_like(x)
    for t in range(len(x)):
        p = np.exp(logits[t] - logits[t].max())
        p /= p.sum()
        chosen = sorted(range(len(p)), key=lambda e: (-p[e], e))[:k]
        weight = p[chosen] / (p[chosen].sum() if normalize else 1)
        for e, w in zip(chosen, weight):
            h = w1[e] @ x[t] + b1[e]
            if fusion:
                g, u = (h[0::2], h[1::2]) if fusion == 1 else np.split(h, 2)
                if limit:
                    g, u = np.minimum(g, limit), np.clip(u, -limit, limit)
                h = g / (1 + np.exp(-alpha * g)) * (u + beta)
            elif w3 is not None:
                h = activation(act, h) * (w3[e] @ x[t] + b3[e])
            else:
                h = activation(act, h)
            y[t] += w * (w2[e] @ h + b2[e])
    return y


nodes, inits, inputs, outputs = [], [], [], []
shapes = [(int(rng.integers(1, 70)), int(rng.integers(1, 70)), form, int(rng.integers(0, 2)))
          for form in ("plain", "fc3", "swiglu1", "swiglu2") for _ in range(4)]
for n in range(104):
    hidden, inner, form, biased = shapes[n % len(shapes)]
    # One expert, two, many; k = 1 and k = E; no token, one, many.
    experts = int(rng.choice([1, 2, 3, 5, 8, 16]))
    k = int(rng.choice([1, experts, rng.integers(1, experts + 1)]))
    tokens = int(rng.choice([0, 1, 2, 7, 13, 29]))
    act = {"plain": ["relu", "gelu", "silu", "identity"][n % 4], "fc3": "silu"}.get(form, "swiglu")
    fusion = {"swiglu1": 1, "swiglu2": 2}.get(form, 0)
    alpha, beta, limit = (1.702, 1.0, 1.5) if n % 3 == 0 else (1.0, 0.0, 0.0)
    normalize = int(rng.integers(0, 2))
    rows = inner * (2 if fusion else 1)
    x = rng.standard_normal((tokens, hidden)).astype(np.float32)
    logits = rng.standard_normal((tokens, experts)).astype(np.float32)
    if n % 7 == 0:
        logits = np.round(logits)  # ties: the lower expert wins
    if n % 11 == 0 and tokens:
        logits[:, 0] += 50  # all tokens on one expert
    w = {"w1": rng.standard_normal((experts, rows, hidden)) / np.sqrt(hidden),
         "w2": rng.standard_normal((experts, hidden, inner)) / np.sqrt(inner)}
    if form == "fc3":
        w["w3"] = rng.standard_normal((experts, inner, hidden)) / np.sqrt(hidden)
    zero = {"b1": np.zeros((experts, rows)), "b2": np.zeros((experts, hidden)), "b3": np.zeros((experts, inner))}
    if biased:
        w["b1"], w["b2"] = rng.standard_normal((experts, rows)), rng.standard_normal((experts, hidden))
        if form == "fc3":
            w["b3"] = rng.standard_normal((experts, inner))
    w = {key: value.astype(np.float32) for key, value in w.items()}
    names = [f"x{n}", f"r{n}"] + [f"{key}_{n}" if key in w else "" for key in ("w1", "b1", "w2", "b2", "w3", "b3")]
    while names[-1] == "":
        names.pop()
    attributes = dict(k=k, activation_type=act, normalize_routing_weights=normalize)
    if fusion:
        attributes.update(swiglu_fusion=fusion, activation_alpha=alpha, activation_beta=beta)
        if limit:
            attributes.update(swiglu_limit=limit)
    nodes.append(helper.make_node("MoE", names, [f"y{n}"], domain="com.microsoft", name=f"moe{n}", **attributes))
    inits += [numpy_helper.from_array(value, f"{key}_{n}") for key, value in w.items()]
    inputs += [helper.make_tensor_value_info(f"x{n}", TensorProto.FLOAT, [f"t{n}", hidden]),
               helper.make_tensor_value_info(f"r{n}", TensorProto.FLOAT, [f"t{n}", experts])]
    outputs.append(helper.make_tensor_value_info(f"y{n}", TensorProto.FLOAT, None))
    d = {key: value.astype(np.float64) for key, value in {**zero, **w}.items()}
    want = layer(x.astype(np.float64), logits.astype(np.float64), d["w1"], d["b1"], d["w2"], d["b2"], d.get("w3"), d["b3"],
                 k, normalize, act, fusion, alpha, beta, limit)
    np.save(folder / "in" / f"x{n}.npy", x)
    np.save(folder / "in" / f"r{n}.npy", logits)
    np.save(folder / "out" / f"y{n}.npy", want.astype(np.float32))
graph = helper.make_graph(nodes, "random", inputs, outputs, inits)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
model.ir_version = 8
save(model, folder / "model.onnx")
print(len(nodes), "layers")
