"""Shared by make-batched.py and make-loops.py: random weights, the margin between chosen and unchosen experts, the search
for token ids without near-ties, and writing one fixture folder (model.onnx, cases.npz, origin.json) that onnxruntime
reproduces. Needs torch, numpy, onnx, onnxruntime; no transformers of a particular version."""
import json, shutil, sys, zlib
from pathlib import Path
import numpy as np, onnx, onnxruntime as ort, torch
from torch.utils._python_dispatch import TorchDispatchMode

ROUTERS = ("mlp.gate.", "router.", "feed_forward.gate.", "block_sparse_moe.gate.", "gate.wg.", "moe_gate.")


def randomise(model, seed, router_scale=2.0):
    """Weights of realistic scale: matrices N(0, 1/fan_in), embeddings N(0, 1), norms 1 + N(0, 0.1), biases N(0, 0.1)."""
    g = torch.Generator().manual_seed(seed)
    def draw(p, std): return torch.randn(p.shape, generator=g) * std
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name and p.dim() == 1: p.copy_(1 + draw(p, 0.1)) if name.endswith("weight") else p.copy_(draw(p, 0.1))
            elif p.dim() == 1: p.copy_(draw(p, 0.1))
            elif "embed" in name: p.copy_(draw(p, 1.0))
            elif any(r in name for r in ROUTERS): p.copy_(draw(p, router_scale / p.shape[-1] ** 0.5))
            else: p.copy_(draw(p, 1.2 / p.shape[-1] ** 0.5))
    return model.float().eval()


class Margin(TorchDispatchMode):
    """Smallest distance, over all tokens and layers run inside, between the k-th and (k+1)-th score of any top-k
    (arg-max: the two best), and between PhiMoE's mask ratios and their threshold."""
    def __init__(self): super().__init__(); self.least, self.calls, self.chosen = float("inf"), 0, []
    def see(self, x): self.least = min(self.least, float(x)) if x == x else self.least
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        n = func.name()
        if n.startswith("aten::topk") or n == "aten::max.dim":
            x, k = args[0], args[1] if n.startswith("aten::topk") else 1
            self.calls += 1
            if n.startswith("aten::topk"): self.chosen.append(out[1])
            if k < x.shape[-1]:
                s = x.sort(-1, descending=True).values; self.see((s[..., k - 1] - s[..., k]).min())
        elif n == "aten::gt.Scalar" and args[0].is_floating_point(): self.see((args[0] - args[1]).abs().min())
        return out


def search(run, draw, need=1e-3, tries=400):
    """draw() gives one case's inputs, run(inputs) its outputs; the first draw whose margin is at least `need`."""
    best = None
    for _ in range(tries):
        inputs = draw()
        with Margin() as m, torch.no_grad(): outputs = run(inputs)
        if best is None or m.least > best[0]: best = (m.least, inputs, outputs)
        if m.least >= need: break
    if best[0] < need: raise RuntimeError(f"near-tie in every draw, best margin {best[0]:.1e}")
    return best


def strip(graph):
    for x in [graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        if x.HasField("doc_string"): x.ClearField("doc_string")
        if hasattr(x, "metadata_props"): del x.metadata_props[:]
    for n in graph.node:
        for a in n.attribute:
            if a.HasField("doc_string"): a.ClearField("doc_string")
            if a.HasField("g"): strip(a.g)


def write(folder, model, cases, origin):
    """model: a ModelProto with its weights inside; cases: {case: (inputs, outputs)} of numpy arrays, in PyTorch's words.
    Strips doc strings and metadata, checks every case on onnxruntime to 1e-4, and moves the finished folder in place."""
    model.doc_string = ""; del model.metadata_props[:]; strip(model.graph)
    for f in model.functions:
        f.ClearField("doc_string"); del f.metadata_props[:]
        for n in f.node: n.ClearField("doc_string"); del n.metadata_props[:]
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    options = ort.SessionOptions(); options.intra_op_num_threads = 1; options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names, worst, arrays = {i.name for i in session.get_inputs()}, 0.0, {}
    for case, (inputs, outputs) in cases.items():
        assert set(inputs) == names, (sorted(inputs), sorted(names))
        assert set(outputs) == {o.name for o in session.get_outputs()}, (sorted(outputs), [o.name for o in session.get_outputs()])
        got = dict(zip(outputs, session.run(list(outputs), inputs)))
        for n, want in outputs.items():
            assert got[n].shape == want.shape and got[n].dtype == want.dtype, (case, n, got[n].shape, want.shape)
            assert np.isfinite(want).all(), (case, n)
            worst = max(worst, float(np.abs(got[n] - want).max(initial=0)))
        arrays |= {f"{case}/in/{n}": a for n, a in inputs.items()} | {f"{case}/out/{n}": a for n, a in outputs.items()}
    assert worst < 1e-4, f"onnxruntime differs by {worst:.2e}"
    part = folder.parent.with_name(folder.parent.name + ".part") / folder.name; shutil.rmtree(part, ignore_errors=True); part.mkdir(parents=True)
    (part / "model.onnx").write_bytes(data)
    np.savez_compressed(part / "cases.npz", **arrays)
    if origin["least_margin"] > 1e8: origin["least_margin"] = None      # k = E: nothing to choose
    (part / "origin.json").write_text(json.dumps(origin, indent=1))
    shutil.rmtree(folder, ignore_errors=True); folder.parent.mkdir(parents=True, exist_ok=True); part.rename(folder)
    print(f"ok {folder.name}: {len(model.graph.node)} nodes, {len(data)} bytes, onnxruntime within {worst:.1e}", flush=True)


class Norm(torch.nn.Module):
    """RMS norm from plain ops (TorchScript's exporter has none for torch.nn.RMSNorm)."""
    def __init__(self, H): super().__init__(); self.weight = torch.nn.Parameter(torch.ones(H))
    def forward(self, x): return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class TinyLM(torch.nn.Module):
    """Embedding, then per layer causal attention and a MoE block (`make_moe()`), pre-normed, then logits. No cache."""
    def __init__(self, vocab, H, layers, heads, make_moe):
        super().__init__()
        self.heads, self.embed, self.lm_head = heads, torch.nn.Embedding(vocab, H), torch.nn.Linear(H, vocab, bias=False)
        self.layers = torch.nn.ModuleList(torch.nn.ModuleDict(dict(
            norm1=Norm(H), qkv=torch.nn.Linear(H, 3 * H), o=torch.nn.Linear(H, H, bias=False),
            norm2=Norm(H), moe=make_moe())) for _ in range(layers))
        self.norm = Norm(H)

    def forward(self, input_ids):
        x = self.embed(input_ids)
        B, S, H = x.shape
        for l in self.layers:
            q, k, v = l.qkv(l.norm1(x)).view(B, S, 3, self.heads, H // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
            a = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + l.o(a.transpose(1, 2).reshape(B, S, H))
            x = x + l.moe(l.norm2(x).reshape(-1, H)).view(B, S, H)
        return self.lm_head(self.norm(x))


class DenseMoE(torch.nn.Module):
    """The reference every hand-written MoE block is compared with: all experts on all tokens, times a [tokens, E] weight.
    Subclasses keep these parameters and override `forward`."""
    def __init__(self, H, I, E, k, norm, act=torch.nn.functional.silu):
        super().__init__()
        self.E, self.k, self.norm, self.act = E, k, norm, act
        self.router = torch.nn.Linear(H, E, bias=False)
        self.w1, self.w3 = (torch.nn.Parameter(torch.empty(E, I, H)) for _ in range(2))
        self.w2 = torch.nn.Parameter(torch.empty(E, H, I))

    def route(self, x):
        w, i = torch.topk(torch.softmax(self.router(x), -1), self.k, dim=-1)
        return (w / w.sum(-1, keepdim=True) if self.norm else w), i

    def forward(self, x):
        w, i = self.route(x)
        full = torch.zeros(x.shape[0], self.E).scatter(1, i, w)
        h = self.act(torch.einsum("th,eih->tei", x, self.w1)) * torch.einsum("th,eih->tei", x, self.w3)
        return torch.einsum("tei,ehi,te->th", h, self.w2, full)


def tiny_cases(model, vocab, seed, input_names=("input_ids",)):
    """Cases of a model without cache: one token, five, and a batch of two; the mask input, where there is one, all ones."""
    g, cases, margin = torch.Generator().manual_seed(seed), {}, float("inf")
    for case, shape in {"one": (1, 1), "five": (1, 5), "batch": (2, 4)}.items():
        m, ids, logits = search(lambda ids: model(ids), lambda: torch.randint(3, vocab, shape, generator=g))
        margin = min(margin, m)
        inputs = {n: ids if n == "input_ids" else torch.ones_like(ids) for n in input_names}
        cases[case] = {n: v.numpy() for n, v in inputs.items()}, {"logits": logits.numpy()}
    return cases, margin


def main(models, build):
    """models: {name: spec}; build(name, spec, seed) -> (ModelProto, cases, origin). Command line: OUTDIR SEED [NAME...]"""
    out, seed, only = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    failed = 0
    for name, spec in models.items():
        if only and name not in only: continue
        own = zlib.crc32(f"{seed} {name}".encode()) & 0x7FFFFFFF
        torch.manual_seed(own)          # the example inputs of a trace too
        try: write(out / name, *build(name, spec, own))
        except Exception as e:
            failed += 1; print(f"FAILED {name}: {type(e).__name__}: {str(e)[:600]}", flush=True)
    sys.exit(failed != 0)
