# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Held-out loss and known words. Needs numpy; `ort` needs onnxruntime.

  eval.py write TEXT DIR     inputs of the held-out windows as DIR/in-NNN/*.npy
  eval.py score TEXT DIR     bits per byte from DIR/out-NNN/logits.npy
  eval.py ort TEXT MODEL     the same through onnxruntime
  eval.py words TEXT FILE... share of generated words that the text knows

The held-out part is the last 5 % of the text; of it the first 65536 bytes as 256
windows of 256 bytes, each predicting the byte after it, without past."""
import re, sys
from pathlib import Path

WINDOWS, LENGTH, BATCH, LAYERS, HEADS, HEAD = 256, 256, 16, 4, 4, 32


def windows(text):
    import numpy as np
    data = np.frombuffer(Path(text).read_bytes(), np.uint8)
    held = data[len(data) - len(data) // 20:].astype(np.int64)
    return (np.stack([held[i * LENGTH:(i + 1) * LENGTH] for i in range(WINDOWS)]),
            np.stack([held[i * LENGTH + 1:(i + 1) * LENGTH + 1] for i in range(WINDOWS)]))


def feeds(ids):
    import numpy as np
    feed = {"input_ids": ids, "position_ids": np.tile(np.arange(LENGTH, dtype=np.int64), (len(ids), 1))}
    for layer in range(LAYERS):
        for kind in ("key", "value"):
            feed[f"past_key_values.{layer}.{kind}"] = np.zeros((len(ids), HEADS, 0, HEAD), np.float32)
    return feed


def bits(logits, targets):
    import numpy as np
    x = logits.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    loss = np.log(np.exp(x).sum(-1)) - np.take_along_axis(x, targets[..., None], -1)[..., 0]
    return loss.sum() / np.log(2)


def words(data, drop_last=False):
    found = re.findall(rb"[A-Za-z]+", data)
    if drop_last and found and re.search(rb"[A-Za-z]$", data.rstrip(b"\n")):
        found = found[:-1]
    return [w.lower() for w in found]


def main():
    mode, text = sys.argv[1:3]
    if mode == "words":
        known, total, hit = set(words(Path(text).read_bytes())), 0, 0
        for name in sys.argv[3:]:
            generated = words(Path(name).read_bytes(), drop_last=True)
            total += len(generated)
            hit += sum(w in known for w in generated)
        print(f"{hit / max(1, total):.4f} of {total} words are known")
        return
    import numpy as np
    inputs, targets = windows(text)
    batches = range(0, WINDOWS, BATCH)
    if mode == "write":
        for number, at in enumerate(batches):
            folder = Path(sys.argv[3]) / f"in-{number:03}"
            folder.mkdir(parents=True, exist_ok=True)
            for name, value in feeds(inputs[at:at + BATCH]).items():
                np.save(folder / f"{name}.npy", value)
        return
    if mode == "score":
        run = lambda number, at: np.load(Path(sys.argv[3]) / f"out-{number:03}" / "logits.npy")
    elif mode == "ort":
        import onnxruntime
        session = onnxruntime.InferenceSession(sys.argv[3])
        run = lambda number, at: session.run(["logits"], feeds(inputs[at:at + BATCH]))[0]
    else:
        sys.exit(__doc__)
    total = sum(bits(run(n, at), targets[at:at + BATCH]) for n, at in enumerate(batches))
    print(f"{total / inputs.size:.5f} bits per byte")


if __name__ == "__main__":
    main()
