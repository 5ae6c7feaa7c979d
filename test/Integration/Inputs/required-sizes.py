"""usage: required-sizes.py FOLDER: models that read where sizes of their inputs may not let them, and
inputs that do not."""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def model(name, nodes, inputs, outputs, **initializers):
    value = lambda n, t, d: helper.make_tensor_value_info(n, t, d)
    graph = helper.make_graph(nodes, name, [value(*i) for i in inputs], [value(*o) for o in outputs],
                              [numpy_helper.from_array(np.asarray(v, np.int64), k) for k, v in initializers.items()])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), folder / f"{name}.onnx")


F, I = TensorProto.FLOAT, TensorProto.INT64
model("gather", [helper.make_node("Gather", ["x", "i"], ["y"])], [("x", F, ["n", 3]), ("i", I, ["m"])], [("y", F, ["m", 3])])
model("elements", [helper.make_node("GatherElements", ["x", "i"], ["y"], axis=1)], [("x", F, ["n", 4]), ("i", I, ["m", 4])],
      [("y", F, ["m", 4])])
model("topk", [helper.make_node("TopK", ["x", "k"], ["y", "i"])], [("x", F, ["m", "n"])], [("y", F, ["m", 4]), ("i", I, ["m", 4])],
      k=[4])
model("squeeze", [helper.make_node("Squeeze", ["x", "axes"], ["y"])], [("x", F, ["n", 3])], [("y", F, [3])], axes=[0])
for name, shape in {"x0": (0, 3), "x1": (1, 3), "x2": (2, 3), "e2": (2, 4)}.items():
    np.save(folder / f"{name}.npy", np.ones(shape, np.float32))
np.save(folder / "i.npy", np.zeros(2, np.int64))
np.save(folder / "none.npy", np.zeros(0, np.int64))
np.save(folder / "i5.npy", np.zeros((5, 4), np.int64))
