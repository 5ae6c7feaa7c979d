"""Small random MoE models in the batched-gather form, as transformers' OnnxExporter writes them with
experts_implementation="batched_mm" (one graph for prefill and decode, key/value cache as inputs and outputs), plus four
hand-written torch modules that gather otherwise. Expected outputs are PyTorch's, float32, with the *eager* experts loop.
Run as `python make-batched.py OUTDIR SEED [NAME...]` with Python 3.11, transformers 5.24.0, torch 2.15.0, onnx 1.23.2,
onnxscript 0.7.2, onnxruntime 1.32.0 (numpy 2.4.6); nothing is downloaded."""
import tempfile
from pathlib import Path
import numpy as np, onnx, torch, transformers
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, GenerationConfig
from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter
from transformers.exporters.utils import decompose_for_generation
from fixtures import DenseMoE, TinyLM, main, randomise, search, tiny_cases

VERSIONS = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}"
ROUTER = {"mixtral": "softmax, top-k, normalised", "granitemoe": "top-k, softmax", "granitemoeshared": "top-k, softmax",
          "hunyuan_v1_moe": "softmax, top-k, normalised", "phimoe": "sparse mixer (k = 2)"}


def spec(model_type, H, I, layers, E, k, heads, kv, vocab, norm=None, export=None, scale=2.0, **extra):
    return dict(model_type=model_type, H=H, I=I, layers=layers, E=E, k=k, heads=heads, kv=kv, vocab=vocab, norm=norm,
                export=export or {}, scale=scale, extra=extra)


MODELS = {
    "mixtral-batched-l2e4k2": spec("mixtral", 20, 13, 2, 4, 2, 2, 1, 40),
    "qwen2moe-batched-l1e6k2": spec("qwen2_moe", 36, 13, 1, 6, 2, 3, 1, 50, norm=False, shared_expert_intermediate_size=33),
    "olmoe-batched-l2e16k4": spec("olmoe", 20, 7, 2, 16, 4, 2, 2, 40, norm=False),
    "granitemoe-batched-l2e5k2": spec("granitemoe", 36, 13, 2, 5, 2, 3, 1, 44, tie_word_embeddings=True, embedding_multiplier=1.5,
                                      attention_multiplier=0.25, residual_multiplier=0.7, logits_scaling=2.0),
    "phimoe-batched-l2e4k2": spec("phimoe", 20, 13, 2, 4, 2, 2, 1, 40),
    "mixtral-batched-l1e5k1": spec("mixtral", 36, 33, 1, 5, 1, 3, 3, 30),
    "mixtral-batched-l2e3k3": spec("mixtral", 20, 50, 2, 3, 3, 2, 2, 37, head_dim=14, tie_word_embeddings=True),
    "mixtral-batched-l16e4k2": spec("mixtral", 20, 7, 16, 4, 2, 2, 1, 40, head_dim=6, tie_word_embeddings=True),
    "mixtral-batched-l8e3k1": spec("mixtral", 20, 13, 8, 3, 1, 5, 1, 31),
    "qwen2moe-batched-l3e7k3-dense": spec("qwen2_moe", 20, 7, 3, 7, 3, 2, 2, 33, norm=True, shared_expert_intermediate_size=13,
                                          decoder_sparse_step=2, qkv_bias=False, tie_word_embeddings=True),
    "qwen3moe-batched-l1e24k5": spec("qwen3_moe", 36, 7, 1, 24, 5, 2, 1, 120, norm=False, head_dim=8, tie_word_embeddings=True, scale=3.0),
    "qwen3moe-batched-l3e5k2-dense": spec("qwen3_moe", 36, 7, 3, 5, 2, 6, 3, 45, norm=True, head_dim=6, mlp_only_layers=[1], attention_bias=True),
    "qwen3moe-batched-l2e7k7": spec("qwen3_moe", 20, 13, 2, 7, 7, 2, 2, 50, norm=False, head_dim=12),
    "qwen3moe-batched-l1e6k1": spec("qwen3_moe", 52, 7, 1, 6, 1, 4, 4, 64, norm=False, head_dim=10),
    "olmoe-batched-l1e5k1": spec("olmoe", 36, 13, 1, 5, 1, 6, 6, 40, norm=True, clip_qkv=1.5),
    "granitemoe-batched-l1e12k1": spec("granitemoe", 52, 7, 1, 12, 1, 2, 1, 30, attention_bias=True),
    "phimoe-batched-l1e7k2": spec("phimoe", 36, 13, 1, 7, 2, 3, 1, 48, attention_bias=True, lm_head_bias=True),
    "hunyuan-batched-l2e6k2": spec("hunyuan_v1_moe", 20, 13, 2, 6, 2, 2, 1, 40, head_dim=10),
    "granitemoeshared-batched-l2e5k2": spec("granitemoeshared", 20, 13, 2, 5, 2, 2, 1, 40, shared_intermediate_size=13),
    "mixtral-batched-l1e6k2-opset18": spec("mixtral", 60, 7, 1, 6, 2, 6, 2, 33, export=dict(opset_version=18)),
    "qwen3moe-batched-l2e8k3-opset23": spec("qwen3_moe", 20, 13, 2, 8, 3, 2, 1, 40, norm=True, head_dim=10, export=dict(opset_version=23)),
    "gather-qeff-dynamo-l2e6k2": spec("qeff", 20, 13, 2, 6, 2, 2, 2, 40, norm=True),
    "gather-qeff-torchscript-l1e5k3": spec("qeff", 36, 7, 1, 5, 3, 3, 3, 50, norm=True, export=dict(dynamo=False, opset_version=17)),
    "gather-gptfast-dynamo-l2e4k2": spec("gptfast", 20, 13, 2, 4, 2, 2, 2, 40, norm=True),
    "gather-gptfast-torchscript-l1e7k1": spec("gptfast", 20, 13, 1, 7, 1, 2, 2, 33, norm=False, export=dict(dynamo=False, opset_version=17)),
}


def configure(s):
    t, extra = s["model_type"], dict(s["extra"])
    c = dict(hidden_size=s["H"], num_hidden_layers=s["layers"], num_attention_heads=s["heads"], num_key_value_heads=s["kv"],
             vocab_size=s["vocab"], num_experts_per_tok=s["k"], max_position_embeddings=64, pad_token_id=0, bos_token_id=1,
             eos_token_id=2, attn_implementation="sdpa")
    if t in ("qwen2_moe", "qwen3_moe"): c |= dict(num_experts=s["E"], moe_intermediate_size=s["I"], intermediate_size=s["I"] + 10)
    elif t in ("olmoe", "hunyuan_v1_moe"): c |= dict(num_experts=s["E"], intermediate_size=s["I"])
    else: c |= dict(num_local_experts=s["E"], intermediate_size=s["I"])
    if s["norm"] is not None: c["norm_topk_prob"] = s["norm"]
    return AutoConfig.for_model(t, **(c | extra))


def moe_layers(model): return sum(getattr(m, "gate_up_proj", None) is not None for m in model.modules())


def state(prefix, cache):
    return {f"{prefix}.cache.layers.{i}.{n}": getattr(layer, n) for i, layer in enumerate(cache.layers) for n in ("keys", "values")}


def transformers_model(name, s, seed):
    config = configure(s)
    torch.manual_seed(seed)
    model = randomise(AutoModelForCausalLM.from_config(config, dtype=torch.float32), seed, s["scale"])
    model.set_experts_implementation("batched_mm")
    model.generation_config = GenerationConfig(pad_token_id=0, bos_token_id=1, eos_token_id=None, use_cache=True)
    # In the example input no two sizes may be equal, or they become one symbol.
    # export_for_generation does these two steps, for the prefill graph too, which is not kept.
    part, example = decompose_for_generation(model, {"input_ids": torch.randint(3, s["vocab"], (3, 5))}, multi_token_decode=True)["decode"]
    exported = OnnxExporter().export(part, example, OnnxConfig(dynamic=True, **s["export"]))
    with tempfile.TemporaryDirectory() as t:
        exported.save_pretrained(t)
        proto = onnx.load(Path(t) / "model.onnx")           # reads the .data file in
    takes = {i.name for i in proto.graph.input}

    model.set_experts_implementation("eager")
    g = torch.Generator().manual_seed(seed + 1)
    def draw(batch, past, new):
        def make():
            ids = torch.randint(3, s["vocab"], (batch, past + new), generator=g)
            return ids[:, :past], ids[:, past:]
        return make
    def run(inputs):
        before, ids = inputs
        cache = DynamicCache(config=config)
        b, p = before.shape
        if p: model(input_ids=before, cache=cache, use_cache=True)
        else:                                               # an empty past, as the graph's inputs want it
            probe = model(input_ids=ids, cache=DynamicCache(config=config), use_cache=True).cache
            empty = {n: v[:, :, :0] for n, v in state("input", probe).items()}
        given = {n: v.clone() for n, v in state("input", cache).items()} if p else empty
        position = torch.arange(p, p + ids.shape[1]).expand(b, -1)
        logits = model(input_ids=ids, position_ids=position, cache=cache, use_cache=True).logits
        i = {"input_ids": ids, "position_ids": position} | given
        return {n: v for n, v in i.items() if n in takes}, {"logits": logits} | state("output", cache)
    cases, margin = {}, 1e9
    for case, shape in {"prefill": (1, 0, 5), "decode": (1, 4, 1), "batch": (2, 3, 3)}.items():
        m, _, result = search(run, draw(*shape)); margin = min(margin, m)
        cases[case] = tuple({n: np.ascontiguousarray(v.numpy()) for n, v in part.items()} for part in result)
    origin = {"exporter": f"{VERSIONS}: OnnxExporter.export_for_generation(multi_token_decode)", "model_type": s["model_type"], "form": "batched",
              "experts_implementation": "batched_mm", "export_options": s["export"], "dtype": "f32",
              "moe_config": {"experts": s["E"], "k": s["k"], "layers": s["layers"], "norm": s["norm"]},
              "tolerance": {"rtol": 1e-3, "atol": 2e-4}, "moe_layers": moe_layers(model),
              "router": ROUTER.get(s["model_type"]) or "softmax, top-k" + (", norm_topk_prob" if s["norm"] else ""),
              "least_margin": margin, "config": config.to_diff_dict()}
    return proto, cases, origin


class Qeff(DenseMoE):
    """Qualcomm efficient-transformers' decode form: weights stored transposed ([E, H, I]) and gathered by the flat expert
    ids, bmm, and Einsum "bnd->bd" instead of a sum."""
    def __init__(self, *a):
        super().__init__(*a)
        for n in ("w1", "w2", "w3"): setattr(self, n, torch.nn.Parameter(getattr(self, n).transpose(1, 2).contiguous()))
    def forward(self, x):
        w, i = self.route(x)
        ids, rows = i.flatten(), x.unsqueeze(1).expand(-1, self.k, -1).reshape(-1, 1, x.shape[-1])
        w1, w3, w2 = (torch.index_select(p, 0, ids) for p in (self.w1, self.w3, self.w2))
        y = torch.bmm(self.act(torch.bmm(rows, w1)) * torch.bmm(rows, w3), w2).reshape(-1, self.k, x.shape[-1])
        return torch.einsum("bnd->bd", y * w.unsqueeze(-1))


class GptFast(DenseMoE):
    """gpt-fast's Mixtral: weights indexed by the [tokens, k] expert ids, einsum throughout."""
    def forward(self, x):
        w, i = self.route(x)
        gate, up = self.act(torch.einsum("ti,taoi->tao", x, self.w1[i])), torch.einsum("ti,taoi->tao", x, self.w3[i])
        return torch.einsum("tai,ta->ti", torch.einsum("tao,taio->tai", gate * up, self.w2[i]), w)


def hand(name, s, seed):
    def tiny(block): return TinyLM(s["vocab"], s["H"], s["layers"], s["heads"], lambda: block(s["H"], s["I"], s["E"], s["k"], s["norm"]))
    reference, model = randomise(tiny(DenseMoE), seed, s["scale"]), tiny({"qeff": Qeff, "gptfast": GptFast}[s["model_type"]])
    weights = reference.state_dict()
    model.load_state_dict({n: weights[n] if p.shape == weights[n].shape else weights[n].transpose(1, 2) for n, p in model.state_dict().items()})
    how = {"dynamo": True, "opset_version": 20} | s["export"]
    dim = {0: "batch", 1: "sequence"}
    shapes = {"dynamic_shapes": ({i: torch.export.Dim(n) for i, n in dim.items()},)} if how["dynamo"] else {"dynamic_axes": {"input_ids": dim, "logits": dim}}
    with tempfile.TemporaryDirectory() as t:
        torch.onnx.export(model.eval(), (torch.randint(3, s["vocab"], (2, 5)),), f"{t}/model.onnx", input_names=["input_ids"],
                          output_names=["logits"], external_data=False, **how, **shapes)
        proto = onnx.load(f"{t}/model.onnx")
    cases, margin = tiny_cases(reference, s["vocab"], seed + 1)
    origin = {"exporter": f"torch.onnx.export(dynamo={how['dynamo']}) of a hand-written module, torch {torch.__version__.split('+')[0]}",
              "model_type": s["model_type"], "form": "batched", "opset": how["opset_version"], "dtype": "f32",
              "moe_config": {"experts": s["E"], "k": s["k"], "layers": s["layers"], "norm": s["norm"]},
              "tolerance": {"rtol": 1e-3, "atol": 2e-4}, "moe_layers": s["layers"],
              "router": "softmax, top-k" + (", normalised" if s["norm"] else ""), "least_margin": margin}
    return proto, cases, origin


def build(name, s, seed): return (hand if s["model_type"] in ("qeff", "gptfast") else transformers_model)(name, s, seed)


if __name__ == "__main__": main(MODELS, build)
