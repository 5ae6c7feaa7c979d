# A product with mma.sync: cp.async into two buffers, ldmatrix.
# Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys
from simt import *

M, N, K, STEP = 64, 40, 96, 32
ROW = STEP + 8  # elements of a row in shared memory
STAGE = (M + N) * ROW * 2  # bytes
ACC = "!llvm.struct<(f32, f32, f32, f32)>"


class Code:
    def __init__(self):
        self.lines, self.count = [], 0

    def __call__(self, text):
        """Adds an operation and gives its result a name."""
        self.count += 1
        self.lines.append("%%v%d = %s" % (self.count, text))
        return "%%v%d" % self.count

    def do(self, text):
        self.lines.append(text)

    def const(self, value):
        return self("llvm.mlir.constant(%d : i32) : i32" % value)

    def op(self, name, a, b):
        b = b if isinstance(b, str) else self.const(b)
        return self("llvm.%s %s, %s : i32" % (name, a, b))

    def at(self, base, offset, space):
        return self("llvm.getelementptr %s[%s] : (!llvm.ptr<%d>, i32) -> !llvm.ptr<%d>, i8"
                    % (base, offset, space, space))


def copy_stage(code, tid, step, stage):
    """Threads copy 16 bytes each of A and B's columns [step, step + STEP)."""
    for matrix, rows, start in (("%a", M, 0), ("%b", N, M * ROW * 2)):
        chunks = rows * STEP // 8
        for first in range(0, chunks, 128):
            index = code.op("add", tid, first)
            row = code.op("udiv", index, STEP // 8)
            column = code.op("urem", index, STEP // 8)
            source = code.op("add", code.op("mul", row, 2 * K),
                             code.op("add", code.op("mul", column, 16), 2 * step))
            target = code.op("add", code.op("mul", row, 2 * ROW),
                             code.op("mul", column, 16))
            target = code.op("add", target, stage * STAGE + start)
            inside = code("llvm.icmp \"ult\" %s, %s : i32" % (index, code.const(chunks)))
            code.do("scf.if %s {" % inside)
            code.do("nvvm.cp.async.shared.global %s, %s, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>"
                    % (code.at("%dyn", target, 3), code.at(matrix, source, 1)))
            code.do("}")
    code.do("nvvm.cp.async.commit.group")


def kernel(kind, fault=""):
    code = Code()
    tid = code("nvvm.read.ptx.sreg.tid.x : i32")
    code.do("%dyn = llvm.mlir.addressof @dyn : !llvm.ptr<3>")
    warp, lane = code.op("udiv", tid, 32), code.op("urem", tid, 32)
    sums = [[code("llvm.mlir.constant(0.0 : f32) : f32")] * 4 for _ in range(N // 8)]
    copy_stage(code, tid, 0, 0)
    register = "i32" if kind == "bf16" else "vector<2xf16>"
    for i, step in enumerate(range(0, K, STEP)):
        last = step + STEP == K
        if fault != "no wait":
            code.do("nvvm.cp.async.wait.group 0")
        if fault != "no barrier" or i == 0:
            code.do("nvvm.barrier0")
        if not last:
            copy_stage(code, tid, step + STEP, (i + 1) % 2)
        for k in range(0, STEP, 16):
            row = code.op("add", code.op("mul", warp, 16), code.op("urem", lane, 16))
            part = code.op("mul", code.op("udiv", lane, 16), 16)
            offset = code.op("add", code.op("mul", row, 2 * ROW), part)
            offset = code.op("add", offset, (i % 2) * STAGE + 2 * k)
            a = code("nvvm.ldmatrix %s {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>, num = 4 : i32, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>"
                     % code.at("%dyn", offset, 3))
            a = [code("llvm.extractvalue %s[%d] : !llvm.struct<(i32, i32, i32, i32)>" % (a, j))
                 for j in range(4)]
            for n in range(N // 8):
                row = code.op("urem", lane, 8)
                part = code.op("mul", code.op("urem", code.op("udiv", lane, 8), 2), 16)
                offset = code.op("add", code.op("mul", row, 2 * ROW), part)
                offset = code.op("add", offset, (i % 2) * STAGE + (M + 8 * n) * ROW * 2 + 2 * k)
                b = code("nvvm.ldmatrix %s {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>, num = 2 : i32, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32)>"
                         % code.at("%dyn", offset, 3))
                b = [code("llvm.extractvalue %s[%d] : !llvm.struct<(i32, i32)>" % (b, j))
                     for j in range(2)]
                left, right = a, b
                if kind == "f16":
                    left = [code("llvm.bitcast %s : i32 to vector<2xf16>" % x) for x in a]
                    right = [code("llvm.bitcast %s : i32 to vector<2xf16>" % x) for x in b]
                types = "" if kind == "f16" else "multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, "
                d = code("nvvm.mma.sync A[%s] B[%s] C[%s] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, %sshape = #nvvm.shape<m = 16, n = 8, k = 16>} : (%s, %s, f32) -> %s"
                         % (", ".join(left), ", ".join(right), ", ".join(sums[n]), types,
                            register, register, ACC))
                sums[n] = [code("llvm.extractvalue %s[%d] : %s" % (d, j, ACC)) for j in range(4)]
    row = code.op("add", code.op("mul", warp, 16), code.op("udiv", lane, 4))
    base = code.op("mul", code.op("add", code.op("mul", row, N),
                                  code.op("mul", code.op("urem", lane, 4), 2)), 4)
    for n in range(N // 8):
        for j in range(4):
            offset = code.op("add", base, 4 * (8 * n + 8 * N * (j // 2) + j % 2))
            code.do("llvm.store %s, %s : f32, !llvm.ptr<1>"
                    % (sums[n][j], code.at("%c", offset, 1)))
    return """
gpu.module @kernels {
  llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
  llvm.func @gemm(%%a: !llvm.ptr<1>, %%b: !llvm.ptr<1>, %%c: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
    %s
    llvm.return
  }
}""" % "\n    ".join(code.lines)


def main(folder):
    runner = Runner(folder)
    runner.write("c", b"\xff" * (4 * M * N))
    arguments = ["buffer:a", "buffer:b", "buffer:c:out"]

    def run(kind, fault, order="ascending", when="late", check="race"):
        return runner.run(kernel(kind, fault), "gemm", 1, 128, 2 * STAGE, arguments,
                          order, when, check)

    for kind, convert in (("bf16", to_bf16), ("f16", to_f16)):
        data, a = convert(draw(M * K, 1))
        runner.write("a", data)
        data, b = convert(draw(N * K, 2))
        runner.write("b", data)
        expected = product(a, b, M, N, K)
        schedules = SCHEDULES if kind == "bf16" else SCHEDULES[:4]
        for order, when in schedules:
            expect(run(kind, "", order, when), "", "%s %s %s" % (kind, order, when))
            if from_f32(runner.read("out")) != expected:
                sys.exit("wrong product: %s %s %s" % (kind, order, when))
    for order in ["ascending", "descending"]:
        expect(run("bf16", "no wait", order), "race", "no wait")
        expect(run("bf16", "no barrier", order), "race", "no barrier")
        expect(run("bf16", "no wait", order, check="bounds"), "in flight", "no wait, bounds")


main(sys.argv[1])
