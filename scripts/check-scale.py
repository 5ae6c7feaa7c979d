#!/usr/bin/env python3
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares compilations of few and of many layers, alike and mixed: fails when the machine code, or the least
time to generate it, grows by more than 15 %."""
import argparse, json, struct, subprocess, sys
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("compiler")
parser.add_argument("folder", type=Path)
parser.add_argument("--layers", type=int, nargs=2, default=(12, 48))
parser.add_argument("--march", nargs="+", default=("x86-64-v3", "x86-64-v3,x86-64-v4"))
parser.add_argument("--patterns", nargs="+", default=("same", "period", "random"), help="of make-mixed-model.py")
parser.add_argument("--repeat", type=int, default=5, help="0: compare sizes only")
args = parser.parse_args()
folder, (few, many) = args.folder, args.layers
limit = 1.15


def text_bytes(path):
    """The size of an ELF file's .text."""
    data = path.read_bytes()
    table, = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    headers = [struct.unpack_from("<IIQQQQ", data, table + 64 * i) for i in range(count)]
    at = headers[names][4]
    return next(size for name, *_, size in headers if data[at + name:].startswith(b".text\0"))


def compile(model, isa):
    subprocess.run([args.compiler, model / "model.onnx", "-o", folder / "out.moe", f"--march={isa}", "--jobs=1",
                    f"--report={folder}/report.json"], check=True)
    return text_bytes(folder / "out.moe"), json.load(open(folder / "report.json"))["seconds"]


failed = False
for pattern in args.patterns:
    models = {n: folder / f"{pattern}{n}" for n in (few, many)}
    for n, model in models.items():
        script = Path(__file__).with_name("make-mixed-model.py")
        subprocess.run([sys.executable, script, model, str(n), pattern], check=True, stdout=subprocess.DEVNULL)
    for isa in args.march:
        text, seconds = {}, {few: [], many: []}
        for _ in range(max(args.repeat, 1)):  # in turn, so that both see the same machine
            for n, model in models.items():
                text[n], stages = compile(model, isa)
                seconds[n].append(stages)
        ratios = [text[many] / text[few]]
        line = f"{pattern}, {isa}: .text {text[few]} and {text[many]} bytes ({ratios[0]:.3f})"
        if args.repeat:
            least = {n: {stage: min(s[stage] for s in runs) for stage in runs[0]} for n, runs in seconds.items()}
            ratios.append(least[many]["codegen"] / least[few]["codegen"])
            line += f", codegen {least[few]['codegen']:.2f} and {least[many]['codegen']:.2f} s ({ratios[1]:.3f}), kernels and llvm "
            line += " and ".join(f"{least[n]['kernels'] + least[n]['llvm']:.2f}" for n in models) + " s"
        print(line, flush=True)
        failed |= max(ratios) > limit
sys.exit(failed)
