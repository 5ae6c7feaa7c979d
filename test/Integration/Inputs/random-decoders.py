"""usage: random-decoders.py FOLDER SEED COUNT: one file of COUNT decoders, each with
layers, heads, sizes, experts and a past of its own, as exporters that fuse write
them, and what their formulas give in float64."""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder, rng = Path(sys.argv[1]), np.random.default_rng(int(sys.argv[2]))
(folder / "in").mkdir(parents=True, exist_ok=True)
(folder / "out").mkdir(exist_ok=True)
nodes, inits, inputs, outputs = [], [], [], []


def pick(*choices):
    return choices[int(rng.integers(len(choices)))]


def between(low, high):
    return int(rng.integers(low, high + 1))


def feed(name, array, shape):
    types = {"int64": TensorProto.INT64, "float32": TensorProto.FLOAT}
    inputs.append(helper.make_tensor_value_info(name, types[str(array.dtype)], shape))
    np.save(folder / "in" / f"{name}.npy", array)


def expect(name, array, shape=None):
    outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    np.save(folder / "out" / f"{name}.npy", array.astype(np.float32))


class Decoder:
    """Builds the graph and computes it, step by step side by side: every method takes
    and gives (name in the graph, value in float64)."""

    def __init__(self, prefix):
        self.prefix, self.count = prefix, 0

    def weight(self, *shape, scale=None):
        scale = 1 / np.sqrt(shape[-2] if len(shape) > 1 else 1) if scale is None else scale
        return self.constant((rng.standard_normal(shape) * scale).astype(np.float32))

    def constant(self, array):
        name = f"{self.prefix}.w{len(inits)}"
        inits.append(numpy_helper.from_array(np.asarray(array), name))
        return name, np.asarray(array, np.float64 if array.dtype == np.float32 else array.dtype)

    def node(self, op, names, value, domain="", outputs=1, **attributes):
        self.count += 1
        results = [f"{self.prefix}.{op}{self.count}.{i}" for i in range(outputs)]
        nodes.append(helper.make_node(op, names, results, domain=domain, name=results[0], **attributes))
        return results[0] if outputs == 1 else results, value

    def matmul(self, x, w):
        return self.node("MatMul", [x[0], w[0]], x[1] @ w[1])

    def add(self, x, y):
        return self.node("Add", [x[0], y[0]], x[1] + y[1])

    def norm(self, x, scale):
        value = x[1] / np.sqrt((x[1]**2).mean(-1, keepdims=True) + 1e-6) * scale[1]
        return self.node("SimplifiedLayerNormalization", [x[0], scale[0]], value, axis=-1, epsilon=1e-6)

    def skip_norm(self, x, skip, scale):
        """The norm of a sum, and the sum."""
        total = x[1] + skip[1]
        names = [f"{self.prefix}.norm{self.count}", f"{self.prefix}.sum{self.count}"]
        self.count += 1
        nodes.append(helper.make_node("SkipSimplifiedLayerNormalization", [x[0], skip[0], scale[0]],
                                      [names[0], "", "", names[1]], domain="com.microsoft", epsilon=1e-6))
        value = total / np.sqrt((total**2).mean(-1, keepdims=True) + 1e-6) * scale[1]
        return (names[0], value), (names[1], total)

    def reshape(self, x, shape):
        target = self.constant(np.array(shape, np.int64))
        copied = [x[1].shape[i] if s == 0 else s for i, s in enumerate(shape)]
        if x[1].size == 0:  # nothing to count the -1 from
            copied = [int(np.prod(x[1].shape[2:])) if s == -1 else s for s in copied]
        return self.node("Reshape", [x[0], target[0]], x[1].reshape(copied))

    def transpose(self, x, perm):
        return self.node("Transpose", [x[0]], x[1].transpose(perm), perm=perm)

    def rotate(self, x, positions, tables):
        """com.microsoft.RotaryEmbedding on [B, heads, T, D]."""
        cos, sin = (t[1][positions[1]][:, None] for t in tables)
        half = x[1].shape[-1] // 2
        a, b = x[1][..., :half], x[1][..., half:]
        value = np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)
        return self.node("RotaryEmbedding", [x[0], positions[0], tables[0][0], tables[1][0]], value, "com.microsoft")

    def experts(self, x, logits, hidden):
        count, k = logits[1].shape[-1], pick(1, logits[1].shape[-1], between(1, logits[1].shape[-1]))
        inner, form, normalize = between(1, 50), pick("plain", "fc3", "swiglu1", "swiglu2"), between(0, 1)
        fusion = {"swiglu1": 1, "swiglu2": 2}.get(form, 0)
        act = "swiglu" if fusion else "silu" if form == "fc3" else pick("relu", "silu", "gelu")
        rows = inner * (2 if fusion else 1)
        w1 = self.constant((rng.standard_normal((count, rows, hidden)) / np.sqrt(hidden)).astype(np.float32))
        w2 = self.constant((rng.standard_normal((count, hidden, inner)) / np.sqrt(inner)).astype(np.float32))
        w3 = self.constant((rng.standard_normal((count, inner, hidden)) / np.sqrt(hidden)).astype(np.float32)) if form == "fc3" else None
        biased = between(0, 1)
        b1 = self.weight(count, rows, scale=.3) if biased else ("", np.zeros((count, rows)))
        b2 = self.weight(count, hidden, scale=.3) if biased else ("", np.zeros((count, hidden)))
        silu = lambda v: v / (1 + np.exp(-v))
        y = np.zeros_like(x[1]).reshape(-1, hidden)
        for t, (row, logit) in enumerate(zip(x[1].reshape(-1, hidden), logits[1].reshape(-1, count))):
            p = np.exp(logit - logit.max())
            p /= p.sum()
            chosen = np.argsort(-p, kind="stable")[:k]
            for e, weight in zip(chosen, p[chosen] / (p[chosen].sum() if normalize else 1)):
                h = w1[1][e] @ row + b1[1][e]
                if fusion:
                    gate, up = (h[0::2], h[1::2]) if fusion == 1 else np.split(h, 2)
                    h = silu(gate) * up
                elif form == "fc3":
                    h = silu(h) * (w3[1][e] @ row)
                else:
                    h = {"relu": lambda v: np.maximum(v, 0), "silu": silu, "gelu": lambda v: 0.5 * v * (
                        1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v**3)))}[act](h)
                y[t] += weight * (w2[1][e] @ h + b2[1][e])
        names = [x[0], logits[0], w1[0], b1[0], w2[0], b2[0]] + ([w3[0]] if w3 else [])
        while names[-1] == "":
            names.pop()
        attributes = dict(k=k, activation_type=act, normalize_routing_weights=normalize)
        if fusion:
            attributes.update(swiglu_fusion=fusion, activation_alpha=1.0, activation_beta=0.0)
        return self.node("MoE", names, y.reshape(x[1].shape), "com.microsoft", **attributes)

    def attention(self, q, k, v, mask, heads):
        """com.microsoft.MultiHeadAttention: query [B, T, heads * D], keys [B, heads, L, D]."""
        size = k[1].shape[-1]
        query = q[1].reshape(*q[1].shape[:2], heads, size).transpose(0, 2, 1, 3)
        scores = query @ k[1].transpose(0, 1, 3, 2) / np.sqrt(size) + mask[1]
        if scores.size:
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
        value = (scores @ v[1]).transpose(0, 2, 1, 3).reshape(q[1].shape)
        flat = [self.reshape(self.transpose(z, [0, 2, 1, 3]), [0, 0, heads * size]) for z in (k, v)]
        return self.node("MultiHeadAttention", [q[0], flat[0][0], flat[1][0], "", "", mask[0]], value, "com.microsoft", num_heads=heads)

    def repeat(self, x, groups):
        """[B, heads, L, D] to [B, heads * groups, L, D], as exporters write it."""
        if groups == 1:
            return x
        b, heads, length, size = x[1].shape
        axis = self.constant(np.array([2], np.int64))
        wide = self.node("Unsqueeze", [x[0], axis[0]], x[1][:, :, None])
        shape = self.node("Shape", [wide[0]], None)
        ones = self.constant(np.array([1, 1, groups, 1, 1], np.int64))
        target = self.node("Mul", [shape[0], ones[0]], None)
        wide = self.node("Expand", [wide[0], target[0]], np.repeat(wide[1], groups, 2))
        full = self.node("Shape", [x[0]], None)
        factor = self.constant(np.array([1, groups, 1, 1], np.int64))
        target = self.node("Mul", [full[0], factor[0]], None)
        return self.node("Reshape", [wide[0], target[0]], wide[1].reshape(b, heads * groups, length, size))

    def build(self):
        p = self.prefix
        size, kv, groups = 2 * between(1, 8), between(1, 3), between(1, 3)
        heads, hidden, layers = kv * groups, between(3, 60), between(1, 3)
        vocab, experts = between(2, 80), pick(1, 2, 3, 5, 8, 13)
        batch, tokens, past = pick(1, 1, 2, 3), pick(0, 1, 1, 2, 5, 9), pick(0, 0, 1, 6)
        total = past + tokens
        b, t, l = f"b{p}", f"t{p}", f"p{p}"
        ids = rng.integers(0, vocab, (batch, tokens))
        feed(f"{p}.ids", ids, [b, t])
        positions = f"{p}.positions", np.broadcast_to(np.arange(past, total), (batch, tokens)).copy()
        feed(*positions, [b, t])
        # Row i sees the past and the new positions up to its own.
        causal = np.where(np.arange(total)[None] <= np.arange(past, total)[:, None], 0, -1e4)
        mask = f"{p}.mask", np.broadcast_to(causal, (batch, 1, tokens, total)).astype(np.float32)
        feed(*mask, [b, 1, t, f"{l} + {t}"])
        angle = np.arange(40)[:, None] / 100**(np.arange(size // 2) / (size // 2))
        tables = self.constant(np.cos(angle).astype(np.float32)), self.constant(np.sin(angle).astype(np.float32))
        table = self.weight(vocab, hidden, scale=1)
        x = self.node("Gather", [table[0], f"{p}.ids"], table[1][ids])
        scale = lambda: self.constant(rng.uniform(.5, 1.5, hidden).astype(np.float32))
        normed = self.norm(x, scale())
        for i in range(layers):
            q = self.matmul(normed, self.weight(hidden, heads * size))
            q4 = self.transpose(self.reshape(q, [0, 0, heads, size]), [0, 2, 1, 3])
            q4 = self.rotate(q4, positions, tables)
            q = self.reshape(self.transpose(q4, [0, 2, 1, 3]), [0, 0, heads * size])
            states = []
            for kind in "key", "value":
                new = self.matmul(normed, self.weight(hidden, kv * size))
                new = self.transpose(self.reshape(new, [0, 0, kv, size]), [0, 2, 1, 3])
                if kind == "key":
                    new = self.rotate(new, positions, tables)
                name = f"{p}.past.{i}.{kind}"
                old = rng.standard_normal((batch, kv, past, size)).astype(np.float32)
                feed(name, old, [b, kv, l, size])
                present = f"{p}.present.{i}.{kind}", np.concatenate([old, new[1]], 2)
                nodes.append(helper.make_node("Concat", [name, new[0]], [present[0]], axis=2))
                expect(present[0], present[1], [b, kv, f"{l} + {t}", size])
                states.append(self.repeat(present, groups))
            y = self.attention(q, *states, mask, heads)
            y = self.matmul(y, self.weight(heads * size, hidden))
            normed, x = self.skip_norm(y, x, scale())
            if layers > 1 and i == 0 and between(0, 2) == 0:  # a dense layer
                inner = between(1, 40)
                gate, up = (self.matmul(normed, self.weight(hidden, inner)) for _ in range(2))
                gate = self.node("Mul", [gate[0], self.node("Sigmoid", [gate[0]], None)[0]], gate[1] / (1 + np.exp(-gate[1])))
                h = self.node("Mul", [gate[0], up[0]], gate[1] * up[1])
                y = self.matmul(h, self.weight(inner, hidden))
            else:
                logits = self.matmul(normed, self.weight(hidden, experts))
                flat_x = self.node("Reshape", [normed[0], self.constant(np.array([-1, hidden], np.int64))[0]], normed[1].reshape(-1, hidden))
                flat_l = self.node("Reshape", [logits[0], self.constant(np.array([-1, experts], np.int64))[0]], logits[1].reshape(-1, experts))
                y = self.experts(flat_x, flat_l, hidden)
                shape = self.node("Shape", [normed[0]], None)
                y = self.node("Reshape", [y[0], shape[0]], y[1].reshape(normed[1].shape))
            normed, x = self.skip_norm(y, x, scale())
        logits = self.matmul(normed, self.weight(hidden, vocab))
        nodes.append(helper.make_node("Identity", [logits[0]], [f"{p}.logits"]))
        expect(f"{p}.logits", logits[1], [b, t, vocab])


for n in range(int(sys.argv[3])):
    Decoder(f"d{n}").build()
graph = helper.make_graph(nodes, "decoders", inputs, outputs, inits)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
model.ir_version = 8
save(model, folder / "model.onnx")
print(sum(node.op_type == "MoE" for node in nodes), "expert layers in", sys.argv[3], "decoders")
