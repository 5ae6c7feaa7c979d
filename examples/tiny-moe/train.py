# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the decoder on all but the last 5 % of a text.

usage: train.py TEXT CHECKPOINT [MINUTES [CONTEXT BATCH RATE]]
Goes on from the checkpoint when it exists. The committed model was trained for 50
minutes at the defaults, then for 12 minutes with `448 6 8e-4`, on one core."""
import math, os, sys, time
import torch
from torch.nn import functional as F
from model import EXPERTS, FFN_EXPERTS, Decoder

TAU = 0.75


def balance(block):
    """MoE++'s heterogeneous load-balance loss: zero-compute experts count tau."""
    load, probability = block.moe.load
    eta = torch.full((EXPERTS,), TAU)
    eta[:FFN_EXPERTS] = 1
    return (eta * load * probability).sum() * EXPERTS


def main():
    text, checkpoint = sys.argv[1:3]
    minutes = float(sys.argv[3]) if len(sys.argv) > 3 else 50
    context, batch, rate_peak = sys.argv[4:7] or (160, 16, 3e-3)
    context, batch, rate_peak = int(context), int(batch), float(rate_peak)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    data = torch.frombuffer(bytearray(open(text, "rb").read()), dtype=torch.uint8)
    data = data[: len(data) - len(data) // 20]
    model = Decoder().train()
    if os.path.exists(checkpoint):
        model.load_state_dict(torch.load(checkpoint))
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0}],
                                  lr=rate_peak, betas=(0.9, 0.95))
    positions = torch.arange(context).expand(batch, context)
    start, step = time.time(), 0
    while (done := (time.time() - start) / (60 * minutes)) < 1:
        at = torch.randint(len(data) - context - 1, (batch,))
        windows = torch.stack([data[i : i + context + 1] for i in at]).long()
        rate = rate_peak * min(1, step / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        logits, _ = model(windows[:, :-1], positions)
        loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        total = loss + 0.01 * sum(balance(b) for b in model.blocks) / len(model.blocks)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(f"step {step}, {done:.0%}, {loss.item() / math.log(2):.3f} bits/byte", flush=True)
        if step % 500 == 0:
            torch.save(model.state_dict(), checkpoint)
    torch.save(model.state_dict(), checkpoint)


if __name__ == "__main__":
    main()
