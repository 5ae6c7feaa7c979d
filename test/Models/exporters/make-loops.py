"""Small random MoE models in the loop-over-all-experts form: optimum-onnx's Qwen3-MoE with key/value cache, OLMoE by
TorchScript without cache (transformers' own loop), Mixtral and Qwen2-MoE by TorchScript with the loop patched back to all
experts (transformers 4.57 loops over hit experts, which cannot be traced), and hand-written loops exported by TorchScript
and by dynamo. Expected outputs are PyTorch's, float32, from the unpatched model (hand-written ones: from DenseMoE).
Run as `python make-loops.py OUTDIR SEED [NAME...]` with Python 3.11, transformers 4.57.6, optimum-onnx 0.1.0, optimum 2.1.0,
torch 2.9.1, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0 (numpy 2.4.6); nothing is downloaded."""
import copy, tempfile
from pathlib import Path
import numpy as np, onnx, torch, torch.nn.functional as F, transformers
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache
from fixtures import DenseMoE, TinyLM, main, randomise, search, tiny_cases

VERSIONS = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}"


def spec(how, model_type, H, I, layers, E, k, heads, kv, vocab, norm=None, opset=17, scale=2.0, **extra):
    return dict(how=how, model_type=model_type, H=H, I=I, layers=layers, E=E, k=k, heads=heads, kv=kv, vocab=vocab, norm=norm,
                opset=opset, scale=scale, extra=extra)


MODELS = {
    "qwen3moe-optimum-l1e8k2": spec("optimum", "qwen3_moe", 36, 13, 1, 8, 2, 4, 2, 40, norm=True, opset=18, head_dim=6),
    "qwen3moe-optimum-l1e3k2-opset17": spec("optimum", "qwen3_moe", 60, 13, 1, 3, 2, 5, 1, 33, norm=False, head_dim=12, tie_word_embeddings=True),
    "qwen3moe-optimum-l3e3k2-dense": spec("optimum", "qwen3_moe", 20, 7, 3, 3, 2, 2, 1, 40, norm=True, opset=18, head_dim=10,
                                          mlp_only_layers=[1], attention_bias=True),
    "qwen3moe-optimum-l1e4k4": spec("optimum", "qwen3_moe", 20, 33, 1, 4, 4, 4, 1, 45, norm=True, opset=18, head_dim=10),
    "qwen3moe-optimum-l1e10k3": spec("optimum", "qwen3_moe", 20, 7, 1, 10, 3, 2, 2, 120, norm=False, opset=18, head_dim=8, scale=3.0),
    "olmoe-torchscript-l1e6k2": spec("trace", "olmoe", 20, 13, 1, 6, 2, 2, 2, 40, norm=False),
    "olmoe-torchscript-l1e3k1": spec("trace", "olmoe", 36, 13, 1, 3, 1, 3, 3, 44, norm=True),
    "olmoe-torchscript-l2e3k3": spec("trace", "olmoe", 20, 7, 2, 3, 3, 2, 1, 37, norm=False, tie_word_embeddings=True),
    "olmoe-torchscript-l1e4k2-opset14": spec("trace", "olmoe", 36, 13, 1, 4, 2, 6, 2, 44, norm=True, opset=14),
    "olmoe-torchscript-l1e4k3-opset18": spec("trace", "olmoe", 52, 7, 1, 4, 3, 2, 1, 31, norm=False, opset=18, attention_bias=True),
    "mixtral-torchscript-l1e3k2": spec("trace", "mixtral", 20, 33, 1, 3, 2, 2, 1, 40),
    "qwen2moe-torchscript-l1e5k2": spec("trace", "qwen2_moe", 36, 7, 1, 5, 2, 3, 1, 50, norm=False, shared_expert_intermediate_size=13),
    "qwen2moe-torchscript-l2e6k3-dense": spec("trace", "qwen2_moe", 20, 7, 2, 6, 3, 2, 1, 40, norm=True, opset=18, shared_expert_intermediate_size=9,
                                              decoder_sparse_step=2, tie_word_embeddings=True),
    "loop-torchscript-l2e4k2": spec("hand", "where", 20, 13, 2, 4, 2, 2, 2, 40, norm=True),
    "loop-torchscript-l2e5k1": spec("hand", "where", 20, 7, 2, 5, 1, 2, 2, 40, norm=False),
    "loop-torchscript-equal-l1e7k3": spec("hand", "equal", 36, 13, 1, 7, 3, 3, 3, 50, norm=True),
    "loop-torchscript-column-l1e5k2": spec("hand", "column", 20, 13, 1, 5, 2, 2, 2, 40, norm=True),
    "loop-dynamo-l2e4k2": spec("hand-dynamo", "where", 20, 13, 2, 4, 2, 2, 2, 40, norm=True, opset=18),
    "loop-dynamo-l8e3k2": spec("hand-dynamo", "where", 20, 7, 8, 3, 2, 2, 2, 30, norm=True, opset=18),
    "loop-dynamo-l1e24k5": spec("hand-dynamo", "where", 20, 7, 1, 24, 5, 2, 2, 40, norm=False, opset=18, scale=3.0),
    "loop-dynamo-equal-l1e5k2": spec("hand-dynamo", "equal", 36, 7, 1, 5, 2, 3, 3, 50, norm=False, opset=18),
    "loop-dynamo-column-l1e6k1": spec("hand-dynamo", "column", 20, 33, 1, 6, 1, 2, 2, 40, norm=False, opset=20),
}


def configure(s):
    t = s["model_type"]
    c = dict(hidden_size=s["H"], num_hidden_layers=s["layers"], num_attention_heads=s["heads"], num_key_value_heads=s["kv"],
             vocab_size=s["vocab"], num_experts_per_tok=s["k"], max_position_embeddings=64, pad_token_id=0, bos_token_id=1,
             eos_token_id=2)
    if t in ("qwen2_moe", "qwen3_moe"): c |= dict(num_experts=s["E"], moe_intermediate_size=s["I"], intermediate_size=s["I"] + 10)
    elif t == "olmoe": c |= dict(num_experts=s["E"], intermediate_size=s["I"])
    else: c |= dict(num_local_experts=s["E"], intermediate_size=s["I"])
    if s["norm"] is not None: c["norm_topk_prob"] = s["norm"]
    return AutoConfig.for_model(t, **(c | s["extra"]))


def origin(s, exporter, moe_layers, margin, router, config=None):
    return {"exporter": exporter, "model_type": s["model_type"], "form": "loop", "opset": s["opset"], "dtype": "f32",
            "moe_config": {"experts": s["E"], "k": s["k"], "layers": s["layers"], "norm": s["norm"]},
            "tolerance": {"rtol": 1e-3, "atol": 2e-4}, "moe_layers": moe_layers, "router": router, "least_margin": margin,
            **({"config": config.to_diff_dict()} if config else {})}


def router(s): return "softmax, top-k" + (", normalised" if s["norm"] or s["model_type"] == "mixtral" else "")
def moe_layers(model): return sum(hasattr(m, "experts") for m in model.modules())


def optimum(s, seed):
    from optimum.exporters.onnx import onnx_export_from_model
    config = configure(s)
    model = randomise(AutoModelForCausalLM.from_config(config), seed, s["scale"])
    with tempfile.TemporaryDirectory() as t:
        onnx_export_from_model(copy.deepcopy(model), t, task="text-generation-with-past", opset=s["opset"], do_validation=False)
        proto = onnx.load(Path(t) / "model.onnx")
    g = torch.Generator().manual_seed(seed + 1)
    def flat(prefix, cache): return {f"{prefix}.{i}.{n}": getattr(l, n + "s") for i, l in enumerate(cache.layers) for n in ("key", "value")}
    def run(inputs):
        before, ids = inputs
        (b, p), n = before.shape, ids.shape[1]
        cache = DynamicCache(config=config)
        if p:
            model(input_ids=before, past_key_values=cache, use_cache=True)
            given = {n: v.clone() for n, v in flat("past_key_values", cache).items()}
        else:                                               # an empty past, as the graph's inputs want it
            probe = model(input_ids=ids, use_cache=True).past_key_values
            given = {n: v[:, :, :0] for n, v in flat("past_key_values", probe).items()}
        i = {"input_ids": ids, "attention_mask": torch.ones(b, p + n, dtype=torch.int64), "position_ids": torch.arange(p, p + n).expand(b, -1)}
        return i | given, {"logits": model(**i, past_key_values=cache, use_cache=True).logits} | flat("present", cache)
    cases, margin = {}, float("inf")
    for case, (b, p, n) in {"prefill": (1, 0, 5), "decode": (1, 4, 1), "batch": (2, 3, 3)}.items():
        m, _, result = search(run, lambda: torch.randint(3, s["vocab"], (b, p + n), generator=g).split([p, n], 1)); margin = min(margin, m)
        cases[case] = tuple({n: np.ascontiguousarray(v.numpy()) for n, v in part.items()} for part in result)
    return proto, cases, origin(s, f"optimum-onnx 0.1.0 (TorchScript), {VERSIONS}", moe_layers(model), margin, router(s), config)


def torchscript(f, names, opset):
    # Many tokens: `out[rows] += y` is frozen to a broadcast for an expert that gets exactly one row while tracing.
    example = torch.randint(3, 30, (3, 16))
    with tempfile.TemporaryDirectory() as t:
        axes = {n: {0: "batch", 1: "sequence"} for n in [*names, "logits"]}
        torch.onnx.export(f, tuple(example if n == "input_ids" else torch.ones_like(example) for n in names), f"{t}/model.onnx",
                          input_names=list(names), output_names=["logits"], dynamic_axes=axes, opset_version=opset, dynamo=False)
        return onnx.load(f"{t}/model.onnx")


class AllExperts(torch.nn.Module):
    """Mixtral's and Qwen2-MoE's block with transformers' loop, but over all experts instead of the hit ones."""
    def __init__(self, block):
        super().__init__(); self.block = block
    def forward(self, hidden_states):
        b = self.block
        B, S, H = hidden_states.shape
        x = hidden_states.view(-1, H)
        logits = b.gate(x)
        weights, chosen = torch.topk(F.softmax(logits, dim=1, dtype=torch.float), b.top_k, dim=-1)
        if getattr(b, "norm_topk_prob", True): weights /= weights.sum(dim=-1, keepdim=True)
        out = torch.zeros((B * S, H), dtype=x.dtype)
        mask = F.one_hot(chosen, num_classes=b.num_experts).permute(2, 1, 0)
        for e in range(b.num_experts):
            idx, top_x = torch.where(mask[e])
            rows = x[None, top_x].reshape(-1, H)
            out.index_add_(0, top_x, b.experts[e](rows) * weights[top_x, idx, None])
        if hasattr(b, "shared_expert"): out = out + F.sigmoid(b.shared_expert_gate(x)) * b.shared_expert(x)
        return out.reshape(B, S, H), logits


class Logits(torch.nn.Module):
    def __init__(self, model, mask4d): super().__init__(); self.model, self.mask4d = model, mask4d
    def forward(self, input_ids, attention_mask=None):
        if self.mask4d:   # these families build their mask with vmap, which cannot be traced: hand over the finished mask
            S = input_ids.shape[1]
            attention_mask = torch.full((S, S), torch.finfo(torch.float32).min).triu(1)[None, None].expand(input_ids.shape[0], 1, S, S)
        return self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits


def trace(s, seed):
    config = configure(s)
    model = randomise(AutoModelForCausalLM.from_config(config, attn_implementation="eager"), seed, s["scale"])
    patched, count = copy.deepcopy(model), moe_layers(model)
    if s["model_type"] != "olmoe":
        for l in patched.model.layers:
            for n in ("mlp", "block_sparse_moe"):
                if hasattr(getattr(l, n, None), "experts"): setattr(l, n, AllExperts(getattr(l, n)))
    names = ("input_ids", "attention_mask") if s["model_type"] == "olmoe" else ("input_ids",)
    proto = torchscript(Logits(patched, len(names) == 1), names, s["opset"])
    cases, margin = tiny_cases(lambda ids: model(ids, use_cache=False).logits, s["vocab"], seed + 1, names)
    return proto, cases, origin(s, f"torch.onnx.export(dynamo=False), {VERSIONS}", count, margin, router(s), config)


class Where(DenseMoE):
    """One-hot mask, torch.where, rows, expert, index_add_."""
    def forward(self, x):
        w, i = self.route(x)
        out, mask = torch.zeros_like(x), F.one_hot(i, self.E).permute(2, 1, 0)
        for e in range(self.E):
            idx, top_x = torch.where(mask[e])
            rows = x[top_x]
            y = F.linear(self.act(F.linear(rows, self.w1[e])) * F.linear(rows, self.w3[e]), self.w2[e])
            out.index_add_(0, top_x, y * w[top_x, idx, None])
        return out


class Equal(DenseMoE):
    """Mask by comparing the chosen ids with e; the token's weight from the masked sum; rows put back by index_put_."""
    def forward(self, x):
        w, i = self.route(x)
        out = torch.zeros_like(x)
        for e in range(self.E):
            hit = i == e
            rows = torch.nonzero(hit.any(-1)).squeeze(-1)
            t = x[rows]
            y = F.linear(self.act(F.linear(t, self.w1[e])) * F.linear(t, self.w3[e]), self.w2[e])
            weight = (w * hit).sum(-1, keepdim=True)[rows]
            out = out.index_put((rows,), y * weight, accumulate=True)
        return out


class Column(DenseMoE):
    """A [tokens, E] weight matrix; the rows of expert e are where its column is not 0; rows put back by out[rows] += y."""
    def forward(self, x):
        w, i = self.route(x)
        full, out = torch.zeros(x.shape[0], self.E).scatter(1, i, w), torch.zeros_like(x)
        for e in range(self.E):
            rows = torch.nonzero(full[:, e] > 0).squeeze(-1)
            t = x[rows]
            y = F.linear(self.act(F.linear(t, self.w1[e])) * F.linear(t, self.w3[e]), self.w2[e])
            out[rows] += y * full[rows, e, None]
        return out


BLOCKS = {"where": Where, "equal": Equal, "column": Column}


def hand(s, seed):
    def tiny(block): return randomise(TinyLM(s["vocab"], s["H"], s["layers"], s["heads"], lambda: block(s["H"], s["I"], s["E"], s["k"], s["norm"])), seed, s["scale"])
    model, reference = tiny(BLOCKS[s["model_type"]]), tiny(DenseMoE)
    if s["how"] == "hand": proto, how = torchscript(model, ("input_ids",), s["opset"]), "dynamo=False"
    else:
        d = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
        with tempfile.TemporaryDirectory() as t:
            torch.onnx.export(model, (torch.randint(3, 20, (2, 5)),), f"{t}/model.onnx", input_names=["input_ids"], output_names=["logits"],
                              dynamic_shapes=(d,), opset_version=s["opset"], dynamo=True, external_data=False)
            proto, how = onnx.load(f"{t}/model.onnx"), "dynamo=True"
    cases, margin = tiny_cases(reference, s["vocab"], seed + 1)
    return proto, cases, origin(s, f"torch.onnx.export({how}) of a hand-written module, torch {torch.__version__.split('+')[0]}", s["layers"], margin, router(s))


def build(name, s, seed): return {"optimum": optimum, "trace": trace}.get(s["how"], hand)(s, seed)


if __name__ == "__main__": main(MODELS, build)
