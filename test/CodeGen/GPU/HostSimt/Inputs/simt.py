# Runs generated kernels on the host and compares with sums in float64.
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import array
import hashlib
import os
import random
import struct
import subprocess
import sys

SCHEDULES = [(order, when)
             for order in ["ascending", "descending", "round-robin", "random"]
             for when in ["early", "late", "random"]]


def call(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True)
    if done.returncode:
        sys.exit("%s\nfailed:\n%s" % (" ".join(command), done.stderr.decode()))
    return done.stdout


class Runner:
    """Kernels and their buffers, as files of a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.compiled = set()
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def compile(self, text):
        """A shared object of the kernels, which may need no symbol but these."""
        name = self.path("%s.so" % hashlib.sha1(text.encode()).hexdigest()[:12])
        if name in self.compiled:
            return name
        self.write("kernel.mlir", text.encode())
        lowered = call("moe-opt", self.path("kernel.mlir"), "--moe-gpu-nvvm-pipeline",
                       "--nvvm-to-host-simt")
        self.write("kernel.ll", call("mlir-translate", "--mlir-to-llvmir", text=lowered))
        call("clang", "-O2", "-march=x86-64-v3", "-shared", "-fPIC", "-nostdlib",
             "-Wno-override-module", self.path("kernel.ll"), "-o", name)
        needed = call("llvm-nm", "--undefined-only", "--just-symbol-name", name).split()
        if set(needed) - {b"memcpy", b"memset", b"memmove"}:
            sys.exit("generated code needs %s" % needed)
        self.compiled.add(name)
        return name

    def run(self, text, kernel, grid, block, shared, arguments, order="ascending",
            when="late", check="race"):
        """What was found: '' if nothing. Arguments as moe-simt-run takes them,
        with names of files of the folder."""
        command = ["moe-simt-run", self.compile(text), kernel, str(grid), str(block),
                   str(shared), order, when, check]
        for argument in arguments:
            parts = argument.split(":")
            if parts[0] == "buffer":
                parts[1:] = [self.path(part) for part in parts[1:]]
            command.append(":".join(parts))
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode and not done.stdout:
            sys.exit("%s\nfailed:\n%s" % (" ".join(command), done.stderr))
        return done.stdout.strip()


def expect(found, part, what):
    """Stops unless the report has this part."""
    if (part not in found) if part else found:
        sys.exit("%s: expected %r in what was found: %r" % (what, part, found))


def to_bf16(values):
    """Nearest bf16, ties to even; and what they are."""
    bits = []
    for value in values:
        (word,) = struct.unpack("<I", struct.pack("<f", value))
        bits.append((word + 0x7fff + (word >> 16 & 1)) >> 16)
    data = array.array("H", bits)
    return data.tobytes(), from_bf16(data.tobytes())


def from_bf16(data):
    words = array.array("H")
    words.frombytes(data)
    return [struct.unpack("<f", struct.pack("<I", word << 16))[0] for word in words]


def to_f16(values):
    data = struct.pack("<%de" % len(values), *values)
    return data, list(struct.unpack("<%de" % len(values), data))


def to_f32(values):
    data = array.array("f", values).tobytes()
    return data, from_f32(data)


def from_f32(data):
    words = array.array("f")
    words.frombytes(data)
    return list(words)


def draw(count, seed):
    """Numbers whose products and their sums are exact in float32."""
    source = random.Random(seed)
    return [source.randint(-8, 8) / 8 for _ in range(count)]


def product(a, b, m, n, k):
    """a[m][k] times b[n][k], both lists."""
    rows = [b[j * k:(j + 1) * k] for j in range(n)]
    return [sum(x * y for x, y in zip(a[i * k:(i + 1) * k], row))
            for i in range(m) for row in rows]
