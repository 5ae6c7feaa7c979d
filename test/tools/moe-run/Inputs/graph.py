"""usage: graph.py OUT.onnx INPUT:TYPE,... OUTPUT:TYPE,... "Op input... output"...
A model of elementwise nodes on tensors [2, 3], under whatever names."""
import sys

from onnx import TensorProto, checker, helper, save


def values(text):
    pairs = [pair.split(":") for pair in text.split(",")]
    return [helper.make_tensor_value_info(name, TensorProto.DataType.Value(kind), [2, 3]) for name, kind in pairs]


path, inputs, outputs, *nodes = sys.argv[1:]
nodes = [node.split() for node in nodes]
nodes = [helper.make_node(op, rest[:-1], rest[-1:], name="make " + rest[-1]) for op, *rest in nodes]
model = helper.make_model(helper.make_graph(nodes, "graph", values(inputs), values(outputs)),
                          opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model)
save(model, path)
