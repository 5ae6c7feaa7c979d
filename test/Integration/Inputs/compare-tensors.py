"""usage: compare-tensors.py MODEL TEMP: every tensor that the compiled model keeps, beside what onnxruntime
computed for it (tensors.npz). Then one reference after the other is made wrong: its node is named."""
import subprocess, sys
from pathlib import Path
import numpy as np

folder, temp = Path(sys.argv[1]), Path(sys.argv[2])


def tool(*command):
    run = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    return run.returncode, run.stderr


def write(name, array):
    np.save(temp / "tensors" / f"{name.replace('/', '_')}.npy", array)


def compare():
    return tool("moe-run", temp / "m.moe", f"--inputs={temp}/in", f"--compare-with={temp}/tensors", "--rtol=1e-3", "--atol=1e-4")


tensors, cases = np.load(folder / "tensors.npz"), np.load(folder / "cases.npz")
case = tensors.files[0].split("/")[0]
for side in "in", "tensors":
    (temp / side).mkdir(parents=True)
for key in cases.files:
    if key.startswith(f"{case}/in/"):
        np.save(temp / "in" / f"{key.split('/', 2)[2].replace('/', '_')}.npy", cases[key])
for key in tensors.files:
    write(key.split("/", 1)[1], tensors[key])

for keep in [], ["--keep-tensors=."]:
    code, message = tool("moe-compile", folder / "model.onnx", "-o", temp / "m.moe", "--march=x86-64-v3", *keep)
    assert code == 0, message
    code, message = compare()
    print(f"{folder.name}: {'agrees' if code == 0 else message}, {message.splitlines()[0].split(' tensors')[0]}")

code, listing = tool("moe-run", temp / "m.moe", f"--inputs={temp}/in", "--dump-tensors=.", f"--output-dir={temp}/kept")
named = 0
floats = [key for key in tensors.files if tensors[key].dtype == np.float32 and tensors[key].size]
kept = [key for key in floats if (temp / "kept" / f"{key.split('/', 1)[1].replace('/', '_')}.npy").exists()]
for key in kept[::7]:
    name = key.split("/", 1)[1]
    write(name, tensors[key] + np.float32(9))
    code, message = compare()
    named += code == 1 and f"first divergence: node" in message and f"tensor '{name}' differs" in message
    write(name, tensors[key])
print(f"{folder.name}: {named} of {len(kept[::7])} wrong tensors named")
