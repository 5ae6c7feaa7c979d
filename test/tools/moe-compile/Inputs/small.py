"""usage: small.py FOLDER: small models that are valid, and some that say what is not supported."""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


def write(name, op, inputs, constants=(), shape=("n", 4), others=(), opsets=(("", 17),), **attributes):
    node = helper.make_node(op, inputs, ["y"], name=name, **attributes)
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", shape),) + tuple(others)]
    graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)],
                              [numpy_helper.from_array(np.array(v), n) for n, v in constants])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid(*o) for o in opsets]),
         os.path.join(sys.argv[1], name + ".onnx"))


def ints(*values):
    return np.array(values, np.int64)


write("sliced", "Slice", ["x", "a", "b"], [("a", ints(5)), ("b", ints(9))], shape=(2, 4))
write("smaller", "Slice", ["x", "a", "b"], [("a", ints(0)), ("b", ints(5))])
write("joined", "Concat", ["x", "x"], shape=(2, 0, 4), axis=0)
write("onedim", "Concat", ["x", "b"], others=(("b", (2, 3)),), shape=("n", "m"), axis=0)
write("part", "Concat", ["x", "e", "x"], others=(("e", (0, 4)),), shape=(2, 4), axis=0)
write("cubed", "Pow", ["x", "a"], [("a", ints(3))])
write("powers", "Pow", ["x", "a"], [("a", ints(0, 1, 2, 3))])
floats = [(n, np.float32(v)) for n, v in (("a", -0.5), ("b", 1.25), ("c", 0.5))]
write("range", "Range", ["a", "b", "c"], floats)
write("still", "Range", ["a", "b", "c"], [(n, np.int64(v)) for n, v in (("a", 0), ("b", 5), ("c", 0))])
write("reshaped", "Reshape", ["x", "a"], [("a", ints(2, 6))])
write("noopset", "Relu", ["x"], opsets=(("own", 1),))
write("scaled", "SimplifiedLayerNormalization", ["x", "a"], [("a", np.ones(4, np.float64))])
