# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes test cases with PyTorch's outputs, for test/Models/tiny-moe.

usage: cases.py CHECKPOINT FOLDER"""
import json, sys
from pathlib import Path
import numpy as np
import torch
from model import HEAD, HEADS, LAYERS, Decoder


def main():
    checkpoint, folder = sys.argv[1], Path(sys.argv[2])
    model = Decoder().eval()
    model.load_state_dict(torch.load(checkpoint))
    random = np.random.default_rng(0)
    text = b"And it came to pass in those days, that he went out into a mountain to pray"
    for name, batch, sequence, past in (("prefill", 1, 9, 0), ("decode", 1, 1, 7), ("batch", 2, 3, 4), ("one", 1, 1, 0)):
        ids = np.array([[text[(7 * b + past + s) % len(text)] for s in range(sequence)] for b in range(batch)], np.int64)
        feeds = {"input_ids": ids,
                 "position_ids": np.tile(np.arange(past, past + sequence, dtype=np.int64), (batch, 1))}
        states = []
        for layer in range(LAYERS):
            pair = [random.standard_normal((batch, HEADS, past, HEAD)).astype(np.float32) for _ in range(2)]
            feeds[f"past_key_values.{layer}.key"], feeds[f"past_key_values.{layer}.value"] = pair
            states.append(tuple(torch.from_numpy(t) for t in pair))
        with torch.no_grad():
            logits, presents = model(torch.from_numpy(ids), torch.from_numpy(feeds["position_ids"]), states)
        wanted = {"logits": logits.numpy()}
        for layer, (key, value) in enumerate(presents):
            wanted[f"present.{layer}.key"], wanted[f"present.{layer}.value"] = key.numpy(), value.numpy()
        for kind, tensors in (("in", feeds), ("out", wanted)):
            target = folder / "cases" / name / kind
            target.mkdir(parents=True, exist_ok=True)
            for tensor, value in tensors.items():
                np.save(target / f"{tensor}.npy", np.ascontiguousarray(value))
    (folder / "origin.json").write_text(json.dumps(
        {"exporter": f"torch {torch.__version__} dynamo, opset 23", "tolerance": {"rtol": 1e-3, "atol": 2e-4},
         "moe_layers": LAYERS}, indent=1) + "\n")


if __name__ == "__main__":
    main()
