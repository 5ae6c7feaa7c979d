#!/usr/bin/env python3
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Changes that keep the meaning of every model in a folder keep its layers raised and its numbers.

usage: check-metamorphic.py BIN TEMP FOLDER...

A folder holds models as test/Models/exporters does (NAME/model.onnx, NAME/cases.npz), or with cases as folders of .npy.
One line for each model; 1 when something did not hold. Takes about half a minute a model."""
import json, os, shutil, subprocess, sys
from pathlib import Path
import numpy as np

bin, temp, folders = sys.argv[1], Path(sys.argv[2]), [Path(f) for f in sys.argv[3:]]
suite = Path(__file__).resolve().parents[1] / "test/Integration/Inputs/metamorphic.py"
environment = dict(os.environ, PATH=f"{bin}:{os.environ['PATH']}")


def unpack(model, to):
    """cases/CASE/in/NAME.npy, from one archive or from folders."""
    if (model / "cases").is_dir():
        return model / "cases"
    with np.load(model / "cases.npz") as archive:
        for key in archive.files:
            case, side, name = key.split("/", 2)
            (to / case / side).mkdir(parents=True, exist_ok=True)
            np.save(to / case / side / (name.replace("/", "_") + ".npy"), archive[key])
    return to


def layers(file, report):
    """The layers that are raised, or nothing when a part is not."""
    run = subprocess.run([f"{bin}/moe-compile", file, "--emit=moe", "-o", temp / "moe.mlir", f"--report={report}"], capture_output=True)
    found = json.load(open(report)) if run.returncode == 0 else {"unraised": True}
    return len(found["moe_layers"]) if not found["unraised"] else None


failed = 0
for model in sorted(m for folder in folders for m in folder.iterdir() if m.is_dir()):
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir(parents=True)
    files = sorted(model.glob("*.onnx"))
    count = layers(files[0], temp / "report.json") if files else None
    if not count:
        print(f"{model.name}: not raised, skipped", flush=True)
        continue
    cases = unpack(model, temp / "cases")
    run = subprocess.run([sys.executable, suite, files[0], str(count), temp, cases], env=environment, capture_output=True, text=True)
    holds = run.stdout.strip() == "holds"
    failed += not holds
    print(f"{model.name}: {count} layers, {'holds' if holds else run.stderr.strip()[-300:]}", flush=True)
sys.exit(failed > 0)
