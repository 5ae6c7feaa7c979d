# Gives the tools every file of the corpora and regressions: each must end by
# itself, with an exit code of the contract, within a minute.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os, shutil, subprocess, sys

here, scratch = os.path.dirname(os.path.abspath(__file__)), sys.argv[1]
shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
bad = count = 0


def files(target):
    for kind in ("corpus", "regressions"):
        folder = os.path.join(here, kind, target)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            yield os.path.join(folder, name)


def check(*command):
    global bad, count
    count += 1
    try:
        code = subprocess.run(command, capture_output=True, timeout=60).returncode
    except subprocess.TimeoutExpired:
        code = "no end"
    if code not in (0, 1, 2):
        bad += 1
        print(f"{code}: {' '.join(command)}")


model = os.path.join(scratch, "model.moe")
subprocess.run(["moe-compile", os.path.join(here, "corpus/import/elementwise.onnx"), "-o", model, "--march=x86-64-v3"],
               check=True)
for file in files("npy"):
    check("moe-run", model, f"--input=x={file}")
for file in files("flags"):
    lines = open(file, "rb").read().split(b"\n")
    check("moe-run", model, "--plan", *(line.decode("latin1") for line in lines if line.startswith(b"--")))
    # No text is a path here.
    text = os.path.join(scratch, "ids")
    with open(text, "wb") as out:
        out.write(lines[-1])
    check("moe-run", model, "--generate=1", f"--prompt-ids={text}")
for file in files("moe"):
    check("moe-inspect", file)
    check("moe-run", file, "--plan")
for file in files("moew"):
    # Beside a model that it does not belong to.
    shutil.copy(model, os.path.join(scratch, "other.moe"))
    shutil.copy(file, os.path.join(scratch, "other.moew"))
    check("moe-inspect", os.path.join(scratch, "other.moe"))
for file in files("import"):
    check("moe-compile", file, "--emit=kernels", "--march=x86-64-v3")
print(f"{count} inputs, {bad} bad")
sys.exit(bad > 0)
