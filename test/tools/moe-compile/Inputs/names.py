"""usage: names.py FOLDER: models with a name that is not UTF-8, and one in a file of such a name."""
import os, sys
from onnx import TensorProto, helper

for kind in ("node", "value", "size", "file"):
    name = lambda of, other: "bad?name" if kind == of else other
    y = name("value", "y")
    node = helper.make_node("Neg", ["x"], [y], name=name("node", "n"))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [name("size", "s")])
    graph = helper.make_graph([node], "g", [x], [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)])
    data = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()
    file = kind.encode() + (b"\xff" if kind == "file" else b"") + b".onnx"
    with open(os.path.join(sys.argv[1].encode(), file), "wb") as out:
        out.write(data.replace(b"bad?name", b"bad\xffname"))
