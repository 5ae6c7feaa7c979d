#!/usr/bin/env python3
# Writes corpus/<target>/, small inputs that the fuzz targets start from, and those
# of regressions/<target>/ that were made by hand.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import io, json, os, re, struct
import numpy
import onnx
import onnx.numpy_helper
from onnx import TensorProto as T, helper as h

here = os.path.dirname(os.path.abspath(__file__))


def write(target, name, data):
    folder = os.path.join(here, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def npy():
    arrays = {"f32": numpy.arange(6, dtype="<f4").reshape(2, 3), "f16": numpy.float16([0.5, numpy.inf, 1e-7]),
              "bool": numpy.array([[True, False]]), "scalar": numpy.array(7, "<i8"), "empty": numpy.zeros((0, 3), "<f8"),
              "fortran": numpy.asfortranarray(numpy.arange(24, dtype="<i2").reshape(2, 3, 4))}
    for version in (1, 2, 3):
        for name, array in arrays.items():
            if version == 1 or name == "f32":
                stream = io.BytesIO()
                numpy.lib.format.write_array(stream, array, (version, 0))
                write("corpus/npy", f"{name}-v{version}.npy", stream.getvalue())


# XXH3 is in no standard module: the targets put in the right hashes.
def runtime():
    source = open(os.path.join(here, "../../runtime/test/model.c")).read()
    text = re.search(r"metadata\[\] =\n(.*?);\n\n", source, re.S).group(1)
    metadata = json.loads("".join(json.loads(line.strip()) for line in text.split("\n")).replace("\n", ""))
    metadata["equal"] = [[[[2, 0]], [[1, 0], [1, 0]]]]
    metadata["positive"] = [[[1, 0], [-1]], 3]
    metadata["points"] = [{"tensor": "t", "node": "n", "op": "Add", "type": "f32", "rank": 2}]
    write("corpus/metadata", "model.json", json.dumps(metadata, separators=(",", ":")).encode())
    trailer = struct.pack("<QII6Q", 0x31524c52544f454d, 1, 0, 5, 0, 9, 0, 0, 0)
    write("regressions/metadata", "deep.json", b"[" * 10000 + b"]" * 10000)
    long = dict(metadata, symbols=["x" * 1000], equal=[], positive=[[[1] + [0] * 500] * 20])
    write("regressions/metadata", "long-size.json", json.dumps(long).encode())
    large = dict(metadata, banks=[dict(metadata["banks"][0], experts=1 << 20, parts=[1 << 40] * 8)] * 3)
    write("regressions/metadata", "large-banks.json", json.dumps(large).encode())
    write("regressions/metadata", "kernel-no-text.json", json.dumps(dict(metadata, kernels=[1])).encode())
    write("corpus/moe", "short", b"\1code" + trailer)
    write("corpus/moe", "cut", trailer[:40])
    file, pages = bytearray(4096), []
    def add(size, value, kind, expert, part):
        pages.append(struct.pack("<QQQIIII", len(file), size, 0, kind, 0, expert, part))
        file.extend(struct.pack("<f", value).ljust(size, b"\0"))
    add(4096, 0.5, 0, 0, 0)
    for expert in range(6):
        add(8192, expert, 1, expert, 0)
        add(4096, expert * 10, 1, expert, 1)
    def moew(target, name, pages, dense_offset=4096):
        table = b"".join(pages)
        header = struct.pack("<QIIQQQQQQQQ", 0x3153544857454f4d, 1, 1, 9, len(file) + len(table), dense_offset, 4096,
                             len(file), len(pages), 0, 0)
        write(target, name, header + bytes(file[len(header):]) + table)
    moew("corpus/moew", "model", pages)
    # Dense pages behind the table, the last as long as to come back before it.
    behind = len(file) + 64
    wrapped = [struct.pack("<QQQIIII", behind, 0, 0, 0, 0, 0, 0)] * 300
    wrapped += [struct.pack("<QQQIIII", behind, 8192, 0, 0, 0, 0, 0),
                struct.pack("<QQQIIII", behind + 8192, 2**64 - 4096, 0, 0, 0, 0, 0)]
    moew("regressions/moew", "dense-behind-table", wrapped + pages[1:], behind)
    write("corpus/flags", "session", b"--memory-budget=4GiB\n--threads=2\n--policy=lru\n--io=pread\n--max-context=128\n1,2,3")
    write("corpus/flags", "percent", b"--memory-budget=12.5%\n--expert-slots=3\n--isa=x86-64-v3\n--max-batch=2\n0 99\t100")
    write("corpus/flags", "sizes", b"500M\n1.5 TiB\n-1\nnan\n1e400\n9223372036854775808,-1")


def model(name, nodes, inputs, outputs, initializers=(), functions=(), opset=18, target="corpus/import"):
    def info(entry):
        return h.make_tensor_value_info(entry[0], entry[1], entry[2])
    graph = h.make_graph(nodes, "g", [info(i) for i in inputs], [info(o) for o in outputs],
                         [onnx.numpy_helper.from_array(numpy.array(v), n) for n, v in initializers])
    imports = [h.make_opsetid("", opset), h.make_opsetid("com.microsoft", 1), h.make_opsetid("local", 1)]
    proto = h.make_model(graph, ir_version=8, opset_imports=imports, functions=list(functions))
    write(target, name + ".onnx", proto.SerializeToString())


def importer():
    f, i, b = T.FLOAT, T.INT64, T.BOOL
    x, y = ("x", f, ["n", 4]), ("y", f, None)
    n = h.make_node
    one = numpy.float32([1, 2, 3, 4])
    # Chains of operators, so that a change of one meets others.
    model("elementwise", [n("Add", ["x", "w"], ["a"]), n("Sigmoid", ["a"], ["s"]), n("Mul", ["a", "s"], ["m"]),
                          n("Cast", ["m"], ["c"], to=10), n("Cast", ["c"], ["d"], to=1), n("Greater", ["d", "w"], ["g"]),
                          n("Where", ["g", "d", "w"], ["y"])], [x], [y], [("w", one)])
    model("shapes", [n("Shape", ["x"], ["s"]), n("Gather", ["s", "z"], ["g"]), n("Unsqueeze", ["g", "a"], ["u"]),
                     n("Concat", ["u", "k"], ["c"], axis=0), n("Reshape", ["x", "c"], ["r"]),
                     n("Expand", ["r", "e"], ["q"]), n("Transpose", ["q"], ["y"], perm=[0, 2, 1])], [x], [y],
          [("z", numpy.int64(0)), ("a", numpy.int64([0])), ("k", numpy.int64([2, 2])), ("e", numpy.int64([1, 2, 2]))])
    model("slices", [n("Slice", ["x", "b", "e", "a", "t"], ["s"]), n("Pad", ["s", "p"], ["q"]), n("Tile", ["q", "r"], ["i"]),
                     n("Split", ["i"], ["u", "v"], axis=1, num_outputs=2), n("Concat", ["u", "v"], ["y"], axis=-1)], [x], [y],
          [("b", numpy.int64([0])), ("e", numpy.int64([1 << 40])), ("a", numpy.int64([1])), ("t", numpy.int64([2])),
           ("p", numpy.int64([0, 1, 0, 1])), ("r", numpy.int64([1, 2]))])
    model("generators", [n("ConstantOfShape", ["s"], ["c"], value=h.make_tensor("v", T.FLOAT, [1], [2])),
                         n("Range", ["z", "l", "o"], ["r"]), n("Cast", ["r"], ["rf"], to=1), n("Add", ["c", "rf"], ["t"]),
                         n("CumSum", ["t", "z"], ["u"]), n("Trilu", ["u"], ["w"], upper=1), n("Add", ["w", "x"], ["y"])],
          [x], [y], [("s", numpy.int64([3, 4])), ("z", numpy.int64(0)), ("l", numpy.int64(4)), ("o", numpy.int64(1))])
    model("gathers", [n("TopK", ["x", "k"], ["v", "j"], axis=-1), n("GatherElements", ["x", "j"], ["e"], axis=1),
                      n("ScatterElements", ["x", "j", "e"], ["s"], axis=1), n("OneHot", ["j", "d", "oz"], ["h"]),
                      n("ReduceSum", ["h", "a"], ["p"], keepdims=0), n("Mul", ["s", "p"], ["y"])], [x], [y],
          [("k", numpy.int64([2])), ("d", numpy.int64(4)), ("oz", numpy.float32([0, 1])), ("a", numpy.int64([1]))])
    model("indices", [n("NonZero", ["x"], ["z"]), n("Transpose", ["z"], ["t"]), n("GatherND", ["x", "t"], ["g"]),
                      n("ScatterND", ["x", "t", "g"], ["y"])], [x], [y])
    model("products", [n("MatMul", ["x", "w"], ["m"]), n("Gemm", ["m", "w", "c"], ["q"], transB=1, alpha=0.5),
                       n("Einsum", ["q", "w"], ["e"], equation="ij,jk->ik"), n("Softmax", ["e"], ["s"], axis=-1),
                       n("LayerNormalization", ["s", "c"], ["l"], axis=-1), n("ReduceMean", ["l"], ["r"], axes=[1]),
                       n("Div", ["l", "r"], ["y"])], [x], [y], [("w", numpy.ones((4, 4), "f")), ("c", one)], opset=17)
    t = h.make_graph([n("Relu", ["x"], ["r"])], "t", [], [h.make_tensor_value_info("r", f, None)])
    e = h.make_graph([n("Neg", ["x"], ["r"])], "e", [], [h.make_tensor_value_info("r", f, None)])
    model("if", [n("If", ["c"], ["y"], then_branch=t, else_branch=e)], [x, ("c", b, [])], [y])
    body = h.make_graph([n("Identity", ["c"], ["d"]), n("Add", ["v", "x"], ["u"]), n("Identity", ["u"], ["o"])], "body",
                        [h.make_tensor_value_info("i", i, []), h.make_tensor_value_info("c", b, []),
                         h.make_tensor_value_info("v", f, ["n", 4])],
                        [h.make_tensor_value_info(k, t, None) for k, t in (("d", b), ("u", f), ("o", f))])
    model("loop", [n("Loop", ["m", "", "x"], ["y", "s"], body=body)], [x], [y, ("s", f, None)], [("m", numpy.int64(3))])
    function = h.make_function("local", "Silu2", ["a"], ["z"], [n("Sigmoid", ["a"], ["s"]), n("Mul", ["a", "s"], ["z"])],
                               [h.make_opsetid("", 18)])
    model("function", [n("Silu2", ["x"], ["u"], domain="local", name="f"), n("Silu2", ["u"], ["y"], domain="local")], [x], [y],
          functions=[function])
    model("moe", [n("MatMul", ["x", "wr"], ["l"]),
                  n("MoE", ["x", "l", "w1", "", "w2", ""], ["y"], domain="com.microsoft", k=2, activation_type="silu",
                    normalize_routing_weights=1)], [x], [y],
          [("wr", numpy.ones((4, 3), "f")), ("w1", numpy.ones((3, 8, 4), "f")), ("w2", numpy.ones((3, 4, 8), "f"))])
    ms = "com.microsoft"
    model("contrib", [n("SkipSimplifiedLayerNormalization", ["x", "x", "c"], ["s", "", "", "r"], domain=ms, epsilon=1e-5),
                      n("FusedMatMul", ["s", "w"], ["m"], domain=ms, transB=1, alpha=0.5), n("QuickGelu", ["m"], ["u"], domain=ms),
                      n("BiasGelu", ["u", "c"], ["v"], domain=ms),
                      n("MatMulNBits", ["v", "q", "qs"], ["y"], domain=ms, K=4, N=4, bits=4, block_size=16)],
          [("x", f, [1, "n", 4])], [y, ("r", f, None)],
          [("w", numpy.ones((4, 4), "f")), ("c", one), ("q", numpy.ones((4, 1, 8), "u1")), ("qs", numpy.ones((4, 1), "f"))])
    model("grouped", [n("RotaryEmbedding", ["q", "i", "t", "t"], ["e"], domain=ms, num_heads=2),
                      n("GroupQueryAttention", ["e", "k", "v", "pk", "pv", "l", "z", "t", "t"], ["y", "nk", "nv"], domain=ms,
                        num_heads=2, kv_num_heads=1, do_rotary=1)],
          [("q", f, ["b", "n", 16]), ("k", f, ["b", "n", 8]), ("v", f, ["b", "n", 8]), ("i", i, ["b", "n"]),
           ("pk", f, ["b", 1, "past", 8]), ("pv", f, ["b", 1, "past", 8]), ("l", T.INT32, ["b", 1]), ("z", T.INT32, [])],
          [y, ("nk", f, None), ("nv", f, None)], [("t", numpy.ones((32, 4), "f"))])
    model("attention", [n("Concat", ["p", "k"], ["r"], axis=2), n("Transpose", ["r"], ["rt"], perm=[0, 1, 3, 2]),
                        n("MatMul", ["q", "rt"], ["s"]), n("Softmax", ["s"], ["a"], axis=-1), n("MatMul", ["a", "r"], ["y"])],
          [("p", f, [1, 2, "past", 4]), ("k", f, [1, 2, "n", 4]), ("q", f, [1, 2, "n", 4])], [y, ("r", f, None)])


def limits():
    f, n = T.FLOAT, h.make_node
    x, y = ("x", f, ["n", 4]), ("y", f, None)
    model("trailing-omitted", [n("Neg", ["x", ""], ["a"]), n("Shape", ["a", "", ""], ["s"]), n("Reshape", ["a", "s"], ["y"])],
          [x], [y], target="regressions/import")

    model("state-alone", [n("Concat", ["p", "x"], ["y"], axis=0)], [("p", f, ["past", 4]), ("x", f, [3, 4])], [y],
          target="regressions/import")
    model("scalar-of-vector", [n("Reshape", ["x", "s"], ["a"]), n("Reshape", ["x", "s"], ["b"]), n("Add", ["a", "b"], ["y"])],
          [("x", f, ["n"])], [y], [("s", numpy.zeros(0, "i8"))], target="regressions/import")
    model("scatter-too-deep", [n("ScatterND", ["x", "i", "u"], ["y"])],
          [("x", f, [4, 4]), ("i", T.INT64, [2, 3]), ("u", f, [2])], [y], target="regressions/import")
    model("scatter-too-many", [n("ScatterND", ["x", "i", "u"], ["y"])],
          [("x", f, [4, 4]), ("i", T.INT64, [2, 1]), ("u", f, [2, 9])], [y], target="regressions/import")
    model("behind-unknown", [n("Mystery", ["x"], ["m"], domain="d"), n("QuickGelu", ["m"], ["q"], domain="com.microsoft"),
                             n("Clip", ["m", "c"], ["k"]), n("Gemm", ["m", "w"], ["g"], alpha=0.5),
                             n("FusedMatMul", ["m", "w"], ["f"], domain="com.microsoft", alpha=0.5),
                             n("Sum", ["q", "k", "g", "f"], ["y"])], [x], [y],
          [("c", numpy.float32(0)), ("w", numpy.ones((4, 4), "f"))], target="regressions/import")
    model("rotary-empty-cache", [n("RotaryEmbedding", ["q", "z", "w"], ["y"])],
          [("q", f, [2, 2, 3, 8]), ("z", f, [0, 3, 4])], [y], [("w", numpy.ones((2, 3, 4), "f"))], opset=23,
          target="regressions/import")
    model("no-operator", [n("", ["x"], ["y"])], [x], [y], target="regressions/import")

    def doubling(name, levels, node):
        functions = []
        for level in range(levels):
            op, domain = (f"F{level - 1}", "local") if level else ("Neg", "")
            functions.append(h.make_function("local", f"F{level}", ["a"], ["c"],
                                             [n(op, ["a"], ["b"], domain=domain, name=node),
                                              n(op, ["b"], ["c"], domain=domain, name=node)],
                                             [h.make_opsetid("", 18), h.make_opsetid("local", 1)]))
        model(name, [n(f"F{levels - 1}", ["x"], ["y"], domain="local")], [x], [y], functions=functions,
              target="regressions/import")
    doubling("doubling", 25, "")
    doubling("doubling-names", 20, "n" * 300)

    def nested(name, depth):
        info = [h.make_tensor_value_info("y", f, None)]
        other = h.make_graph([n("Neg", ["x"], ["y"])], "g", [], info)
        nodes = list(other.node)
        for _ in range(depth):
            nodes = [n("If", ["c"], ["y"], then_branch=h.make_graph(nodes, "g", [], info), else_branch=other)]
        model(name, nodes, [x, ("c", T.BOOL, [])], [y], target="regressions/import")
    nested("nested-45", 45)
    nested("nested-66", 66)
    nested("nested-150", 150)
    model("sizes", [n("Neg", ["x0"], ["y"])], [(f"x{i}", f, [None] * 5) for i in range(820)], [y], target="regressions/import")
    model("many-outputs", [n("Neg", ["x"], [f"y{k}"]) for k in range(2049)], [x], [(f"y{k}", f, None) for k in range(2049)],
          target="regressions/import")
    model("rank", [n("Neg", ["x"], ["y"])], [("x", f, [2] * 65)], [y], target="regressions/import")
    sizes = ["n", "+".join(["n"] * 3000), "*".join(["n"] * 3000), "9223372036854775807*n*3", "99999999999999"]
    model("size-formulas", [n("Neg", ["x"], ["y"])], [("x", f, sizes)], [y], target="regressions/import")
    # Two bytes for each node.
    empty = b"\x0a\x00" * 2000
    write("regressions/import", "empty-nodes.onnx", b"\x08\x08\x42\x02\x10\x12\x3a\xa0\x1f" + empty)


npy(); runtime(); importer(); limits()
