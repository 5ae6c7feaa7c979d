"""usage: run-models.py FOLDER TEMP [PREFIX...]: models that exporters wrote, each a folder with
model.onnx, origin.json and cases.npz (CASE/in/NAME and CASE/out/NAME). Every layer must be raised,
every case within its tolerance, and the same bits with a quarter of the experts, one slot and one
thread. Tools are looked up on the path."""
import json, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np

folder, temp, prefixes = Path(sys.argv[1]), Path(sys.argv[2]), tuple(sys.argv[3:])
VARIANTS = ["--memory-budget=25%"], ["--expert-slots=1", "--threads=1"]


def tool(*command):
    run = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    return run.returncode, (run.stderr.strip().splitlines() or [""])[-1]


def check(model):
    """What is wrong with a model, as text."""
    origin, work, problems = json.loads((model / "origin.json").read_text()), temp / model.name, []
    work.mkdir(parents=True)
    code, message = tool("moe-compile", model / "model.onnx", "-o", work / "m.moe", f"--report={work}/report.json",
                         "--march=x86-64-v3")
    if code:
        return [message]
    report = json.loads((work / "report.json").read_text())
    if len(report["moe_layers"]) != origin["moe_layers"] or report["unraised"]:
        problems.append(f"{len(report['moe_layers'])} of {origin['moe_layers']} layers raised, {report['unraised'][:1]}")
    # The sparse mixer of PhiMoE is taken as it is.
    if any(layer["router"] == "routing-from" for layer in report["moe_layers"]) and origin["model_type"] != "phimoe":
        problems.append("a router is not recognised")
    arrays = np.load(model / "cases.npz")
    for key in arrays.files:
        case, side, name = key.split("/", 2)
        (work / case / side).mkdir(parents=True, exist_ok=True)
        np.save(work / case / side / f"{name.replace('/', '_')}.npy", arrays[key])
    tolerance = origin["tolerance"]
    for case in sorted({key.split("/")[0] for key in arrays.files}):
        at = work / case
        code, message = tool("moe-run", work / "m.moe", f"--inputs={at}/in", f"--expect-dir={at}/out", f"--rtol={tolerance['rtol']}",
                             f"--atol={tolerance['atol']}", f"--output-dir={at}/plain")
        if code:
            problems.append(f"{case}: {message}")
            continue
        for number, flags in enumerate(VARIANTS):
            code, message = tool("moe-run", work / "m.moe", f"--inputs={at}/in", f"--output-dir={at}/{number}", *flags)
            if code:
                problems.append(f"{case} {flags}: {message}")
            elif any(file.read_bytes() != (at / str(number) / file.name).read_bytes() for file in (at / "plain").iterdir()):
                problems.append(f"{case} {flags}: other bits")
    return problems


models = sorted(m for m in folder.iterdir() if m.is_dir() and m.name.startswith(prefixes or ("",)))
with ThreadPoolExecutor(2) as pool:
    results = list(pool.map(check, models))
for model, problems in zip(models, results):
    for problem in problems:
        print(f"{model.name}: {problem}")
print(sum(not problems for problems in results), "of", len(models), "models hold")
