# Tiles that leave the tensor, other swizzles, stores by tensor maps.
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys
from simt import *

# The tensor [PLANES][ROWS][COLUMNS] and the box that one warp copies.
PLANES, ROWS, COLUMNS = 3, 7, 40
BOX = (2, 8, 32)
WORDS = BOX[0] * BOX[1] * BOX[2] // 2


def kernel(fault=""):
    """Loads a box, adds one to each element, where it is, and stores it."""
    fence = "" if fault == "no fence" else "nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}"
    sync = "" if fault == "no sync" else "nvvm.bar.warp.sync %all : i32"
    wait = "" if fault == "no wait" else "nvvm.cp.async.bulk.wait_group 0 {read}"
    early = "llvm.store %all, %to : i32, !llvm.ptr<3>" if fault == "overwritten" else ""
    words = WORDS // 32
    bytes_ = 4 * WORDS
    alignment = 16 if fault == "alignment" else 1024
    expect_first = "" if fault == "no expect" else "nvvm.mbarrier.arrive.expect_tx %bar, %bytes, predicate = %elected : !llvm.ptr<3>, i32, i1"
    return """
gpu.module @kernels {
  llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = %(alignment)d : i64} : !llvm.array<0 x i8>
  llvm.mlir.global internal @bar() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<1 x i64>
  llvm.func @copy(%%from: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant, llvm.align = 64 : i64}, %%into: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant, llvm.align = 64 : i64}, %%x: i32, %%y: i32, %%z: i32, %%in: !llvm.ptr<1>, %%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %%dyn = llvm.mlir.addressof @dyn : !llvm.ptr<3>
    %%bar = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %%lane = nvvm.read.ptx.sreg.laneid : i32
    %%all = llvm.mlir.constant(-1 : i32) : i32
    %%c0 = llvm.mlir.constant(0 : i32) : i32
    %%c1 = llvm.mlir.constant(1 : i32) : i32
    %%c4 = llvm.mlir.constant(4 : i32) : i32
    %%ticks = llvm.mlir.constant(1000 : i32) : i32
    %%bytes = llvm.mlir.constant(%(bytes_)d : i32) : i32
    %%elected = nvvm.elect.sync -> i1
    nvvm.mbarrier.init %%bar, %%c1, predicate = %%elected : !llvm.ptr<3>, i32, i1
    nvvm.bar.warp.sync %%all : i32
    %(expect_first)s
    %%cluster = llvm.addrspacecast %%dyn : !llvm.ptr<3> to !llvm.ptr<7>
    nvvm.cp.async.bulk.tensor.shared.cluster.global %%cluster, %%from, %%bar, box[%%x, %%y, %%z] predicate = %%elected : !llvm.ptr<7>, !llvm.ptr
    nvvm.mbarrier.try_wait.parity %%bar, %%c0, %%ticks : !llvm.ptr<3>, i32, i32
    %%begin = arith.constant 0 : i32
    %%end = arith.constant %(words)d : i32
    %%one = arith.constant 1 : i32
    scf.for %%i = %%begin to %%end step %%one : i32 {
      %%c32 = llvm.mlir.constant(32 : i32) : i32
      %%row = llvm.mul %%i, %%c32 : i32
      %%index = llvm.add %%row, %%lane : i32
      %%at = llvm.mul %%index, %%c4 : i32
      %%p = llvm.getelementptr %%dyn[%%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %%v = llvm.load %%p : !llvm.ptr<3> -> vector<2xbf16>
      %%ones = llvm.mlir.constant(dense<1.0> : vector<2xbf16>) : vector<2xbf16>
      %%sum = llvm.fadd %%v, %%ones : vector<2xbf16>
      llvm.store %%sum, %%p : vector<2xbf16>, !llvm.ptr<3>
    }
    %(fence)s
    %(sync)s
    %%stores = nvvm.elect.sync -> i1
    scf.if %%stores {
      nvvm.cp.async.bulk.tensor.global.shared.cta %%into, %%dyn, box[%%x, %%y, %%z] : !llvm.ptr, !llvm.ptr<3>
      nvvm.cp.async.bulk.commit.group
      %%to = llvm.getelementptr %%dyn[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
      %(early)s
      %(wait)s
    }
    llvm.return
  }
}""" % locals()


def main(folder):
    runner = Runner(folder)
    count = PLANES * ROWS * COLUMNS
    data, values = to_bf16(draw(count, 3))
    runner.write("in", data)
    runner.write("out0", bytes(len(data)))

    def run(fault="", swizzle=64, at=(0, 0, 0), order="ascending", when="late"):
        tensor_map = "bf16:%d:%d,%d,%d:%d,%d:%d,%d,%d" % (
            (swizzle, COLUMNS, ROWS, PLANES, 2 * COLUMNS, 2 * COLUMNS * ROWS) + BOX[::-1])
        arguments = ["map:5:" + tensor_map, "map:6:" + tensor_map, "i32:%d" % at[2],
                     "i32:%d" % at[1], "i32:%d" % at[0], "buffer:in", "buffer:out0:out"]
        return runner.run(kernel(fault), "copy", 1, 32, 4 * WORDS, arguments, order, when)

    for swizzle in (0, 64, 128):
        for at in ((0, 0, 0), (-1, 3, 16), (2, -2, -8), (5, 0, 0)):
            for order, when in (("ascending", "late"), ("descending", "early")):
                case = "swizzle %d at %s, %s, %s" % (swizzle, at, order, when)
                expect(run("", swizzle, at, order, when), "", case)
                got = from_bf16(runner.read("out"))
                for i, value in enumerate(values):
                    z, y, x = i // (ROWS * COLUMNS), i // COLUMNS % ROWS, i % COLUMNS
                    inside = all(0 <= p - o < b for p, o, b in zip((z, y, x), at, BOX))
                    if got[i] != (value + 1 if inside else 0):
                        sys.exit("%s: element %d is %g" % (case, i, got[i]))
    for fault, part in (("no fence", "fence.proxy.async"), ("no sync", "race"),
                        ("no wait", "ends with a tensor store in flight"),
                        ("overwritten", "race"), ("alignment", "multiple of 128"),
                        ("no expect", "")):
        found = run(fault)
        if not found:
            sys.exit("%s: nothing was found" % fault)
        expect(found, part, fault) if part else None


main(sys.argv[1])
