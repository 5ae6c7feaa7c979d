"""usage: twice.py FOLDER: models in which something is defined twice, or is not."""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


def value(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3])


def weight(name):
    return numpy_helper.from_array(np.ones((2, 3), np.float32), name)


def write(name, nodes, inputs=("x",), initializers=(), functions=(), outputs=("y",)):
    graph = helper.make_graph(nodes, "g", [value(i) for i in inputs], [value(o) for o in outputs],
                              [weight(i) for i in initializers])
    save(helper.make_model(graph, functions=list(functions), opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]),
         os.path.join(sys.argv[1], name + ".onnx"))


def function(name):
    return helper.make_function("own", name, ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])],
                                [helper.make_opsetid("", 17)])


relu = helper.make_node("Relu", ["x"], ["y"])
add = helper.make_node("Add", ["x", "w"], ["y"])
call = helper.make_node("F", ["x"], ["y"], domain="own")
write("value", [relu, helper.make_node("Abs", ["x"], ["y"])])
write("shadow", [helper.make_node("Abs", ["x"], ["x"]), relu])
write("input", [relu], inputs=("x", "x"))
write("initializer", [add], initializers=("w", "w"))
write("function", [call], functions=(function("F"), function("F")))
write("call", [helper.make_node("F", ["x", "x"], ["y"], name="c", domain="own")], functions=(function("F"),))
write("default", [add], inputs=("x", "w"), initializers=("w",))
write("output", [relu], initializers=("w",), outputs=("y", "w"))
write("twocalls", [helper.make_node("F", ["x"], ["t"], domain="own"),
                   helper.make_node("F", ["t"], ["y"], domain="own")], functions=(function("F"),))
