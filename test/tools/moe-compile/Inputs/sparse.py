"""usage: sparse.py FOLDER: a model with sparse initializers, with linear indices and with
coordinates, what it computes, and one with an index out of bounds."""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def sparse(name, values, indices, dims):
    return helper.make_sparse_tensor(numpy_helper.from_array(np.asarray(values, np.float32), name),
                                     numpy_helper.from_array(np.asarray(indices, np.int64), name + "_at"), dims)


def model(name, last):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])
    nodes = [helper.make_node("MatMul", ["x", "a"], ["h"]), helper.make_node("Add", ["h", "b"], ["y"])]
    graph = helper.make_graph(nodes, "g", [x], [y], sparse_initializer=[
        sparse("a", [1, 2, 3], [[0, 1], [2, 0], [3, last]], [4, 3]), sparse("b", [5], [1], [3])])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), folder / name)


model("good.onnx", 2)
model("bad.onnx", 3)
x = np.arange(8, dtype=np.float32).reshape(2, 4)
a = np.zeros((4, 3), np.float32)
a[0, 1], a[2, 0], a[3, 2] = 1, 2, 3
np.save(folder / "x.npy", x)
np.save(folder / "y.npy", x @ a + np.array([0, 5, 0], np.float32))
