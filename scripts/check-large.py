#!/usr/bin/env python3
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares compiling and running the models of make-large-model.py with what they may take.

usage: check-large.py BIN FOLDER pack     compiles FOLDER/model.onnx under 1 GiB, packs at 80 % of the speed at which
                                          dd copies the weights, runs with a quarter of the experts within the budget
       check-large.py BIN FOLDER gather   runs prompts of 128 and 512 tokens within the weights and 300 MB"""
import json, os, subprocess, sys, time
from pathlib import Path

bin, folder, what = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
model = folder / "large.moe"


def run(*command):
    """Peak of the process's resident set in bytes."""
    child = os.spawnv(os.P_NOWAIT, command[0], [str(c) for c in command])
    _, status, usage = os.wait4(child, 0)
    assert status == 0, (command, status)
    return usage.ru_maxrss * 1024


def compile():
    peak = run(f"{bin}/moe-compile", folder / "model.onnx", "-o", model, f"--report={folder}/report.json")
    assert peak < 2**30, f"the compiler took {peak / 2**20:.0f} MiB"
    return peak, json.load(open(folder / "report.json"))


def generate(prompt, *flags):
    ids = ",".join(str(5 + i * 7 % 4000) for i in range(prompt))
    peak = run(f"{bin}/moe-run", model, *flags, "--max-context=1024", f"--prefill-chunk={prompt}", "--generate=1",
               f"--prompt-ids={ids}", "--temperature=0", f"--stats={folder}/stats.json")
    return peak, json.load(open(folder / "stats.json"))


def copy_seconds():
    """Of a plain copy of the weights that ends on the disk."""
    copy = folder / "copy"
    begin = time.monotonic()
    subprocess.run(["dd", f"if={folder}/model.data", f"of={copy}", "bs=4M", "conv=fsync", "status=none"], check=True)
    seconds = time.monotonic() - begin
    copy.unlink()
    return seconds


if what == "pack":
    size = (folder / "model.data").stat().st_size
    copies, packs = [], []
    for _ in range(3):  # in turn, so that both see the same disk
        copies.append(size / copy_seconds())
        peak, report = compile()
        packs.append(report["packed_bytes"] / report["seconds"]["pack"])
        print(f"copy {copies[-1] / 1e6:.0f} MB/s, pack {packs[-1] / 1e6:.0f} MB/s, peak {peak / 2**20:.0f} MiB", flush=True)
    peak, stats = generate(32, "--memory-budget=25%")
    print(f"25%: budget {stats['budget_bytes'] / 2**20:.0f} MiB, peak {peak / 2**20:.0f} MiB")
    assert peak <= stats["budget_bytes"] + 2**26
    assert max(packs) >= .8 * max(copies), "packing is slower than 80 % of a copy"
else:
    compile()
    for prompt in 128, 512:
        peak, stats = generate(prompt)
        weights = stats["expert_bytes"] + stats["dense_bytes"]
        layers, experts, choices = 8, 8, 2
        exported = layers * choices * stats["expert_bytes"] // (layers * experts)
        print(f"{prompt} tokens: weights {weights / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB; expert bytes read for each token: "
              f"{exported / 1e6:.1f} MB as exported, {stats['bytes_read'] / prompt / 1e6:.1f} MB as raised", flush=True)
        assert peak <= weights + 300e6
