# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A byte-level decoder with MoE++ layers (arXiv 2410.07348).

Router outputs 0..7 are FFN experts, 8 the zero expert, 9 the copy expert, 10 and
11 constant experts. Each token takes the two most probable of the twelve. From
the second layer on, the router also sees the previous layer's logits (the gating
residual). The FFN part is written densely over all experts and masked by the
combine weights: the form a compiler has to make sparse."""
import torch
from torch import nn
from torch.nn import functional as F

VOCAB, D, LAYERS, HEADS, FFN, FFN_EXPERTS, CONSTANTS, K = 256, 128, 4, 4, 112, 8, 2, 2
HEAD = D // HEADS
EXPERTS = FFN_EXPERTS + 2 + CONSTANTS


class RMSNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-6)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(D, 3 * D, bias=False)
        self.out = nn.Linear(D, D, bias=False)

    def forward(self, x, cos, sin, mask, past):
        b, s, _ = x.shape
        q, k, v = (t.view(b, s, HEADS, HEAD).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.out(y.transpose(1, 2).reshape(b, s, D)), (k, v)


class MoE(nn.Module):
    def __init__(self, first):
        super().__init__()
        self.router = nn.Linear(D, EXPERTS, bias=False)
        self.residual = None if first else nn.Linear(EXPERTS, EXPERTS, bias=False)
        self.w13 = nn.Parameter(torch.randn(FFN_EXPERTS, D, 2 * FFN) * 0.02)
        self.w2 = nn.Parameter(torch.randn(FFN_EXPERTS, FFN, D) * 0.02)
        self.constant = nn.Parameter(torch.randn(CONSTANTS, D) * 0.02)
        self.mix = nn.ParameterList(nn.Parameter(torch.randn(D, 2) * 0.02) for _ in range(CONSTANTS))
        if self.residual:
            nn.init.zeros_(self.residual.weight)

    def forward(self, x, previous):
        logits = self.router(x)
        if self.residual:
            logits = logits + self.residual(previous)
        probabilities = torch.softmax(logits, -1)
        weights, ids = torch.topk(probabilities, K, -1)
        combine = torch.zeros_like(probabilities).scatter(1, ids, weights)
        if self.training:
            self.load = (combine > 0).float().mean(0), probabilities.mean(0)

        gate, up = torch.matmul(x.unsqueeze(0), self.w13).chunk(2, -1)
        experts = torch.matmul(F.silu(gate) * up, self.w2)
        y = (experts * combine[:, :FFN_EXPERTS].t().unsqueeze(-1)).sum(0)
        copy = FFN_EXPERTS + 1
        y = y + combine[:, copy:copy + 1] * x
        for j in range(CONSTANTS):
            a = torch.softmax(x @ self.mix[j], -1)
            y = y + combine[:, copy + 1 + j:copy + 2 + j] * (a[:, :1] * x + a[:, 1:] * self.constant[j])
        return y, logits


class Block(nn.Module):
    def __init__(self, first):
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(D), RMSNorm(D)
        self.attention, self.moe = Attention(), MoE(first)

    def forward(self, x, cos, sin, mask, past, previous):
        y, present = self.attention(self.norm1(x), cos, sin, mask, past)
        x = x + y
        b, s, _ = x.shape
        y, logits = self.moe(self.norm2(x).reshape(b * s, D), previous)
        return x + y.reshape(b, s, D), present, logits


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, D)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(i == 0) for i in range(LAYERS))
        self.norm = RMSNorm(D)
        self.head = nn.Linear(D, VOCAB, bias=False)
        frequencies = 10000.0 ** (-torch.arange(0, HEAD, 2).float() / HEAD)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, input_ids, position_ids, past_key_values=None):
        """Logits [batch, sequence, 256] and the grown caches [(key, value)], each
        [batch, heads, past + sequence, head]. Without caches: plain causal training."""
        angles = position_ids[:, None, :, None].float() * self.frequencies
        cos, sin = angles.cos(), angles.sin()
        mask = None
        if past_key_values is not None:
            s, past = input_ids.shape[1], past_key_values[0][0].shape[2]
            columns = torch.arange(past + s, device=input_ids.device)
            mask = columns[None, :] <= columns[past:, None]
        x, logits, presents = self.embed(input_ids), None, []
        for i, block in enumerate(self.blocks):
            state = None if past_key_values is None else past_key_values[i]
            x, present, logits = block(x, cos, sin, mask, state, logits)
            presents.append(present)
        return self.head(self.norm(x)), presents
