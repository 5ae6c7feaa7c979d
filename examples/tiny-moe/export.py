# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports a checkpoint with PyTorch's ONNX exporter, with KV cache.

usage: export.py CHECKPOINT OUTPUT.onnx"""
import sys
import onnx
import torch
from torch import nn
from torch.export import Dim
from model import HEAD, HEADS, LAYERS, Decoder


class Flat(nn.Module):
    """The decoder with its caches as separate inputs and outputs."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, position_ids, past):
        pairs = [(past[2 * i], past[2 * i + 1]) for i in range(LAYERS)]
        logits, presents = self.model(input_ids, position_ids, pairs)
        return (logits, *(t for pair in presents for t in pair))


def main():
    checkpoint, output = sys.argv[1:3]
    model = Decoder().eval()
    model.load_state_dict(torch.load(checkpoint))
    past = [torch.zeros(2, HEADS, 3, HEAD) for _ in range(2 * LAYERS)]
    ids = torch.zeros(2, 5, dtype=torch.int64)
    positions = torch.arange(3, 8).expand(2, 5).clone()
    batch, sequence, length = Dim("batch"), Dim("sequence"), Dim("past")
    kinds = ("key", "value")
    torch.onnx.export(
        Flat(model), (ids, positions, past), output, dynamo=True, opset_version=23, external_data=False,
        input_names=["input_ids", "position_ids"] + [f"past_key_values.{i}.{k}" for i in range(LAYERS) for k in kinds],
        output_names=["logits"] + [f"present.{i}.{k}" for i in range(LAYERS) for k in kinds],
        dynamic_shapes=({0: batch, 1: sequence}, {0: batch, 1: sequence}, [{0: batch, 2: length}] * (2 * LAYERS)))
    # The exporter records where each node came from on the machine that traced it.
    exported = onnx.load(output)
    del exported.graph.metadata_props[:]
    for item in list(exported.graph.node) + list(exported.graph.value_info) + list(exported.graph.initializer):
        del item.metadata_props[:]
    onnx.save(exported, output)


if __name__ == "__main__":
    main()
