# A product with TMA and wgmma: one warp loads tiles for a warpgroup.
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys
from simt import *

M, N, K, STEP, STAGES = 64, 64, 192, 64, 2
TILE = 64 * STEP * 2  # bytes of a tile of A, and of B
ACC = "!llvm.struct<(%s)>" % ", ".join(["f32"] * (N // 2))


def descriptor(swizzle, leading, stride):
    bits = swizzle << 62 | stride >> 4 << 32 | leading >> 4 << 16
    return bits - (1 << 64) if bits >= 1 << 63 else bits


def kernel(layout, fault=""):
    """layout: 'nk' when k is contiguous in B, 'kn' when n is."""
    kn = layout == "kn"
    b_descriptor = descriptor(1, TILE, 1024) if kn else descriptor(1, 16, 1024)
    if fault == "descriptor":
        b_descriptor = descriptor(0, 128, 1024)
    expect_bytes = TILE if fault == "bytes" else 2 * TILE
    coordinates = "%c0, %k" if kn else "%k, %c0"
    wait = "nvvm.mbarrier.try_wait.parity {0}, {1}, %ticks : !llvm.ptr<3>, i32, i32"
    release = "%token = nvvm.mbarrier.arrive %empty : !llvm.ptr<3> -> i64"
    parts = {
        "init_barrier": "" if fault == "init" else "nvvm.barrier0",
        "wait_empty": "" if fault == "no empty" else wait.format("%empty", "%odd"),
        "wait_full": "" if fault == "no full" else wait.format("%full", "%even"),
        "early": release if fault == "early release" else "",
        "late": "" if fault in ("early release", "no arrive") else release,
        "fence": "" if fault == "no fence" else "nvvm.wgmma.fence.aligned",
        "commit": "" if fault == "no commit" else "nvvm.wgmma.commit.group.sync.aligned",
        "acc": ACC, "count": K // STEP, "expect": expect_bytes, "tile": TILE,
        "coordinates": coordinates, "a_bits": descriptor(1, 16, 1024),
        "b_bits": b_descriptor, "b_offset": TILE >> 4,
    }
    steps, last = "", "%d"
    for i in range(STEP // 16):
        steps += """
        %ka{i} = llvm.mlir.constant({a} : i64) : i64
        %kb{i} = llvm.mlir.constant({b} : i64) : i64
        %da{i} = llvm.add %descA, %ka{i} : i64
        %db{i} = llvm.add %descB, %kb{i} : i64
        %m{i} = nvvm.wgmma.mma_async %da{i}, %db{i}, {last}, <m = 64, n = {n}, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, {order}] : {acc} -> {acc}""".format(
            i=i, a=32 * i >> 4, b=(2048 if kn else 32) * i >> 4, last=last, n=N,
            order="<row>" if kn else "<col>", acc=ACC)
        last = "%%m%d" % i
    stores = ""
    for i in range(N // 2):
        offset = 8 * N * (i // 2 % 2) + 8 * (i // 4) + i % 2
        stores += """
      %e{i} = llvm.extractvalue %sum[{i}] : {acc}
      %p{i} = llvm.getelementptr %out[{offset}] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
      llvm.store %e{i}, %p{i} : f32, !llvm.ptr<1>""".format(i=i, acc=ACC, offset=offset)
    parts.update(steps=steps, last=last, stores=stores, n=N)
    return """
gpu.module @kernels {
  llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.mlir.global internal @bars() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<4 x i64>
  llvm.func @gemm(%%mapA: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant, llvm.align = 64 : i64}, %%mapB: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant, llvm.align = 64 : i64}, %%a: !llvm.ptr<1>, %%b: !llvm.ptr<1>, %%c: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 160>} {
    %%tid = nvvm.read.ptx.sreg.tid.x : i32
    %%dyn = llvm.mlir.addressof @dyn : !llvm.ptr<3>
    %%bars = llvm.mlir.addressof @bars : !llvm.ptr<3>
    %%c0 = llvm.mlir.constant(0 : i32) : i32
    %%c1 = llvm.mlir.constant(1 : i32) : i32
    %%c2 = llvm.mlir.constant(2 : i32) : i32
    %%c4 = llvm.mlir.constant(4 : i32) : i32
    %%c8 = llvm.mlir.constant(8 : i32) : i32
    %%c16 = llvm.mlir.constant(16 : i32) : i32
    %%c32 = llvm.mlir.constant(32 : i32) : i32
    %%c64 = llvm.mlir.constant(64 : i32) : i32
    %%c128 = llvm.mlir.constant(128 : i32) : i32
    %%ticks = llvm.mlir.constant(1000 : i32) : i32
    %%stageBytes = llvm.mlir.constant(%(tile)d : i32) : i32
    %%expected = llvm.mlir.constant(%(expect)d : i32) : i32
    %%first = llvm.icmp "eq" %%tid, %%c0 : i32
    scf.if %%first {
      %%f0 = llvm.getelementptr %%bars[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
      %%f1 = llvm.getelementptr %%bars[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
      %%e0 = llvm.getelementptr %%bars[16] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
      %%e1 = llvm.getelementptr %%bars[24] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
      nvvm.mbarrier.init %%f0, %%c1 : !llvm.ptr<3>, i32
      nvvm.mbarrier.init %%f1, %%c1 : !llvm.ptr<3>, i32
      nvvm.mbarrier.init %%e0, %%c128 : !llvm.ptr<3>, i32
      nvvm.mbarrier.init %%e1, %%c128 : !llvm.ptr<3>, i32
      nvvm.fence.mbarrier.init
    }
    %(init_barrier)s
    %%begin = arith.constant 0 : i32
    %%end = arith.constant %(count)d : i32
    %%one = arith.constant 1 : i32
    %%loads = llvm.icmp "uge" %%tid, %%c128 : i32
    scf.if %%loads {
      nvvm.setmaxregister decrease 24
      %%elected = nvvm.elect.sync -> i1
      scf.if %%elected {
        scf.for %%i = %%begin to %%end step %%one : i32 {
          %%stage = llvm.urem %%i, %%c2 : i32
          %%round = llvm.udiv %%i, %%c2 : i32
          %%even = llvm.and %%round, %%c1 : i32
          %%odd = llvm.xor %%even, %%c1 : i32
          %%s8 = llvm.mul %%stage, %%c8 : i32
          %%s16 = llvm.add %%s8, %%c16 : i32
          %%full = llvm.getelementptr %%bars[%%s8] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          %%empty = llvm.getelementptr %%bars[%%s16] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          %(wait_empty)s
          nvvm.mbarrier.arrive.expect_tx %%full, %%expected : !llvm.ptr<3>, i32
          %%at = llvm.mul %%stage, %%stageBytes : i32
          %%at2 = llvm.mul %%at, %%c2 : i32
          %%toA = llvm.getelementptr %%dyn[%%at2] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          %%toB = llvm.getelementptr %%toA[%(tile)d] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
          %%clusterA = llvm.addrspacecast %%toA : !llvm.ptr<3> to !llvm.ptr<7>
          %%clusterB = llvm.addrspacecast %%toB : !llvm.ptr<3> to !llvm.ptr<7>
          %%k = llvm.mul %%i, %%c64 : i32
          nvvm.cp.async.bulk.tensor.shared.cluster.global %%clusterA, %%mapA, %%full, box[%%k, %%c0] : !llvm.ptr<7>, !llvm.ptr
          nvvm.cp.async.bulk.tensor.shared.cluster.global %%clusterB, %%mapB, %%full, box[%(coordinates)s] : !llvm.ptr<7>, !llvm.ptr
        }
      }
    } else {
      nvvm.setmaxregister increase 240
      %%zero = llvm.mlir.zero : %(acc)s
      %%sum = scf.for %%i = %%begin to %%end step %%one iter_args(%%d = %%zero) -> (%(acc)s) : i32 {
        %%stage = llvm.urem %%i, %%c2 : i32
        %%round = llvm.udiv %%i, %%c2 : i32
        %%even = llvm.and %%round, %%c1 : i32
        %%s8 = llvm.mul %%stage, %%c8 : i32
        %%s16 = llvm.add %%s8, %%c16 : i32
        %%full = llvm.getelementptr %%bars[%%s8] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %%empty = llvm.getelementptr %%bars[%%s16] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %(wait_full)s
        %%at = llvm.mul %%stage, %%stageBytes : i32
        %%at2 = llvm.mul %%at, %%c2 : i32
        %%tileA = llvm.getelementptr %%dyn[%%at2] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %%address = llvm.ptrtoint %%tileA : !llvm.ptr<3> to i64
        %%four = llvm.mlir.constant(4 : i64) : i64
        %%units = llvm.lshr %%address, %%four : i64
        %%bitsA = llvm.mlir.constant(%(a_bits)d : i64) : i64
        %%bitsB = llvm.mlir.constant(%(b_bits)d : i64) : i64
        %%behind = llvm.mlir.constant(%(b_offset)d : i64) : i64
        %%unitsB = llvm.add %%units, %%behind : i64
        %%descA = llvm.or %%units, %%bitsA : i64
        %%descB = llvm.or %%unitsB, %%bitsB : i64
        %(fence)s
        %(steps)s
        %(commit)s
        %(early)s
        nvvm.wgmma.wait.group.sync.aligned 0
        %(late)s
        scf.yield %(last)s : %(acc)s
      }
      %%warp = llvm.udiv %%tid, %%c32 : i32
      %%lane = llvm.urem %%tid, %%c32 : i32
      %%group = llvm.udiv %%lane, %%c4 : i32
      %%pair = llvm.urem %%lane, %%c4 : i32
      %%column = llvm.mul %%pair, %%c2 : i32
      %%row16 = llvm.mul %%warp, %%c16 : i32
      %%row = llvm.add %%row16, %%group : i32
      %%columns = llvm.mlir.constant(%(n)d : i32) : i32
      %%start = llvm.mul %%row, %%columns : i32
      %%index = llvm.add %%start, %%column : i32
      %%out = llvm.getelementptr %%c[%%index] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      %(stores)s
    }
    llvm.return
  }
}""" % parts


def main(folder):
    runner = Runner(folder)
    data, a = to_bf16(draw(M * K, 1))
    runner.write("a", data)
    data, b = to_bf16(draw(N * K, 2))
    runner.write("nk", data)
    runner.write("kn", b"".join(data[2 * (n * K + k):2 * (n * K + k) + 2]
                                for k in range(K) for n in range(N)))
    runner.write("c", b"\xff" * (4 * M * N))
    expected = product(a, b, M, N, K)

    def run(layout, fault, order="ascending", when="late", check="race"):
        if layout == "kn":
            map_b = "map:3:bf16:128:%d,%d:%d:64,64" % (N, K, 2 * N)
        else:
            map_b = "map:3:bf16:128:%d,%d:%d:64,64" % (K, N, 2 * K)
        # Maps name buffers, which come behind them.
        arguments = ["map:2:bf16:128:%d,%d:%d:64,64" % (K, M, 2 * K), map_b,
                     "buffer:a", "buffer:" + layout, "buffer:c:out"]
        return runner.run(kernel(layout, fault), "gemm", 1, 160, 2 * STAGES * TILE,
                          arguments, order, when, check)

    for layout in ("nk", "kn"):
        for order, when in SCHEDULES if layout == "nk" else SCHEDULES[:4]:
            expect(run(layout, "", order, when), "", "%s %s %s" % (layout, order, when))
            if from_f32(runner.read("out")) != expected:
                sys.exit("wrong product: %s %s %s" % (layout, order, when))
    for fault, part in (("init", "initialis"), ("no empty", "waits for no more arrivals"), ("no full", "nothing wrote"),
                        ("bytes", "race"), ("early release", "race: write"),
                        ("no arrive", "deadlock"), ("no fence", "wgmma.fence"),
                        ("no commit", "not committed")):
        for order, when in SCHEDULES[:4] + SCHEDULES[9:]:
            found = run("nk", fault, order, when)
            # Out of order, what goes wrong first differs.
            if not found:
                sys.exit("%s, %s, %s: nothing was found" % (fault, order, when))
        expect(run("nk", fault, "ascending", "late"), part, fault)
    found = run("nk", "descriptor")
    if not found and from_f32(runner.read("out")) == expected:
        sys.exit("a wrong descriptor gave the right product")


main(sys.argv[1])
