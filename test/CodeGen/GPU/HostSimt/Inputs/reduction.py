# Sums of 256 numbers by blocks: shuffles, shared memory, a barrier, an atomic.
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys
from simt import *

BLOCKS, THREADS = 5, 256


def kernel(fault=""):
    barrier = "nvvm.barrier0"
    if fault == "no barrier":
        barrier = ""
    if fault == "divergent barrier":
        barrier = """%half = arith.cmpi ult, %tid, %c128 : i32
      scf.if %half { nvvm.barrier0 }
      nvvm.barrier id = %one"""
    partial_type = "!llvm.array<8 x f32>"
    slot = "%warp"
    if fault == "shared index":
        slot = "%tid"
    bias = 1 if fault == "global index" else 0
    # The blocks all write to one place, without an atomic operation.
    total = "llvm.atomicrmw fadd %total, %sum monotonic : !llvm.ptr<1>, f32"
    if fault == "global race":
        total = "llvm.store %sum, %total : f32, !llvm.ptr<1>"
    shuffles = ""
    for value, start in (("%x", "s"), ("%y", "t")):
        last = value
        for step in (16, 8, 4, 2, 1):
            code = """
      {n}b = llvm.mlir.constant({step} : i32) : i32
      {n}o = nvvm.shfl.sync bfly %all, {last}, {n}b, %clamp : f32 -> f32
      {n} = llvm.fadd {last}, {n}o : f32""".format(
                n="%%%s%d" % (start, step), step=step, last=last)
            last = "%%%s%d" % (start, step)
            if start == "s":
                shuffles += code
            else:
                shuffles2 = code if step == 16 else shuffles2 + code
    return """
  gpu.module @kernels {
    llvm.mlir.global internal @partial() {addr_space = 3 : i32, alignment = 4 : i64} : %(partial_type)s
    llvm.func @sum(%%in: !llvm.ptr<1>, %%out: !llvm.ptr<1>, %%total: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
      %%tid = nvvm.read.ptx.sreg.tid.x : i32
      %%cta = nvvm.read.ptx.sreg.ctaid.x : i32
      %%c256 = llvm.mlir.constant(256 : i32) : i32
      %%c128 = llvm.mlir.constant(128 : i32) : i32
      %%c32 = llvm.mlir.constant(32 : i32) : i32
      %%c8 = llvm.mlir.constant(8 : i32) : i32
      %%c0 = llvm.mlir.constant(0 : i32) : i32
      %%bias = llvm.mlir.constant(%(bias)d : i32) : i32
      %%all = llvm.mlir.constant(-1 : i32) : i32
      %%clamp = llvm.mlir.constant(31 : i32) : i32
      %%one = llvm.mlir.constant(1 : i32) : i32
      %%zero = llvm.mlir.constant(0.0 : f32) : f32
      %%row = llvm.mul %%cta, %%c256 : i32
      %%at = llvm.add %%row, %%tid : i32
      %%at2 = llvm.add %%at, %%bias : i32
      %%p = llvm.getelementptr %%in[%%at2] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      %%x = llvm.load %%p : !llvm.ptr<1> -> f32
      %(shuffles)s
      %%warp = llvm.udiv %%tid, %%c32 : i32
      %%lane = llvm.urem %%tid, %%c32 : i32
      %%first = llvm.icmp "eq" %%lane, %%c0 : i32
      %%partial = llvm.mlir.addressof @partial : !llvm.ptr<3>
      scf.if %%first {
        %%q = llvm.getelementptr %%partial[%(slot)s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
        llvm.store %%s1, %%q : f32, !llvm.ptr<3>
      }
      %(barrier)s
      %%leads = llvm.icmp "eq" %%warp, %%c0 : i32
      scf.if %%leads {
        %%few = llvm.icmp "ult" %%lane, %%c8 : i32
        %%y = scf.if %%few -> f32 {
          %%q = llvm.getelementptr %%partial[%%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
          %%v = llvm.load %%q : !llvm.ptr<3> -> f32
          scf.yield %%v : f32
        } else {
          scf.yield %%zero : f32
        }
        %(shuffles2)s
        scf.if %%first {
          %%sum = arith.addf %%t1, %%zero : f32
          %%o = llvm.getelementptr %%out[%%cta] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
          llvm.store %%sum, %%o : f32, !llvm.ptr<1>
          %(total)s
        }
      }
      llvm.return
    }
  }
""" % locals()


def main(folder):
    runner = Runner(folder)
    data, values = to_f32(draw(BLOCKS * THREADS, 1))
    expected = [sum(values[i * THREADS:(i + 1) * THREADS]) for i in range(BLOCKS)]
    runner.write("in", data)
    runner.write("zeros", bytes(4 * BLOCKS))
    runner.write("zero", bytes(4))
    arguments = ["buffer:in", "buffer:zeros:out", "buffer:zero:total"]

    def run(fault, order="ascending", when="late"):
        return runner.run(kernel(fault), "sum", BLOCKS, THREADS, 0, arguments,
                          order, when)

    for order in ["ascending", "descending", "round-robin", "random"]:
        expect(run("", order), "", order)
        if from_f32(runner.read("out")) != expected:
            sys.exit("wrong sums: " + order)
        if from_f32(runner.read("total")) != [sum(expected)]:
            sys.exit("wrong total: " + order)
    for order in ["ascending", "descending", "random"]:
        found = run("no barrier", order)
        if "race" not in found and "nothing wrote" not in found:
            sys.exit("no barrier, %s: %r" % (order, found))
        expect(run("global race", order), "block", "global race")
    expect(run("divergent barrier"), "deadlock", "divergent barrier")
    expect(run("divergent barrier"), "threads 0-127 wait for barrier 0", "threads")
    expect(run("shared index"), "of the block's 32 bytes of shared memory", "shared")
    expect(run("global index"), "byte %d of a buffer of %d bytes" %
           (4 * BLOCKS * THREADS, 4 * BLOCKS * THREADS), "global")


main(sys.argv[1])
